"""Queries for a Prometheus-compatible server, which aggregate as this program would."""

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
    """Return a query for each sample name that the bindings use, in their order.

    Kept are the labels used by a binding's conditions or status, the bounds of buckets and, for
    breakdowns, the labels `by`.
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
    """Return the aggregation that the binding's reader would apply.

    Amounts are summed; of shares, times and quantiles the highest is used.
    """
    if gauge == binding.limit:
        return "limit"
    if binding.signal == "latency" or (
        binding.signal == "saturation" and is_aggregated_by_max(binding)
    ):
        return "max"
    return "sum"
