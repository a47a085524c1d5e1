"""Buckets of a histogram, summed over all its label sets and replicas.

Counts are added first; quantiles are taken from the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import gt, itemgetter

from tputtui.model import Labels, Quantile, Series
from tputtui.signals.rates import histograms
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    SeriesMemo,
    SeriesNumbers,
    ServiceWindow,
)

Bound = float | tuple[float, float]
"""An upper bound (`le`), or both ends of a VictoriaMetrics bucket (`vmrange`)."""

LabelSet = tuple[int, Labels]
"""One histogram: the index of its target and its labels without the bound."""


class BucketSum:
    """Assignment of series to the buckets they add up to.

    Only bounds that every label set has are kept: the sum is exact at those (see
    `histograms.merge_histograms`). A label set without a +Inf bucket is left out, and of equal
    bounds within one label set the first is used. Ranges (`vmrange`) are added without this check,
    because each counts for itself.
    """

    def __init__(self, bucket_series: Iterable[tuple[int, Bound | None, LabelSet]]) -> None:
        """Assign bucket series, given as (number, bound, label set), to buckets."""
        sets: dict[LabelSet, dict[float, int]] = {}
        ranges: dict[tuple[float, float], SeriesNumbers] = {}
        for number, bound, labels in bucket_series:
            if isinstance(bound, tuple):
                ranges.setdefault(bound, []).append(number)
            elif bound is not None:
                sets.setdefault(labels, {}).setdefault(bound, number)
        complete_sets = [bounds for bounds in sets.values() if math.inf in bounds]
        common = set.intersection(*map(set, complete_sets)) if complete_sets else set()
        self._bounds = [
            (bound, [bounds[bound] for bounds in complete_sets]) for bound in sorted(common)
        ]
        self._ranges = sorted(ranges.items())
        self._edges = [bound for bound, _ in self._bounds]
        self._read_single_set = _single_set_reader([numbers for _, numbers in self._bounds])
        self._fault = _describe_fault(sets, complete_sets, common)
        self._excluded_sets = len(sets) - len(complete_sets) if complete_sets else 0

    def counts(self, tick: ServiceWindow) -> list[histograms.Bucket]:
        """Return cumulative buckets: (upper bound, observations per second at or below it)."""
        if self._ranges:
            return histograms.buckets_from_vmranges(
                {ends: tick.sum_rates(numbers) for ends, numbers in self._ranges}
            )
        return list(zip(self._edges, self._rates(tick), strict=True))

    def _rates(self, tick: ServiceWindow) -> Sequence[float]:
        """Return the observations per second at or below each of the edges."""
        if self._read_single_set is not None:
            rates: tuple[float, ...] = self._read_single_set(tick.rates)
            return rates
        return [tick.sum_rates(numbers) for _, numbers in self._bounds]

    def quantiles(
        self, tick: ServiceWindow, quantiles: Sequence[float], scale: float
    ) -> tuple[Quantile, ...]:
        """Return the quantiles in units of `scale`.

        None without observations or with faulty buckets.
        """
        if not tick.live_windows or self._ranges:
            return histograms.quantiles(
                quantiles, self.counts(tick) if tick.live_windows else (), scale
            )
        rates = self._rates(tick)
        if any(map(gt, rates, rates[1:])):  # falling counts are raised first; they are rare
            return histograms.quantiles(quantiles, zip(self._edges, rates, strict=True), scale)
        return histograms.quantiles_from_sorted(quantiles, self._edges, rates, scale)

    def densities(self, tick: ServiceWindow, scale: float) -> tuple[tuple[float, float], ...]:
        """Return (upper bound, observations per second in that bucket alone), for a heat map.

        Bounds are in units of `scale`.
        """
        if not tick.live_windows:
            return ()
        densities = []
        before = 0.0
        for bound, count in histograms.make_monotonic(self.counts(tick))[0]:
            densities.append((bound * scale, count - before))
            before = count
        return tuple(densities)

    def note(self, quantiles: Sequence[float]) -> str:
        """Say why there is no quantile, or why it is inaccurate; "" if there is nothing to say."""
        if self._fault is not None:
            return self._fault
        if self._excluded_sets:
            return f"{self._excluded_sets} label sets without a +Inf bucket are left out"
        return histograms.coarse_note([(bound, 0.0) for bound in self._edges], quantiles)


def bucket_sum(
    layout: SeriesLayout,
    bucket_series: Sequence[tuple[int, Series]],
    split_bound: SeriesMemo[tuple[Bound | None, Labels]],
) -> BucketSum:
    """Sum bucket series; `split_bound` splits a series into its bound and its other labels."""
    split_bound.reserve(len(bucket_series))

    def numbered_buckets() -> Iterable[tuple[int, Bound | None, LabelSet]]:
        for number, series in bucket_series:
            bound, rest = split_bound(series)
            yield number, bound, (layout.window_index(number), rest)

    return BucketSum(numbered_buckets())


def _single_set_reader(
    numbers: Sequence[SeriesNumbers],
) -> Callable[[Sequence[float]], tuple[float, ...]] | None:
    """Return a fast reader of the rates of a single label set.

    None if there are several to add up.
    """
    if len(numbers) < 2 or any(len(several) > 1 for several in numbers):
        return None
    return itemgetter(*(several[0] for several in numbers))


def _describe_fault(
    sets: dict[LabelSet, dict[float, int]], complete: Sequence[dict[float, int]], common: set[float]
) -> str | None:
    if not sets:
        return None
    if not complete:
        return histograms.describe_fault(
            [(bound, 0.0) for bounds in sets.values() for bound in bounds]
        )
    if len(common) < 2 <= max(map(len, complete)):
        return "the label sets have no bounds in common: no quantile can be known"
    return histograms.describe_fault([(bound, 0.0) for bound in common])
