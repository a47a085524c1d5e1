"""What in an exposition will mislead whoever reads it: a few sentences, the most misleading first."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import Binding, Bindings, Exposition
from tputtui.signals.classify import units
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog, catalog

MOST = 6
"""Sentences at most: a longer list is read by nobody."""
_NAMED = 3  # names given as examples in one sentence
_UNIT_WORDS = frozenset(
    ("bytes", "ratio", "percent", "perc", "celsius", "volts", "amperes", "joules", "total", "count")
)


def findings(exposition: Exposition, bindings: Bindings, objective_p99_s: float | None = None) -> list[str]:
    """Sentences on what misleads; `objective_p99_s` is the p99 in seconds that the buckets must be able to judge."""
    found = catalog(exposition)
    sentences = [
        *_latency(found, bindings, objective_p99_s),
        *_types(found),
        *_counters(found, exposition),
        *_units(found, bindings),
    ]
    return sentences[:MOST]


def _latency(found: MetricCatalog, bindings: Bindings, objective_s: float | None) -> Iterable[str]:
    latency = bindings.latency
    if latency is None:
        if bindings.traffic is not None and bindings.traffic.unit == "req/s":
            yield f"no latency: {_plain(bindings.traffic.family)} counts work done and nothing times it"
        return
    family = _plain(latency.family)
    if latency.kind == "mean":
        yield f"{family} has no buckets: a total over a count is only a mean, which hides slow requests"
    elif latency.kind == "gauge":
        yield f"{family} is a gauge worked out by the exporter: no quantile of any window can be taken from it"
    elif latency.kind == "summary":
        yield f"{family} is a summary: its quantiles cannot be added up over replicas"
    elif (metric := found.get(latency.family)) is not None:
        yield from _buckets(metric, latency, objective_s)
    if latency.unit is None:
        yield f"{family} does not tell its unit: it is shown as it stands"


def _buckets(metric: CatalogMetric, latency: Binding, objective_s: float | None) -> Iterable[str]:
    bounds = [bound * latency.scale for bound in metric.bounds]
    family = _plain(metric.name)
    if not bounds:
        return
    if objective_s is not None:
        above = [bound for bound in bounds if bound >= objective_s]
        if not above:
            yield (
                f"the highest bucket of {family} ends at {_time(bounds[-1])}, below the objective of "
                f"{_time(objective_s)}: a p99 beyond it cannot be told"
            )
            return
        low = max((bound for bound in bounds if bound < objective_s), default=0.0)
        if above[0] != objective_s and above[0] > 2 * low:
            yield (
                f"the objective of {_time(objective_s)} falls into the bucket of {family} from {_time(low)} "
                f"to {_time(above[0])}: its p99 is a guess between the two"
            )
            return
    if len(bounds) < 5:
        yield f"{family} has only {len(bounds)} finite buckets: its quantiles say little"


def _types(found: MetricCatalog) -> Iterable[str]:
    gauges = [m.name for m in found if m.kind == "gauge" and m.typed and m.name.endswith("_total")]
    if gauges:
        yield f"{_examples(gauges)}: named _total like a counter, but typed as a gauge: no rate is taken"
    untyped = [m.name for m in found if not m.typed]
    if len(untyped) > len(found.metrics) / 2:
        yield f"{len(untyped)} of {len(found.metrics)} metrics have no TYPE line: what they are is guessed from their names"


def _counters(found: MetricCatalog, exposition: Exposition) -> Iterable[str]:
    bare = [
        metric.name
        for metric in found
        if metric.kind in ("counter", "mean")
        and metric.name in exposition.families
        and exposition.families[metric.name].type == "counter"
        and not metric.name.endswith("_total")
    ]
    if bare:
        yield f"{_examples(bare)}: counters without _total: tools that rely on the ending take them for gauges"


def _units(found: MetricCatalog, bindings: Bindings) -> Iterable[str]:
    told = {bindings.latency.family} if bindings.latency is not None else set()
    without = [
        metric.name
        for metric in found
        if metric.name not in told
        and metric.kind in ("histogram", "summary", "mean")
        and {"latency", "duration", "durations", "time"} & set(metric.words)
        and not _UNIT_WORDS & set(metric.words)
        and not units.SECONDS.keys() & set(metric.words)
        and not metric.unit
    ]
    if bindings.latency is not None:
        main = found.get(bindings.latency.family)
        if main is not None and not units.SECONDS.keys() & set(main.words) and not main.unit:
            without.insert(0, main.name)
    if without:
        yield f"{_examples(without)}: no unit in the name: a reader has to know it"


def _examples(names: list[str]) -> str:
    shown = ", ".join(_plain(name) for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def _time(seconds: float) -> str:
    return " ".join(text.seconds(seconds))


def _plain(name: str) -> str:
    return text.clean(name, 80)
