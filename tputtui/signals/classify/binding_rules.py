"""From a metric, or a line of a known ecosystem, to a binding: which rows count, in which unit, and why."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import Binding, Match, MetricKind
from tputtui.signals.classify import series_filter, status_labels, units
from tputtui.signals.classify.exporter_match import EntryMatch, applicable_matches
from tputtui.signals.classify.metric_catalog import CatalogMetric

MAX_NAMED_PATHS = 3  # paths that are left out of the traffic and named in its reason

KNOWN_SCORE = 20.0
"""What a line of a known ecosystem scores: above what names and labels alone can reach."""


def traffic_binding(
    metric: CatalogMetric, score: float, reason: str, entry_match: EntryMatch | None = None, name: str = ""
) -> Binding:
    """Traffic counted by a metric. A gauge counts only where it is one that is a counter in truth, or a ready rate."""
    ready_rate = not metric.is_counted() and "rate" in metric.name_words
    unit = entry_match.line.unit if entry_match is not None else None
    return Binding(
        "traffic",
        "gauge" if ready_rate else "counter",
        metric.sample_name,
        unit=unit or units.traffic_unit(metric),
        name=name,
        match=_matches(metric, entry_match),
        score=round(score, 2),
        reason=reason + _describe_exclusions(metric),
    )


def _describe_exclusions(metric: CatalogMetric) -> str:
    """What of the metric is not counted, for whoever compares with the raw counter."""
    left_out = [text.clean(path, 30) for path in series_filter.excluded_paths(metric)]
    more = f" and {len(left_out) - MAX_NAMED_PATHS} more" if len(left_out) > MAX_NAMED_PATHS else ""
    return f", without {', '.join(left_out[:MAX_NAMED_PATHS])}{more}" if left_out else ""


def latency_binding(
    metric: CatalogMetric, score: float, reason: str, entry_match: EntryMatch | None = None, name: str = ""
) -> Binding:
    """Latency measured by a metric, scaled to seconds where its unit is known.

    A mean divides: by its own `_count`, or by another counter, which `denominator` names; the numerator is then the
    sample `family` itself where it exists, else `family` with `_sum`.
    """
    kind: MetricKind = metric.kind
    denominator = metric.denominator if kind == "mean" else None
    scale, how = units.seconds_scale(metric)
    if entry_match is not None:
        scale = units.SECONDS.get(entry_match.line.unit or "", scale)
        if entry_match.divisor is not None:
            kind, denominator = "mean", entry_match.divisor.sample_name
    said = f"{reason}, unit from its {how}" if scale is not None and how not in ("name", "unit not told") else reason
    return Binding(
        "latency",
        kind,
        metric.name,
        unit=None if scale is None else "s",
        scale=1.0 if scale is None else scale,
        name=name,
        match=_matches(metric, entry_match),
        denominator=denominator,
        score=round(score, 2),
        reason=said if scale is not None else f"{reason}, unit not told",
    )


def status_error_binding(
    metric: CatalogMetric, label: str, reason: str, entry_match: EntryMatch | None = None
) -> Binding:
    """Errors as the rows of a counter whose status says so; `values` stays empty where the rule of classes decides."""
    listed = entry_match.line.values if entry_match is not None else ()
    return Binding(
        "errors",
        "counter",
        metric.sample_name,
        unit=units.traffic_unit(metric),
        match=_matches(metric, entry_match),
        label=label,
        values=listed or status_labels.error_values(label, metric.labels.get(label, ())),
        denominator=metric.sample_name,
        score=KNOWN_SCORE if entry_match is not None else 3.5,
        reason=reason,
    )


def _error_unit(metric: CatalogMetric, total_metric: CatalogMetric | None) -> str | None:
    """What is counted, unless that is bytes: errors beside bytes are none (network errors, disk errors)."""
    unit = units.traffic_unit(total_metric or metric)
    return unit if unit != "By/s" or units.traffic_unit(metric) == unit else None


def error_counter_binding(
    metric: CatalogMetric,
    total_metric: CatalogMetric | None,
    score: float,
    reason: str,
    entry_match: EntryMatch | None = None,
) -> Binding:
    """Errors that have a counter of their own; `of` is what the ratio is taken of."""
    return Binding(
        "errors",
        "counter",
        metric.sample_name,
        unit=_error_unit(metric, total_metric),
        match=_matches(metric, entry_match),
        denominator=total_metric.sample_name if total_metric is not None else None,
        score=round(score, 2),
        reason=reason,
    )


def saturation_binding(entry_match: EntryMatch, exporter: str) -> Binding:
    """What could run out, as a line of an ecosystem tells."""
    metric, pick = entry_match.metric, entry_match.line
    limit = entry_match.divisor.sample_name if entry_match.divisor is not None else None
    what = "waiting work" if pick.waiting else "a counter: its rate" if metric.is_counted() else "in use"
    return Binding(
        "saturation",
        "counter" if metric.is_counted() else "gauge",
        metric.sample_name,
        unit=pick.unit or units.gauge_unit(metric),
        name=pick.name or " ".join(metric.name_words),
        match=applicable_matches(pick.match, metric),
        limit=limit,
        waiting=pick.waiting,
        score=KNOWN_SCORE,
        reason=f"known of {exporter}: {what}" + (f", of {limit}" if limit else ""),
    )


def exporter_reason(exporter: str, metric: CatalogMetric) -> str:
    """How a line of an entry came to be bound: known of HAProxy, 1,284/s now."""
    now = f", {text.format_rate(metric.rate)}/s now" if metric.rate and not series_filter.excluded_paths(metric) else ""
    return f"known of {exporter}{now}"


def _matches(metric: CatalogMetric, entry_match: EntryMatch | None) -> tuple[Match, ...]:
    """Conditions under which the rows of a metric are the service's own and none is counted twice."""
    told = applicable_matches(entry_match.line.match, metric) if entry_match is not None else ()
    return _first_per_label(
        (*told, *series_filter.scrape_exclusions(metric), *series_filter.aggregate_exclusions(metric))
    )


def _first_per_label(matches: Iterable[Match]) -> tuple[Match, ...]:
    kept: dict[str, Match] = {}
    for match in matches:
        kept.setdefault(match.label, match)
    return tuple(kept.values())
