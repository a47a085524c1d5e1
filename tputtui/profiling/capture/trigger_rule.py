"""Rule for a profile on a missed objective: minimum time missed and minimum pause. Pure."""

from __future__ import annotations

from tputtui.model import ObjectiveStatus, Snapshot
from tputtui.settings import ProfileTrigger


class ObjectiveTriggerRule:
    """Rule from `[profile.on_objective_missed]`, evaluated at each snapshot."""

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
