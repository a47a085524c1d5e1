"""Time for which a guarded service has not answered while the control does.

Only ticks in which the control answers count: if neither answers, the cause may be this side, the
network, or an incident of both. A tick counts for two intervals at most, so that time in which this
process was kept from running is not counted against either arm.
"""

from __future__ import annotations

from typing import Final, Literal

UNRESPONSIVE_S: Final = 30.0
"""A treatment without an answer for this long, while the control answers, has to be rolled back."""

UNREADABLE_S: Final = 10.0
"""A treatment unreadable for this long at the end of the recording was not fully evaluated."""

Answering = Literal["answers", "unreadable", "silent"]
"""State of a service as of one tick: readable figures; an answer without figures; no answer."""


class Unanswered:
    """Unanswered time of one treatment."""

    def __init__(self, interval_s: float) -> None:
        self._most_s = 2 * interval_s
        self._at: float | None = None
        self.silent_s = 0.0  # without an answer, while the control answers
        self.unreadable_s = 0.0  # without figures
        self.longest_s = 0.0  # the longest time without figures
        self.was_read = False

    def take(self, at: float, state: Answering, *, control_answers: bool) -> None:
        """Add one tick at `at` (monotonic seconds)."""
        passed = min(at - self._at, self._most_s) if self._at is not None else 0.0
        self._at = at
        if state == "answers":
            self.silent_s = self.unreadable_s = 0.0
            self.was_read = True
            return
        self.unreadable_s += passed
        self.longest_s = max(self.longest_s, self.unreadable_s)
        if state != "silent":
            self.silent_s = 0.0
        elif control_answers:
            self.silent_s += passed

    @property
    def is_unresponsive(self) -> bool:
        """Whether it has not answered for UNRESPONSIVE_S while the control did."""
        return self.silent_s >= UNRESPONSIVE_S

    @property
    def was_judged(self) -> bool:
        """Whether it was readable enough for a verdict: at all, at the end, and without a long
        gap.
        """
        return (
            self.was_read and self.unreadable_s < UNREADABLE_S and self.longest_s < UNRESPONSIVE_S
        )
