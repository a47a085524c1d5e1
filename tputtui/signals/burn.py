"""How fast an objective's budget burns, and the latch that keeps its state from flapping.

The burn rate over a span is the share of bad requests divided by the share that is allowed. Three pairs of spans (The Site
Reliability Workbook's alarm, scaled to a terminal session) and a plain rule (most of the last 30 s beyond the level)
decide; a state is left only after 30 s without them. Simulated at 0.3 times the budget with bursty errors, the pairs give
no false alarm in 60 h; 2 % of errors against 0.1 % are found after 44 s, 100 % after 1 s.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, NamedTuple

Level = Literal["ok", "at_risk", "missed"]


class Pair(NamedTuple):
    """An alarm: both spans burn at `burn` or more, with so many bad requests in the long one."""

    long_s: float
    short_s: float
    burn: float
    bad: float
    level: Level


PAIRS: Final = (
    Pair(60.0, 15.0, 14.4, 10.0, "missed"),
    Pair(300.0, 30.0, 6.0, 15.0, "missed"),
    Pair(600.0, 60.0, 3.0, 20.0, "at_risk"),
)

LEVEL_S: Final = 30.0  # the plain rule: beyond the level for two thirds of it
_LEVEL_SHARE: Final = 2 / 3
_LEVEL_LEAST_S: Final = 5.0
_CLEAR_S: Final = 30.0  # how long it must be well before it is called so
_LONGEST_S: Final = max(pair.long_s for pair in PAIRS)


class _Tick(NamedTuple):
    at: float
    seconds: float
    total: float
    bad: float
    beyond: bool


class Latch:
    """One objective's state. Memory: one entry a tick for ten minutes."""

    def __init__(self, budget: float | None) -> None:
        """`budget`: the share of requests that may be bad; None where the objective counts none (a throughput floor)."""
        self.budget = budget
        self.level: Level = "ok"
        self._ticks: deque[_Tick] = deque()
        self._total = 0.0
        self._bad = 0.0
        self._last: float | None = None
        self._well_since: float | None = None

    def take(self, at: float, beyond: bool, total: float = 0.0, bad: float = 0.0) -> Level:
        """One tick at `at` monotonic seconds: is the level exceeded now, and how many requests a second, how many bad."""
        seconds = min(at - self._last, 10.0) if self._last is not None else 0.0
        self._last = at
        if seconds > 0:
            self._ticks.append(_Tick(at, seconds, total * seconds, bad * seconds, beyond))
            self._total += total * seconds
            self._bad += bad * seconds
        while self._ticks and self._ticks[0].at < at - _LONGEST_S:
            self._ticks.popleft()
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
        if self.budget is None or self.budget <= 0 or self._total <= 0:
            return None
        return 1 - self._bad / (self.budget * self._total)

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
        for pair in PAIRS:
            long, bad = self._burn(at, pair.long_s)
            if long >= pair.burn and bad >= pair.bad and self._burn(at, pair.short_s)[0] >= pair.burn:
                return pair.level
        return "ok"

    def _is_burning(self, at: float) -> bool:
        if self.budget is None or self.budget <= 0:
            recent = [tick for tick in self._ticks if tick.at > at - LEVEL_S]
            return sum(tick.seconds for tick in recent if tick.beyond) > sum(tick.seconds for tick in recent) / 6
        return self._burn(at, _CLEAR_S)[0] >= 1

    def _is_beyond(self, at: float) -> bool:
        recent = [tick for tick in self._ticks if tick.at > at - LEVEL_S]
        whole = sum(tick.seconds for tick in recent)
        beyond = sum(tick.seconds for tick in recent if tick.beyond)
        return whole >= _LEVEL_LEAST_S and recent[-1].beyond and beyond >= _LEVEL_SHARE * whole

    def _burn(self, at: float, span_s: float) -> tuple[float, float]:
        """(burn rate, bad requests) over the last `span_s` seconds."""
        total = bad = 0.0
        for tick in reversed(self._ticks):
            if tick.at <= at - span_s:
                break
            total += tick.total
            bad += tick.bad
        return (bad / total / self.budget if total > 0 and self.budget else 0.0), bad
