"""What to ask a Prometheus-compatible server for, so that it adds up what we would add up ourselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tputtui.model import Binding, Bindings, Question
from tputtui.signals.rates.lifetime import START_GAUGES
from tputtui.signals.rates.series_index import followed_names
from tputtui.signals.service.gauges import is_aggregated_by_max

Aggregation = Literal["rate", "sum", "max", "limit"]
_ALWAYS_KEPT_LABELS = frozenset(("le", "vmrange", "quantile"))


def questions(bindings: Bindings, by: Iterable[str]) -> tuple[Question, ...]:
    """One question for each sample name that the bindings rest on, in their order.

    Kept apart are the labels that a binding's conditions or its status look at, the bounds of buckets, and, for what is
    broken down, the labels `by`.
    """
    main = [one for one in (bindings.traffic, bindings.errors, bindings.latency) if one is not None]
    asked: dict[str, Question] = {}
    for binding in bindings.all():
        own = _condition_labels(binding) | (frozenset(by) if binding in main else frozenset())
        counters, gauges = followed_names([binding])
        for name in (*sorted(counters), *sorted(gauges)):
            if name in START_GAUGES or name.endswith("_created"):
                continue
            how: Aggregation = "rate" if name in counters else _aggregation(binding, name)
            before = asked.get(name)
            labels = own | _ALWAYS_KEPT_LABELS if before is None else own | before.labels
            asked[name] = Question(name, how if before is None else before.how, labels)
    return tuple(asked.values())


def _condition_labels(binding: Binding) -> frozenset[str]:
    own = frozenset(one.label for one in binding.match)
    return own if binding.label is None else own | {binding.label}


def _aggregation(binding: Binding, gauge: str) -> Aggregation:
    """As the reader of the binding would: amounts are added, of shares, times and quantiles the highest counts."""
    if gauge == binding.limit:
        return "limit"
    if binding.signal == "latency" or (binding.signal == "saturation" and is_aggregated_by_max(binding)):
        return "max"
    return "sum"
