"""Filter of a service: only the series with some label values, or only one replica."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings, Labels, Match, Series
from tputtui.signals.rates import series_index


@frozen
class ServiceFilter:
    """The `service` narrowed to `labels`, to the replica `target`, or to both."""

    service: str
    labels: Labels = ()
    target: str | None = None

    @property
    def description(self) -> str:
        """Description of the selection: "route=/x", "web-02". Foreign text."""
        values = " ".join(f"{label}={value}" for label, value in self.labels)
        return " ".join(part for part in (self.target, values) if part)

    @property
    def name(self) -> str:
        """Name of the filtered service."""
        return f"{self.service} {self.description}"

    @property
    def matches(self) -> tuple[Match, ...]:
        """Conditions on a series."""
        return tuple(Match(name, "=", value) for name, value in self.labels)

    def covers(self, target: str) -> bool:
        """Tell whether a target of the service is selected."""
        return self.target in (None, target)


def narrow_bindings(
    bindings: Bindings, matches: tuple[Match, ...], series: Iterable[Series]
) -> Bindings:
    """Narrow the bindings to series that meet these conditions on labels.

    A binding cannot be narrowed if its followed series do not carry the labels. It is then removed,
    and `reasons` says so. Traffic is then taken from the latency's count. Saturation is unchanged:
    it is that of the whole service.
    """
    if not matches:
        return bindings
    labels_by_name: dict[str, set[str]] = {}
    for followed in series:
        labels_by_name.setdefault(followed.name, set()).update(name for name, _ in followed.labels)
    reasons = dict(bindings.reasons)

    def narrow(signal: str, binding: Binding | None) -> Binding | None:
        if binding is None:
            return None
        counters, gauges = series_index.followed_names((binding,))
        known = set().union(*(labels_by_name.get(name, set()) for name in counters | gauges))
        for condition in matches:
            if condition.value and condition.label not in known:
                reasons[signal] = f"{binding.family} has no label {condition.label}"
                return None
        return replace(binding, match=(*binding.match, *matches))

    traffic, latency = narrow("traffic", bindings.traffic), narrow("latency", bindings.latency)
    if traffic is None and latency is not None and latency.kind in ("histogram", "summary", "mean"):
        counts = latency.denominator or f"{latency.family}_count"
        traffic = Binding(
            "traffic",
            "counter",
            counts,
            unit="req/s",
            match=latency.match,
            reason="counted by latency",
        )
        reasons.pop("traffic", None)
    return replace(
        bindings,
        traffic=traffic,
        latency=latency,
        errors=narrow("errors", bindings.errors),
        signals=(),
        reasons=reasons,
    )
