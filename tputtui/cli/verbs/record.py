"""`tputtui record -o RUN`: record without a screen; progress on stderr, a summary at the end."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.headless import iter_snapshots, stop_on_signals
from tputtui.cli.options import add_target_arguments
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb

if TYPE_CHECKING:
    from tputtui.cli.metrics_server import MetricsServer
    from tputtui.cli.recording_inputs import MarkFile
    from tputtui.cli.recording_monitor import RecordingMonitor
    from tputtui.cli.rerun import RerunPlan
    from tputtui.cli.rollback_guard import RollbackGuard
    from tputtui.engine.engine import Engine
    from tputtui.recording.recorder import Recorder, RecordingPlan
    from tputtui.settings import Settings

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
        type=options.positive_duration,
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
        type=options.sampling_schedule,
        help="PID@60s or :PORT@60s, and again every 5 min: :8000@60s/5m",
    )
    parser.add_argument(
        "--mark",
        metavar="[T=]TEXT",
        type=options.mark_spec,
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
        type=options.positive_duration,
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
        type=options.byte_size,
        help="go on in a new file beyond that: 500MiB",
    )


def run(arguments: Arguments) -> int:
    """Record as the command line asks."""
    from tputtui.cli.recording_monitor import ProgressLine, RecordingMonitor, print_summary

    options = arguments.options
    settings = effective_settings(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no file is written")
    settings, rerun_plan = _with_rerun_plan(settings, options)
    plan = _recording_plan(options, rerun_plan)
    _check_options(options, settings)
    settings, guard = _make_guard(settings, options)
    marks, server = _open_mark_file(options), _start_metrics_server(options)
    recorder = _open_recorder(plan, settings)
    for note in settings.notes:
        print_stderr(note)
    if server is not None:
        print_stderr(f"serves http://{server.address}/metrics")
    monitor = RecordingMonitor(
        recorder,
        ProgressLine(sys.stderr, plan.for_s),
        guard,
        options.fail_after or 0.0,
        options.abort,
        plan.for_s,
    )
    monitor.is_gate = options.abort or options.fail_after is not None

    def prepare(engine: Engine) -> None:
        _prepare_engine(engine, recorder, monitor, settings, options, marks, server)

    with stop_on_signals() as stop:
        monitor.stop = stop
        try:
            for snapshot in iter_snapshots(
                settings, stop, None, monitor.update, prepare, monitor.stop_profiles
            ):
                monitor.latest = snapshot
        finally:
            monitor.progress.clear()
            recorder.close(monitor.abort_reason())
            if server is not None:
                server.close()
    code = print_summary(monitor, recorder, rerun_plan, stop)
    if options.abort:
        monitor.print_evidence(code)
    return code


def _with_rerun_plan(
    settings: Settings, options: argparse.Namespace
) -> tuple[Settings, RerunPlan | None]:
    """Return the settings of the run that --like names, with what it prescribes."""
    if not options.like:
        return settings, None
    from tputtui.cli.rerun import read_rerun_plan

    plan = read_rerun_plan(options.like)
    has_targets = bool(options.targets or options.targets_from)
    return plan.apply_to(settings, has_targets=has_targets), plan


def _recording_plan(options: argparse.Namespace, rerun_plan: RerunPlan | None) -> RecordingPlan:
    """Return what to record, and where to. Raises UsageError."""
    from tputtui.cli import recording_inputs
    from tputtui.recording.recorder import RecordingPlan

    duration_s = options.duration
    if duration_s is None and rerun_plan is not None:
        duration_s = rerun_plan.duration_s
    if options.output == "-":
        raise UsageError(
            "-o -: a run is a file of its own; tputtui stream prints what is read as it comes"
        )
    experiment, workload = options.experiment, options.workload
    return RecordingPlan(
        Path(options.output),
        force=options.force,
        all_metrics=options.all_metrics,
        for_s=duration_s,
        note=options.note,
        experiment=recording_inputs.read_plan_texts(experiment) if experiment else {},
        workload=recording_inputs.read_toml_texts(workload) if workload else {},
        size_limit=options.limit,
    )


def _check_options(options: argparse.Namespace, settings: Settings) -> None:
    """Raise UsageError for an option that cannot be used here."""
    if options.profile is not None:
        pid = options.profile.process
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            raise UsageError(f"--profile {pid}: there is no such process")
    if options.abort and not settings.objectives:
        raise UsageError("--abort: there is no objective to miss: --objective 'p99<=250ms' is one")


def _make_guard(settings: Settings, options: argparse.Namespace) -> tuple[Settings, RollbackGuard]:
    """Return the guard of the objectives, and the settings with the control as a service.

    Raises UsageError for an unknown margin.
    """
    from tputtui.cli.rollback_guard import (
        RollbackGuard,
        control_name,
        parse_margins,
        with_control,
    )

    control = None
    if options.control is not None:
        settings = with_control(settings, options.control)
        control = control_name(settings, options.control)
    guard = RollbackGuard(
        settings,
        control=control,
        fail_after_s=options.fail_after or 0.0,
        margins=parse_margins(options.margin),
        prints_alarms=options.abort or options.fail_after is not None,
    )
    return settings, guard


def _open_mark_file(options: argparse.Namespace) -> MarkFile | None:
    if options.mark_file is None:
        return None
    from tputtui.cli.recording_inputs import MarkFile

    return MarkFile(options.mark_file)


def _start_metrics_server(options: argparse.Namespace) -> MetricsServer | None:
    if not options.listen:
        return None
    # Imported lazily: prometheus-client and wsgiref take 60 ms
    from tputtui.cli.metrics_server import MetricsServer

    return MetricsServer(options.listen)


def _open_recorder(plan: RecordingPlan, settings: Settings) -> Recorder:
    """Open the run. Raises UsageError if it cannot be written."""
    from tputtui.recording.recorder import Recorder
    from tputtui.recording.writer import CannotRecordError

    try:
        return Recorder(
            plan,
            interval_s=settings.interval_s,
            window_s=max(settings.window_s, 2 * settings.interval_s),
            quantiles=settings.quantiles,
            objectives=settings.objectives,
            by=settings.by,
        )
    except CannotRecordError as error:
        raise UsageError(str(error)) from None


def _prepare_engine(
    engine: Engine,
    recorder: Recorder,
    monitor: RecordingMonitor,
    settings: Settings,
    options: argparse.Namespace,
    marks: MarkFile | None,
    server: MetricsServer | None,
) -> None:
    """Connect the engine, before it starts, with all that a recording needs."""
    from tputtui.cli.recording_inputs import RecordingProfiler

    engine.start_recording(recorder)
    monitor.engine = engine
    monitor.marks = sorted(options.mark)
    if server is not None:
        engine.subscribe(server.update)
    if marks is not None:
        marks.follow(engine.add_mark)
    monitor.profiles = RecordingProfiler(engine, options.profile, settings)
    monitor.profiles.start()


VERB = Verb(add_options, run, (*options.RATE_FLAGS, options.NO_DISCOVER), epilog=_EPILOG)
