"""Traffic, errors and quantiles for each combination of values of some labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import nsmallest

from tputtui.model import BreakdownRow, Labels, Quantile, Series
from tputtui.signals.classify import label_names
from tputtui.signals.classify.series_filter import METHOD_LABELS, ROUTE_LABELS
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    SeriesNumbers,
    ServiceWindow,
    label_values,
)
from tputtui.signals.service.error_ratio import ErrorReader, clamped_ratio
from tputtui.signals.service.latency import BucketSum, LatencyReader, bucket_sum
from tputtui.signals.service.traffic import TrafficReader

MAX_ROWS = 20

NumberedSeries = Sequence[tuple[int, Series]]
RowKey = tuple[str, ...]


def default_breakdown(labels: Sequence[str]) -> tuple[str, ...]:
    """Choose the default breakdown: route and method, else the first useful label."""
    route = label_names.find_first(labels, ROUTE_LABELS)
    method = label_names.find_first(labels, METHOD_LABELS)
    if route is not None and method is not None:
        return (method, route)
    return tuple(labels[:1])


class BreakdownReader:
    """Read the rows of one choice of labels.

    Series are assigned to rows when series come or go.
    """

    def __init__(
        self,
        by: tuple[str, ...],
        traffic: TrafficReader | None,
        errors: ErrorReader | None,
        latencies: Sequence[LatencyReader | None] = (),
    ) -> None:
        """Read rows; of `latencies`, the first with most of the labels gives the quantiles."""
        self.by = by
        self._traffic, self._errors = traffic, errors
        self._latencies = [latency for latency in latencies if latency is not None]
        self._latency: LatencyReader | None = None
        self._label_values = label_values(by)
        self._layout: SeriesLayout | None = None
        self._scale = 1.0
        self._numbers_by_row: dict[RowKey, SeriesNumbers] = {}
        # rows of one series, the most frequent case among many rows
        self._single_rows: tuple[list[RowKey], SeriesNumbers] = ([], [])
        self._multi_rows: list[tuple[RowKey, SeriesNumbers]] = []
        self._failing_rows: list[tuple[RowKey, SeriesNumbers]] = []
        self._error_numbers: dict[RowKey, SeriesNumbers] = {}
        self._total_numbers: dict[RowKey, SeriesNumbers] = {}
        self._bucket_series: dict[RowKey, list[tuple[int, Series]]] = {}
        self._bucket_sums: dict[RowKey, BucketSum] = {}
        self._labels: dict[RowKey, Labels] = {}  # of rows that were ever shown

    def set_layout(self, layout: SeriesLayout) -> None:
        """Assign each series to its row.

        If the traffic lacks these labels, the latency's count is used to count requests.
        """
        traffic, errors = self._traffic, self._errors
        self._layout = layout
        self._bucket_sums.clear()
        self._labels.clear()
        self._numbers_by_row, self._scale = {}, 1.0
        if traffic is not None:
            self._numbers_by_row = self._row_numbers(traffic.counted_series)
            self._scale = traffic.binding.scale
        for latency in self._latencies:
            if not self._numbers_by_row:
                self._numbers_by_row, self._scale = self._row_numbers(latency.count_series), 1.0
        single = [
            (key, numbers[0]) for key, numbers in self._numbers_by_row.items() if len(numbers) == 1
        ]
        self._single_rows = [key for key, _ in single], [number for _, number in single]
        self._multi_rows = [
            (key, numbers) for key, numbers in self._numbers_by_row.items() if len(numbers) > 1
        ]
        self._error_numbers, self._total_numbers, self._bucket_series = {}, {}, {}
        if errors is not None:
            self._error_numbers = self._row_numbers(errors.error_series)
            if traffic is not None and errors.total_series is traffic.counted_series:
                self._total_numbers = self._numbers_by_row
            else:
                self._total_numbers = self._row_numbers(errors.total_series)
        # Rows that only fail, because the traffic counts successes alone.
        self._failing_rows = [
            (key, numbers)
            for key, numbers in self._error_numbers.items()
            if key not in self._numbers_by_row and all(key)
        ]
        self._choose_latency()
        self._share_buckets()

    @property
    def latency_family(self) -> str | None:
        """Family of the rows' quantiles; None if no row has any."""
        return self._latency.binding.family if self._latency and self._bucket_series else None

    def _choose_latency(self) -> None:
        """Choose the histogram that has most of the labels; the first of equal ones."""
        self._latency = self._latencies[0] if self._latencies else None
        most = 0
        for latency in self._latencies:
            rows = self._series_by_row(latency.bucket_series)
            count = len({at for key in rows for at, value in enumerate(key) if value})
            if count > most:
                most = count
                self._latency, self._bucket_series = latency, rows

    def _share_buckets(self) -> None:
        """Assign buckets to rows if the histogram lacks one of the labels (routes, but no methods).

        A row gets the buckets of the labels it shares, unless it shares them with another row.
        """
        has_label = [
            any(key[position] for key in self._bucket_series) for position in range(len(self.by))
        ]
        if all(has_label) or not any(has_label):
            return
        rows_by_key: defaultdict[RowKey, list[RowKey]] = defaultdict(list)
        for key in self._numbers_by_row:
            shared = tuple(
                value if is_present else ""
                for value, is_present in zip(key, has_label, strict=True)
            )
            rows_by_key[shared].append(key)
        for shared, keys in rows_by_key.items():
            if len(keys) == 1 and shared in self._bucket_series:
                self._bucket_series[keys[0]] = self._bucket_series[shared]

    def _series_by_row(self, series: NumberedSeries) -> dict[RowKey, list[tuple[int, Series]]]:
        self._label_values.reserve(len(series))
        rows: defaultdict[RowKey, list[tuple[int, Series]]] = defaultdict(list)
        for numbered in series:
            rows[self._label_values(numbered[1])].append(numbered)
        rows.pop(("",) * len(self.by), None)  # series without any of the labels
        return rows

    def _row_numbers(self, series: NumberedSeries) -> dict[RowKey, SeriesNumbers]:
        return {
            key: [number for number, _ in numbered]
            for key, numbered in self._series_by_row(series).items()
        }

    def state(
        self, tick: ServiceWindow, quantiles: Sequence[float], limit: int = MAX_ROWS
    ) -> tuple[tuple[BreakdownRow, ...], tuple[int, float] | None]:
        """Return the `limit` rows with most traffic, and (number, traffic) of the others.

        The second value is None if there are no others.
        """
        if not tick.live_windows:
            return (), None
        scale = -self._scale
        keys, numbers = self._single_rows
        traffic = [
            (rate * scale, key)
            for rate, key in zip(map(tick.rates.__getitem__, numbers), keys, strict=True)
        ]
        traffic += [(tick.sum_rates(several) * scale, key) for key, several in self._multi_rows]
        traffic += [(0.0, key) for key, failed in self._failing_rows if tick.sum_rates(failed) > 0]
        # equal traffic is sorted by name, so that rows keep their places
        top = nsmallest(limit, traffic)
        rest_count = len(traffic) - len(top)
        rest = None
        if rest_count:
            # `traffic` is negative, to be sorted: the difference is the traffic of the others
            rest_rps = sum(rps for rps, _ in top) - sum(rps for rps, _ in traffic)
            rest = (rest_count, max(0.0, rest_rps))
        return tuple(self._row(tick, key, -rps, quantiles) for rps, key in top), rest

    def densities(self, tick: ServiceWindow, row: BreakdownRow) -> tuple[tuple[float, float], ...]:
        """Return the buckets of a row of this tick: (upper bound, observations per second in it).

        Empty if the row has none.
        """
        labels = dict(row.labels)
        summed = self._bucket_sums.get(tuple(labels.get(label, "") for label in self.by))
        if summed is None or self._latency is None:
            return ()
        return summed.densities(tick, self._latency.binding.scale)

    def _row(
        self, tick: ServiceWindow, key: RowKey, rps: float, quantiles: Sequence[float]
    ) -> BreakdownRow:
        errors, latency = self._errors, self._latency
        ratio = None
        if errors is not None and (key in self._total_numbers or key in self._error_numbers):
            ratio = clamped_ratio(
                tick.sum_rates(self._error_numbers.get(key, ())),
                tick.sum_rates(self._total_numbers.get(key, ())),
            )
        row_quantiles: tuple[Quantile, ...] = ()
        if latency is not None and self._layout is not None and key in self._bucket_series:
            buckets = self._bucket_sums.get(key)
            if buckets is None:  # created only for rows that were ever shown
                buckets = self._bucket_sums[key] = bucket_sum(
                    self._layout, self._bucket_series[key], latency.split_bound
                )
            row_quantiles = buckets.quantiles(tick, quantiles, latency.binding.scale)
        labels = self._labels.get(key)
        if labels is None:
            labels = self._labels[key] = tuple(sorted(zip(self.by, key, strict=True)))
        return BreakdownRow(labels, rps, ratio, row_quantiles)
