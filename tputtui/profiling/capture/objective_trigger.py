"""Automatic profile while an objective is missed, if the config requests it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from tputtui.model import ObjectiveStatus, Snapshot
from tputtui.profiling.capture import process_lookup
from tputtui.profiling.capture.capture import Capture, CaptureFailedError
from tputtui.profiling.profile_model import Profile
from tputtui.settings import ProfilePreset, ProfileSettings, ProfileTrigger
from tputtui.text import clean, format_duration


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
