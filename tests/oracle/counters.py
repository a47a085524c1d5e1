"""Increase and rate of a single counter, without extrapolation: the rule for one series.

The increase between two scrapes is the difference of the values; the rate divides by the time
between the first and the last scrape used. Nothing is extrapolated to the edges of the window,
which is the one difference from PromQL's ``rate``: an integer counter then rises by integers, and a
step appears at its full height.

There is no other evidence here. `rates.target_window` also uses start times, other series and
several processes of a target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from tputtui.signals.service.family_table import counter_rise

Point = tuple[float, float]
"""(seconds on the monotonic clock, value)"""


def increase(points: Iterable[Point]) -> float | None:
    """Return the sum of the rises between successive points.

    None with fewer than two finite points.
    """
    known = _finite(points)
    if len(known) < 2:
        return None
    return math.fsum(counter_rise(before, after) for (_, before), (_, after) in pairwise(known))


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
