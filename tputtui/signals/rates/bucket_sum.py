"""The buckets of a histogram over all its label sets and replicas: counts are added first, then quantiles are taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import gt, itemgetter

from tputtui.model import Labels, Quantile, Series
from tputtui.signals.rates import histograms
from tputtui.signals.rates.series_index import Numbers, SeriesLayout, SeriesMemo, ServiceWindow

Bound = float | tuple[float, float]
"""An upper bound (`le`), or both ends of a VictoriaMetrics bucket (`vmrange`)."""

LabelSet = tuple[int, Labels]
"""One histogram: its target's place and its labels without the bound."""


class BucketSum:
    """Which series add up to which bucket.

    Only bounds that every label set has are kept: at those the sum is exact (see `histograms.merge`). A label set
    without a +Inf bucket stays outside, and of equal bounds within one label set the first wins. Ranges (`vmrange`) are
    added as they come: each stands for itself.
    """

    def __init__(self, places: Iterable[tuple[int, Bound | None, LabelSet]]) -> None:
        """Takes number, bound and label set of each bucket series."""
        sets: dict[LabelSet, dict[float, int]] = {}
        ranges: dict[tuple[float, float], Numbers] = {}
        for number, bound, labels in places:
            if isinstance(bound, tuple):
                ranges.setdefault(bound, []).append(number)
            elif bound is not None:
                sets.setdefault(labels, {}).setdefault(bound, number)
        whole = [bounds for bounds in sets.values() if math.inf in bounds]
        common = set.intersection(*map(set, whole)) if whole else set()
        self._bounds = [(bound, [bounds[bound] for bounds in whole]) for bound in sorted(common)]
        self._ranges = sorted(ranges.items())
        self._edges = [bound for bound, _ in self._bounds]
        self._alone = _alone([numbers for _, numbers in self._bounds])
        self._fault = _fault(sets, whole, common)
        self._left_out = len(sets) - len(whole) if whole else 0

    def counts(self, tick: ServiceWindow) -> list[histograms.Bucket]:
        """Cumulative buckets: (upper bound, observations per second at or below it)."""
        if self._ranges:
            return histograms.from_vmranges({ends: tick.add(numbers) for ends, numbers in self._ranges})
        return list(zip(self._edges, self._rates(tick), strict=True))

    def _rates(self, tick: ServiceWindow) -> Sequence[float]:
        """What is at or below each of the edges, per second."""
        if self._alone is not None:
            found: tuple[float, ...] = self._alone(tick.rates)
            return found
        return [tick.add(numbers) for _, numbers in self._bounds]

    def quantiles(self, tick: ServiceWindow, quantiles: Sequence[float], scale: float) -> tuple[Quantile, ...]:
        """The quantiles, in units of `scale`; None where nothing was observed or the buckets are at fault."""
        if not tick.live or self._ranges:
            return histograms.quantiles(quantiles, self.counts(tick) if tick.live else (), scale)
        rates = self._rates(tick)
        if any(map(gt, rates, rates[1:])):  # counts that fall are lifted first; they hardly ever do
            return histograms.quantiles(quantiles, zip(self._edges, rates, strict=True), scale)
        return histograms.quantiles_of(quantiles, self._edges, rates, scale)

    def densities(self, tick: ServiceWindow, scale: float) -> tuple[tuple[float, float], ...]:
        """(upper bound in units of `scale`, observations per second in that bucket alone), for a heat map."""
        if not tick.live:
            return ()
        out = []
        before = 0.0
        for bound, count in histograms.monotonic(self.counts(tick))[0]:
            out.append((bound * scale, count - before))
            before = count
        return tuple(out)

    def note(self, quantiles: Sequence[float]) -> str:
        """What a reader must know: why there is no quantile, or why it says little; "" where all is well."""
        if self._fault is not None:
            return self._fault
        if self._left_out:
            return f"{self._left_out} label sets without a +Inf bucket are left out"
        return histograms.coarse_note([(bound, 0.0) for bound in self._edges], quantiles)


def bucket_sum(
    layout: SeriesLayout,
    places: Sequence[tuple[int, Series]],
    split: SeriesMemo[tuple[Bound | None, Labels]],
) -> BucketSum:
    """The sum over bucket series; `split` tells a series' bound from its other labels."""
    split.make_room(len(places))

    def told() -> Iterable[tuple[int, Bound | None, LabelSet]]:
        for number, series in places:
            bound, rest = split(series)
            yield number, bound, (layout.window_of(number), rest)

    return BucketSum(told())


def _alone(numbers: Sequence[Numbers]) -> Callable[[Sequence[float]], tuple[float, ...]] | None:
    """Reads the rates of one label set alone, all at once; None where there are several to add up."""
    if len(numbers) < 2 or any(len(several) > 1 for several in numbers):
        return None
    return itemgetter(*(several[0] for several in numbers))


def _fault(sets: dict[LabelSet, dict[float, int]], whole: Sequence[dict[float, int]], common: set[float]) -> str | None:
    if not sets:
        return None
    if not whole:
        return histograms.fault([(bound, 0.0) for bounds in sets.values() for bound in bounds])
    if len(common) < 2 <= max(map(len, whole)):
        return "the label sets have no bounds in common: no quantile can be known"
    return histograms.fault([(bound, 0.0) for bound in common])
