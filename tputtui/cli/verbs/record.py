"""`tputtui record -o RUN`: record without a screen; progress on stderr, a summary at the end."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import recording_inputs as inputs
from tputtui.cli.headless import StopRequest, iter_snapshots, stop_on_signals
from tputtui.cli.options import argument_types, common_flags
from tputtui.cli.options.target_options import add_target_arguments
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.progress_line import ProgressLine
from tputtui.cli.recording_profiles import RecordingProfiler
from tputtui.cli.rerun import RerunPlan
from tputtui.cli.rerun import read_rerun_plan as read_like
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.rollback_guard import (
    RollbackGuard,
    control_name,
    parse_margins,
    print_evidence,
    with_control,
)
from tputtui.cli.verb import Verb
from tputtui.engine import Engine
from tputtui.model import Snapshot
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.run_header import Mark
from tputtui.recording.writer import CannotRecordError
from tputtui.text import clean, format_duration, format_size
from tputtui.views.live.exit_summary import summary_lines

if TYPE_CHECKING:
    from tputtui.cli.metrics_server import MetricsServer

_EXIT_FAILED, _EXIT_UNUSABLE, _EXIT_OBJECTIVE_MISSED, _INCONCLUSIVE, _EXIT_HUNG_UP = (
    1,
    2,
    10,
    11,
    129,
)
_SIGHUP = 1


_EPILOG = """\
The run is one file: --for, ^C or SIGTERM close it (exit code 0), kill -9 leaves
it readable. Exit code 10: an objective was missed, or it was aborted; 1: it was
not written to its end. The rules of --abort: docs/objectives.md."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui record`."""
    add_target_arguments(parser)
    parser.add_argument(
        "-o", metavar="RUN", dest="output", required=True, help="the file, such as before.tput.gz"
    )
    parser.add_argument("--force", action="store_true", help="overwrite RUN")
    parser.add_argument(
        "--for",
        metavar="DURATION",
        dest="duration",
        type=argument_types.positive_duration,
        help="end after that time",
    )
    parser.add_argument(
        "--like",
        metavar="RUN",
        help="targets, interval, duration and objectives of that run; says if the load was too",
    )
    parser.add_argument(
        "--all-metrics", action="store_true", help="every metric, not only those that are shown"
    )
    parser.add_argument(
        "--profile",
        metavar="WHAT",
        type=argument_types.sampling_schedule,
        help="PID@60s or :PORT@60s, and again every 5 min: :8000@60s/5m",
    )
    parser.add_argument(
        "--mark",
        metavar="[T=]TEXT",
        type=argument_types.mark_spec,
        action="append",
        default=[],
        help="a mark: at the start, or +90s=TEXT",
    )
    parser.add_argument(
        "--mark-file",
        metavar="FILE",
        help='marks as they are appended to it: "TIME TEXT" lines; - is stdin',
    )
    parser.add_argument("--note", metavar="TEXT", default="", help="what the run is about")
    parser.add_argument(
        "--experiment",
        metavar="FILE",
        help="the experiment it belongs to, TOML: hypothesis, owner, change",
    )
    parser.add_argument(
        "--workload",
        metavar="FILE",
        help="what the load is, TOML: generator, arguments, concurrency",
    )
    parser.add_argument(
        "--fail-after",
        metavar="S",
        type=argument_types.positive_duration,
        help="an objective has to be missed for so long to fail the run",
    )
    parser.add_argument(
        "--abort",
        action="store_true",
        help="end when it has failed, with the evidence as JSON on stdout (exit code 10)",
    )
    parser.add_argument(
        "--control",
        metavar="SERVICE",
        help="what the others are compared with: a service, or a target",
    )
    parser.add_argument(
        "--margin",
        metavar="METRIC=AMOUNT",
        action="append",
        default=[],
        help="with --control, what is not yet worse: throughput=2%%, p99=10%%",
    )
    parser.add_argument(
        "--listen", metavar="ADDR", help="serve what is derived as /metrics: 127.0.0.1:9464"
    )
    parser.add_argument(
        "--limit",
        metavar="SIZE",
        type=argument_types.byte_size,
        help="go on in a new file beyond that: 500MiB",
    )


def run(arguments: Arguments) -> int:
    """Record as the command line asks."""
    options = arguments.options
    settings = effective_settings(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no file is written")
    like = read_like(options.like) if options.like else None
    if like is not None:
        settings = like.apply_to(
            settings, has_targets=bool(options.targets or options.targets_from)
        )
    for_s = (
        options.duration
        if options.duration is not None
        else (like.duration_s if like is not None else None)
    )
    if options.output == "-":
        raise UsageError(
            "-o -: a run is a file of its own; tputtui stream prints what is read as it comes"
        )
    plan = RecordingPlan(
        Path(options.output),
        force=options.force,
        all_metrics=options.all_metrics,
        for_s=for_s,
        note=options.note,
        experiment=inputs.read_plan_texts(options.experiment) if options.experiment else {},
        workload=inputs.read_toml_texts(options.workload) if options.workload else {},
        size_limit=options.limit,
    )
    if (
        options.profile is not None
        and (pid := options.profile.process).isdigit()
        and not os.path.exists(f"/proc/{pid}")
    ):
        raise UsageError(f"--profile {pid}: there is no such process")
    if options.abort and not settings.objectives:
        raise UsageError("--abort: there is no objective to miss: --objective 'p99<=250ms' is one")
    control = None
    if options.control is not None:
        settings = with_control(settings, options.control)
        control = control_name(settings, options.control)
    guarding = RollbackGuard(
        settings,
        control=control,
        fail_after_s=options.fail_after or 0.0,
        margins=parse_margins(options.margin),
        prints_alarms=options.abort or options.fail_after is not None,
    )
    marks = inputs.MarkFile(options.mark_file) if options.mark_file is not None else None
    listening = _start_metrics_server(options.listen) if options.listen else None
    try:
        recorder = Recorder(
            plan,
            interval_s=settings.interval_s,
            window_s=max(settings.window_s, 2 * settings.interval_s),
            quantiles=settings.quantiles,
            objectives=settings.objectives,
            by=settings.by,
        )
    except CannotRecordError as error:
        raise UsageError(str(error)) from None
    for note in settings.notes:
        print_stderr(note)
    if listening is not None:
        print_stderr(f"serves http://{listening.address}/metrics")
    watch = _RecordingMonitor(
        recorder,
        ProgressLine(sys.stderr, for_s),
        guarding,
        options.fail_after or 0.0,
        options.abort,
        for_s,
    )
    watch.is_gate = options.abort or options.fail_after is not None

    def prepare(engine: Engine) -> None:
        engine.start_recording(recorder)
        watch.engine = engine
        watch.marks = sorted(options.mark)
        if listening is not None:
            engine.subscribe(listening.update)
        if marks is not None:
            marks.follow(engine.add_mark)
        watch.profiles = RecordingProfiler(engine, options.profile, settings)
        watch.profiles.start()

    with stop_on_signals() as stop:
        watch.stop = stop
        try:
            for snapshot in iter_snapshots(
                settings, stop, None, watch.update, prepare, watch.stop_profiles
            ):
                watch.latest = snapshot
        finally:
            watch.progress.clear()
            recorder.close(watch.abort_reason())
            if listening is not None:
                listening.close()
    code = _print_summary(watch, recorder, like, stop)
    if options.abort:
        watch.print_evidence(code)
    return code


def _start_metrics_server(address: str) -> MetricsServer:
    # Imported lazily: prometheus-client and wsgiref take 60 ms
    from tputtui.cli.metrics_server import MetricsServer

    return MetricsServer(address)


def _print_summary(
    monitor: _RecordingMonitor, recorder: Recorder, rerun_plan: RerunPlan | None, stop: StopRequest
) -> int:
    state = recorder.state()
    if state.problem is not None:
        print_stderr(
            f"the recording stopped after {format_duration(state.seconds)}: {state.problem}"
        )
    digits, unit = format_size(state.size)
    parts = f" in {state.parts} files" if state.parts > 1 else ""
    for line in summary_lines(monitor.latest, state.seconds)[1:]:
        print_stderr(line)
    for line in monitor.profiles.summary_lines() if monitor.profiles is not None else []:
        print_stderr(line)
    if state.dropped:
        print_stderr(f"the disk did not keep up: {state.dropped} readings are not in it")
    if rerun_plan is not None:
        for line in rerun_plan.describe_load_match(recorder.summarizer.summary()):
            print_stderr(line)
    if state.problem is None and not state.size:
        print_stderr("nothing was read: nothing is saved")
    elif state.problem is None:
        print_stderr(
            f"recorded {format_duration(state.seconds)}, {digits} {unit}{parts}: {clean(str(recorder.plan.path), 200)}"
        )
    return _exit_code(monitor, state.problem is None, stop)


def _exit_code(monitor: _RecordingMonitor, is_written: bool, stop: StopRequest) -> int:
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
        print_stderr(
            f"with --abort it would have ended after {format_duration(monitor.guard.decided_after_s)}: {decision.reason}"
        )
    if failed:
        return _EXIT_OBJECTIVE_MISSED
    if monitor.unjudged:
        print_stderr(monitor.unjudged)
        return _INCONCLUSIVE
    return _EXIT_HUNG_UP if stop.signal_number == _SIGHUP else 0


class _RecordingMonitor:
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
            lived = time.monotonic() - state.began_at
            while self.marks and self.marks[0][0] <= lived:
                self.engine.add_mark(self.marks.pop(0)[1])
            if self._duration_s is not None:
                self.engine.stop_at(state.began_at + self._duration_s)
        if state.parts > self._parts:
            self._parts = state.parts
            self.progress.clear()
            print_stderr(f"the size limit is reached: it goes on in {clean(str(state.path), 200)}")
        for objective in snapshot.objectives:
            if (
                objective.state == "missed"
                and (objective.for_s or 0.0) >= self._fail_after_s
                and not self.missed_objective
            ):
                self.missed_objective = objective.expression
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
        problem = self._recorder.state().problem
        reason = self.control_problem or problem or ""
        if not reason:
            reason = (
                f"an objective was missed: {self.missed_objective}"
                if self.missed_objective
                else self.unjudged
            )
        reason = reason or "no reason to abort was found"
        path = self._recorder.plan.path
        print_evidence(
            self.guard.decision,
            is_ok=exit_code == 0,
            reason=reason,
            alarms=self.guard.alarms,
            path=path,
        )


VERB = Verb(
    add_options,
    run,
    common_flags=(*common_flags.RATE_FLAGS, common_flags.NO_DISCOVER),
    epilog=_EPILOG,
)
