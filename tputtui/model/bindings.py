"""What the numbers mean: which family of a target feeds which signal. Found by classification or set in the config.

Bindings in force are recorded beside the readings, so that a replay never guesses anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen

SignalKind = Literal["traffic", "errors", "latency", "saturation"]
MetricKind = Literal["counter", "gauge", "histogram", "summary", "mean"]


@frozen
class Match:
    """One condition on a label: series that do not meet it stay outside of a binding. A missing label counts as ""."""

    label: str
    op: Literal["=", "!=", "=~", "!~"]  # the regular expressions are anchored at both ends
    value: str


@frozen
class Binding:
    """Which family and labels of a target feed a signal."""

    signal: SignalKind
    kind: MetricKind
    family: str
    """Traffic and errors: the sample name as exposed. Latency: the base name, without _bucket, _sum, _count."""
    unit: str | None = None
    """What `scale` leads to: "req/s", "By/s", "tokens/s", "msg/s" for traffic; "s" for latency; else None."""
    scale: float = 1.0  # raw value × scale = value in `unit`
    name: str = ""  # a person's word for it: "in flight", "db pool", "time to first token"
    match: tuple[Match, ...] = ()
    label: str | None = None  # errors: the status label on the series
    values: tuple[str, ...] = ()  # errors: the values of `label` that count as errors, where they are listed
    limit: str | None = None  # saturation: the sample name of the limit
    waiting: bool = False  # saturation: the value counts waiting work (a queue), not use
    denominator: str | None = None  # mean: the sample name of the counter that divides; errors: of what is counted
    score: float = 0.0
    reason: str = ""  # for a person: "counter, has a status label, named for requests"
    origin: Literal["found", "config"] = "found"


@frozen
class Bindings:
    """What is bound on one target. An empty slot says in `reasons` why nothing fits."""

    traffic: Binding | None = None
    errors: Binding | None = None
    latency: Binding | None = None
    saturation: tuple[Binding, ...] = ()
    signals: tuple[Binding, ...] = ()  # further ecosystems and time-to-first-… on the same target
    breakdown: tuple[str, ...] = ()  # label names worth breaking down by, best first
    reasons: Mapping[str, str] = field(default_factory=dict)  # "traffic" -> "no counter of requests found"

    def all(self) -> tuple[Binding, ...]:
        """Every binding that is in force."""
        main = [b for b in (self.traffic, self.errors, self.latency) if b is not None]
        return (*main, *self.saturation, *self.signals)
