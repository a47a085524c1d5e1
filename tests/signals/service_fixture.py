"""One service over the windows of its targets, as the engine assembles it."""

from __future__ import annotations

from collections.abc import Mapping

from tputtui.model import Binding, Bindings, Exposition, Family, Scrape, Series, ServiceState
from tputtui.signals.rates.target_window import TargetWindow
from tputtui.signals.service.service_tracker import ServiceTracker, followed_names

TRAFFIC = Binding("traffic", "counter", "requests_total", unit="req/s")
ERRORS = Binding(
    "errors", "counter", "requests_total", label="status", denominator="requests_total"
)
LATENCY = Binding("latency", "histogram", "request_duration_seconds", unit="s")
QUANTILES = (0.5, 0.9, 0.99)

Samples = Mapping[Series, float]


class ServiceFixture:
    """Service whose scrapes a test adds."""

    def __init__(
        self, bindings: Bindings, targets: tuple[str, ...] = ("shop",), window_s: float = 10.0
    ) -> None:
        self.tracker = ServiceTracker("shop", targets, bindings, QUANTILES)
        counters, gauges = followed_names(bindings)
        self.windows = {target: TargetWindow(window_s, 1.0, counters, gauges) for target in targets}

    def add_scrape(
        self,
        at: float,
        samples: Samples,
        target: str = "shop",
        families: Mapping[str, Family] | None = None,
    ) -> None:
        exposition = Exposition(samples, families or {}, len(samples))
        self.windows[target].add(Scrape(target, at, 1e9 + at, 0.01, exposition, 1))

    def add_failure(self, at: float, target: str = "shop") -> None:
        self.windows[target].add(Scrape(target, at, 1e9 + at, 0.01, error="connection refused"))

    def state(self, at: float, by: tuple[str, ...] | None = None) -> ServiceState:
        return self.tracker.state(self.windows, by)


_interned: dict[tuple[object, ...], Series] = {}


def series(name: str, **labels: str) -> Series:
    """Create a series, interned as the scanner's are."""
    created = Series(name, tuple(sorted(labels.items())))
    return _interned.setdefault(created.key, created)


def requests(value: float, status: str = "200", **labels: str) -> dict[Series, float]:
    return {series("requests_total", status=status, **labels): value}


BOUNDS = ("0.1", "0.5", "1.0", "2.5", "5.0", "+Inf")


def durations(
    counts: tuple[float, ...], total: float = 0.0, bounds: tuple[str, ...] = BOUNDS, **labels: str
) -> dict[Series, float]:
    """Create the samples of a histogram from its cumulative counts."""
    base = "request_duration_seconds"
    buckets = {
        series(f"{base}_bucket", le=le, **labels): count
        for le, count in zip(bounds, counts, strict=True)
    }
    return {
        **buckets,
        series(f"{base}_count", **labels): counts[-1],
        series(f"{base}_sum", **labels): total,
    }
