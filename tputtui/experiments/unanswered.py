"""How long a service that is watched by a guardrail has not answered, while the control does.

Only ticks count in which the control answers: what neither answers may be this side, the network, or an incident of both.
And a tick counts for two intervals at most, so that a time in which we ourselves were kept from running counts for nobody.
"""

from __future__ import annotations

from typing import Final, Literal

UNRESPONSIVE_S: Final = 30.0
"""A treatment that has not answered for so long, while the control does, has to go."""

UNREADABLE_S: Final = 10.0
"""One that could not be read for so long when the recording ended was not judged to its end."""

Answering = Literal["answers", "unreadable", "silent"]
"""Of a service as of one tick: its figures can be read; it answers, but not with figures; it does not answer."""


class Unanswered:
    """One treatment."""

    def __init__(self, interval_s: float) -> None:
        self._most_s = 2 * interval_s
        self._at: float | None = None
        self.silent_s = 0.0  # without an answer, while the control answers
        self.unreadable_s = 0.0  # without figures
        self.longest_s = 0.0  # the longest time without figures
        self.was_read = False

    def take(self, at: float, state: Answering, *, control_answers: bool) -> None:
        """One tick at `at` (monotonic seconds)."""
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
        """Whether it could be read well enough for a verdict: at all, at the end, and without a long time between."""
        return self.was_read and self.unreadable_s < UNREADABLE_S and self.longest_s < UNRESPONSIVE_S
