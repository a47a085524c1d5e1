"""Throughput of a service from its counter, or from a gauge that is a rate already."""

from __future__ import annotations

from collections import deque

from tputtui.model import Binding, Series, TrafficState
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    SeriesNumbers,
    ServiceWindow,
    compile_matches,
    gauge_values,
)
from tputtui.signals.rates.target_window import DroppedTotal, TargetWindow

BEST_SPAN_S = 60.0
"""Span in seconds of the best sustained rate: the highest mean over this long."""

_MAX_DELAYED_S = 1.0
"""Uncertainty in seconds of a count's time above which it neither begins nor ends a minute."""


class _MinuteRates:
    """Counts of the processes behind one target over the last minute without a gap."""

    def __init__(self) -> None:
        self._points: dict[int, deque[tuple[float, float]]] = {}  # by process: (at, counted)
        self._segment = -1
        self._rate: float | None = None  # newest rate

    def rate(self, window: TargetWindow, numbers: SeriesNumbers) -> float | None:
        """Return the mean rate per second over a whole minute.

        None before a minute has passed, and while the process that answers is not known. Each
        process counts over its own minute. For a process that is known for less time, or has ended,
        only its increase within the minute is used. An increase that the next scrape has to confirm
        does not count yet.
        """
        if window.segment != self._segment:
            self._points.clear()
            self._rate = None
            self._segment = window.segment
        counts = window.process_counts(numbers)
        if any(
            process_count.is_live and process_count.delayed_s > _MAX_DELAYED_S
            for process_count in counts
        ):
            return self._rate
        slack = window.interval_s / 2
        rate = 0.0
        known = self._points
        self._points = {}
        for count in counts:
            points = self._points[count.process] = known.get(count.process, deque())
            if points and count.counted < points[-1][1]:
                points.clear()
            if not points or count.at > points[-1][0]:
                points.append((count.at, count.counted))
            while len(points) > 2 and points[1][0] <= count.at - BEST_SPAN_S + slack:
                points.popleft()
            while (
                not count.is_live
                and len(points) > 1
                and points[0][0] < (window.at or 0.0) - BEST_SPAN_S
            ):
                points.popleft()
            first_at, before = points[0]
            gained = max(0.0, count.counted - count.unconfirmed - before)
            span_s = count.at - first_at
            rate += gained / (span_s if span_s >= BEST_SPAN_S - slack else BEST_SPAN_S)
        watched_s = 0.0
        if window.at is not None and window.segment_at is not None:
            watched_s = window.at - window.segment_at
        is_known = window.why_no_rates is None and not window.processes.is_replacing
        self._rate = rate if is_known and watched_s >= BEST_SPAN_S - slack else None
        return self._rate


class TrafficReader:
    """Read one traffic binding at every tick."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.meets = compile_matches(binding.match)
        self.counted_series: list[tuple[int, Series]] = []
        self._numbers: SeriesNumbers = []
        self._all_numbers: list[
            SeriesNumbers
        ] = []  # by window: numbers within it, gone series included
        # by window: increases of series that it has dropped
        self._dropped_totals: dict[int, DroppedTotal] = {}
        self._minutes: dict[int, _MinuteRates] = {}
        self._minute_rate: float | None = None  # mean over the last minute
        self._best_rate: float | None = None
        self._since_start: float | None = None

    def set_layout(self, layout: SeriesLayout) -> None:
        """Find the series that count."""
        self.counted_series = layout.select(self.binding.family, self.meets)
        self._numbers = [number for number, _ in self.counted_series]
        ends = [*layout.window_starts[1:], sum(len(window.series) for window in layout.windows)]
        all_numbers = [
            number
            for number, series in layout.all_series.get(self.binding.family, ())
            if self.meets(series)
        ]
        self._all_numbers = [
            [number - start for number in all_numbers if start <= number < end]
            for start, end in zip(layout.window_starts, ends, strict=True)
        ]
        for window in layout.windows:
            if window.serial not in self._dropped_totals:
                self._dropped_totals[window.serial] = window.track_dropped(
                    self.binding.family, self.meets
                )

    def read_lifetime(self, layout: SeriesLayout) -> None:
        """Compute the mean over the processes' lifetimes from the counters' current values."""
        if self.binding.kind == "gauge" or not self._numbers:
            return
        mean = 0.0
        for numbers, window in zip(self._all_numbers, layout.windows, strict=True):
            if window.at is None:
                continue
            for age, raw_values in window.ages_and_values(self.binding.family):
                if age is None:
                    return
                counted = (raw_values[number] for number in numbers if number < len(raw_values))
                mean += sum(value for value in counted if value == value) / age  # noqa: PLR0124
        self._since_start = mean * self.binding.scale

    def state(self, tick: ServiceWindow) -> TrafficState:
        """Return the current throughput."""
        binding = self.binding
        rps = total = None
        self._minute_rate = None
        if binding.kind == "gauge":
            values = gauge_values(tick.layout.windows, binding.family, self.meets)
            rps = sum(value for _, value in values) * binding.scale if values else None
        elif tick.has_rate(self._numbers, binding.family):
            rps = tick.sum_rates(self._numbers) * binding.scale
            total = self._update_total(tick) * binding.scale
        return TrafficState(
            family=binding.family,
            rps=rps,
            unit=binding.unit or "req/s",
            total=total,
            best_60s=self._best_rate,
            mean_60s=self._minute_rate,
            since_start=self._since_start,
            reason=binding.reason if rps is not None else why_no_rate(tick) or binding.reason,
        )

    def _update_total(self, tick: ServiceWindow) -> float:
        """Return the total counted since the start and update the best minute."""
        total = sum(dropped.gained for dropped in self._dropped_totals.values())
        minute: float | None = 0.0
        for window, numbers in zip(tick.layout.windows, self._all_numbers, strict=True):
            total += sum(map(window.gained.__getitem__, numbers))
            if window.is_up and minute is not None:
                rate = self._minutes.setdefault(window.serial, _MinuteRates()).rate(window, numbers)
                minute = None if rate is None else minute + rate
        self._minute_rate = None if minute is None else minute * self.binding.scale
        if self._minute_rate is not None:
            self._best_rate = max(self._best_rate or 0.0, self._minute_rate)
        return total


def why_no_rate(tick: ServiceWindow) -> str | None:
    """Say why targets that answer have no rate; None if the next scrape brings one."""
    return tick.why_no_rates or next(
        (reason for window in tick.layout.windows if (reason := window.why_no_sample)), None
    )
