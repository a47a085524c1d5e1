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


def build_queries(bindings: Bindings, by: Iterable[str]) -> tuple[Question, ...]:
    """Return a query for each sample name that the bindings use, in their order.

    Kept are the labels used by a binding's conditions or status, the bounds of buckets and, for
    breakdowns, the labels `by`.
    """
    main_bindings = (bindings.traffic, bindings.errors, bindings.latency)
    query_by_name: dict[str, Question] = {}
    for binding in bindings.all():
        labels_used = _condition_labels(binding)
        if binding in main_bindings:
            labels_used |= frozenset(by)
        counters, gauges = followed_names([binding])
        for name in (*sorted(counters), *sorted(gauges)):
            if name in START_GAUGES or name.endswith("_created"):
                continue
            previous = query_by_name.get(name)
            if previous is not None:
                labels = labels_used | previous.labels
                query_by_name[name] = Question(name, previous.how, labels)
                continue
            aggregation: Aggregation = "rate" if name in counters else _aggregation(binding, name)
            labels = labels_used | _ALWAYS_KEPT_LABELS
            query_by_name[name] = Question(name, aggregation, labels)
    return tuple(query_by_name.values())


def _condition_labels(binding: Binding) -> frozenset[str]:
    labels = frozenset(match.label for match in binding.match)
    return labels if binding.label is None else labels | {binding.label}


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
