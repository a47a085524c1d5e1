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
from tputtui.text import clean, span


class ObjectiveCapture:
    """Looks at each snapshot; a capture runs in threads of its own, in which `keep` and `failed` are called."""

    def __init__(
        self,
        wanted: ProfileTrigger,
        settings: ProfileSettings,
        keep: Callable[[Profile, str], None],
        failed: Callable[[str], None],
    ) -> None:
        """`keep` gets a profile and why it was taken, `failed` a sentence."""
        self._trigger = ObjectiveTriggerRule(wanted)
        plain = ProfilePreset(settings.duration_s, settings.rate_hz)
        self._plan = settings.presets.get(wanted.preset or "", plain)
        self._keep, self._failed = keep, failed
        self._under_way: tuple[threading.Thread, list[Capture]] | None = None
        self._ending = threading.Event()

    def saw(self, snapshot: Snapshot) -> str | None:
        """Sample, if an objective has been missed for long enough; the sentence that says so, else None."""
        missed = self._trigger.due(snapshot)
        if missed is None:
            return None
        process = self._trigger.settings.process
        why = f"{missed.expression} missed for {span(round(missed.for_s or 0.0))}"
        captures: list[Capture] = []
        thread = threading.Thread(
            target=self._sample, args=(process, why, captures), name="profile by itself", daemon=True
        )
        self._under_way = (thread, captures)
        thread.start()
        return f"{why}: sampling {process} for {span(self._plan.duration_s)}"

    def end(self, patience_s: float) -> None:
        """End what is under way and keep what there is of it; waits no longer than `patience_s`."""
        self._ending.set()
        if self._under_way is not None:
            thread, captures = self._under_way
            for capture in captures:
                capture.stop()
            thread.join(patience_s)

    def _sample(self, process: str, why: str, captures: list[Capture]) -> None:
        """Find out who is meant, sample, and tell."""
        told: list[CaptureProgress] = []

        def heard(progress: CaptureProgress) -> None:
            if progress.state in ("done", "failed"):
                told.append(progress)

        plan = self._plan
        try:
            who = process_lookup.find(process)  # takes a while: the end may come meanwhile
            if self._ending.is_set():
                return
            capture = Capture(
                who.pid, who.started, plan.duration_s, plan.rate_hz, heard,
                subprocesses=plan.subprocesses, native=plan.native, blocking=plan.blocking,
            )  # fmt: skip
            captures.append(capture)
            capture.start()
            if self._ending.is_set():  # it came between the question above and the list
                capture.stop()
            capture.wait()
        except (CaptureFailedError, process_lookup.ProcessNotFoundError, ValueError) as error:
            self._failed(clean(f"no profile of {process}, {why}: {error}", 300))
            return
        profile = told[-1].profile if told else None
        if profile is None or not profile.slices:
            reason = told[-1].message if told else "it gave nothing"
            self._failed(clean(f"no profile of {process}, {why}: {reason}", 300))
            return
        notes = (*profile.about.notes, *([who.note] if who.note else []), f"taken by itself: {why}")
        about = replace(profile.about, notes=notes)
        self._keep(replace(profile, about=about), why)
