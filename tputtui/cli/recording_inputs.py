"""Additional inputs of a recording: descriptive files, marks from a load generator, profiles.

Profiles are embedded on a schedule (`--profile`), and while an objective is missed.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import user_files
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import UsageError
from tputtui.experiments.plan import RESULTS_KEY, PlanError, parse_plan
from tputtui.model import Event, Snapshot
from tputtui.text import clean, format_duration

if TYPE_CHECKING:
    from tputtui.engine.engine import Engine
    from tputtui.profiling.capture.capture_triggers import (
        ObjectiveCapture,
        PeriodicProfile,
        SamplingSchedule,
    )
    from tputtui.profiling.profile_model import Profile
    from tputtui.settings import ProfileTrigger, Settings


_MAX_BYTES = 256 * 1024
_MAX_VALUES = 100
_MAX_TEXT = 500
_MARK_LINE = re.compile(r"\s*(\S+)\s+(\S.*?)\s*")
_POLL_S = 0.25
_MAX_LINE_BYTES = 4096
_MIN_MILLISECONDS = (
    1e11  # a number above is milliseconds (k6, JMeter); as seconds it would be the year 5138
)


def read_toml_texts(path: str) -> dict[str, str]:
    """Read the values of a TOML file as texts, tables as "table.key".

    Raises UsageError.
    """
    shown = clean(path, 200)
    try:
        content, _ = user_files.read(path, _MAX_BYTES)
        table = tomllib.loads(content.decode("utf-8"))
    except user_files.UnreadableFileError as error:
        raise UsageError(f"{shown}: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{shown} is not TOML: {clean(str(error), 200)}") from None
    texts: dict[str, str] = {}
    waiting: list[tuple[str, object]] = list(table.items())
    while waiting and len(texts) < _MAX_VALUES:
        name, value = waiting.pop(0)
        if isinstance(value, dict):
            waiting = [(f"{name}.{key}", inner) for key, inner in value.items()] + waiting
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            texts[clean(name, 100)] = clean(text, _MAX_TEXT)
    return texts


def read_plan_texts(path: str) -> dict[str, str]:
    """Read an experiment's plan as texts, without earlier results.

    Any TOML is accepted; if `compare` could not use it as a plan, a warning is printed now, while
    it can still be fixed. Raises UsageError.
    """
    texts = {name: value for name, value in read_toml_texts(path).items() if name != RESULTS_KEY}
    try:
        parse_plan(user_files.read(path, _MAX_BYTES)[0].decode())
    except (user_files.UnreadableFileError, UnicodeDecodeError):
        return texts
    except PlanError as error:
        print_stderr(f"{clean(path, 200)}: compare cannot use it as a plan: {error}")
    return texts


# -------------------------------------------------------------------------------------------- marks


def parse_mark(line: str) -> tuple[float, str] | None:
    """Parse `TIME TEXT` into (unix seconds, text).

    TIME is unix seconds or milliseconds, or ISO 8601; None if it is neither.
    """
    match = _MARK_LINE.fullmatch(line)
    if match is None:
        return None
    time_text, text = match[1], clean(match[2], _MAX_TEXT)
    try:
        moment = float(time_text)
        if not 0 <= moment < 1e14:
            return None
        return (moment / 1000 if moment > _MIN_MILLISECONDS else moment), text
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(time_text).timestamp(), text
    except (ValueError, OverflowError):
        return None


class MarkFile:
    """Marks from a load generator, read from stdin, a growing file or a FIFO as they arrive."""

    def __init__(self, source: str) -> None:
        """Open the source. Raises UsageError if it cannot be read."""
        shown = clean(source, 200)
        self._source = source
        self._partial_line = b""
        self._has_warned = False
        self._on_mark: Callable[[str, float], None] | None = None
        if source == "-":
            if sys.stdin is None:
                raise UsageError("--mark-file -: stdin is closed")
            self._descriptor = sys.stdin.fileno()
            return
        try:
            self._descriptor = os.open(
                source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no path"
            raise UsageError(f"--mark-file {shown}: {(reason or str(error)).lower()}") from None
        mode = os.fstat(self._descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            os.close(self._descriptor)
            raise UsageError(f"--mark-file {shown}: neither a plain file nor a FIFO")

    def follow(self, on_mark: Callable[[str, float], None]) -> None:
        """Call `on_mark` with (text, unix time) for each line, from a separate thread.

        Lines already present count too; the first invalid line is reported.
        """
        self._on_mark = on_mark
        threading.Thread(target=self._run, name="marks", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                part = os.read(self._descriptor, 65536)
            except BlockingIOError:
                part = None
            except OSError:
                return
            if part:
                self._parse_lines(part)
            elif part == b"" and self._source == "-":
                return
            else:
                time.sleep(_POLL_S)

    def _parse_lines(self, content: bytes) -> None:
        *lines, self._partial_line = (self._partial_line + content).split(b"\n")
        self._partial_line = self._partial_line[:_MAX_LINE_BYTES]
        for line in lines:
            text = line[:_MAX_LINE_BYTES].decode(errors="replace").strip()
            mark = parse_mark(text) if text else None
            if mark is not None and self._on_mark is not None:
                self._on_mark(mark[1], mark[0])
            elif text and not self._has_warned:
                self._has_warned = True
                source, shown = clean(self._source, 100), clean(text, 60)
                print_stderr(f'--mark-file {source}: "{shown}" is no mark: TIME TEXT')


_STOP_TIMEOUT_S = 5.0  # for a capture in progress at the end: py-spy writes within a second


class RecordingProfiler:
    """Profiler in separate threads; py-spy support is loaded only when needed."""

    def __init__(
        self, engine: Engine, schedule: SamplingSchedule | None, settings: Settings
    ) -> None:
        self._engine = engine
        self._schedule = schedule
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        wanted = settings.profile.on_objective_missed
        self._objective_capture = (
            self._make_objective_capture(wanted, settings)
            if wanted is not None and settings.objectives
            else None
        )
        self._costs: list[str] = []  # cost of each scheduled profile

    def _make_objective_capture(
        self, trigger: ProfileTrigger, settings: Settings
    ) -> ObjectiveCapture:
        from tputtui.profiling.capture.capture_triggers import ObjectiveCapture

        return ObjectiveCapture(
            trigger, settings.profile, self._record_profile, self._report_failure
        )

    def start(self) -> None:
        """Start the schedule of `--profile`."""
        if self._schedule is not None:
            self._thread = threading.Thread(
                target=self._run_schedule, args=(self._schedule,), name="profiles", daemon=True
            )
            self._thread.start()

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Process the newest snapshot, on the thread that waits for snapshots."""
        if self._objective_capture is None:
            return
        sentence = self._objective_capture.on_snapshot(snapshot)
        if sentence is not None:
            print_stderr(sentence)

    def stop(self) -> None:
        """Stop captures in progress and keep their samples. Call it while the engine still runs."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)
        if self._objective_capture is not None:
            self._objective_capture.stop(_STOP_TIMEOUT_S)

    def summary_lines(self) -> list[str]:
        """Return a summary line: the number of profiles, and the cost of the last one."""
        if not self._costs or self._schedule is None:
            return []
        count = len(self._costs)
        profiles = f"{count} profile{'s' if count > 1 else ''}"
        return [f"{profiles} of {self._schedule.process}; {self._costs[-1]}"]

    def _run_schedule(self, schedule: SamplingSchedule) -> None:
        from tputtui.profiling.capture import capture_triggers

        def keep(sample: PeriodicProfile) -> None:
            self._costs.append(sample.cost_text)
            self._record_profile(sample.profile, sample.cost_text)

        capture_triggers.run(
            schedule,
            self._stop,
            keep,
            lambda problem: self._report_failure(f"--profile {schedule.process}: {problem}"),
        )

    def _record_profile(self, profile: Profile, reason: str) -> None:
        from tputtui.recording.embedded_profiles import embed_profile

        metadata = profile.metadata
        duration = format_duration(round(profile.duration_s, 1))
        text = f"profile of {clean(metadata.label, 60)}, {duration}: {clean(reason, 160)}"
        self._engine.log_event(Event(metadata.time or time.time(), "profile", text))
        if not embed_profile(self._engine, profile):
            _save_beside_run(profile)

    def _report_failure(self, message: str) -> None:
        message = clean(message, 300)
        print_stderr(message)
        self._engine.log_event(Event(time.time(), "warning", message))


def _save_beside_run(profile: Profile) -> None:
    """Save a profile too large for a run to a file in the current folder."""
    from tputtui.profiling.files import file_formats

    path = Path(f"profile-{profile.metadata.pid or 0}-{int(time.time())}.speedscope.json.gz")
    try:
        file_formats.save(profile, path)
        print_stderr(f"the profile is too large to be carried in the run: {path}")
    except OSError as error:
        print_stderr(
            "the profile is too large to be carried in the run, "
            f"and was not saved: {error.strerror}"
        )
