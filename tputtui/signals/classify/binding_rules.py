"""Bindings from a metric or an exporter's entry: included series, unit and reason."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import Binding, Match, MetricKind
from tputtui.signals.classify import parts_and_wholes, ranking, series_filter, status_labels, units
from tputtui.signals.classify.exporter_match import EntryMatch, applicable_matches
from tputtui.signals.classify.metric_catalog import CatalogMetric

MAX_NAMED_PATHS = 3  # paths left out of the traffic that are named in its reason

KNOWN_SCORE = 20.0
"""Score of an exporter's entry: above what names and labels alone can reach."""


def traffic_binding(
    metric: CatalogMetric,
    score: float,
    reason: str,
    entry_match: EntryMatch | None = None,
    name: str = "",
) -> Binding:
    """Bind traffic to a metric.

    A gauge counts only if it is a counter in truth, or a rate already.
    """
    ready_rate = ranking.is_ready_rate(metric)
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
    """Describe the excluded series of a metric, for comparison with the raw counter."""
    excluded = [
        text.clean(name, 30)
        for name in (
            *series_filter.excluded_paths(metric),
            *parts_and_wholes.excluded_devices(metric),
        )
    ]
    rest = f" and {len(excluded) - MAX_NAMED_PATHS} more" if len(excluded) > MAX_NAMED_PATHS else ""
    if excluded:
        return f", without {', '.join(excluded[:MAX_NAMED_PATHS])}{rest}"
    is_http = "http" in metric.name_words and units.traffic_unit(metric) == "req/s"
    if is_http and not series_filter.has_route(metric):
        return ", scrapes included: no label says the route"
    return ""


def latency_binding(
    metric: CatalogMetric,
    score: float,
    reason: str,
    entry_match: EntryMatch | None = None,
    name: str = "",
) -> Binding:
    """Bind latency to a metric, scaled to seconds if its unit is known.

    A mean divides by its own `_count`, or by another counter named by `denominator`. The numerator
    is then the sample `family` itself if it exists, else `family` with `_sum`.
    """
    kind: MetricKind = metric.kind
    denominator = metric.denominator if kind == "mean" else None
    scale, unit_evidence = units.seconds_scale(metric)
    if entry_match is not None:
        scale = units.SECONDS.get(entry_match.line.unit or "", scale)
        if entry_match.divisor is not None:
            kind, denominator = "mean", entry_match.divisor.sample_name
    full_reason = reason
    if scale is None:
        full_reason = f"{reason}, unit unknown"
    elif unit_evidence not in ("name", "unit unknown"):
        full_reason = f"{reason}, unit from its {unit_evidence}"
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
        reason=full_reason,
    )


def status_error_binding(
    metric: CatalogMetric, label: str, reason: str, entry_match: EntryMatch | None = None
) -> Binding:
    """Bind errors to the series of a counter whose status is an error.

    `values` stays empty if the rule of status classes decides.
    """
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
    """Return the unit of the errors.

    None for a count of errors beside a total in bytes (network errors, disk errors): they are no
    share of it.
    """
    unit = units.traffic_unit(total_metric or metric)
    return unit if unit != "By/s" or units.traffic_unit(metric) == unit else None


def error_counter_binding(
    metric: CatalogMetric,
    total_metric: CatalogMetric | None,
    score: float,
    reason: str,
    entry_match: EntryMatch | None = None,
) -> Binding:
    """Bind errors to a counter of their own; the ratio is taken of `total_metric`."""
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
    """Bind saturation to the metric of an exporter's entry."""
    metric, line = entry_match.metric, entry_match.line
    limit = entry_match.divisor.sample_name if entry_match.divisor is not None else None
    if line.waiting:
        meaning = "waiting work"
    elif metric.is_counted():
        meaning = "a counter: its rate"
    else:
        meaning = "in use"
    return Binding(
        "saturation",
        "counter" if metric.is_counted() else "gauge",
        metric.sample_name,
        unit=line.unit or units.gauge_unit(metric),
        name=line.name or " ".join(metric.name_words),
        match=_first_per_label(
            (*applicable_matches(line.match, metric), *parts_and_wholes.exclusions(metric))
        ),
        limit=limit,
        waiting=line.waiting,
        score=KNOWN_SCORE,
        reason=f"known of {exporter}: {meaning}" + (f", of {limit}" if limit else ""),
    )


def exporter_reason(exporter: str, metric: CatalogMetric) -> str:
    """Describe why an entry was bound: known of HAProxy, 1,284/s now."""
    # The rate includes the excluded paths: it is left out where there are some.
    if metric.rate and not series_filter.excluded_paths(metric):
        return f"known of {exporter}, {text.format_rate(metric.rate)}/s now"
    return f"known of {exporter}"


def _matches(metric: CatalogMetric, entry_match: EntryMatch | None) -> tuple[Match, ...]:
    """Return conditions that select a metric's own series and count none of them twice."""
    entry_conditions: tuple[Match, ...] = ()
    if entry_match is not None:
        entry_conditions = applicable_matches(entry_match.line.match, metric)
    return _first_per_label(
        (
            *entry_conditions,
            *series_filter.scrape_exclusions(metric),
            *series_filter.aggregate_exclusions(metric),
        )
    )


def _first_per_label(matches: Iterable[Match]) -> tuple[Match, ...]:
    first_by_label: dict[str, Match] = {}
    for match in matches:
        first_by_label.setdefault(match.label, match)
    return tuple(first_by_label.values())
