"""Filters for the series of a metric that count.

Left out are the exporter's own scrape, health checks, and series that are the sum of others.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from tputtui.model import Labels, Match, Series
from tputtui.signals.classify import label_names, parts_and_wholes
from tputtui.signals.classify.metric_catalog import CatalogMetric
from tputtui.signals.classify.status_labels import STATUS_LABELS

ROUTE_LABELS = (
    "route",
    "handler",
    "path",
    "path_template",
    "uri",
    "endpoint",
    "url",
    "http_route",
    "http_target",
    "view",
    "rule",
    "url_rule",
    "target",
    "path_pattern",
    "route_name",
    "page",
    "request_path",
    "http_path",
    "template",
)
"""Label names whose values are paths of an HTTP service, or handlers named after them."""

METHOD_LABELS = (
    "method",
    "http_method",
    "http_request_method",
    "verb",
    "request_method",
    "grpc_method",
    "rpc_method",
)

OTHER_DIMENSIONS = (
    "task",
    "task_name",
    "job_name",
    "actor",
    "actor_name",
    "grpc_service",
    "rpc_service",
    "service",
    "controller",
    "action",
    "operation",
    "op",
    "command",
    "cmd",
    "query_type",
    "type",
    "resource",
    "model_name",
    "model",
    "queue",
    "topic",
    "consumer_group",
    "group",
    "upstream",
    "backend",
    "frontend",
    "proxy",
    "entrypoint",
    "router",
    "envoy_cluster_name",
    "destination_service",
    "destination_workload",
    "cluster",
    "database",
    "datname",
    "table",
    "keyspace",
    "zone",
    "host",
    "vhost",
    "server",
    "device",
    "interface",
    "bucket",
    "tenant",
    "job",
    "name",
    "worker",
    "protocol",
    "proto",
    "direction",
)
_IGNORED_LABELS = (
    "otel_scope_",
    "instance",
    "pod",
    "namespace",
    "container",
    "le",
    "quantile",
    "network_protocol_",
    "url_scheme",
    "service_name",
)

SCRAPE_PATHS = (
    r"/?metrics/?|prometheus([_-]?metrics)?|/actuator(/.*)?|/stats/prometheus|/q/(metrics|health)(/.*)?|"
    r"/?(-/)?(api/)?(health(y|z|[_-]?check)?(/.*)?|ready|readyz|readiness|live|livez|liveness)/?"
)
"""Paths and handler names under which a service is scraped and probed."""

MAX_BREAKDOWN_LABELS = 8
_MAX_LABEL_SETS = 16  # more distinct sets of label names in one metric are noise, not a layout
_TOTAL_VALUES = frozenset(
    ("*", "total", "Total", "TOTAL", "all", "ALL", "_all", "_total", "sum", "cpu-total")
)


def scrape_exclusions(metric: CatalogMetric) -> tuple[Match, ...]:
    """Return conditions that exclude scrapes and health checks.

    They depend on a metric's labels, not on their current values, so that replicas whose probes
    differ have equal bindings.
    """
    return tuple(
        Match(label, "!~", _scrape_paths(metric))
        for label in label_names.find_all(metric.labels, ROUTE_LABELS)
    )


def _scrape_paths(metric: CatalogMetric) -> str:
    """Return the usual paths, and the one under which this target is scraped."""
    own_path = metric.own_path.rstrip("/")
    if not own_path or re.fullmatch(SCRAPE_PATHS, own_path):
        return SCRAPE_PATHS
    return f"{SCRAPE_PATHS}|{re.escape(own_path)}/?"


def has_route(metric: CatalogMetric) -> bool:
    """Tell whether a label says the route, by which scrapes can be left out."""
    return label_names.find_first(metric.labels, ROUTE_LABELS) is not None


def excluded_paths(metric: CatalogMetric) -> tuple[str, ...]:
    """Return the existing paths that `scrape_exclusions` leaves out."""
    pattern = re.compile(_scrape_paths(metric))
    paths: set[str] = set()
    for label in label_names.find_all(metric.labels, ROUTE_LABELS):
        paths.update(filter(pattern.fullmatch, metric.labels[label]))
    return tuple(sorted(paths))


def is_only_scrapes(metric: CatalogMetric) -> bool:
    """Tell whether every series so far is a scrape or a health check."""
    pattern = re.compile(_scrape_paths(metric))
    return any(
        all(pattern.fullmatch(value) for value in metric.labels[label])
        for label in label_names.find_all(metric.labels, ROUTE_LABELS)
    )


def aggregate_exclusions(metric: CatalogMetric) -> tuple[Match, ...]:
    """Return conditions under which no series is the sum of others of the same metric."""
    if metric.aggregate_matches is None:
        metric.aggregate_matches = (
            *parts_and_wholes.exclusions(metric),
            *_reporter_match(metric),
            *_total_value_matches(metric),
            *_fewer_label_matches(metric),
        )
    return metric.aggregate_matches


def _reporter_match(metric: CatalogMetric) -> list[Match]:
    """Select one reporter of a mesh, which counts a request at its source and at its destination.

    The side that serves is used.
    """
    has_both_sides = {"source", "destination"} <= metric.labels.get("reporter", set())
    return [Match("reporter", "=", "destination")] if has_both_sides else []


def _total_value_matches(metric: CatalogMetric) -> list[Match]:
    """Exclude series whose label value means the total (nginx-vts `total` and `*`).

    Applies if other series hold the parts.
    """
    matches = []
    for label, values in sorted(metric.labels.items()):
        for total_value in sorted(values & _TOTAL_VALUES):
            if len(values) > 1:
                parts = _sum_values(metric, label, total_value, is_equal=False)
                total = _sum_values(metric, label, total_value, is_equal=True)
                parts_cover_total = parts >= 0.98 * total
                matches.append(Match(label, "!=" if parts_cover_total else "=", total_value))
                break
    return matches


def _sum_values(metric: CatalogMetric, label: str, label_value: str, *, is_equal: bool) -> float:
    return sum(
        value for series, value in metric.series if (series.label(label) == label_value) == is_equal
    )


def _fewer_label_matches(metric: CatalogMetric) -> list[Match]:
    """Find series that lack a label others have and repeat their counts.

    The conditions keep either these series or the others.

    Examples: Kafka's row without a topic, dovecot's command without its reply.
    """
    by_names: dict[tuple[str, ...], list[tuple[Series, float]]] = defaultdict(list)
    for series, value in metric.series:
        by_names[tuple([name for name, content in series.labels if content])].append(
            (series, value)
        )
    if not 2 <= len(by_names) <= _MAX_LABEL_SETS:
        return []
    matches: dict[str, Match] = {}
    for fewer_names in sorted(by_names, key=len):
        for more_names in sorted(by_names, key=len):
            extra_names = sorted(set(more_names) - set(fewer_names))
            if (
                len(extra_names) >= 1
                and set(fewer_names) < set(more_names)
                and extra_names[0] not in matches
            ):
                operator = _compare_totals(by_names[fewer_names], by_names[more_names], fewer_names)
                if operator is not None:
                    matches[extra_names[0]] = Match(extra_names[0], operator, "")
    return list(matches.values())


def _compare_totals(
    fewer: list[tuple[Series, float]], more: list[tuple[Series, float]], names: tuple[str, ...]
) -> Literal["=", "!="] | None:
    """Return the operator for comparing the extra label with "".

    `!=` keeps the parts, if they add up to the total; `=` keeps the row that holds more.
    """
    totals = {_project_labels(series, names): value for series, value in fewer}
    parts: dict[Labels, float] = defaultdict(float)
    for series, value in more:
        parts[_project_labels(series, names)] += value
    shared = [key for key in parts if key in totals]
    if not shared:
        return None
    total, parts_total = sum(totals[key] for key in shared), sum(parts[key] for key in shared)
    if parts_total >= 0.98 * total:
        return "!=" if parts_total <= 1.02 * total else None
    return "="


def _project_labels(series: Series, names: tuple[str, ...]) -> Labels:
    return tuple((name, value) for name, value in series.labels if name in names)


def breakdown_labels(
    metrics: Sequence[CatalogMetric], outcome_label: str | None = None
) -> tuple[str, ...]:
    """Return the labels useful for breaking down traffic, best first, each once.

    Route, method, then labels that tell parts of a service apart. `metrics` are those of the
    traffic, its latency and its errors: what one of them lacks another may have. `outcome_label`
    says which requests failed: it comes last.
    """
    values: dict[str, set[str]] = {}
    spelling: dict[str, str] = {}
    for metric in metrics:
        for name, own_values in metric.labels.items():
            known = spelling.setdefault(label_names.normalize(name), name)
            values.setdefault(known, set()).update(own_values)
    present = [name for name in values if values[name] - {""} and name != outcome_label]
    kinds = (ROUTE_LABELS, METHOD_LABELS, OTHER_DIMENSIONS, STATUS_LABELS)
    ordered = [name for kind in kinds for name in label_names.find_all(present, kind)]
    always_useful = label_names.find_all(present, (*ROUTE_LABELS, *METHOD_LABELS))
    useful: list[str] = []
    single_valued: list[str] = []  # of little use: they come last
    for name in dict.fromkeys(ordered):
        if len(values[name]) > 1 or name in always_useful:
            useful.append(name)
        else:
            single_valued.append(name)
    others = sorted(set(present).difference(ordered))
    useful += [
        name
        for name in others
        if len(values[name]) > 1 and not label_names.normalize(name).startswith(_IGNORED_LABELS)
    ]
    last = [outcome_label] if outcome_label in values else []
    return tuple([*useful, *single_valued, *last][:MAX_BREAKDOWN_LABELS])
