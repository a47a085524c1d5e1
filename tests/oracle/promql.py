"""PromQL functions with the results of Prometheus 3.x, to the digit.

The rule of the live screen (`oracle.counters`) divides the increase by the time between the scrapes
used. This one extrapolates to the edges of the window and divides by its nominal length, as
``rate`` does; no chart mixes the two. Source of the formulas: promql/functions.go
``extrapolatedRate``, ``instantValue``, ``funcResets``, ``funcChanges``; promql/engine.go for
staleness and aggregation. Windows are open on the left, closed on the right. The functions here
take the points of one series within its window, in order, and return None where PromQL has no
result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

Point = tuple[float, float]
"""(seconds, value)"""

StoredPoint = tuple[float, float | None]
"""A point, or with None Prometheus' staleness marker."""

LOOKBACK_S: Final = 300.0
"""How old an instant value may be: Prometheus' --query.lookback-delta."""

_EXTRAPOLATE_UP_TO: Final = 1.1  # average distances between samples


# ---------------------------------------------------------------------------------------- selectors


def instant(
    points: Iterable[StoredPoint], at: float, lookback_s: float = LOOKBACK_S
) -> float | None:
    """Return the newest value in (at - lookback, at].

    None where there is none, or the series went stale.
    """
    newest: StoredPoint | None = None
    for point in points:
        if at - lookback_s < point[0] <= at and (newest is None or point[0] >= newest[0]):
            newest = point  # of two samples at one time, the later written one counts
    return None if newest is None else newest[1]


def window(points: Iterable[StoredPoint], end: float, range_s: float) -> list[Point]:
    """Return the points in (end - range, end] without staleness markers."""
    return [(at, value) for at, value in points if value is not None and end - range_s < at <= end]


# --------------------------------------------------------------------------- functions over a range


def increase(points: Sequence[Point], end: float, range_s: float) -> float | None:
    """Return the increase of a counter, extrapolated to the edges of the window.

    It is fractional even for integers.
    """
    return _extrapolated(points, end, range_s, counter=True)


def rate(points: Sequence[Point], end: float, range_s: float) -> float | None:
    """Return `increase` by the length of the window, not by the time between the samples."""
    gained = increase(points, end, range_s)
    return None if gained is None else gained / range_s


def delta(points: Sequence[Point], end: float, range_s: float) -> float | None:
    """Return the change of a gauge, extrapolated to the edges of the window."""
    return _extrapolated(points, end, range_s, counter=False)


def irate(points: Sequence[Point]) -> float | None:
    """Return the rate between the last two points; after a fall, of the count since the reset."""
    if len(points) < 2 or points[-1][0] == points[-2][0]:
        return None
    (before_at, before), (last_at, last) = points[-2:]
    return (last if last < before else last - before) / (last_at - before_at)


def idelta(points: Sequence[Point]) -> float | None:
    """Return the difference between the last two points."""
    if len(points) < 2 or points[-1][0] == points[-2][0]:
        return None
    return points[-1][1] - points[-2][1]


def resets(points: Sequence[Point]) -> float | None:
    """Count the falls of the value."""
    return _pairs(points, lambda before, after: after < before)


def changes(points: Sequence[Point]) -> float | None:
    """Count the changes of the value; NaN after NaN is no change."""
    return _pairs(points, lambda a, b: a != b and not (math.isnan(a) and math.isnan(b)))


def count_over_time(points: Sequence[Point]) -> float | None:
    """Count the points."""
    return float(len(points)) if points else None


def _pairs(points: Sequence[Point], holds: Callable[[float, float], bool]) -> float | None:
    if not points:
        return None
    return float(sum(holds(a, b) for (_, a), (_, b) in pairwise(points)))


def _extrapolated(
    points: Sequence[Point], end: float, range_s: float, *, counter: bool
) -> float | None:
    if len(points) < 2:
        return None
    (first_at, first), (last_at, last) = points[0], points[-1]
    gained = last - first
    if counter:
        for (_, before), (_, after) in pairwise(points):
            if after < before:
                gained += before
    sampled = last_at - first_at
    apart = sampled / (len(points) - 1)
    threshold = apart * _EXTRAPOLATE_UP_TO
    to_start, to_end = first_at - (end - range_s), end - last_at
    if to_start >= threshold:
        to_start = apart / 2
    if counter and gained > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / gained))  # a counter was never below zero
    if to_end >= threshold:
        to_end = apart / 2
    return gained * ((sampled + to_start + to_end) / sampled)


# -------------------------------------------------------------------------------------- aggregation


def total(values: Sequence[float]) -> float:
    """Return the sum, as exact as possible; NaN where infinities of both signs meet."""
    odd = [value for value in values if not math.isfinite(value)]
    if odd:
        return sum(odd)
    try:
        return math.fsum(values)
    except OverflowError:  # intermediate overflow, perhaps not in the result
        return math.fsum(value / len(values) for value in values) * len(values)


def average(values: Sequence[float]) -> float:
    """Return the mean, which may be finite where the sum is not."""
    mean = total(values) / len(values)
    if math.isinf(mean) and all(map(math.isfinite, values)):
        return math.fsum(value / len(values) for value in values)
    return mean


def highest(values: Sequence[float]) -> float:
    """Return the largest value; NaN only where all are NaN."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def lowest(values: Sequence[float]) -> float:
    """Return the smallest value; NaN only where all are NaN."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def count(values: Sequence[float]) -> float:
    """Count the series."""
    return float(len(values))


AGGREGATIONS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": total,
    "avg": average,
    "min": lowest,
    "max": highest,
    "count": count,
}
