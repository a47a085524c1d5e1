"""Latency of a service: quantiles from summed buckets or from a summary, or a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tputtui.model import Binding, Labels, LatencyState, Quantile, Series
from tputtui.signals.rates.bucket_sum import Bound, BucketSum, bucket_sum
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
