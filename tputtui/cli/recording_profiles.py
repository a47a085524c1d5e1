"""Profiles embedded in a recording: on a schedule (`--profile`), and while an objective is
missed.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli.output import print_stderr
from tputtui.model import Event, Snapshot
from tputtui.text import clean, format_duration

if TYPE_CHECKING:
    from tputtui.engine.engine import Engine
    from tputtui.profiling.capture.objective_trigger import ObjectiveCapture
    from tputtui.profiling.capture.periodic_sampling import PeriodicProfile, SamplingSchedule
    from tputtui.profiling.profile_model import Profile
    from tputtui.settings import ProfileTrigger, Settings

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
        from tputtui.profiling.capture.objective_trigger import ObjectiveCapture

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
        from tputtui.profiling.capture import periodic_sampling

        def keep(sample: PeriodicProfile) -> None:
            self._costs.append(sample.cost_text)
            self._record_profile(sample.profile, sample.cost_text)

        periodic_sampling.run(
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
