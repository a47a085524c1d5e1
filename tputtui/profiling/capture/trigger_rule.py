"""When an objective that is missed asks for a profile: after it was missed for so long, and not too often. Pure."""

from __future__ import annotations

from tputtui.model import ObjectiveStatus, Snapshot
from tputtui.settings import ProfileTrigger


class ObjectiveTriggerRule:
    """What `[profile.on_objective_missed]` asks for, judged at each snapshot."""

    def __init__(self, settings: ProfileTrigger) -> None:
        self.settings = settings
        self._fired_at: float | None = None  # monotonic seconds

    def evaluate(self, snapshot: Snapshot) -> ObjectiveStatus | None:
        """The objective for which a capture begins now, the one that is missed the longest; else None.

        To have been asked counts as a capture, whatever became of it: one that fails is not tried at each tick.
        """
        if self._fired_at is not None and snapshot.at - self._fired_at < self.settings.every_s:
            return None
        missed = [
            status
            for status in snapshot.objectives
            if status.state == "missed" and status.for_s is not None and status.for_s >= self.settings.after_s
        ]
        if not missed:
            return None
        self._fired_at = snapshot.at
        return max(missed, key=lambda status: status.for_s or 0.0)
