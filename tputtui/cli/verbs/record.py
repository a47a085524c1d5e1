"""`tputtui record -o RUN`: the engine without a screen, recorded; progress on stderr, a summary at the end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import recording_inputs as inputs
from tputtui.cli.headless import StopRequest, objects, signals
from tputtui.cli.output import say
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.progress_line import ProgressLine
from tputtui.cli.recording_profiles import RecordedProfiles
from tputtui.cli.rerun import RerunPlan
from tputtui.cli.rerun import like as read_like
from tputtui.cli.resolve_settings import effective
from tputtui.cli.rollback_guard import RollbackGuard, margins_of, name_of_control, tell_evidence, with_control
from tputtui.engine import Engine
from tputtui.model import Snapshot
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.run_header import Mark
from tputtui.recording.writer import CannotRecordError
from tputtui.text import clean, size, span
from tputtui.views.live.exit_summary import summary

if TYPE_CHECKING:
    from tputtui.cli.metrics_server import MetricsServer

_FAILED, _UNUSABLE, _OBJECTIVE_MISSED, _INCONCLUSIVE, _HUNG_UP = 1, 2, 10, 11, 129
_SIGHUP = 1


def run(arguments: Arguments) -> int:
    """Record what the command line asks for."""
    options = arguments.options
    settings = effective(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no file is written")
    like = read_like(options.like) if options.like else None
    if like is not None:
        settings = like.applied(settings, asked=bool(options.targets or options.targets_from))
    for_s = options.duration if options.duration is not None else (like.for_s if like is not None else None)
    if options.output == "-":
        raise UsageError("-o -: a run is a file of its own; tputtui stream prints what is read as it comes")
    plan = RecordingPlan(
        Path(options.output),
        force=options.force,
        all_metrics=options.all_metrics,
        for_s=for_s,
        note=options.note,
        experiment=inputs.plan_words_of(options.experiment) if options.experiment else {},
        workload=inputs.words_of(options.workload) if options.workload else {},
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
        control = name_of_control(settings, options.control)
    guarding = RollbackGuard(
        settings,
        control=control,
        fail_after_s=options.fail_after or 0.0,
        margins=margins_of(options.margin),
        aloud=options.abort or options.fail_after is not None,
    )
    marks = inputs.MarkFile(options.mark_file) if options.mark_file is not None else None
    listening = _listening(options.listen) if options.listen else None
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
        say(note)
    if listening is not None:
        say(f"serves http://{listening.address}/metrics")
    watch = _Watch(recorder, ProgressLine(sys.stderr, for_s), guarding, options.fail_after or 0.0, options.abort, for_s)
    watch.is_gate = options.abort or options.fail_after is not None

    def prepare(engine: Engine) -> None:
        engine.record(recorder)
        watch.engine = engine
        watch.marks = sorted(options.mark)
        if listening is not None:
            engine.subscribe(listening.take)
        if marks is not None:
            marks.follow(engine.mark)
        watch.profiles = RecordedProfiles(engine, options.profile, settings)
        watch.profiles.start()

    with signals() as stop:
        watch.stop = stop
        try:
            for snapshot in objects(settings, stop, None, watch.tick, prepare, watch.end):
                watch.latest = snapshot
        finally:
            watch.progress.over()
            recorder.close(watch.ended())
            if listening is not None:
                listening.close()
    code = _tell(watch, recorder, like, stop)
    if options.abort:
        watch.tell(code)
    return code


def _listening(address: str) -> MetricsServer:
    from tputtui.cli.metrics_server import MetricsServer  # prometheus-client and wsgiref: 60 ms that few ask for

    return MetricsServer(address)


def _tell(watch: _Watch, recorder: Recorder, like: RerunPlan | None, stop: StopRequest) -> int:
    state = recorder.state()
    if state.problem is not None:
        say(f"the recording stopped after {span(state.seconds)}: {state.problem}")
    digits, unit = size(state.size)
    parts = f" in {state.parts} files" if state.parts > 1 else ""
    for line in summary(watch.latest, state.seconds)[1:]:
        say(line)
    for line in watch.profiles.told() if watch.profiles is not None else []:
        say(line)
    if state.dropped:
        say(f"the disk did not keep up: {state.dropped} readings are not in it")
    if like is not None:
        for line in like.verdict(recorder.summing.summary()):
            say(line)
    if state.problem is None and not state.size:
        say("nothing was read: nothing is saved")
    elif state.problem is None:
        say(f"recorded {span(state.seconds)}, {digits} {unit}{parts}: {clean(str(recorder.plan.path), 200)}")
    return _judged(watch, state.problem is None, stop)


def _judged(watch: _Watch, is_written: bool, stop: StopRequest) -> int:
    """The exit code. With --abort and a control the guardrail alone decides; what the control missed, too, is no failure."""
    decision = watch.guarding.decision
    failed = watch.failed if not watch.abort or watch.guarding.control is None else ""
    if failed and (is_written or decision is not None):
        say(f"an objective was missed: {failed}")
    if watch.abort and decision is not None:
        say(f"aborted: {decision.reason}")
        return _OBJECTIVE_MISSED
    if watch.unusable:
        say(watch.unusable)
        return _UNUSABLE
    if not is_written:
        return _FAILED
    if decision is not None:
        say(f"with --abort it would have ended after {span(watch.guarding.ended)}: {decision.reason}")
    if failed:
        return _OBJECTIVE_MISSED
    if watch.unjudged:
        say(watch.unjudged)
        return _INCONCLUSIVE
    return _HUNG_UP if stop.number == _SIGHUP else 0


class _Watch:
    """Looks at every snapshot: is the time over, is a mark due, has an objective been missed for too long?"""

    def __init__(
        self,
        recorder: Recorder,
        progress: ProgressLine,
        guarding: RollbackGuard,
        fail_after_s: float,
        abort: bool,
        for_s: float | None,
    ) -> None:
        self.progress = progress
        self.engine: Engine | None = None
        self.stop: StopRequest | None = None
        self.latest: Snapshot | None = None
        self.marks: list[tuple[float, str]] = []
        self.profiles: RecordedProfiles | None = None
        self.failed = ""
        self.unusable = ""
        self.guarding = guarding
        self.abort = abort
        self.is_gate = False  # something depends on the exit code: what could not be judged is not fine
        self._recorder = recorder
        self._fail_after_s = fail_after_s
        self._for_s = for_s
        self._parts = 1

    @property
    def unjudged(self) -> str:
        """What could not be judged, where something depends on it."""
        return self.guarding.unjudged if self.is_gate else ""

    def end(self) -> None:
        """The engine is about to stop."""
        if self.profiles is not None:
            self.profiles.end()

    def tick(self, snapshot: Snapshot) -> None:
        """See a snapshot, on the thread that waits for them."""
        state = self._recorder.state()
        if self.engine is not None and state.began_at is not None:
            lived = time.monotonic() - state.began_at
            while self.marks and self.marks[0][0] <= lived:
                self.engine.mark(self.marks.pop(0)[1])
            if self._for_s is not None:
                self.engine.end_at(state.began_at + self._for_s)
        if state.parts > self._parts:
            self._parts = state.parts
            self.progress.over()
            say(f"the size limit is reached: it goes on in {clean(str(state.path), 200)}")
        for objective in snapshot.objectives:
            if objective.state == "missed" and (objective.for_s or 0.0) >= self._fail_after_s and not self.failed:
                self.failed = objective.expression
        if self.profiles is not None:
            self.profiles.saw(snapshot)
        self.progress.show(snapshot, state)
        self.guarding.saw(snapshot)
        self.unusable = self.unusable or self.guarding.missing(snapshot)
        aborted = self.abort and self.guarding.decision is not None
        over = self._for_s is not None and state.seconds >= self._for_s
        if self.stop is not None and (over or state.problem is not None or aborted or self.unusable):
            self.stop.ask()

    def ended(self) -> str:
        """Why the recording ends before its time, set as its last mark, too. The engine has stopped."""
        decision = self.guarding.decision
        if not self.abort or decision is None or self.latest is None:
            return self.unusable
        reason = f"aborted: {decision.reason}"
        self._recorder.mark(Mark(self.latest.time, self.latest.at, reason))
        return reason

    def tell(self, code: int) -> None:
        """The evidence on stdout."""
        problem = self._recorder.state().problem
        reason = self.unusable or problem or ""
        if not reason:
            reason = f"an objective was missed: {self.failed}" if self.failed else self.unjudged
        reason = reason or "no reason to abort was found"
        path = self._recorder.plan.path
        tell_evidence(self.guarding.decision, ok=code == 0, reason=reason, alarms=self.guarding.alarms, path=path)
