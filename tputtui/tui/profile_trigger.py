"""A profile that takes itself while an objective is missed: only where the config asks for it."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Event, Snapshot
from tputtui.profiling import whom
from tputtui.profiling.capture import Capture, CaptureFailed, Progress
from tputtui.profiling.trigger import Trigger
from tputtui.settings import ProfileTrigger
from tputtui.views.profile_options import by_preset

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class OnMissed:
    """Watches the snapshots of the live screen; a capture runs in threads of its own."""

    def __init__(self, desk: TputtuiApp, wanted: ProfileTrigger) -> None:
        self._desk = desk
        self._trigger = Trigger(wanted)
        self._plan = by_preset(wanted.preset, desk.settings.profile)
        self._profiles = desk.profiles  # made here, for it is used in the capture's thread

    def saw(self, snapshot: Snapshot) -> None:
        """The newest snapshot: sample, if an objective has been missed for long enough."""
        missed = self._trigger.due(snapshot)
        if missed is None:
            return
        process = self._trigger.settings.process
        why = f"{missed.expression} missed for {text.span(round(missed.for_s or 0.0))}"
        self._desk.say(f"{why}: sampling {process} for {text.span(self._plan.duration_s)}")
        threading.Thread(target=self._sample, args=(process, why), name="profile by itself", daemon=True).start()

    def _sample(self, process: str, why: str) -> None:
        """Find out who is meant, and begin."""

        def heard(progress: Progress) -> None:
            self._heard(progress, process, why)

        plan = self._plan
        try:
            who = whom.find(process)
            Capture(
                who.pid, who.started, plan.duration_s, plan.rate_hz, heard,
                subprocesses=plan.subprocesses, native=plan.native, blocking=plan.blocking,
            ).start()  # fmt: skip
        except (CaptureFailed, whom.NobodyThere, ValueError) as error:
            self._failed(process, why, str(error))

    def _heard(self, progress: Progress, process: str, why: str) -> None:
        """In the capture's thread: save it the moment it is done."""
        if progress.state not in ("done", "failed"):
            return
        profile = progress.profile
        if profile is None or not profile.slices:
            self._failed(process, why, progress.message)
            return
        about = replace(profile.about, notes=(*profile.about.notes, f"taken by itself: {why}"))
        self._profiles.kept(*self._profiles.shelf.keep(replace(profile, about=about)), why)

    def _failed(self, process: str, why: str, reason: str) -> None:
        sentence = text.clean(f"no profile of {process}, {why}: {reason}", 300)
        self._desk.source.note(Event(time.time(), "warning", sentence))
        with contextlib.suppress(RuntimeError):  # the screen has gone
            self._desk.call_from_thread(self._desk.say, sentence)
