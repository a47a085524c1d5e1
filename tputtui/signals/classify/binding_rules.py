"""From a metric, or a line of a known ecosystem, to a binding: which rows count, in which unit, and why."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import Binding, Match, MetricKind
from tputtui.signals.classify import series_filter, status_labels, units
from tputtui.signals.classify.exporter_match import EntryMatch, holds
from tputtui.signals.classify.metric_catalog import CatalogMetric

MOST_NAMED = 3  # paths that are left out of the traffic and named in its reason

KNOWN_SCORE = 20.0
"""What a line of a known ecosystem scores: above what names and labels alone can reach."""


def traffic(
    metric: CatalogMetric, score: float, reason: str, line: EntryMatch | None = None, name: str = ""
) -> Binding:
    """Traffic counted by a metric. A gauge counts only where it is one that is a counter in truth, or a ready rate."""
    ready_rate = not metric.is_counted() and "rate" in metric.words
    unit = line.pick.unit if line is not None else None
    return Binding(
        "traffic",
        "gauge" if ready_rate else "counter",
        metric.sample,
        unit=unit or units.traffic_unit(metric),
        name=name,
        match=_matches(metric, line),
        score=round(score, 2),
        reason=reason + _without(metric),
    )


def _without(metric: CatalogMetric) -> str:
    """What of the metric is not counted, for whoever compares with the raw counter."""
    left_out = [text.clean(path, 30) for path in series_filter.left_out(metric)]
    more = f" and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    return f", without {', '.join(left_out[:MOST_NAMED])}{more}" if left_out else ""


def latency(
    metric: CatalogMetric, score: float, reason: str, line: EntryMatch | None = None, name: str = ""
) -> Binding:
    """Latency measured by a metric, scaled to seconds where its unit is known.

    A mean divides: by its own `_count`, or by another counter, which `denominator` names; the numerator is then the
    sample `family` itself where it exists, else `family` with `_sum`.
    """
    kind: MetricKind = metric.kind
    denominator = metric.denominator if kind == "mean" else None
    scale, how = units.seconds_scale(metric)
    if line is not None:
        scale = units.SECONDS.get(line.pick.unit or "", scale)
        if line.over is not None:
            kind, denominator = "mean", line.over.sample
    said = f"{reason}, unit from its {how}" if scale is not None and how not in ("name", "unit not told") else reason
    return Binding(
        "latency",
        kind,
        metric.name,
        unit=None if scale is None else "s",
        scale=1.0 if scale is None else scale,
        name=name,
        match=_matches(metric, line),
        denominator=denominator,
        score=round(score, 2),
        reason=said if scale is not None else f"{reason}, unit not told",
    )


def status_errors(metric: CatalogMetric, label: str, reason: str, line: EntryMatch | None = None) -> Binding:
    """Errors as the rows of a counter whose status says so; `values` stays empty where the rule of classes decides."""
    listed = line.pick.values if line is not None else ()
    return Binding(
        "errors",
        "counter",
        metric.sample,
        unit=units.traffic_unit(metric),
        match=_matches(metric, line),
        label=label,
        values=listed or status_labels.listed_errors(label, metric.labels.get(label, ())),
        denominator=metric.sample,
        score=KNOWN_SCORE if line is not None else 3.5,
        reason=reason,
    )


def _unit_of_errors(metric: CatalogMetric, of: CatalogMetric | None) -> str | None:
    """What is counted, unless that is bytes: errors beside bytes are none (network errors, disk errors)."""
    unit = units.traffic_unit(of or metric)
    return unit if unit != "By/s" or units.traffic_unit(metric) == unit else None


def counted_errors(
    metric: CatalogMetric, of: CatalogMetric | None, score: float, reason: str, line: EntryMatch | None = None
) -> Binding:
    """Errors that have a counter of their own; `of` is what the ratio is taken of."""
    return Binding(
        "errors",
        "counter",
        metric.sample,
        unit=_unit_of_errors(metric, of),
        match=_matches(metric, line),
        denominator=of.sample if of is not None else None,
        score=round(score, 2),
        reason=reason,
    )


def saturation(line: EntryMatch, ecosystem: str) -> Binding:
    """What could run out, as a line of an ecosystem tells."""
    metric, pick = line.metric, line.pick
    limit = line.over.sample if line.over is not None else None
    what = "waiting work" if pick.waiting else "a counter: its rate" if metric.is_counted() else "in use"
    return Binding(
        "saturation",
        "counter" if metric.is_counted() else "gauge",
        metric.sample,
        unit=pick.unit or units.gauge_unit(metric),
        name=pick.words or " ".join(metric.words),
        match=holds(pick.match, metric),
        limit=limit,
        waiting=pick.waiting,
        score=KNOWN_SCORE,
        reason=f"known of {ecosystem}: {what}" + (f", of {limit}" if limit else ""),
    )


def known_reason(ecosystem: str, metric: CatalogMetric) -> str:
    """How a line of an entry came to be bound: known of HAProxy, 1,284/s now."""
    now = f", {text.rate(metric.rate)}/s now" if metric.rate and not series_filter.left_out(metric) else ""
    return f"known of {ecosystem}{now}"


def _matches(metric: CatalogMetric, line: EntryMatch | None) -> tuple[Match, ...]:
    """Conditions under which the rows of a metric are the service's own and none is counted twice."""
    told = holds(line.pick.match, metric) if line is not None else ()
    return _one_a_label((*told, *series_filter.own_traffic(metric), *series_filter.without_aggregates(metric)))


def _one_a_label(matches: Iterable[Match]) -> tuple[Match, ...]:
    kept: dict[str, Match] = {}
    for match in matches:
        kept.setdefault(match.label, match)
    return tuple(kept.values())
