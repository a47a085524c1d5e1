"""Increase and rate of a single counter, without extrapolation.

The increase between two scrapes is the difference of the values; the rate divides by the time
between the first and the last scrape used. Nothing is extrapolated to the edges of the window,
which is the one difference from PromQL's ``rate``: an integer counter then rises by integers, and a
step appears at its full height.

This is the rule for one series without other evidence. `rates.target_window` also uses start times,
other series and several processes of a target as evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

Point = tuple[float, float]
"""(seconds on the monotonic clock, value)"""


def rise(before: float, after: float) -> float:
    """Return the increase of a counter between two values, never below 0.

    A fall to half or less is a reset; a smaller one (a step back, another worker's counter) gains
    nothing. NaN and Inf gain nothing, because they are not counts.
    """
    if not (math.isfinite(before) and math.isfinite(after)):
        return 0.0
    if after >= before:
        return after - before
    return max(after, 0.0) if after <= before / 2 else 0.0


def increase(points: Iterable[Point]) -> float | None:
    """Return the sum of the rises between successive points.

    None with fewer than two finite points.
    """
    known = _finite(points)
    if len(known) < 2:
        return None
    return math.fsum(rise(before, after) for (_, before), (_, after) in pairwise(known))


def rate(points: Iterable[Point]) -> float | None:
    """Return the increase per second between the first and the last finite point.

    None if no time passed.
    """
    known = _finite(points)
    gained = increase(known)
    if gained is None or known[-1][0] <= known[0][0]:
        return None
    return gained / (known[-1][0] - known[0][0])


def count_resets(points: Iterable[Point]) -> int:
    """Count how often the counter fell."""
    known = _finite(points)
    return sum(after < before for (_, before), (_, after) in pairwise(known))


def _finite(points: Iterable[Point]) -> list[Point]:
    return [point for point in points if math.isfinite(point[1])]
