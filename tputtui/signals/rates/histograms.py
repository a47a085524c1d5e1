"""Quantiles of classic histograms, exactly as PromQL defines them.

In addition to PromQL, a quantile has the bucket it was interpolated in, and a missing quantile has
a reason. The definition is that of Prometheus 3.x, promql/quantile.go ``BucketQuantile``. Buckets
are (upper bound, cumulative count) pairs, counts or rates alike. The quantiles of summaries are
read in `service.latency`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tputtui.model import Quantile

Bucket = tuple[float, float]
"""(upper bound, number of observations at or below it)"""

MAX_COARSE_BOUNDS = 4
"""Number of finite bounds up to which a high quantile is hardly more than a guess."""

_SMALL_DELTA = 1e-12  # PromQL's smallDeltaTolerance: a smaller fall is rounding of the rates
_CLEAR_RISE = 1e-9  # relative rise above which the tolerance needs no check
_MIN_NORMAL = 2.2250738585072014e-308
_BOUND_CHARACTERS = frozenset("0123456789+-.eEinfINFtyTYaA")


class LocatedQuantile(NamedTuple):
    """A quantile as PromQL gives it (NaN and ±Inf included), with the bounds of its bucket.

    A bound is None if the bucket has no such end.
    """

    value: float
    low: float | None = None
    high: float | None = None
    # it fell into the +Inf bucket: the value is the highest finite bound
    is_lower_bound: bool = False


def parse_bound(text: str | None) -> float | None:
    """Parse the number in an ``le`` label ("0.1", ".2", "1e3", "+Inf"); None if it is not one.

    Stricter than float().
    """
    if not text or not _BOUND_CHARACTERS.issuperset(text):
        return None
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def sort_buckets(
    buckets: Iterable[Bucket], duplicates: Literal["add", "first"] = "add"
) -> list[Bucket]:
    """Sort buckets by bound.

    Counts of equal bounds are added (PromQL), or the first one is used (one series, exposed twice).
    """
    counts: dict[float, float] = {}
    for bound, count in buckets:
        if bound not in counts:
            counts[bound] = count
        elif duplicates == "add":
            counts[bound] += count
    return sorted(counts.items())


def make_monotonic(buckets: Sequence[Bucket]) -> tuple[list[Bucket], bool]:
    """Raise each count that falls to the one before it.

    The second value tells whether a fall was more than rounding.
    """
    raised: list[Bucket] = []
    is_raised = False
    before = buckets[0][1] if buckets else 0.0
    for bound, count in buckets:
        if count - before > _CLEAR_RISE * count > 0 or not (
            count <= before or _almost_equal(before, count)
        ):
            before = count
        elif count < before and not _almost_equal(before, count):
            is_raised = True
        raised.append((bound, before))
    return raised, is_raised


def locate_quantile(q: float, buckets: Iterable[Bucket]) -> LocatedQuantile:
    """Return PromQL's ``histogram_quantile`` of one histogram, with the bucket it lies in."""
    if math.isnan(q):
        return LocatedQuantile(math.nan)
    if q < 0 or q > 1:
        return LocatedQuantile(-math.inf if q < 0 else math.inf)
    bounds, counts = _split_buckets(make_monotonic(sort_buckets(buckets))[0])
    if not _has_quantile(bounds, counts):
        return LocatedQuantile(math.nan)
    return _interpolate(q * counts[-1], bounds, counts)


def _split_buckets(buckets: Sequence[Bucket]) -> tuple[list[float], list[float]]:
    """Split buckets into their bounds and their counts."""
    return [bound for bound, _ in buckets], [count for _, count in buckets]


def _has_quantile(bounds: Sequence[float], counts: Sequence[float]) -> bool:
    """Tell whether a quantile exists: there is +Inf, another bound, and an observation."""
    return len(bounds) >= 2 and bounds[-1] == math.inf and bool(counts[-1])


def histogram_quantile(q: float, buckets: Iterable[Bucket]) -> float:
    """Return PromQL's ``histogram_quantile`` of one histogram.

    NaN if there is none; ±Inf if q is outside 0 to 1.
    """
    return locate_quantile(q, buckets).value


def quantile(q: float, buckets: Iterable[Bucket], scale: float = 1.0) -> Quantile:
    """Return a quantile for display, in units of `scale`, with its bucket.

    None if there is none; marked with ≥ if it lies in the +Inf bucket.
    """
    return quantiles((q,), buckets, scale)[0]


def quantiles(
    qs: Sequence[float], buckets: Iterable[Bucket], scale: float = 1.0
) -> tuple[Quantile, ...]:
    """Return several quantiles (each from 0 to 1) of one histogram.

    Its buckets are sorted and made monotonic only once.
    """
    return quantiles_from_sorted(
        qs, *_split_buckets(make_monotonic(sort_buckets(buckets))[0]), scale
    )


def quantiles_from_sorted(
    qs: Sequence[float], bounds: Sequence[float], counts: Sequence[float], scale: float = 1.0
) -> tuple[Quantile, ...]:
    """Return several quantiles of ascending bounds and non-decreasing counts.

    Hot loop of every breakdown.
    """
    if not _has_quantile(bounds, counts):
        return tuple([Quantile(q, None) for q in qs])
    total = counts[-1]
    return tuple([_scale_quantile(q, _interpolate(q * total, bounds, counts), scale) for q in qs])


def _scale_quantile(q: float, located: LocatedQuantile, scale: float) -> Quantile:
    value, low, high, at_least = located
    return Quantile(
        q,
        value * scale if math.isfinite(value) else None,
        low * scale if low is not None else None,
        high * scale if high is not None else None,
        at_least,
    )


def _interpolate(rank: float, bounds: Sequence[float], counts: Sequence[float]) -> LocatedQuantile:
    """Interpolate linearly within the bucket that holds the rank.

    A lowest bucket with a positive bound starts at 0.
    """
    last = len(bounds) - 1
    index = bisect_left(counts, rank, hi=last)
    if index == last:
        floor = bounds[last - 1]
        return LocatedQuantile(floor, low=floor, is_lower_bound=True)
    end, count = bounds[index], counts[index]
    if index == 0 and end <= 0:
        return LocatedQuantile(end, high=end)
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    if count == below:  # only for q = 0 and an empty lowest bucket: 0/0 in PromQL too
        return LocatedQuantile(math.nan)
    return LocatedQuantile(
        start + (end - start) * ((rank - below) / (count - below)), low=start, high=end
    )


def histogram_fraction(lower: float, upper: float, buckets: Iterable[Bucket]) -> float:
    """Return the share of observations between two values, interpolated like a quantile.

    NaN without observations. This is PromQL's ``histogram_fraction`` on classic buckets. It is
    often more accurate than a quantile, since a value that is a bucket's bound needs no
    interpolation. Above the highest finite bound nothing is known: all of it counts as above
    `upper`.
    """
    monotonic, _ = make_monotonic(sort_buckets(buckets))
    if not _has_quantile(*_split_buckets(monotonic)) or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    total = monotonic[-1][1]
    return (_rank(upper, monotonic) - _rank(lower, monotonic)) / total


def _rank(value: float, buckets: Sequence[Bucket]) -> float:
    """Return the number of observations at or below a value."""
    if value == math.inf:
        return buckets[-1][1]
    start, below = (0.0, 0.0) if buckets[0][0] > 0 else (-math.inf, 0.0)
    for end, count in buckets:
        if value <= end:
            if value <= start:
                return below
            if math.isinf(end) or math.isinf(start):
                return count if value == end else below
            return below + (count - below) * (value - start) / (end - start)
        start, below = end, count
    return below


def merge_histograms(histograms: Sequence[Iterable[Bucket]]) -> list[Bucket]:
    """Add up the histograms of replicas.

    Only bounds that all of them have are kept: the sum is exact at those. With equal layouts this
    is PromQL's ``sum by (le)``; with different ones, that sum would compare counts of different
    sets.
    """
    parts = [dict(sort_buckets(histogram)) for histogram in histograms]
    if not parts:
        return []
    common = set.intersection(*(set(part) for part in parts))
    return [(bound, math.fsum(part[bound] for part in parts)) for bound in sorted(common)]


def describe_fault(buckets: Sequence[Bucket]) -> str | None:
    """Say in a sentence why a histogram has no quantile; None if it is sound.

    A sound histogram may still have no observations.
    """
    if not buckets:
        return "no buckets with a readable le"
    bounds = {bound for bound, _ in buckets}
    if math.inf not in bounds:
        return "the +Inf bucket is missing: no quantile can be known"
    if len(bounds) < 2:
        return "only the +Inf bucket: no quantile can be known"
    return None


def coarse_note(buckets: Sequence[Bucket], quantiles: Sequence[float] = (0.99,)) -> str:
    """Warn of too few buckets: "only 3 buckets: p99 says little"; else ""."""
    finite = sum(not math.isinf(bound) for bound in {bound for bound, _ in buckets})
    if not 0 < finite <= MAX_COARSE_BOUNDS or not quantiles:
        return ""
    return (
        f"only {finite} bucket{'s' if finite > 1 else ''}: p{max(quantiles) * 100:.10g} says little"
    )


# ---------------------------------------------------------------------------------- VictoriaMetrics


def parse_vmrange(text: str) -> tuple[float, float] | None:
    """Parse both ends of a ``vmrange`` label ("1.000e-03...1.136e-03"); None if it is not one."""
    low, dots, high = text.partition("...")
    start, end = parse_bound(low), parse_bound(high)
    if not dots or start is None or end is None or not start < end:
        return None
    return start, end


def buckets_from_vmranges(ranges: Mapping[tuple[float, float], float]) -> list[Bucket]:
    """Convert VictoriaMetrics' buckets to cumulative ones.

    Their buckets count only the observations within a range. Ranges without observations are not
    exposed. A bucket is inserted for each missing range, so that nothing is interpolated across it.
    """
    buckets: list[Bucket] = []
    total, edge = 0.0, 0.0
    for (start, end), count in sorted(ranges.items()):
        if start > edge:
            buckets.append((start, total))
        total += count
        edge = end
        buckets.append((end, total))
    if buckets and edge != math.inf:
        buckets.append((math.inf, total))
    return buckets


def _almost_equal(a: float, b: float) -> bool:
    """Compare as Prometheus' util/almost.Equal does, with `_SMALL_DELTA`."""
    total, apart = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or total < _MIN_NORMAL:
        return apart < _SMALL_DELTA * _MIN_NORMAL
    return apart / total < _SMALL_DELTA
