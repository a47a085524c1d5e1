"""Latency of a service: quantiles from summed buckets or from a summary, or a mean.

The buckets of a histogram are summed over all its label sets and replicas: counts are added first,
quantiles are taken from the sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import gt, itemgetter

from tputtui.model import Binding, Labels, LatencyState, Quantile, Series
from tputtui.signals.rates import histograms
from tputtui.signals.rates.histograms import parse_bound, parse_vmrange
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    SeriesMemo,
    SeriesNumbers,
    ServiceWindow,
    build_lifetime_window,
    compile_matches,
    gauge_values,
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


class LatencyReader:
    """Read one latency binding: histogram, summary, mean or gauge."""

    def __init__(self, binding: Binding, quantiles: tuple[float, ...]) -> None:
        self.binding = binding
        self.quantiles = quantiles
        self.meets = compile_matches(binding.match)
        self.split_bound = SeriesMemo(_split_bound)
        self.bucket_series: list[tuple[int, Series]] = []
        self.count_series: list[tuple[int, Series]] = []  # series that count observations
        self._buckets = BucketSum(())
        self._sums: SeriesNumbers = []
        self._counts: SeriesNumbers = []
        self._since_start: tuple[Quantile, ...] = ()

    def set_layout(self, layout: SeriesLayout) -> None:
        """Find the series of the buckets, the sum and the count."""
        family = self.binding.family
        self.bucket_series = []
        if self.binding.kind == "histogram":
            self.bucket_series = layout.select(f"{family}_bucket", self.meets)
        self.split_bound.reserve(len(self.bucket_series))
        self._buckets = bucket_sum(layout, self.bucket_series, self.split_bound)
        sums = layout.select(f"{family}_sum", self.meets)
        if not sums and self.binding.denominator is not None:
            sums = layout.select(family, self.meets)
        self.count_series = layout.select(self.binding.denominator or f"{family}_count", self.meets)
        self._sums = [number for number, _ in sums]
        self._counts = [number for number, _ in self.count_series]

    def read_lifetime(self, layout: SeriesLayout) -> None:
        """Compute the quantiles over the processes' lifetimes from the buckets' current values."""
        if self.binding.kind == "histogram":
            self._since_start = self._buckets.quantiles(
                build_lifetime_window(layout), self.quantiles, self.binding.scale
            )

    def state(self, tick: ServiceWindow) -> LatencyState:
        """Return the current latency; figures without observations are None."""
        binding = self.binding
        quantiles: tuple[Quantile, ...] = ()
        buckets: tuple[tuple[float, float], ...] = ()
        mean = self.mean(tick)
        note = ""
        if binding.kind == "histogram":
            quantiles = self._buckets.quantiles(tick, self.quantiles, binding.scale)
            buckets = self._buckets.densities(tick, binding.scale)
            note = self._buckets.note(self.quantiles)
        elif binding.kind == "summary":
            quantiles, note = self._summary_quantiles(tick)
        elif binding.kind == "gauge":
            quantiles, note = self._summary_quantiles(tick)
            if all(quantile.value is None for quantile in quantiles):
                quantiles = ()
                mean, note = self._highest_gauge(tick)
        return LatencyState(
            family=binding.family,
            kind=binding.kind,
            unit=binding.unit,
            quantiles=quantiles,
            mean=mean,
            since_start=self._since_start,
            buckets=buckets,
            reason=binding.reason,
            note=note,
        )

    def mean(self, tick: ServiceWindow) -> float | None:
        """Return the sum divided by the count, in the binding's unit."""
        count = tick.sum_rates(self._counts)
        if not tick.live_windows or not self._sums or count <= 0:
            return None
        mean = tick.sum_rates(self._sums) / count * self.binding.scale
        return mean if math.isfinite(mean) else None

    def _summary_quantiles(self, tick: ServiceWindow) -> tuple[tuple[Quantile, ...], str]:
        """Return the quantiles computed by the clients.

        Over several series only an upper bound is valid: the combined quantile is never above the
        highest.
        """
        samples = gauge_values(tick.layout.windows, self.binding.family, self.meets)
        values_by_quantile = summary_quantiles(samples)
        scale = self.binding.scale
        series_count = max((len(values) for values in values_by_quantile.values()), default=0)
        note = ""
        if series_count > 1:
            note = f"the highest of {series_count} series: a summary's quantiles cannot be added"
        quantiles = []
        for q in self.quantiles:
            values = values_by_quantile.get(round(q, 6))
            quantiles.append(Quantile(q, max(values) * scale if values else None))
        return tuple(quantiles), note

    def _highest_gauge(self, tick: ServiceWindow) -> tuple[float | None, str]:
        samples = gauge_values(tick.layout.windows, self.binding.family, self.meets)
        if not samples:
            return None, ""
        note = f"the highest of {len(samples)} series" if len(samples) > 1 else ""
        return max(value for _, value in samples) * self.binding.scale, note


def _split_bound(series: Series) -> tuple[Bound | None, Labels]:
    """Split a bucket series into its bound and its other labels."""
    bound: Bound | None = None
    rest = []
    for label in series.labels:
        if label[0] == "le":
            bound = parse_bound(label[1])
        elif label[0] == "vmrange":
            bound = parse_vmrange(label[1])
        else:
            rest.append(label)
    return bound, tuple(rest)


def summary_quantiles(samples: Sequence[tuple[Series, float]]) -> dict[float, list[float]]:
    """Return the values by quantile, 0 to 1.

    Some exporters label quantiles in percent ("50", "99.9"): a label above 1 shows that.
    """
    labelled = [
        (q, value)
        for series, value in samples
        if (q := parse_bound(series.label("quantile"))) is not None
    ]
    divisor = 100.0 if any(q > 1 for q, _ in labelled) else 1.0
    values_by_quantile: dict[float, list[float]] = {}
    for q, value in labelled:
        if math.isfinite(value):
            values_by_quantile.setdefault(round(q / divisor, 6), []).append(value)
    return values_by_quantile
