"""Explicit timestamps of samples: a sample whose timestamp has not moved is no new one.

Exporters that refresh now and then, cAdvisor and federation say when a value was taken. Its rate is then over the time
between two of its own samples, and held until the next one comes.

Memory: at most `MOST_POINTS` points of 150 B for each series that carries a timestamp; none for others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple

from tputtui.model import Series

MOST_POINTS: Final = 16

HELD_FOR: Final = 2.5
"""Refreshes. A rate is held for so long after the newest sample, and for a window at least."""

_SLACK_S: Final = 5.0  # by how much the target's clock may differ from ours
_LATEST_S: Final = 86_400.0  # a first sample older than this, or as far in the future, has no timestamp in milliseconds


class Point(NamedTuple):
    """One sample: when it was taken (unix seconds), when we saw it first, and what the series had gained by then."""

    taken: float
    at: float
    gained: float


class SampleTimes:
    """The newest samples of the series that carry timestamps."""

    def __init__(self) -> None:
        self._points: dict[Series, deque[Point]] = {}
        self._late_s: dict[Series, float] = {}  # how old a series' first sample was when we saw it

    def __bool__(self) -> bool:
        return bool(self._points)

    def only_new(
        self, samples: Mapping[Series, float], stamps: Mapping[Series, float], raw: Mapping[Series, float]
    ) -> Mapping[Series, float]:
        """The samples of a scrape, with the value of before (`raw`) where a timestamp has not moved."""
        settled = dict(samples)
        for series, taken in stamps.items():
            points = self._points.get(series)
            if points is not None and taken <= points[-1].taken and series in raw:
                settled[series] = raw[series]
        return settled

    def note(
        self,
        at: float,
        time: float,
        stamps: Mapping[Series, float],
        gained: Mapping[Series, float],
        window_s: float,
    ) -> None:
        """Take the samples of a scrape whose timestamps have moved; forget series that are no longer there."""
        for series in [series for series in self._points if series not in stamps]:
            del self._points[series], self._late_s[series]
        for series, amount in gained.items():
            taken = stamps[series]
            points = self._points.get(series)
            if points is None:
                points = self._points[series] = deque()
                self._late_s[series] = time - taken
            elif taken <= points[-1].taken:
                continue
            if len(points) > 1 and taken - points[-2].taken < window_s / (MOST_POINTS - 2):
                points.pop()
            points.append(Point(taken, at, amount))
            start = taken - window_s
            while len(points) > 2 and abs(points[1].taken - start) <= abs(points[0].taken - start):
                points.popleft()

    def start_over(self) -> None:
        """Keep only the newest sample of each series."""
        for points in self._points.values():
            while len(points) > 1:
                points.popleft()

    def rate(self, series: Series, at: float, window_s: float, interval_s: float) -> float | None:
        """What a series gained per second between its own samples; None before the second one, and where it is stale."""
        points = self._points[series]
        if len(points) < 2:
            return None
        first, last = points[0], points[-1]
        refresh = last.at - points[-2].at
        if at - last.at > max(window_s, HELD_FOR * max(refresh, last.taken - points[-2].taken)):
            return None
        seconds, seen = last.taken - first.taken, last.at - first.at
        late = self._late_s[series]
        least = seen - 2 * interval_s
        most = seen + max(0.0, late) + 2 * interval_s + _SLACK_S
        if abs(late) > _LATEST_S or not least <= seconds <= most:
            seconds = seen  # the timestamps do not tell the time: our own clock does
        rate = (last.gained - first.gained) / seconds if seconds > 0 else 0.0
        return rate if isfinite(rate) else None

    def series(self) -> Sequence[Series]:
        """The series that carry timestamps."""
        return list(self._points)

    def newest(self, series: Series) -> float | None:
        """When a series' newest sample was taken; None where it does not say."""
        points = self._points.get(series)
        return points[-1].taken if points else None
