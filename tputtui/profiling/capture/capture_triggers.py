"""Captures that start by themselves: while an objective is missed, once, or at an interval.

The config requests those of an objective. Those at an interval sample one of several processes at a
low rate, and the cost of each is recorded.
"""

from __future__ import annotations

import re
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import ObjectiveStatus, Snapshot
from tputtui.profiling.capture import process_lookup
from tputtui.profiling.capture.capture import MAX_DURATION_S, Capture, CaptureFailedError
from tputtui.profiling.profile_model import Profile
from tputtui.settings import ProfilePreset, ProfileSettings, ProfileTrigger
from tputtui.text import clean, format_duration, format_percent, parse_duration


class ObjectiveTriggerRule:
    """Rule from `[profile.on_objective_missed]`: minimum time missed and minimum pause."""

    def __init__(self, settings: ProfileTrigger) -> None:
        self.settings = settings
        self._fired_at: float | None = None  # monotonic seconds

    def evaluate(self, snapshot: Snapshot) -> ObjectiveStatus | None:
        """Return the objective that starts a capture now, the one missed the longest; else None.

        A returned objective counts as a capture even if that capture fails, so it is not retried at
        each tick.
        """
        if self._fired_at is not None and snapshot.at - self._fired_at < self.settings.every_s:
            return None
        missed = [
            status
            for status in snapshot.objectives
            if status.state == "missed"
            and status.for_s is not None
            and status.for_s >= self.settings.after_s
        ]
        if not missed:
            return None
        self._fired_at = snapshot.at
        return max(missed, key=lambda status: status.for_s or 0.0)


class ObjectiveCapture:
    """Trigger that checks each snapshot.

    A capture runs in its own threads, from which `on_profile` and `on_failure` are called.
    """

    def __init__(
        self,
        trigger: ProfileTrigger,
        settings: ProfileSettings,
        on_profile: Callable[[Profile, str], None],
        on_failure: Callable[[str], None],
    ) -> None:
        """Create the trigger.

        `on_profile` receives a profile and the cause of its capture, `on_failure` a sentence.
        """
        self._rule = ObjectiveTriggerRule(trigger)
        plain = ProfilePreset(settings.duration_s, settings.rate_hz)
        self._preset = settings.presets.get(trigger.preset or "", plain)
        self._on_profile, self._on_failure = on_profile, on_failure
        self._running: tuple[threading.Thread, list[Capture]] | None = None
        self._stopping = threading.Event()

    def on_snapshot(self, snapshot: Snapshot) -> str | None:
        """Start a capture if an objective has been missed for long enough.

        Returns the sentence that reports it, else None.
        """
        missed = self._rule.evaluate(snapshot)
        if missed is None:
            return None
        process = self._rule.settings.process
        cause = f"{missed.expression} missed for {format_duration(round(missed.for_s or 0.0))}"
        captures: list[Capture] = []
        thread = threading.Thread(
            target=self._capture_profile,
            args=(process, cause, captures),
            name="profile by itself",
            daemon=True,
        )
        self._running = (thread, captures)
        thread.start()
        return f"{cause}: sampling {process} for {format_duration(self._preset.duration_s)}"

    def stop(self, timeout_s: float) -> None:
        """Stop the running capture and keep its samples; waits at most `timeout_s` seconds."""
        self._stopping.set()
        if self._running is not None:
            thread, captures = self._running
            for capture in captures:
                capture.stop()
            thread.join(timeout_s)

    def _capture_profile(self, process: str, cause: str, captures: list[Capture]) -> None:
        """Find the process, sample it, and report the result."""
        plan = self._preset
        try:
            match = process_lookup.find(process)  # takes some time, in which stop() may be called
            if self._stopping.is_set():
                return
            capture = Capture(
                match.identity, plan.duration_s, plan.rate_hz,
                subprocesses=plan.subprocesses, native=plan.native, blocking=plan.blocking,
            )  # fmt: skip
            captures.append(capture)
            capture.start()
            if self._stopping.is_set():  # stop() was called between the check above and the append
                capture.stop()
            capture.wait()
        except (CaptureFailedError, process_lookup.ProcessNotFoundError, ValueError) as error:
            self._on_failure(clean(f"no profile of {process}, {cause}: {error}", 300))
            return
        profile = capture.profile
        if profile is None or not profile.slices:
            self._on_failure(clean(f"no profile of {process}, {cause}: {capture.message}", 300))
            return
        notes = list(profile.metadata.notes)
        if match.note:
            notes.append(match.note)
        notes.append(f"taken by itself: {cause}")
        about = replace(profile.metadata, notes=tuple(notes))
        self._on_profile(replace(profile, metadata=about), cause)


_DEFAULT_RATE_HZ = 20
_SCHEDULE_PATTERN = re.compile(r"(?P<process>:?\d+)@(?P<duration>[^/@]+)(?:/(?P<interval>[^/@]+))?")


@frozen
class SamplingSchedule:
    """Process to sample (":8000" or a pid), for how long and how often. `interval_s` None: once."""

    process: str
    duration_s: float
    interval_s: float | None = None


@frozen
class PeriodicProfile:
    """One profile of a sampled process. `cpu_s`: CPU seconds used by py-spy."""

    profile: Profile
    cpu_s: float

    @property
    def cost_text(self) -> str:
        """Cost for the end of a sentence: "2.1 % of one core for 60 s, 20 Hz"."""
        seconds = self.profile.duration_s
        share = 100 * self.cpu_s / seconds if seconds > 0 else 0.0
        rate_hz = self.profile.metadata.rate_hz
        rate = f"{rate_hz:.0f} Hz" if rate_hz else "its own rate"
        duration = format_duration(round(seconds))
        return f"py-spy used {format_percent(share)} % of one core for {duration}, {rate}"


def parse_schedule(text: str) -> SamplingSchedule:
    """Parse PID@60s, :PORT@60s or :PORT@60s/5m. Raises ValueError with the valid forms."""
    match = _SCHEDULE_PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{clean(text, 60)!r} is not PID@60s, :PORT@60s or :PORT@60s/5m")
    process_lookup.parse_port(match["process"])
    duration_s = parse_duration(match["duration"])
    interval_s = parse_duration(match["interval"]) if match["interval"] is not None else None
    if not 1 <= duration_s <= MAX_DURATION_S:
        raise ValueError(
            f"{clean(text, 60)!r}: a capture lasts 1 s to {format_duration(MAX_DURATION_S)}"
        )
    if interval_s is not None and interval_s < duration_s:
        raise ValueError(
            f"{clean(text, 60)!r}: every {format_duration(interval_s)} is shorter than the "
            f"{format_duration(duration_s)} it lasts"
        )
    return SamplingSchedule(match["process"], duration_s, interval_s)


def run(
    schedule: SamplingSchedule,
    stop: threading.Event,
    on_profile: Callable[[PeriodicProfile], None],
    on_error: Callable[[str], None],
    rate_hz: int = _DEFAULT_RATE_HZ,
) -> None:
    """Sample once or at the interval until `stop` is set.

    Runs in its own thread, from which `on_profile` and `on_error` are called. A port is resolved
    again each time. A failure is passed to `on_error` as a sentence, and sampling is tried again at
    the next interval.
    """
    due = time.monotonic()
    while not stop.is_set():
        try:
            on_profile(_capture_once(schedule, stop, rate_hz))
        except (CaptureFailedError, process_lookup.ProcessNotFoundError) as error:
            on_error(str(error))
        if schedule.interval_s is None:
            return
        # a late capture does not cause a second one right after it
        due = max(due + schedule.interval_s, time.monotonic())
        stop.wait(due - time.monotonic())


def _capture_once(
    schedule: SamplingSchedule, stop: threading.Event, rate_hz: int
) -> PeriodicProfile:
    """Run one capture, ended early by `stop`.

    Raises CaptureFailedError, ProcessNotFoundError.
    """
    match = process_lookup.find(schedule.process)
    cpu_before_s = _children_cpu_s()
    # Without GIL samples: they need a second py-spy, which would double the cost.
    capture = Capture(match.identity, schedule.duration_s, rate_hz, gil=False)
    capture.start()
    while not capture.wait(0.1):
        if stop.is_set():
            capture.stop()
    if capture.profile is None:
        raise CaptureFailedError(capture.message)
    sample = PeriodicProfile(capture.profile, max(0.0, _children_cpu_s() - cpu_before_s))
    about = sample.profile.metadata
    notes = list(about.notes)
    if match.note:
        notes.append(match.note)
    notes.append(sample.cost_text)
    about = replace(about, notes=tuple(notes))
    return replace(sample, profile=replace(sample.profile, metadata=about))


def _children_cpu_s() -> float:
    """CPU seconds of the children that have ended; during sampling these are py-spys."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
