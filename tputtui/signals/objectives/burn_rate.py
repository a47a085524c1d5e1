"""How fast an objective's budget burns, and the latch that keeps its state from flapping.

The burn rate over a span is the share of bad requests divided by the share that is allowed. Three pairs of spans (The Site
Reliability Workbook's alarm, scaled to a terminal session) and a plain rule (most of the last 30 s beyond the level)
decide; a state is left only after 30 s without them. Simulated at 0.3 times the budget with bursty errors, the pairs give
no false alarm in 60 h; 2 % of errors against 0.1 % are found after 44 s, 100 % after 1 s.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final, Literal, NamedTuple

Level = Literal["ok", "at_risk", "missed"]


class WindowPair(NamedTuple):
    """An alarm: both spans burn at `burn` or more, with so many bad requests in the long one."""

    long_s: float
    short_s: float
    burn: float
    bad: float
    level: Level


PAIRS: Final = (
    WindowPair(60.0, 15.0, 14.4, 10.0, "missed"),
    WindowPair(300.0, 30.0, 6.0, 15.0, "missed"),
    WindowPair(600.0, 60.0, 3.0, 20.0, "at_risk"),
)

LEVEL_S: Final = 30.0  # the plain rule: beyond the level for two thirds of it
_LEVEL_SHARE: Final = 2 / 3
_LEVEL_LEAST_S: Final = 5.0
LEAST_BAD: Final = 5.0
"""Bad requests in the last five minutes below which the plain rule says nothing: one error in the first thousand requests
is ten times 0.01 %, and tells nothing."""

_LEAST_BAD_S: Final = 300.0
_CLEAR_S: Final = 30.0  # how long it must be well before it is called so
_LONGEST_S: Final = max(pair.long_s for pair in PAIRS)


class BurnRate(NamedTuple):
    """What a span of time tells: how many times the budget burns, how many requests there were, how many bad."""

    rate: float
    total: float
    bad: float


class _Sums(NamedTuple):
    """All up to a tick, so that a span is a difference."""

    at: float
    seconds: float = 0.0
    beyond: float = 0.0  # seconds
    total: float = 0.0
    bad: float = 0.0


class Hysteresis:
    """One objective's state. Memory: one entry a tick for twenty minutes at most."""

    def __init__(self, budget: float | None, least_bad: float = LEAST_BAD) -> None:
        """`budget`: the share of requests that may be bad; None where the objective counts none (a throughput floor).

        `least_bad`: bad requests that the plain rule needs, if requests are counted; 0 where they are only estimated.
        """
        self.budget = budget
        self._least_bad = least_bad if budget is not None else 0.0
        self.level: Level = "ok"
        self._sums = [_Sums(-math.inf)]  # the first one is the newest that no span reaches back to
        self._is_beyond_now = False
        self._last: float | None = None
        self._well_since: float | None = None

    def take(self, at: float, beyond: bool, total: float = 0.0, bad: float = 0.0) -> Level:
        """One tick at `at` monotonic seconds: is the level exceeded now, and how many requests a second, how many bad."""
        seconds = min(at - self._last, 10.0) if self._last is not None else 0.0
        self._last = at
        if seconds > 0:
            newest = self._sums[-1]
            self._sums.append(
                _Sums(
                    at,
                    newest.seconds + seconds,
                    newest.beyond + seconds * beyond,
                    newest.total + total * seconds,
                    newest.bad + bad * seconds,
                )
            )
            self._is_beyond_now = beyond
        if self._sums[0].at < at - 2 * _LONGEST_S:
            del self._sums[: self._before(at - _LONGEST_S)]
        found = self._rule(at)
        if found == "missed" or (found == "at_risk" and self.level == "ok"):
            self.level, self._well_since = found, None
        elif self.level != "ok":
            self._recover(at, found)
        return "at_risk" if self.level == "ok" and beyond else self.level

    def skip(self, at: float) -> None:
        """A tick without data: nothing is known of it."""
        self._last = at

    def budget_left(self) -> float | None:
        """The share of this run's budget that is left, below 0 where it is overdrawn; None before any request."""
        whole = self._sums[-1]
        if self.budget is None or self.budget <= 0 or whole.total <= 0:
            return None
        return 1 - whole.bad / (self.budget * whole.total)

    def burn(self, at: float, span_s: float) -> BurnRate:
        """Over the last `span_s` seconds; a rate of 0 where there is no budget or no request."""
        recent = self._over(at, span_s)
        rate = recent.bad / recent.total / self.budget if recent.total > 0 and self.budget else 0.0
        return BurnRate(rate, recent.total, recent.bad)

    def _before(self, at: float) -> int:
        """The place of the newest sums at or before a moment; of the oldest there are, if that lies further back."""
        return max(0, bisect_right(self._sums, at, key=lambda sums: sums.at) - 1)

    def _over(self, at: float, span_s: float) -> _Sums:
        newest, before = self._sums[-1], self._sums[self._before(at - span_s)]
        return _Sums(at, *(new - old for new, old in zip(newest[1:], before[1:], strict=True)))

    def holds(self, at: float, pair: WindowPair) -> bool:
        """Whether an alarm is given now: both spans burn as fast as it says, with as many bad requests."""
        long = self.burn(at, pair.long_s)
        return long.rate >= pair.burn and long.bad >= pair.bad and self.burn(at, pair.short_s).rate >= pair.burn

    def _recover(self, at: float, found: Level) -> None:
        if found != "ok" or self._is_burning(at):
            self._well_since = None
            return
        if self._well_since is None:
            self._well_since = at
        self.level = "ok" if at - self._well_since >= _CLEAR_S else "at_risk"

    def _rule(self, at: float) -> Level:
        if self._is_beyond(at):
            return "missed"
        if self.budget is None or self.budget <= 0:
            return "ok"
        return next((pair.level for pair in PAIRS if self.holds(at, pair)), "ok")

    def _is_burning(self, at: float) -> bool:
        if self.budget is None or self.budget <= 0:
            recent = self._over(at, LEVEL_S)
            return recent.beyond > recent.seconds / 6
        return self.burn(at, _CLEAR_S).rate >= 1

    def _is_beyond(self, at: float) -> bool:
        recent = self._over(at, LEVEL_S)
        lasts = recent.seconds >= _LEVEL_LEAST_S and recent.beyond >= _LEVEL_SHARE * recent.seconds
        counted = self._over(at, _LEAST_BAD_S)
        return lasts and self._is_beyond_now and (counted.bad >= self._least_bad or counted.total <= 0)
