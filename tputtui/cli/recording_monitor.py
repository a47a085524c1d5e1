"""Observation of a recording without a screen: its progress and end, its summary, its exit code."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import Final, TextIO

from tputtui import text
from tputtui.cli.headless import StopRequest
from tputtui.cli.output import print_stderr
from tputtui.cli.recording_inputs import RecordingProfiler
from tputtui.cli.rerun import RerunPlan
from tputtui.cli.rollback_evidence import print_evidence
from tputtui.cli.rollback_guard import RollbackGuard
from tputtui.engine.engine import Engine
from tputtui.model import Snapshot
from tputtui.recording.recorder import Recorder, RecordingState
from tputtui.recording.run_header import Mark
from tputtui.text import clean, format_duration, format_size
from tputtui.views.live.exit_summary import summary_lines

_BAR_WIDTH, _MIN_BAR_WIDTH = 20, 5


class ProgressLine:
    """`recording 00:00:12 of 00:01:00 [####      ]  48 KiB  1,284 req/s  p99 88 ms`, in ASCII."""

    def __init__(self, stream: TextIO | None, duration_s: float | None) -> None:
        self._stream = stream if stream is not None and _is_terminal(stream) else None
        self._duration_s = duration_s
        self._drawn_width = 0

    def update(self, snapshot: Snapshot, state: RecordingState) -> None:
        """Redraw the line."""
        if self._stream is None:
            return
        line = text.to_ascii(
            format_line(snapshot, state, self._duration_s, shutil.get_terminal_size().columns - 1)
        )
        self._write("\r" + line.ljust(self._drawn_width))
        self._drawn_width = len(line)

    def clear(self) -> None:
        """Erase the line."""
        if self._drawn_width:
            self._write("\r" + " " * self._drawn_width + "\r")
            self._drawn_width = 0

    def _write(self, content: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(content)
                self._stream.flush()


def format_line(
    snapshot: Snapshot, state: RecordingState, duration_s: float | None, width: int
) -> str:
    """Format one line about a recording, with a shorter bar where space is short."""
    begin = f"recording {text.format_clock(state.seconds)}"
    figures = "  ".join(_format_figures(snapshot, state))
    if duration_s is None:
        return text.truncate(f"{begin}  {figures}", width)
    begin += f" of {text.format_clock(duration_s)}"
    cells = min(_BAR_WIDTH, width - text.width(begin) - text.width(figures) - 5)
    if cells < _MIN_BAR_WIDTH:
        return text.truncate(f"{begin}  {figures}", width)
    full = min(cells, int(cells * state.seconds / duration_s))
    return f"{begin} [{'#' * full}{' ' * (cells - full)}]  {figures}"


def _format_figures(snapshot: Snapshot, state: RecordingState) -> list[str]:
    parts = [" ".join(text.format_size(state.size))]
    down = [target.name for target in snapshot.targets if target.state == "down"]
    service = next((service for service in snapshot.services if service.traffic is not None), None)
    if service is not None and service.traffic is not None:
        parts.append(" ".join(text.format_amount(service.traffic.rps, service.traffic.unit)))
        if service.latency is not None and service.latency.quantiles:
            tail = service.latency.quantiles[-1]
            value, unit = (
                text.format_seconds(tail.value)
                if service.latency.unit == "s"
                else (text.format_number(tail.value), "")
            )
            parts.append(f"p{tail.q * 100:g} {value} {unit}".rstrip())
        if service.errors is not None and service.errors.ratio is not None:
            parts.append(f"errors {text.format_percent(100 * service.errors.ratio)} %")
    if down:
        parts.append(f"{len(down)} down")
    if slow := sum(target.is_overdue for target in snapshot.targets):
        parts.append(f"{slow} slow")
    return parts


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


_EXIT_FAILED: Final = 1
_EXIT_UNUSABLE: Final = 2
_EXIT_OBJECTIVE_MISSED: Final = 10
_EXIT_INCONCLUSIVE: Final = 11
_EXIT_HUNG_UP: Final = 129
_SIGHUP: Final = 1


class RecordingMonitor:
    """Observer of every snapshot: end of the duration, due marks, objectives missed for too
    long.
    """

    def __init__(
        self,
        recorder: Recorder,
        progress: ProgressLine,
        guard: RollbackGuard,
        fail_after_s: float,
        is_abort_enabled: bool,
        duration_s: float | None,
    ) -> None:
        self.progress = progress
        self.engine: Engine | None = None
        self.stop: StopRequest | None = None
        self.latest: Snapshot | None = None
        self.marks: list[tuple[float, str]] = []
        self.profiles: RecordingProfiler | None = None
        self.missed_objective = ""
        self.control_problem = ""
        self.guard = guard
        self.is_abort_enabled = is_abort_enabled
        # The exit code is a gate: an objective that could not be evaluated is not a pass
        self.is_gate = False
        self._recorder = recorder
        self._fail_after_s = fail_after_s
        self._duration_s = duration_s
        self._parts = 1

    @property
    def unjudged(self) -> str:
        """Describe the objectives that could not be evaluated, if the exit code is a gate."""
        return self.guard.unjudged if self.is_gate else ""

    def stop_profiles(self) -> None:
        """Stop profiling before the engine stops."""
        if self.profiles is not None:
            self.profiles.stop()

    def update(self, snapshot: Snapshot) -> None:
        """Process a snapshot, on the thread that waits for snapshots."""
        state = self._recorder.state()
        if self.engine is not None and state.began_at is not None:
            self._add_due_marks(self.engine, state.began_at)
            if self._duration_s is not None:
                self.engine.stop_at(state.began_at + self._duration_s)
        if state.parts > self._parts:
            self._parts = state.parts
            self.progress.clear()
            print_stderr(f"the size limit is reached: it goes on in {clean(str(state.path), 200)}")
        self._note_missed_objective(snapshot)
        if self.profiles is not None:
            self.profiles.on_snapshot(snapshot)
        self.progress.update(snapshot, state)
        self.guard.on_snapshot(snapshot)
        self.control_problem = self.control_problem or self.guard.describe_missing_control(snapshot)
        aborted = self.is_abort_enabled and self.guard.decision is not None
        over = self._duration_s is not None and state.seconds >= self._duration_s
        if self.stop is not None and (
            over or state.problem is not None or aborted or self.control_problem
        ):
            self.stop.request()

    def _add_due_marks(self, engine: Engine, began_at: float) -> None:
        elapsed_s = time.monotonic() - began_at
        while self.marks and self.marks[0][0] <= elapsed_s:
            engine.add_mark(self.marks.pop(0)[1])

    def _note_missed_objective(self, snapshot: Snapshot) -> None:
        """Keep the first objective that was missed for long enough."""
        for objective in snapshot.objectives:
            is_missed = (
                objective.state == "missed" and (objective.for_s or 0.0) >= self._fail_after_s
            )
            if is_missed and not self.missed_objective:
                self.missed_objective = objective.expression

    def abort_reason(self) -> str:
        """Return why the recording ended early, and record it as the last mark.

        Called after the engine has stopped.
        """
        decision = self.guard.decision
        if not self.is_abort_enabled or decision is None or self.latest is None:
            return self.control_problem
        reason = f"aborted: {decision.reason}"
        self._recorder.record_mark(Mark(self.latest.time, self.latest.at, reason))
        return reason

    def print_evidence(self, exit_code: int) -> None:
        """Print the evidence on stdout."""
        reason = self.control_problem or self._recorder.state().problem or ""
        if not reason and self.missed_objective:
            reason = f"an objective was missed: {self.missed_objective}"
        reason = reason or self.unjudged or "no reason to abort was found"
        path = self._recorder.plan.path
        print_evidence(
            self.guard.decision,
            is_ok=exit_code == 0,
            reason=reason,
            alarms=self.guard.alarms,
            path=path,
        )


def print_summary(
    monitor: RecordingMonitor, recorder: Recorder, rerun_plan: RerunPlan | None, stop: StopRequest
) -> int:
    """Print what was recorded, and what failed; return the exit code."""
    state = recorder.state()
    if state.problem is not None:
        print_stderr(
            f"the recording stopped after {format_duration(state.seconds)}: {state.problem}"
        )
    for line in summary_lines(monitor.latest, state.seconds)[1:]:
        print_stderr(line)
    if monitor.profiles is not None:
        for line in monitor.profiles.summary_lines():
            print_stderr(line)
    if state.dropped:
        print_stderr(f"the disk did not keep up: {state.dropped} readings are not in it")
    if rerun_plan is not None:
        for line in rerun_plan.describe_load_match(recorder.summarizer.summary()):
            print_stderr(line)
    if state.problem is None:
        print_stderr(_describe_file(recorder))
    return _exit_code(monitor, state.problem is None, stop)


def _describe_file(recorder: Recorder) -> str:
    state = recorder.state()
    if not state.size:
        return "nothing was read: nothing is saved"
    digits, unit = format_size(state.size)
    parts = f" in {state.parts} files" if state.parts > 1 else ""
    path = clean(str(recorder.plan.path), 200)
    return f"recorded {format_duration(state.seconds)}, {digits} {unit}{parts}: {path}"


def _exit_code(monitor: RecordingMonitor, is_written: bool, stop: StopRequest) -> int:
    """Return the exit code.

    With --abort and a control only the guardrail decides: an objective that the control missed too
    is not a failure.
    """
    decision = monitor.guard.decision
    failed = (
        monitor.missed_objective
        if not monitor.is_abort_enabled or monitor.guard.control is None
        else ""
    )
    if failed and (is_written or decision is not None):
        print_stderr(f"an objective was missed: {failed}")
    if monitor.is_abort_enabled and decision is not None:
        print_stderr(f"aborted: {decision.reason}")
        return _EXIT_OBJECTIVE_MISSED
    if monitor.control_problem:
        print_stderr(monitor.control_problem)
        return _EXIT_UNUSABLE
    if not is_written:
        return _EXIT_FAILED
    if decision is not None:
        after = format_duration(monitor.guard.decided_after_s)
        print_stderr(f"with --abort it would have ended after {after}: {decision.reason}")
    if failed:
        return _EXIT_OBJECTIVE_MISSED
    if monitor.unjudged:
        print_stderr(monitor.unjudged)
        return _EXIT_INCONCLUSIVE
    return _EXIT_HUNG_UP if stop.signal_number == _SIGHUP else 0
