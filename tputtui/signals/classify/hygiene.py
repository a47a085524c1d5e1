"""Findings about misleading content of an exposition, the most misleading first."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import REQUEST_UNITS, Binding, Bindings, Exposition
from tputtui.signals.classify import units
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog, build_catalog

MAX_FINDINGS = 6
"""Maximum number of sentences: longer lists are not read."""
_MAX_EXAMPLES = 3  # example names in one sentence
_UNIT_WORDS = frozenset(
    ("bytes", "ratio", "percent", "perc", "celsius", "volts", "amperes", "joules", "total", "count")
)


def findings(
    exposition: Exposition, bindings: Bindings, objective_p99_s: float | None = None
) -> list[str]:
    """Return sentences about misleading content.

    `objective_p99_s` is the p99 in seconds that the buckets must be able to resolve.
    """
    catalog = build_catalog(exposition)
    sentences = [
        *_latency_findings(catalog, bindings, objective_p99_s),
        *_type_findings(catalog),
        *_counter_findings(catalog, exposition),
        *_unit_findings(catalog, bindings),
    ]
    return sentences[:MAX_FINDINGS]


def _latency_findings(
    catalog: MetricCatalog, bindings: Bindings, objective_s: float | None
) -> Iterable[str]:
    latency = bindings.latency
    if latency is None:
        if bindings.traffic is not None and bindings.traffic.unit in REQUEST_UNITS:
            family = _clean_name(bindings.traffic.family)
            yield f"no latency: {family} counts work done and nothing times it"
        return
    family = _clean_name(latency.family)
    if latency.kind == "mean":
        yield (
            f"{family} has no buckets: a total over a count is only a mean, "
            "which hides slow requests"
        )
    elif latency.kind == "gauge":
        yield (
            f"{family} is a gauge worked out by the exporter: "
            "no quantile of any window can be taken from it"
        )
    elif latency.kind == "summary":
        yield f"{family} is a summary: its quantiles cannot be added up over replicas"
    elif (metric := catalog.get(latency.family)) is not None:
        yield from _bucket_findings(metric, latency, objective_s)
    if latency.unit is None:
        yield f"{family} does not state its unit: its values are shown unscaled"


def _bucket_findings(
    metric: CatalogMetric, latency: Binding, objective_s: float | None
) -> Iterable[str]:
    bounds = [bound * latency.scale for bound in metric.bounds]
    family = _clean_name(metric.name)
    if not bounds:
        return
    if objective_s is not None:
        above = [bound for bound in bounds if bound >= objective_s]
        if not above:
            yield (
                f"the highest bucket of {family} ends at {_format_time(bounds[-1])}, "
                f"below the objective of {_format_time(objective_s)}: "
                "a p99 beyond it cannot be measured"
            )
            return
        low = max((bound for bound in bounds if bound < objective_s), default=0.0)
        if above[0] != objective_s and above[0] > 2 * low:
            yield (
                f"the objective of {_format_time(objective_s)} falls into the bucket of {family} "
                f"from {_format_time(low)} to {_format_time(above[0])}: "
                "its p99 is a guess between the two"
            )
            return
    if len(bounds) < 5:
        yield f"{family} has only {len(bounds)} finite buckets: its quantiles say little"


def _type_findings(catalog: MetricCatalog) -> Iterable[str]:
    totals = [metric for metric in catalog if metric.name.endswith("_total")]
    gauges = [metric.name for metric in totals if metric.kind == "gauge" and metric.is_typed]
    if gauges:
        yield (
            f"{_examples(gauges)}: named _total like a counter, but typed as a gauge: "
            "no rate is taken"
        )
    untyped = [metric.name for metric in catalog if not metric.is_typed]
    if len(untyped) > len(catalog.metrics) / 2:
        yield (
            f"{len(untyped)} of {len(catalog.metrics)} metrics have no TYPE line: "
            "what they are is guessed from their names"
        )


def _counter_findings(catalog: MetricCatalog, exposition: Exposition) -> Iterable[str]:
    without_total: list[str] = []
    for metric in catalog:
        if metric.kind not in ("counter", "mean") or metric.name.endswith("_total"):
            continue
        family = exposition.families.get(metric.name)
        if family is not None and family.type == "counter":
            without_total.append(metric.name)
    if without_total:
        yield (
            f"{_examples(without_total)}: counters without _total: "
            "tools that rely on the ending take them for gauges"
        )


def _unit_findings(catalog: MetricCatalog, bindings: Bindings) -> Iterable[str]:
    without_unit = [metric.name for metric in catalog if _is_time_without_unit(metric)]
    if bindings.latency is not None:
        # The bound latency comes first, also if its name is not that of a time.
        if bindings.latency.family in without_unit:
            without_unit.remove(bindings.latency.family)
        latency_metric = catalog.get(bindings.latency.family)
        if latency_metric is not None and not _has_time_unit(latency_metric):
            without_unit.insert(0, latency_metric.name)
    if without_unit:
        yield f"{_examples(without_unit)}: no unit in the name: a reader has to know it"


def _is_time_without_unit(metric: CatalogMetric) -> bool:
    """Tell whether a distribution is named for a time, and for no unit at all."""
    name_words = set(metric.name_words)
    return (
        metric.kind in ("histogram", "summary", "mean")
        and bool(name_words & {"latency", "duration", "durations", "time"})
        and not name_words & _UNIT_WORDS
        and not _has_time_unit(metric)
    )


def _has_time_unit(metric: CatalogMetric) -> bool:
    return bool(metric.unit or units.SECONDS.keys() & set(metric.name_words))


def _examples(names: list[str]) -> str:
    shown = ", ".join(_clean_name(name) for name in names[:_MAX_EXAMPLES])
    rest = len(names) - _MAX_EXAMPLES
    return f"{shown} and {rest} more" if rest > 0 else shown


def _format_time(seconds: float) -> str:
    return " ".join(text.format_seconds(seconds))


def _clean_name(name: str) -> str:
    return text.clean(name, 80)
