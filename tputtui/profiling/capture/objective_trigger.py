"""A profile that takes itself while an objective is missed: only where the config asks for it."""

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
    """Looks at each snapshot; a capture runs in threads of its own, in which `keep` and `failed` are called."""

    def __init__(
        self,
        trigger: ProfileTrigger,
        settings: ProfileSettings,
        on_profile: Callable[[Profile, str], None],
        on_failure: Callable[[str], None],
    ) -> None:
        """`keep` gets a profile and why it was taken, `failed` a sentence."""
        self._rule = ObjectiveTriggerRule(trigger)
        plain = ProfilePreset(settings.duration_s, settings.rate_hz)
        self._preset = settings.presets.get(trigger.preset or "", plain)
        self._on_profile, self._on_failure = on_profile, on_failure
        self._running: tuple[threading.Thread, list[Capture]] | None = None
        self._stopping = threading.Event()

    def on_snapshot(self, snapshot: Snapshot) -> str | None:
        """Sample, if an objective has been missed for long enough; the sentence that says so, else None."""
        missed = self._rule.evaluate(snapshot)
        if missed is None:
            return None
        process = self._rule.settings.process
        why = f"{missed.expression} missed for {format_duration(round(missed.for_s or 0.0))}"
        captures: list[Capture] = []
        thread = threading.Thread(
            target=self._capture_profile, args=(process, why, captures), name="profile by itself", daemon=True
        )
        self._running = (thread, captures)
        thread.start()
        return f"{why}: sampling {process} for {format_duration(self._preset.duration_s)}"

    def stop(self, timeout_s: float) -> None:
        """End what is under way and keep what there is of it; waits no longer than `patience_s`."""
        self._stopping.set()
        if self._running is not None:
            thread, captures = self._running
            for capture in captures:
                capture.stop()
            thread.join(timeout_s)

    def _capture_profile(self, process: str, cause: str, captures: list[Capture]) -> None:
        """Find out who is meant, sample, and tell."""
        told: list[CaptureProgress] = []

        def heard(progress: CaptureProgress) -> None:
            if progress.state in ("done", "failed"):
                told.append(progress)

        plan = self._preset
        try:
            who = process_lookup.find(process)  # takes a while: the end may come meanwhile
            if self._stopping.is_set():
                return
            capture = Capture(
                who.pid, who.started, plan.duration_s, plan.rate_hz, heard,
                subprocesses=plan.subprocesses, native=plan.native, blocking=plan.blocking,
            )  # fmt: skip
            captures.append(capture)
            capture.start()
            if self._stopping.is_set():  # it came between the question above and the list
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
        notes = (*profile.metadata.notes, *([who.note] if who.note else []), f"taken by itself: {cause}")
        about = replace(profile.metadata, notes=notes)
        self._on_profile(replace(profile, metadata=about), cause)
