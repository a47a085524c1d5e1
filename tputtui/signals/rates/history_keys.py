"""Names of the figures in the history: the engine writes them, the views read them."""

from __future__ import annotations

from functools import lru_cache

from tputtui.model import Labels
from tputtui.signals.classify import label_names
from tputtui.signals.classify.series_filter import ROUTE_LABELS


def traffic(service: str) -> str:
    """Return the name of a service's throughput, in its unit."""
    return f"traffic/{service}"


def errors(service: str) -> str:
    """Return the name of a service's error ratio, 0 to 1."""
    return f"errors/{service}"


def status_class(service: str, status: str) -> str:
    """Return the name of a service's responses of one status class ("2xx") per second."""
    return f"class/{service}/{status}"


def latency(service: str, quantile: float | None) -> str:
    """Return the name of a service's latency quantile in seconds; None is the mean.

    The value is raw if its unit is not known.
    """
    return f"latency/{service}/{'mean' if quantile is None else f'{quantile:g}'}"


def saturation(owner: str, resource: str) -> str:
    """Return the name of a resource's ratio to its limit; the host's `owner` is "".

    Without a known limit it is the resource's value.
    """
    return f"saturation/{owner}/{resource}"


def family(target: str, name: str) -> str:
    """Return the name of the figure of one target's family that the user put on the screen."""
    return f"family/{target}/{name}"


def route(service: str, labels: Labels) -> str:
    """Return the name of the throughput of one row of a service's breakdown."""
    return f"route/{service}/{labels}"


@lru_cache(maxsize=4096)
def find_route(labels: tuple[tuple[str, str], ...]) -> str | None:
    """Find the route among a row's labels."""
    value_by_label = dict(labels)
    label = label_names.find_first(value_by_label, ROUTE_LABELS)
    return None if label is None else value_by_label[label]
