"""A closer look at a service: only the series with some label values, or only one of its replicas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings, Labels, Match, Series
from tputtui.signals.rates import series_index


@frozen
class ServiceFilter:
    """What to look at: the `service` as a whole, narrowed to `labels`, to the replica `target`, or to both."""

    service: str
    labels: Labels = ()
    target: str | None = None

    @property
    def description(self) -> str:
        """What it narrows to: "route=/x", "web-02". Foreign text."""
        values = " ".join(f"{label}={value}" for label, value in self.labels)
        return " ".join(part for part in (self.target, values) if part)

    @property
    def name(self) -> str:
        """What the service is called when seen through it."""
        return f"{self.service} {self.description}"

    @property
    def matches(self) -> tuple[Match, ...]:
        """The conditions on a series."""
        return tuple(Match(name, "=", value) for name, value in self.labels)

    def covers(self, target: str) -> bool:
        """Whether a target of the service is looked at."""
        return self.target in (None, target)


def narrow_bindings(bindings: Bindings, matches: tuple[Match, ...], series: Iterable[Series]) -> Bindings:
    """The bindings narrowed to series that meet these conditions on labels.

    A binding whose series, among those that are followed, do not carry the labels cannot be narrowed: its slot is
    emptied, and `reasons` says so. Traffic then falls back on what the latency counts. Saturation stays as it is: it is
    the whole service's.
    """
    if not matches:
        return bindings
    carried: dict[str, set[str]] = {}
    for one in series:
        carried.setdefault(one.name, set()).update(name for name, _ in one.labels)
    reasons = dict(bindings.reasons)

    def narrowed(slot: str, binding: Binding | None) -> Binding | None:
        if binding is None:
            return None
        counters, gauges = series_index.followed_names((binding,))
        known = set().union(*(carried.get(name, set()) for name in counters | gauges))
        missing = [one.label for one in matches if one.value and one.label not in known]
        if missing:
            reasons[slot] = f"{binding.family} has no label {missing[0]}"
            return None
        return replace(binding, match=(*binding.match, *matches))

    traffic, latency = narrowed("traffic", bindings.traffic), narrowed("latency", bindings.latency)
    if traffic is None and latency is not None and latency.kind in ("histogram", "summary", "mean"):
        counts = latency.denominator or f"{latency.family}_count"
        traffic = Binding("traffic", "counter", counts, unit="req/s", match=latency.match, reason="counted by latency")
        reasons.pop("traffic", None)
    return replace(
        bindings,
        traffic=traffic,
        latency=latency,
        errors=narrowed("errors", bindings.errors),
        signals=(),
        reasons=reasons,
    )
