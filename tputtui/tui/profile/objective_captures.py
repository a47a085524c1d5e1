"""What `[profile.on_objective_missed]` asks for, on the live screen: said, saved, and put into the log."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from tputtui.model import Event, Snapshot
from tputtui.profiling.capture.objective_trigger import ObjectiveCapture
from tputtui.profiling.profile_model import Profile
from tputtui.settings import ProfileTrigger

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


_PATIENCE_S = 3.0  # py-spy writes within a second


class LiveObjectiveCapture:
    """Hands the screen's snapshots on, and what comes of them to the screen."""

    def __init__(self, desk: TputtuiApp, wanted: ProfileTrigger) -> None:
        self._desk = desk
        self._profiles = desk.profiles  # made here, for it is used in the capture's thread
        self._by_itself = ObjectiveCapture(wanted, desk.settings.profile, self._keep, self._failed)

    def saw(self, snapshot: Snapshot) -> None:
        """The newest snapshot."""
        sentence = self._by_itself.saw(snapshot)
        if sentence is not None:
            self._desk.say(sentence)

    def end(self) -> None:
        """The screen is about to go: what is being sampled ends, and is saved."""
        self._by_itself.end(_PATIENCE_S)

    def _keep(self, profile: Profile, why: str) -> None:
        self._profiles.kept(*self._profiles.shelf.keep(profile), why)

    def _failed(self, sentence: str) -> None:
        self._desk.source.note(Event(time.time(), "warning", sentence))
        with contextlib.suppress(RuntimeError):  # the screen has gone
            self._desk.call_from_thread(self._desk.say, sentence)
