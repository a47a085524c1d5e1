"""History from before the first tick, held by a server: figures for the time axis, derived by the
same readers.
"""

from __future__ import annotations

from collections.abc import Mapping

from tputtui.engine.server_tracker import ServerTracker
from tputtui.model import Bindings, SaturationState, Scrape, ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.server_window import ServerWindow
from tputtui.signals.service.service_tracker import ServiceTracker, followed_names

Figures = Mapping[str, float | None]


class ServerHistory:
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
        self._histories: dict[str, ServerHistory] = {}

    def on_tick(self, at: float) -> None:
        """Handle a tick; the first one ends the backfill."""
        if self._first_tick_at is None:
            self._first_tick_at = at

    def figures(self, tracker: ServerTracker, service: str, scrape: Scrape) -> Figures:
        """Figures of a target at the time of a scrape."""
        past = self._histories.get(tracker.target.name)
        if past is None or past.bindings != tracker.bindings:
            past = ServerHistory(
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
