"""What the figures on the time axis are called: the monitor writes them, the views read them."""

from __future__ import annotations

from tputtui.model import Labels
from tputtui.signals.classify.series_filter import ROUTE_LABELS


def traffic(service: str) -> str:
    """Throughput of a service, in its unit."""
    return f"traffic/{service}"


def errors(service: str) -> str:
    """Error ratio of a service, 0 to 1."""
    return f"errors/{service}"


def status_class(service: str, status: str) -> str:
    """Answers of one status class ("2xx") of a service, per second."""
    return f"class/{service}/{status}"


def latency(service: str, quantile: float | None) -> str:
    """A latency quantile of a service in seconds (raw where the unit is not known); None is the mean."""
    return f"latency/{service}/{'mean' if quantile is None else f'{quantile:g}'}"


def saturation(owner: str, resource: str) -> str:
    """A resource's ratio to its limit (its value where no limit is known); the host's `owner` is ""."""
    return f"saturation/{owner}/{resource}"


def family(target: str, name: str) -> str:
    """The figure of a family of one target that somebody put on the screen."""
    return f"family/{target}/{name}"


def route(service: str, labels: Labels) -> str:
    """Throughput of one row of a service's breakdown."""
    return f"route/{service}/{labels}"


def find_route(labels: tuple[tuple[str, str], ...]) -> str | None:
    """The route among a row's labels."""
    found = dict(labels)
    return next((found[name] for name in ROUTE_LABELS if name in found), None)
