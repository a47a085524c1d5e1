"""What `[profile.on_objective_missed]` asks for, on the live screen: said, saved, and put into the log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tputtui.model import Event, Snapshot
from tputtui.profiling.capture.objective_trigger import ObjectiveCapture
from tputtui.profiling.profile_model import Profile
from tputtui.settings import ProfileTrigger

if TYPE_CHECKING:
    from tputtui.tui.profile.profile_session import ProfileSession


_STOP_TIMEOUT_S = 3.0  # py-spy writes within a second


class LiveObjectiveCapture:
    """Hands the screen's snapshots on, and what comes of them to the screen."""

    def __init__(self, profiles: ProfileSession, trigger: ProfileTrigger) -> None:
        self._session = profiles.session
        self._profiles = profiles
        self._capture = ObjectiveCapture(
            trigger, self._session.settings.profile, self._save, self._report_failure
        )

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """The newest snapshot."""
        sentence = self._capture.on_snapshot(snapshot)
        if sentence is not None:
            self._session.show_status(sentence)

    def stop(self) -> None:
        """The screen is about to go: what is being sampled ends, and is saved."""
        self._capture.stop(_STOP_TIMEOUT_S)

    def _save(self, profile: Profile, reason: str) -> None:
        self._profiles.on_saved(*self._profiles.library.save_profile(profile), reason)

    def _report_failure(self, message: str) -> None:
        self._session.log_event(Event(time.time(), "warning", message))
        self._session.show_status_from_thread(message)
