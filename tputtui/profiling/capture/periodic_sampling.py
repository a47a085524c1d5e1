"""Periodic sampling of one of several processes: once or at an interval, at a low rate.

The cost of each capture is recorded.
"""

from __future__ import annotations

import re
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.profiling.capture import process_lookup
from tputtui.profiling.capture.capture import MAX_DURATION_S, Capture, CaptureFailedError
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean, format_duration, format_percent, parse_duration

DEFAULT_RATE_HZ = 20
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
    rate_hz: int = DEFAULT_RATE_HZ,
) -> None:
    """Sample once or at the interval until `stop` is set.

    Runs in its own thread, from which `on_profile` and `on_error` are called. A port is resolved
    anew each time. A failure is passed to `on_error` as a sentence, and sampling is tried again at
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
