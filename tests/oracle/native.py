"""Quantiles of native histograms from the query API: a text exposition cannot carry them.

The definition is Prometheus 3.x, promql/quantile.go ``HistogramQuantile``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class NativeBucket(NamedTuple):
    """Observations between two values; the query API has ``[rule, "low", "high", "count"]``."""

    low: float
    high: float
    observations: float


def exponential_buckets(
    schema: int,
    positive: Mapping[int, float],
    negative: Mapping[int, float],
    zero_threshold: float = 0.0,
    zero_count: float = 0.0,
) -> list[NativeBucket]:
    """Return buckets in ascending order from their sparse form.

    Bucket i ends at 2^(i / 2^schema), and begins one i before.
    """

    def end(index: int) -> float:
        return math.pow(2.0, math.ldexp(index, -schema))

    below = [
        NativeBucket(-end(i), -end(i - 1), count)
        for i, count in sorted(negative.items(), reverse=True)
    ]
    above = [NativeBucket(end(i - 1), end(i), count) for i, count in sorted(positive.items())]
    zero = [NativeBucket(-zero_threshold, zero_threshold, zero_count)] if zero_count else []
    return [*below, *zero, *above]


def native_quantile(
    q: float,
    buckets: Sequence[NativeBucket],
    count: float,
    total: float = 0.0,
    *,
    custom: bool = False,
) -> float:
    """Return PromQL's ``histogram_quantile`` over one native histogram.

    `count` and `total` are the histogram's own count and sum; a NaN sum means NaN observations,
    which are in no bucket. Within a bucket the interpolation is exponential, but linear in the zero
    bucket and with `custom` bounds.

    NaN where there is none, ±Inf where q is outside 0 to 1.
    """
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return -math.inf if q < 0 else math.inf
    filled = [bucket for bucket in buckets if bucket.observations]
    if not count or not filled:
        return math.nan
    upward = math.isnan(total) or q < 0.5  # walking from the nearer end loses less precision
    rank = (q if upward else 1 - q) * count
    bucket, passed = _find(rank, filled if upward else reversed(filled))
    passed = min(passed, count)
    if passed < rank:  # more observations than the buckets hold: the rest were NaN
        return math.nan if math.isnan(total) else (bucket.high if upward else bucket.low)
    rank = rank - (passed - bucket.observations) if upward else passed - rank
    return _within(
        _trim_zero(bucket, filled, custom=custom), rank / bucket.observations, linear=custom
    )


def _find(rank: float, buckets: Iterable[NativeBucket]) -> tuple[NativeBucket, float]:
    """Return the bucket in which the count reaches the rank, and the count at its far end."""
    passed = 0.0
    bucket = NativeBucket(math.nan, math.nan, 0.0)
    for bucket in buckets:
        passed += bucket.observations
        if passed >= rank:
            break
    return bucket, passed


def _trim_zero(
    bucket: NativeBucket, filled: Sequence[NativeBucket], *, custom: bool
) -> NativeBucket:
    """End the zero bucket of a histogram with values on one side only at 0."""
    if custom or not bucket.low < 0 < bucket.high:
        return bucket
    negative = any(other.high <= 0 for other in filled)
    positive = any(other.low >= 0 for other in filled)
    if positive and not negative:
        return bucket._replace(low=0.0)
    if negative and not positive:
        return bucket._replace(high=0.0)
    return bucket


def _within(bucket: NativeBucket, fraction: float, *, linear: bool) -> float:
    low, high, _ = bucket
    if linear or low <= 0 <= high:
        return low + (high - low) * fraction
    low_log, high_log = math.log2(abs(low)), math.log2(abs(high))
    if low > 0:
        return math.pow(2.0, low_log + (high_log - low_log) * fraction)
    return -math.pow(2.0, high_log + (low_log - high_log) * (1 - fraction))
