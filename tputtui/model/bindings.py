"""Bindings of metric families to signals, found by classification or set in the config.

Bindings in force are recorded beside the readings, so that a replay never classifies again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen

SignalKind = Literal["traffic", "errors", "latency", "saturation"]
MetricKind = Literal["counter", "gauge", "histogram", "summary", "mean"]


NO_REQUESTS_YET = "no requests yet"
"""Beginning of a signal's reason while the counter of requests is only declared."""


@frozen
class Match:
    """Condition on a label: series that do not meet it are outside the binding.

    A missing label counts as "".
    """

    label: str
    op: Literal["=", "!=", "=~", "!~"]  # the regular expressions are anchored at both ends
    value: str


@frozen
class Binding:
    """Binding of a family and labels of a target to a signal."""

    signal: SignalKind
    kind: MetricKind
    family: str
    """Traffic and errors: the sample name as exposed. Latency: the base name, without _bucket,
    _sum, _count.
    """
    unit: str | None = None
    """Unit after scaling: "req/s", "By/s", "tokens/s", "msg/s" for traffic; "s" for latency; else
    None.
    """
    scale: float = 1.0  # raw value × scale = value in `unit`
    name: str = ""  # display name: "in flight", "db pool", "time to first token"
    match: tuple[Match, ...] = ()
    label: str | None = None  # errors: the status label on the series
    values: tuple[
        str, ...
    ] = ()  # errors: the values of `label` that count as errors, where they are listed
    limit: str | None = None  # saturation: the sample name of the limit
    waiting: bool = False  # saturation: the value counts waiting work (a queue), not use
    # Mean: sample name of the counter that divides; errors: of the counted total
    denominator: str | None = None
    score: float = 0.0
    reason: str = ""  # for display: "counter, has a status label, named for requests"
    origin: Literal["found", "config"] = "found"


@frozen
class Bindings:
    """Bindings of one target. For an empty slot, `reasons` explains why nothing fits."""

    traffic: Binding | None = None
    errors: Binding | None = None
    latency: Binding | None = None
    saturation: tuple[Binding, ...] = ()
    signals: tuple[Binding, ...] = ()  # further ecosystems and time-to-first-… on the same target
    breakdown: tuple[str, ...] = ()  # label names suitable for a breakdown, best first
    # histogram with a route label, where the one of `latency` has none
    route_latency: Binding | None = None
    reasons: Mapping[str, str] = field(
        default_factory=dict
    )  # "traffic" -> "no counter of requests found"

    def all(self) -> tuple[Binding, ...]:
        """Return every binding in force."""
        slots = (self.traffic, self.errors, self.latency, self.route_latency)
        main = [binding for binding in slots if binding is not None]
        return (*main, *self.saturation, *self.signals)
