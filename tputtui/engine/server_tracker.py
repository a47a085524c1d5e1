"""Tracker of one service of a server across answers, with its history before the first tick.

A service of a server is bound by the same rules as a directly scraped target, and its history is
derived by the same readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tputtui.engine.family_browser import is_complete
from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import (
    Bindings,
    Event,
    Exposition,
    SaturationState,
    Scrape,
    ServerQuery,
    ServerTargetInfo,
    ServiceState,
)
from tputtui.signals.classify.classifier import classify
from tputtui.signals.rates import history_keys
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.server_window import ServerWindow, build_queries
from tputtui.signals.service.service_tracker import ServiceTracker, followed_names

# offered as breakdowns: instance, and other labels that distinguish the sources
MAX_SOURCE_LABELS = 4

Figures = Mapping[str, float | None]


class ServerTracker(TargetTracker):
    """State of a service whose data comes from a server.

    There are two kinds of answers: raw series, which are classified and bound, and rates, which are
    shown.
    """

    # answers come as rates: one is enough
    SETTLED_SCRAPES = 1

    @property
    def identity(self) -> None:
        """None: as a replica of a directly scraped target it would be counted twice."""
        return None

    def add_scrape(self, scrape: Scrape, forgotten: frozenset[str] = frozenset()) -> list[Event]:
        """Add the next answer and return the events for the log."""
        exposition = scrape.exposition
        served = exposition.served if exposition is not None else None
        if exposition is not None and served is not None and served.rate_s is None:
            self._classify(exposition, served)
            return []
        return super().add_scrape(scrape, forgotten)

    def questions(self, by: tuple[str, ...] | None) -> tuple[ServerQuery, ...]:
        """Queries for the server, broken down by some labels (None: the default ones)."""
        bindings = self.bindings or Bindings()
        return build_queries(bindings, default_breakdown(bindings.breakdown) if by is None else by)

    def _classify(self, exposition: Exposition, served: ServerTargetInfo) -> None:
        # a charted family does not affect the others
        if self._has_fixed_bindings or not is_complete(exposition):
            return
        bindings = classify(exposition, served.before, served.before_s)
        labels = [label for label in served.source_labels if label not in bindings.breakdown]
        breakdown = (*bindings.breakdown, *labels[:MAX_SOURCE_LABELS])
        self._apply_classification(replace(bindings, breakdown=breakdown), exposition)

    def _update_bindings(self, scrape: Scrape, exposition: Exposition) -> None:
        """Skip rates: they do not show the meaning of a family."""

    def _create_window(self, bindings: Bindings) -> ServerWindow:
        counters, gauges = followed_names(bindings)
        return ServerWindow(self._window_s, self._interval_s, counters, gauges)


class _ServerHistory:
    """Past figures of one target, oldest first.

    They are derived in addition, and change nothing else.
    """

    def __init__(
        self, bindings: Bindings, name: str, quantiles: tuple[float, ...], interval_s: float
    ) -> None:
        self.bindings = bindings
        self._name = name
        self._window = ServerWindow(interval_s, interval_s, *followed_names(bindings))
        self._service = ServiceTracker(name, (name,), bindings, quantiles)

    def figures(self, scrape: Scrape) -> Figures:
        """Figures at the time of a scrape."""
        self._window.add(scrape)
        return service_figures(self._service.state({self._name: self._window}, ()))


class ServerHistories:
    """Past figures of every target whose server has a history."""

    def __init__(self, quantiles: tuple[float, ...], interval_s: float) -> None:
        self.span_s = 0.0  # before the first tick
        self._quantiles = quantiles
        self._interval_s = interval_s
        self._first_tick_at: float | None = None
        self._histories: dict[str, _ServerHistory] = {}

    def on_tick(self, at: float) -> None:
        """Handle a tick; the first one ends the backfill."""
        if self._first_tick_at is None:
            self._first_tick_at = at

    def figures(self, tracker: ServerTracker, service: str, scrape: Scrape) -> Figures:
        """Figures of a target at the time of a scrape."""
        past = self._histories.get(tracker.target.name)
        if past is None or past.bindings != tracker.bindings:
            past = _ServerHistory(
                tracker.bindings or Bindings(), service, self._quantiles, self._interval_s
            )
            self._histories[tracker.target.name] = past
        if self._first_tick_at is not None:
            self.span_s = max(self.span_s, self._first_tick_at - scrape.at)
        return past.figures(scrape)


def service_figures(service: ServiceState) -> dict[str, float | None]:
    """Figures of a service that the history keeps, by name."""
    figures: dict[str, float | None] = {}
    if service.traffic is not None:
        figures[history_keys.traffic(service.name)] = service.traffic.rps
    if service.errors is not None:
        figures[history_keys.errors(service.name)] = service.errors.ratio
        for status, rate in service.errors.by_class.items():
            figures[history_keys.status_class(service.name, status)] = rate
    if service.latency is not None:
        for quantile in service.latency.quantiles:
            figures[history_keys.latency(service.name, quantile.q)] = quantile.value
        if not service.latency.quantiles:
            figures[history_keys.latency(service.name, None)] = service.latency.mean
    for resource in service.saturation:
        figures[history_keys.saturation(service.name, resource.name)] = resource_level(resource)
    return figures


def resource_level(resource: SaturationState) -> float | None:
    """Usage of a resource as a share of its limit; where the limit is unknown, the amount used."""
    return resource.ratio if resource.ratio is not None else resource.value
