"""State of a service, tick by tick, from its targets' windows and its bindings.

Series are assigned to figures when series come or go. A tick only adds numbers up: below 1 ms with
300 bound series, 6 ms with 5,000, including the counting in the windows. While its answer is late,
the last known figures of a service are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import (
    Binding,
    Bindings,
    BreakdownRow,
    ExtraSignal,
    Labels,
    LastFigure,
    LatencyState,
    Quantile,
    ServiceState,
    TrafficState,
)
from tputtui.signals.classify import label_names
from tputtui.signals.rates import series_index
from tputtui.signals.rates.exposed_times import START_GAUGES, START_TIME
from tputtui.signals.rates.series_index import SeriesLayout, ServiceWindow
from tputtui.signals.rates.target_window import TargetWindow
from tputtui.signals.service import bottleneck
from tputtui.signals.service.breakdown import MAX_ROWS, BreakdownReader, default_breakdown
from tputtui.signals.service.error_ratio import ErrorReader
from tputtui.signals.service.gauges import GaugeReader, merge_queues
from tputtui.signals.service.latency import LatencyReader
from tputtui.signals.service.traffic import TrafficReader, why_no_rate


def followed_names(bindings: Bindings) -> tuple[frozenset[str], frozenset[str]]:
    """Return the sample names a target's window follows for these bindings: (counters, gauges)."""
    return series_index.followed_names(bindings.all())


def names_to_read(bindings: Bindings) -> frozenset[str]:
    """Return the sample names to read of a target: those of the bindings and of start times."""
    counters, gauges = followed_names(bindings)
    return (counters | gauges).union(START_GAUGES)


class ServiceTracker:
    """Derive a service's state from the windows of its targets.

    Counters and buckets of replicas are summed first.
    """

    def __init__(
        self,
        name: str,
        targets: tuple[str, ...],
        bindings: Bindings,
        quantiles: tuple[float, ...],
        previous: ServiceTracker | None = None,
    ) -> None:
        """Track a service through `bindings`.

        `previous` is the tracker that this one replaces after another signal was bound; its totals
        continue.
        """
        self.name = name
        self.targets = targets
        self.bindings = bindings
        self.quantiles = quantiles
        self._traffic: TrafficReader | None = (
            TrafficReader(bindings.traffic) if bindings.traffic is not None else None
        )
        if previous is not None and previous.bindings.traffic == bindings.traffic:
            self._traffic = previous._traffic
        self._errors = (
            ErrorReader(bindings.errors, self._traffic) if bindings.errors is not None else None
        )
        self._latency = (
            LatencyReader(bindings.latency, quantiles) if bindings.latency is not None else None
        )
        self._route_latency = (
            LatencyReader(bindings.route_latency, quantiles)
            if bindings.route_latency is not None
            else None
        )
        self._gauges = [
            GaugeReader(binding)
            for binding in (*bindings.saturation, *bindings.signals)
            if binding.signal == "saturation"
        ]
        self._extra_signals = [
            _ExtraSignalReader(binding, quantiles)
            for binding in bindings.signals
            if binding.signal != "saturation"
        ]
        self._breakdowns: dict[tuple[str, ...], BreakdownReader] = {}
        self._version: object = None
        # number of processes whose lifetime figures are in `since_start`
        self._lifetime_count = 0
        self._lifetime_s: float | None = None
        self._tick: ServiceWindow | None = None

    def state(
        self, windows: Mapping[str, TargetWindow], by: tuple[str, ...] | None = None
    ) -> ServiceState:
        """Return the service's state as of its targets' windows.

        The breakdown is by the labels `by`, or else by default ones.
        """
        own_windows = tuple(windows[target] for target in self.targets if target in windows)
        tick = self._tick = self._update_window(own_windows)
        labels = self.bindings.breakdown
        by = default_breakdown(labels) if by is None else label_names.resolve(by, labels)
        rows, rest = self.breakdown(by)
        traffic = self._traffic.state(tick) if self._traffic is not None else None
        levels = sorted(
            merge_queues(level.state(tick) for level in self._gauges), key=bottleneck.urgency_key
        )
        return ServiceState(
            name=self.name,
            targets=self.targets,
            traffic=traffic,
            errors=self._errors.state(tick) if self._errors is not None else None,
            latency=self._latency_state(tick, traffic),
            signals=tuple(extra.state(tick) for extra in self._extra_signals),
            saturation=tuple(levels),
            breakdown_by=by,
            breakdown=rows,
            breakdown_more=rest,
            breakdown_latency=self._breakdown_latency(by),
            resets=sum(window.resets for window in own_windows),
            lifetime_s=self._lifetime_s,
            covered_s=min((window.covered_s for window in tick.live_windows), default=None),
            reasons=self.bindings.reasons,
            why_unknown=why_no_rate(tick),
        )

    def _latency_state(
        self, tick: ServiceWindow, traffic: TrafficState | None
    ) -> LatencyState | None:
        """Return the latency; without traffic, no figure: it would be that of a scrape."""
        if self._latency is None:
            return None
        latency = self._latency.state(tick)
        if traffic is None or traffic.rps != 0.0 or not traffic.counts_requests:
            return latency
        unknown = tuple(Quantile(quantile.q, None) for quantile in latency.quantiles)
        return replace(latency, quantiles=unknown, mean=None, buckets=(), note="no traffic")

    def breakdown(
        self, by: tuple[str, ...], limit: int = MAX_ROWS
    ) -> tuple[tuple[BreakdownRow, ...], tuple[int, float] | None]:
        """Return the rows of the newest tick by some labels, and (number, traffic) of the rest."""
        if self._tick is None or not by:
            return (), None
        breakdown = self._breakdowns.get(by)
        if breakdown is None:
            if len(self._breakdowns) > 1:  # kept: the one on screen and an objective's route
                del self._breakdowns[next(iter(self._breakdowns))]
            breakdown = self._breakdowns[by] = BreakdownReader(
                by, self._traffic, self._errors, (self._latency, self._route_latency)
            )
            breakdown.set_layout(self._tick.layout)
        return breakdown.state(self._tick, self.quantiles, limit)

    def _breakdown_latency(self, by: tuple[str, ...]) -> str | None:
        """Return the family of the rows' quantiles if it is not that of the latency."""
        breakdown = self._breakdowns.get(by)
        family = breakdown.latency_family if breakdown is not None else None
        return None if self._latency is None or family == self._latency.binding.family else family

    def densities(self, by: tuple[str, ...], row: BreakdownRow) -> tuple[tuple[float, float], ...]:
        """Return the buckets of a row of the newest tick's breakdown `by` some labels."""
        breakdown = self._breakdowns.get(by)
        if breakdown is None or self._tick is None:
            return ()
        return breakdown.densities(self._tick, row)

    def counted_rates(self) -> list[tuple[Labels, float]]:
        """Return the series that count its traffic, with their newest rates.

        Rates are in the traffic's unit.
        """
        tick, traffic = self._tick, self._traffic
        if tick is None or traffic is None:
            return []
        scale = traffic.binding.scale
        return [
            (series.labels, tick.rates[number] * scale) for number, series in traffic.counted_series
        ]

    def _update_window(self, windows: tuple[TargetWindow, ...]) -> ServiceWindow:
        """Return the rates of this tick.

        If series came or went, they are first assigned to figures again.
        """
        version = tuple((window.serial, window.layout_version) for window in windows)
        if self._tick is None or version != self._version:
            self._version = version
            layout = series_index.build_layout(windows)
            self._set_layout(layout)
        else:
            layout = self._tick.layout
        process_count = sum(window.older_process_count for window in windows)
        if process_count > self._lifetime_count:
            self._lifetime_count = process_count
            counting_sample = (
                self.bindings.traffic.family if self.bindings.traffic is not None else START_TIME
            )
            ages: list[float] = []
            for window in windows:
                lifetimes = window.ages_and_values(counting_sample)
                ages += [age for age, _ in lifetimes if age is not None]
            self._lifetime_s = max(ages, default=None)
            for reader in self._readers():
                reader.read_lifetime(layout)
        return series_index.build_service_window(layout)

    def _set_layout(self, layout: SeriesLayout) -> None:
        for reader in (*self._readers(), *self._gauges, *self._breakdowns.values()):
            reader.set_layout(layout)

    def _readers(self) -> list[TrafficReader | ErrorReader | LatencyReader]:
        readers = (
            self._traffic,
            self._errors,
            self._latency,
            self._route_latency,
            *(extra.reader for extra in self._extra_signals),
        )
        return [reader for reader in readers if reader is not None]


class _ExtraSignalReader:
    """Read one extra signal on the same targets."""

    def __init__(self, binding: Binding, quantiles: tuple[float, ...]) -> None:
        self._binding = binding
        self.reader: TrafficReader | ErrorReader | LatencyReader
        if binding.signal == "traffic":
            self.reader = TrafficReader(binding)
        elif binding.signal == "errors":
            self.reader = ErrorReader(binding)
        else:
            self.reader = LatencyReader(binding, quantiles)

    def state(self, tick: ServiceWindow) -> ExtraSignal:
        binding, reader = self._binding, self.reader
        return ExtraSignal(
            kind=binding.signal,
            name=binding.name or binding.family,
            family=binding.family,
            traffic=reader.state(tick) if isinstance(reader, TrafficReader) else None,
            errors=reader.state(tick) if isinstance(reader, ErrorReader) else None,
            latency=reader.state(tick) if isinstance(reader, LatencyReader) else None,
        )


@frozen
class _Figures:
    at: float
    rps: float | None
    ratio: float | None
    latency: float | None
    q: float | None  # of the latency, if it is a quantile


class LastFigures:
    """Keep a service's figures while it answers; add them to the empty ones while it does not."""

    def __init__(self) -> None:
        self._latest: _Figures | None = None

    def add_last_figures(
        self,
        state: ServiceState,
        windows: Iterable[TargetWindow],
        at: float,
        waiting_s: float | None,
        *,
        is_overdue: bool,
    ) -> ServiceState:
        """Return the service's state at `at`, with its last figures if the answer is overdue.

        `waiting_s` is the time for which none of its targets has answered; `is_overdue` says that
        this is more than a window.
        """
        all_windows = tuple(windows)
        if any(window.is_current for window in all_windows):
            answered_at = max(
                (window.at for window in all_windows if window.at is not None), default=at
            )
            latency, q = _tail_latency(state.latency)
            rps = state.traffic.rps if state.traffic is not None else None
            ratio = state.errors.ratio if state.errors is not None else None
            self._latest = _Figures(answered_at, rps, ratio, latency, q)
            return state if waiting_s is None else replace(state, waiting_s=waiting_s)
        if waiting_s is None:
            return state
        state = replace(state, waiting_s=waiting_s, overdue=is_overdue)
        latest = self._latest
        if latest is None or not is_overdue:
            return state
        return _add_last_figures(state, latest, max(0.0, at - latest.at))


def _tail_latency(latency: LatencyState | None) -> tuple[float | None, float | None]:
    """Return (value, quantile) of the last quantile; without quantiles (mean, None)."""
    if latency is None:
        return None, None
    if latency.quantiles:
        return latency.quantiles[-1].value, latency.quantiles[-1].q
    return latency.mean, None


def _add_last_figures(state: ServiceState, figures: _Figures, age_s: float) -> ServiceState:
    def last(value: float | None, q: float | None = None) -> LastFigure | None:
        return LastFigure(value, age_s, q) if value is not None else None

    traffic, errors, latency = state.traffic, state.errors, state.latency
    if traffic is not None:
        traffic = replace(traffic, last=last(figures.rps))
    if errors is not None:
        errors = replace(errors, last=last(figures.ratio))
    if latency is not None:
        latency = replace(latency, last=last(figures.latency, figures.q))
    return replace(state, traffic=traffic, errors=errors, latency=latency)
