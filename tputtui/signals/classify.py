"""What an exposition measures: its traffic, its errors, its latency and what could saturate, each with the reason.

Known exporters are recognised by the signature of their families (`ecosystems`); everything else is ranked by names,
labels and life (`ranking`). What is not sure enough stays empty and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tputtui import text
from tputtui.model import Binding, Bindings, Exposition, Match
from tputtui.signals import ranking, rows, saturation, status, units
from tputtui.signals.families import Catalog, Metric, catalog
from tputtui.signals.overrides import apply_overrides
from tputtui.signals.ranking import Ranked

__all__ = ["apply_overrides", "classify"]

_FURTHER = 4  # further signals named beside the main ones


def classify(now: Exposition, before: Exposition | None = None, dt_s: float | None = None) -> Bindings:
    """The bindings of one target, from one scrape or, better, from two that are `dt_s` seconds apart.

    Deterministic: the same samples give the same bindings.
    """
    found = catalog(now, before, dt_s)
    return _generic(found)


def _generic(found: Catalog) -> Bindings:
    reasons: dict[str, str] = {}
    ranked = ranking.traffic(found)
    busy: Metric | None = None
    traffic: Binding | None = None
    if ranked and ranked[0].score >= ranking.TRAFFIC_FLOOR:
        traffic = traffic_binding(ranked[0])
        busy = ranked[0].metric
    else:
        reasons["traffic"] = _no_traffic(ranked)
    times = ranking.latency(found, busy)
    latency = _main_latency(times)
    if latency is None:
        reasons["latency"] = "no histogram, summary or mean of request times found"
    errors = errors_of(busy, found) if busy is not None else None
    if errors is None:
        reasons["errors"] = (
            "no status label and no counter of errors beside the traffic" if busy else "no traffic to count errors of"
        )
    return Bindings(
        traffic,
        errors,
        latency,
        tuple(saturation.find(found, busy)),
        tuple(_firsts(found)),
        rows.dimensions(busy) if busy is not None else (),
        reasons,
    )


def _no_traffic(ranked: Sequence[Ranked]) -> str:
    if not ranked or ranked[0].score <= 0:
        return "no counter of requests, queries, messages or bytes found"
    return f"no counter is clearly traffic; the nearest is {text.clean(ranked[0].metric.sample, 80)}"


def traffic_binding(best: Ranked) -> Binding:
    """Traffic counted by a metric: its own scrapes and the rows that are sums of others left out."""
    metric = best.metric
    return Binding(
        "traffic",
        "counter",
        metric.sample,
        unit=units.traffic_unit(metric),
        match=matches(metric),
        score=round(best.score, 2),
        reason=best.reason,
    )


def matches(metric: Metric) -> tuple[Match, ...]:
    """All conditions under which the rows of a metric are the service's own and none is counted twice."""
    return (*rows.own_traffic(metric), *rows.without_aggregates(metric))


def _main_latency(times: Sequence[Ranked]) -> Binding | None:
    whole = [one for one in times if not ranking.is_first(one.metric)]
    if not whole or whole[0].score < ranking.LATENCY_FLOOR:
        return None
    return latency_binding(whole[0].metric, whole[0].reason, whole[0].score)


def latency_binding(metric: Metric, reason: str, score: float, name: str = "") -> Binding:
    """Latency measured by a metric, scaled to seconds where its unit is known."""
    scale, how = units.seconds_scale(metric)
    return Binding(
        "latency",
        metric.kind,
        metric.name,
        unit=None if scale is None else "s",
        scale=1.0 if scale is None else scale,
        name=name,
        match=matches(metric),
        denominator=metric.denominator if metric.kind == "mean" else None,
        score=round(score, 2),
        reason=f"{reason}, {how}" if scale is None or how != "name" else reason,
    )


def errors_of(busy: Metric, found: Catalog) -> Binding | None:
    """Errors by the status label of the traffic, of its latency histogram, or of its responses; else a counter of errors."""
    label = ranking.status_label(busy)
    if label is not None:
        return status_binding(busy, label, "status label of the traffic")
    for metric, label in _siblings(busy, found):
        return status_binding(metric, label, "status label beside the traffic")
    dedicated = ranking.errors(found, busy)
    if dedicated and dedicated[0].score >= ranking.ERRORS_FLOOR:
        metric = dedicated[0].metric
        return Binding(
            "errors",
            "counter",
            metric.sample,
            unit=units.traffic_unit(busy),
            match=matches(metric),
            denominator=busy.sample,
            score=round(dedicated[0].score, 2),
            reason=dedicated[0].reason,
        )
    return None


def status_binding(metric: Metric, label: str, reason: str, values: tuple[str, ...] = ()) -> Binding:
    """Errors as the rows of a counter whose status says so; `values` stays empty where the rule of classes decides."""
    return Binding(
        "errors",
        "counter",
        metric.sample,
        unit=units.traffic_unit(metric),
        match=matches(metric),
        label=label,
        values=values or status.listed_errors(label, metric.labels.get(label, ())),
        denominator=metric.sample,
        score=3.5,
        reason=f"{reason}: {label}",
    )


def _siblings(busy: Metric, found: Catalog) -> list[tuple[Metric, str]]:
    """Counted metrics that speak of the same events and carry a status: the histogram's count, the responses."""
    related = []
    for metric in found:
        if metric is busy or not metric.is_counted():
            continue
        label = ranking.status_label(metric)
        near = ranking.shared(metric.words, busy.words)
        if label is not None and near >= min(2, len(busy.words) - 1):
            related.append((-near, metric.name, metric, label))
    related.sort(key=lambda one: one[:2])
    return [(metric, label) for _, _, metric, label in related]


def _firsts(found: Catalog) -> list[Binding]:
    """Times to the first byte or token: latency signals of their own."""
    firsts = [
        metric for metric in found if ranking.is_first(metric) and metric.kind in ("histogram", "summary", "mean")
    ]
    return [
        replace(
            latency_binding(metric, metric.kind, 5.0),
            name="time to first token" if _of_tokens(metric) else "time to first byte",
        )
        for metric in firsts[:_FURTHER]
    ]


def _of_tokens(metric: Metric) -> bool:
    return bool({"token", "ttft"} & set(metric.words))
