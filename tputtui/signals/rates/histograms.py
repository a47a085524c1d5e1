"""Quantiles from a classic histogram's buckets, exactly as PromQL defines them, and with what PromQL leaves out: the
bucket that a quantile was interpolated in, and why there is none.

The definition is Prometheus 3.x, promql/quantile.go ``BucketQuantile``. Buckets are (upper bound, cumulative count)
pairs, counts or rates alike. Summaries' own quantiles are in signals/summaries.py.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tputtui.model import Quantile

Bucket = tuple[float, float]
"""(upper bound, how many observations were at or below it)"""

MAX_COARSE_BOUNDS = 4
"""With this many finite bounds or fewer, a high quantile is hardly more than a guess."""

_SMALL_DELTA = 1e-12  # PromQL's smallDeltaTolerance: below it a fall is rounding of the rates
_CLEAR_RISE = 1e-9  # a rise by more than this share needs no closer look
_MIN_NORMAL = 2.2250738585072014e-308
_BOUND_CHARACTERS = frozenset("0123456789+-.eEinfINFtyTYaA")


class LocatedQuantile(NamedTuple):
    """A quantile as PromQL gives it (NaN, ±Inf included), with the ends of its bucket; None where it has no such end."""

    value: float
    low: float | None = None
    high: float | None = None
    is_lower_bound: bool = False  # it fell into the +Inf bucket: the value is the highest finite bound


def parse_bound(text: str | None) -> float | None:
    """The number in an ``le`` label ("0.1", ".2", "1e3", "+Inf"); None where it is none. Stricter than float()."""
    if not text or not _BOUND_CHARACTERS.issuperset(text):
        return None
    try:
        bound = float(text)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def sort_buckets(buckets: Iterable[Bucket], duplicates: Literal["add", "first"] = "add") -> list[Bucket]:
    """Sorted by bound; equal bounds are added (PromQL), or the first of them wins (one series, written twice)."""
    counts: dict[float, float] = {}
    for bound, count in buckets:
        if bound not in counts:
            counts[bound] = count
        elif duplicates == "add":
            counts[bound] += count
    return sorted(counts.items())


def make_monotonic(buckets: Sequence[Bucket]) -> tuple[list[Bucket], bool]:
    """Lift each count to the one before it where it falls; says whether a fall was more than rounding."""
    out: list[Bucket] = []
    forced = False
    before = buckets[0][1] if buckets else 0.0
    for bound, count in buckets:
        if count - before > _CLEAR_RISE * count > 0 or not (count <= before or _almost_equal(before, count)):
            before = count
        elif count < before and not _almost_equal(before, count):
            forced = True
        out.append((bound, before))
    return out, forced


def locate_quantile(q: float, buckets: Iterable[Bucket]) -> LocatedQuantile:
    """PromQL's ``histogram_quantile`` over one histogram, with the bucket it was found in."""
    if math.isnan(q):
        return LocatedQuantile(math.nan)
    if q < 0 or q > 1:
        return LocatedQuantile(-math.inf if q < 0 else math.inf)
    bounds, counts = _split_buckets(make_monotonic(sort_buckets(buckets))[0])
    return _interpolate(q * counts[-1], bounds, counts) if _has_quantile(bounds, counts) else LocatedQuantile(math.nan)


def _split_buckets(buckets: Sequence[Bucket]) -> tuple[list[float], list[float]]:
    """The bounds, and the counts."""
    return [bound for bound, _ in buckets], [count for _, count in buckets]


def _has_quantile(bounds: Sequence[float], counts: Sequence[float]) -> bool:
    """Whether there is a quantile at all: +Inf, another bound, and something observed."""
    return len(bounds) >= 2 and bounds[-1] == math.inf and bool(counts[-1])


def histogram_quantile(q: float, buckets: Iterable[Bucket]) -> float:
    """PromQL's ``histogram_quantile`` over one histogram: NaN where there is none, ±Inf where q is outside 0 to 1."""
    return locate_quantile(q, buckets).value


def quantile(q: float, buckets: Iterable[Bucket], scale: float = 1.0) -> Quantile:
    """The same for a person: None where there is none, in units of `scale`, with its bucket, and with ≥ at +Inf."""
    return quantiles((q,), buckets, scale)[0]


def quantiles(qs: Sequence[float], buckets: Iterable[Bucket], scale: float = 1.0) -> tuple[Quantile, ...]:
    """Several quantiles, each from 0 to 1, of one histogram: sorted and made monotonic once."""
    return quantiles_from_sorted(qs, *_split_buckets(make_monotonic(sort_buckets(buckets))[0]), scale)


def quantiles_from_sorted(
    qs: Sequence[float], bounds: Sequence[float], counts: Sequence[float], scale: float = 1.0
) -> tuple[Quantile, ...]:
    """The same of bounds that rise and counts that do not fall: the hot loop of every breakdown."""
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
    """Linear within the bucket that holds the rank; a lowest bucket with a positive bound starts at 0."""
    last = len(bounds) - 1
    place = bisect_left(counts, rank, hi=last)
    if place == last:
        floor = bounds[last - 1]
        return LocatedQuantile(floor, low=floor, is_lower_bound=True)
    end, count = bounds[place], counts[place]
    if place == 0 and end <= 0:
        return LocatedQuantile(end, high=end)
    start, below = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    if count == below:  # only q = 0 over an empty lowest bucket: 0/0 in PromQL too
        return LocatedQuantile(math.nan)
    return LocatedQuantile(start + (end - start) * ((rank - below) / (count - below)), low=start, high=end)


def histogram_fraction(lower: float, upper: float, buckets: Iterable[Bucket]) -> float:
    """The share of observations between two values, interpolated like a quantile; NaN where nothing was observed.

    PromQL's ``histogram_fraction`` on classic buckets: often more honest than a quantile, since a bound that is a
    bucket's needs no interpolation. Above the highest finite bound nothing is known: all of it counts as above `upper`.
    """
    found, _ = make_monotonic(sort_buckets(buckets))
    if not _has_quantile(*_split_buckets(found)) or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    total = found[-1][1]
    return (_rank(upper, found) - _rank(lower, found)) / total


def _rank(value: float, buckets: Sequence[Bucket]) -> float:
    """How many observations are at or below a value."""
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
    """Add up histograms of replicas. Only bounds that all of them have are kept: at those the sum is exact.

    With equal layouts it is PromQL's ``sum by (le)``; with others, that sum would compare counts of different sets.
    """
    parts = [dict(sort_buckets(histogram)) for histogram in histograms]
    if not parts:
        return []
    common = set.intersection(*(set(part) for part in parts))
    return [(bound, math.fsum(part[bound] for part in parts)) for bound in sorted(common)]


def describe_fault(buckets: Sequence[Bucket]) -> str | None:
    """Why a histogram has no quantile, in a sentence; None where it is sound (it may still be without observations)."""
    if not buckets:
        return "no buckets with a readable le"
    bounds = {bound for bound, _ in buckets}
    if math.inf not in bounds:
        return "the +Inf bucket is missing: no quantile can be known"
    if len(bounds) < 2:
        return "only the +Inf bucket: no quantile can be known"
    return None


def coarse_note(buckets: Sequence[Bucket], quantiles: Sequence[float] = (0.99,)) -> str:
    """A word of warning where the buckets are too few to tell: "only 3 buckets: p99 says little", else ""."""
    finite = sum(not math.isinf(bound) for bound in {bound for bound, _ in buckets})
    if not 0 < finite <= MAX_COARSE_BOUNDS or not quantiles:
        return ""
    return f"only {finite} bucket{'s' if finite > 1 else ''}: p{max(quantiles) * 100:.10g} says little"


# ------------------------------------------------------------------------------------------ VictoriaMetrics


def parse_vmrange(text: str) -> tuple[float, float] | None:
    """Both ends of a ``vmrange`` label ("1.000e-03...1.136e-03"); None where it is none."""
    low, dots, high = text.partition("...")
    start, end = parse_bound(low), parse_bound(high)
    if not dots or start is None or end is None or not start < end:
        return None
    return start, end


def buckets_from_vmranges(ranges: Mapping[tuple[float, float], float]) -> list[Bucket]:
    """Cumulative buckets from VictoriaMetrics' own, which hold only the observations within their range.

    Ranges without observations are not exposed: where one is left out, a bucket closes the hole, so that nothing is
    interpolated across it.
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
    """Prometheus' util/almost.Equal at `_SMALL_DELTA`."""
    total, apart = abs(a) + abs(b), abs(a - b)
    if a == 0 or b == 0 or total < _MIN_NORMAL:
        return apart < _SMALL_DELTA * _MIN_NORMAL
    return apart / total < _SMALL_DELTA
