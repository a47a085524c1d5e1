"""Traffic, errors and quantiles for each combination of values of some labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest

from tputtui.model import BreakdownRow, Labels, Quantile, Series
from tputtui.signals.classify.series_filter import METHOD_LABELS, ROUTE_LABELS
from tputtui.signals.rates.bucket_sum import BucketSum, bucket_sum
from tputtui.signals.rates.series_index import Numbers, SeriesLayout, ServiceWindow, by_labels
from tputtui.signals.service.error_ratio import ErrorReader, share
from tputtui.signals.service.latency import LatencyReader
from tputtui.signals.service.traffic import TrafficReader

ROWS = 20

Places = Sequence[tuple[int, Series]]
Key = tuple[str, ...]


def default_by(labels: Sequence[str]) -> tuple[str, ...]:
    """Route and method where both are there, else the first of the labels worth breaking down by."""
    route = next((label for label in labels if label in ROUTE_LABELS), None)
    method = next((label for label in labels if label in METHOD_LABELS), None)
    if route is not None and method is not None:
        return (method, route)
    return tuple(labels[:1])


class BreakdownReader:
    """Reads the rows of one choice of labels. Who stands in which row is decided when series come or go."""

    def __init__(
        self,
        by: tuple[str, ...],
        traffic: TrafficReader | None,
        errors: ErrorReader | None,
        latency: LatencyReader | None,
    ) -> None:
        self.by = by
        self._traffic, self._errors, self._latency = traffic, errors, latency
        self._values = by_labels(by)
        self._layout: SeriesLayout | None = None
        self._scale = 1.0
        self._counted: dict[Key, Numbers] = {}
        self._alone: tuple[list[Key], Numbers] = ([], [])  # rows of one series, which most are where there are many
        self._several: list[tuple[Key, Numbers]] = []
        self._bad: dict[Key, Numbers] = {}
        self._all: dict[Key, Numbers] = {}
        self._buckets: dict[Key, list[tuple[int, Series]]] = {}
        self._summed: dict[Key, BucketSum] = {}
        self._labels: dict[Key, Labels] = {}  # of rows that were ever shown

    def plan(self, layout: SeriesLayout) -> None:
        """Put each series into its row; traffic without these labels leaves the counting to the latency's count."""
        traffic, errors, latency = self._traffic, self._errors, self._latency
        self._layout = layout
        self._summed.clear()
        self._labels.clear()
        self._counted = self._rows(traffic.places) if traffic is not None else {}
        self._scale = traffic.binding.scale if traffic is not None else 1.0
        if not self._counted and latency is not None:
            self._counted, self._scale = self._rows(latency.counts), 1.0
        alone = [(key, numbers[0]) for key, numbers in self._counted.items() if len(numbers) == 1]
        self._alone = [key for key, _ in alone], [number for _, number in alone]
        self._several = [(key, numbers) for key, numbers in self._counted.items() if len(numbers) > 1]
        self._bad = self._rows(errors.bad) if errors is not None else {}
        same = errors is not None and traffic is not None and errors.all is traffic.places
        self._all = self._counted if same else self._rows(errors.all) if errors is not None else {}
        self._buckets = self._places(latency.places) if latency is not None else {}
        self._lend()

    def _lend(self) -> None:
        """Where the histogram lacks one of the labels (it tells routes, not methods), a row has the buckets of the labels
        it shares, if it shares them with no other row.
        """
        held = [any(key[place] for key in self._buckets) for place in range(len(self.by))]
        if all(held) or not any(held):
            return
        sharing: defaultdict[Key, list[Key]] = defaultdict(list)
        for key in self._counted:
            sharing[tuple(value if has else "" for value, has in zip(key, held, strict=True))].append(key)
        for shared, keys in sharing.items():
            if len(keys) == 1 and shared in self._buckets:
                self._buckets[keys[0]] = self._buckets[shared]

    def _places(self, places: Places) -> dict[Key, list[tuple[int, Series]]]:
        self._values.make_room(len(places))
        rows: defaultdict[Key, list[tuple[int, Series]]] = defaultdict(list)
        for place in places:
            rows[self._values(place[1])].append(place)
        rows.pop(("",) * len(self.by), None)  # without any of the labels
        return rows

    def _rows(self, places: Places) -> dict[Key, Numbers]:
        return {key: [number for number, _ in found] for key, found in self._places(places).items()}

    def state(
        self, tick: ServiceWindow, quantiles: Sequence[float], limit: int = ROWS
    ) -> tuple[tuple[BreakdownRow, ...], tuple[int, float] | None]:
        """The `limit` rows with most traffic, and how many are left with how much traffic; None where none is left."""
        if not tick.live:
            return (), None
        scale = -self._scale
        keys, numbers = self._alone
        traffic = [(rate * scale, key) for rate, key in zip(map(tick.rates.__getitem__, numbers), keys, strict=True)]
        traffic += [(tick.add(several) * scale, key) for key, several in self._several]
        top = nsmallest(limit, traffic)  # equal traffic: by name, so that rows stay where they are
        left = len(traffic) - len(top)
        more = (left, max(0.0, sum(rps for rps, _ in top) - sum(rps for rps, _ in traffic))) if left else None
        return tuple(self._row(tick, key, -rps, quantiles) for rps, key in top), more

    def densities(self, tick: ServiceWindow, row: BreakdownRow) -> tuple[tuple[float, float], ...]:
        """The buckets of a row of this tick: (upper bound, observations per second in it alone); none where it has none."""
        labels = dict(row.labels)
        summed = self._summed.get(tuple(labels.get(label, "") for label in self.by))
        if summed is None or self._latency is None:
            return ()
        return summed.densities(tick, self._latency.binding.scale)

    def _row(self, tick: ServiceWindow, key: Key, rps: float, quantiles: Sequence[float]) -> BreakdownRow:
        errors, latency = self._errors, self._latency
        ratio = None
        if errors is not None and (key in self._all or key in self._bad):
            ratio = share(tick.add(self._bad.get(key, ())), tick.add(self._all.get(key, ())))
        found: tuple[Quantile, ...] = ()
        if latency is not None and self._layout is not None and key in self._buckets:
            buckets = self._summed.get(key)
            if buckets is None:  # only rows that were ever shown need one
                buckets = self._summed[key] = bucket_sum(self._layout, self._buckets[key], latency.bound)
            found = buckets.quantiles(tick, quantiles, latency.binding.scale)
        labels = self._labels.get(key)
        if labels is None:
            labels = self._labels[key] = tuple(sorted(zip(self.by, key, strict=True)))
        return BreakdownRow(labels, rps, ratio, found)
