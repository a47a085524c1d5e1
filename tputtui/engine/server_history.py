"""What a server remembers of the time before we came: figures for the time axis, derived by the same readers."""

from __future__ import annotations

from collections.abc import Mapping

from tputtui.engine.server_tracker import ServerTracker
from tputtui.model import Bindings, SaturationState, Scrape, ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.server_window import ServerWindow
from tputtui.signals.service.service_tracker import ServiceTracker, followed_names

Figures = Mapping[str, float | None]


class ServerHistory:
    """One target's past, moment by moment, the oldest first. It is derived besides, and changes nothing else."""

    def __init__(self, bindings: Bindings, name: str, quantiles: tuple[float, ...], interval_s: float) -> None:
        self.bindings = bindings
        self._name = name
        self._window = ServerWindow(interval_s, interval_s, *followed_names(bindings))
        self._service = ServiceTracker(name, (name,), bindings, quantiles)

    def figures(self, scrape: Scrape) -> Figures:
        """The figures of one moment."""
        self._window.add(scrape)
        return service_figures(self._service.state({self._name: self._window}, ()))


class ServerHistories:
    """The past of every target whose server remembers one."""

    def __init__(self, quantiles: tuple[float, ...], interval_s: float) -> None:
        self.span_s = 0.0  # before the first tick
        self._quantiles = quantiles
        self._interval_s = interval_s
        self._first_tick_at: float | None = None
        self._histories: dict[str, ServerHistory] = {}

    def on_tick(self, at: float) -> None:
        """Take note of a tick; the first one is where the past ends."""
        if self._first_tick_at is None:
            self._first_tick_at = at

    def figures(self, tracker: ServerTracker, service: str, scrape: Scrape) -> Figures:
        """The figures of one moment of a target."""
        past = self._histories.get(tracker.target.name)
        if past is None or past.bindings != tracker.bindings:
            past = ServerHistory(tracker.bindings or Bindings(), service, self._quantiles, self._interval_s)
            self._histories[tracker.target.name] = past
        if self._first_tick_at is not None:
            self.span_s = max(self.span_s, self._first_tick_at - scrape.at)
        return past.figures(scrape)


def service_figures(service: ServiceState) -> dict[str, float | None]:
    """What the history keeps of a service, by name."""
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
    """How full a resource is; where its limit is not known, how much of it is used."""
    return resource.ratio if resource.ratio is not None else resource.value
