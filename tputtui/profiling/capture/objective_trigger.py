"""Automatic profile while an objective is missed, if the config requests it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from tputtui.model import Snapshot
from tputtui.profiling.capture import process_lookup
from tputtui.profiling.capture.capture import Capture, CaptureFailedError, CaptureProgress
from tputtui.profiling.capture.trigger_rule import ObjectiveTriggerRule
from tputtui.profiling.profile_model import Profile
from tputtui.settings import ProfilePreset, ProfileSettings, ProfileTrigger
from tputtui.text import clean, format_duration


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
        why = f"{missed.expression} missed for {format_duration(round(missed.for_s or 0.0))}"
        captures: list[Capture] = []
        thread = threading.Thread(
            target=self._capture_profile,
            args=(process, why, captures),
            name="profile by itself",
            daemon=True,
        )
        self._running = (thread, captures)
        thread.start()
        return f"{why}: sampling {process} for {format_duration(self._preset.duration_s)}"

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
        told: list[CaptureProgress] = []

        def heard(progress: CaptureProgress) -> None:
            if progress.state in ("done", "failed"):
                told.append(progress)

        plan = self._preset
        try:
            match = process_lookup.find(process)  # takes some time, in which stop() may be called
            if self._stopping.is_set():
                return
            capture = Capture(
                match.identity, plan.duration_s, plan.rate_hz, heard,
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
        profile = told[-1].profile if told else None
        if profile is None or not profile.slices:
            reason = told[-1].message if told else "it gave nothing"
            self._on_failure(clean(f"no profile of {process}, {cause}: {reason}", 300))
            return
        notes = (
            *profile.metadata.notes,
            *([match.note] if match.note else []),
            f"taken by itself: {cause}",
        )
        about = replace(profile.metadata, notes=notes)
        self._on_profile(replace(profile, metadata=about), cause)
