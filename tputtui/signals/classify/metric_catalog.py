"""Metrics of an exposition, from sample names and metadata: kind, labels and activity.

Exporters leave out TYPE lines, call gauges `_total` and histograms `_total`, and declare one
summary as two counters. Therefore names and neighbouring metrics are evidence too (found in 35 real
expositions).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite

from tputtui.model import Exposition, Family, Match, MetricKind, Series
from tputtui.signals.classify import vocabulary
from tputtui.signals.classify.device_topology import find_stacked_devices

MAX_LABEL_VALUES = 64  # distinct values kept for a label: enough to recognise its meaning
MAX_SERIES_READ = 500  # series of a sample name whose labels are read
# bucket rows of a metric that are read for its bounds: the first series has them all
MAX_BUCKETS_READ = 200
_MIN_METRICS_OF_A_SUBJECT = 4  # below, a shared word may be chance
_SUBJECT_SHARE = 0.6  # ratio of the metrics that share a word from which it is their subject
_TIMESTAMP = (9e8, 4e9)  # unix seconds from 1998 to 2096
_COUNTER_WORDS = frozenset(
    (word,)
    for word in ("requests", "queries", "questions", "commands", "messages", "calls", "operations")
)
"""Last words of an untyped name that mark a counter: mysql_global_status_questions."""
_WORD_PATTERN = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z]|[\d_:.]|$)|[A-Z]?[a-z]+|[A-Z]+|\d+[a-z]*")


@lru_cache(maxsize=16384)
def split_words(name: str) -> tuple[str, ...]:
    """Split a metric name into lower-case words at underscores, colons and camelCase."""
    if name.islower():
        return tuple(word for word in re.split(r"[^a-z0-9]+", name) if word)
    return tuple(word.lower() for word in _WORD_PATTERN.findall(name))


@dataclass(slots=True)
class CatalogMetric:
    """One interpreted metric.

    `name` is the base name; `count_sample` is the sample that counts events, if there is one.
    """

    name: str
    kind: MetricKind
    count_sample: str | None = None
    unit: str = ""
    help: str = ""
    is_typed: bool = True  # declared by a TYPE line
    # series of `count_sample`, or of the gauge
    series: list[tuple[Series, float]] = field(default_factory=list)
    labels: dict[str, set[str]] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()  # finite upper bounds of a histogram, ascending
    # events per second between the two scrapes; None without a second one
    rate: float | None = None
    denominator: str | None = None  # of a mean: the counter that divides
    own_path: str = ""  # path under which the target is scraped
    # network devices that the exporter says to be on top of others
    stacked_devices: frozenset[str] = frozenset()
    # cache of `series_filter.aggregate_exclusions`
    aggregate_matches: tuple[Match, ...] | None = None

    @property
    def sample_name(self) -> str:
        """Sample name that a binding for traffic, errors or saturation uses."""
        return self.count_sample or self.name

    @property
    def name_words(self) -> tuple[str, ...]:
        """Words of the base name; at least one, which may be empty."""
        return split_words(self.name) or ("",)

    @property
    def value(self) -> float:
        """Sum over all series; NaN is left out."""
        return sum(value for _, value in self.series if value == value)  # noqa: PLR0124

    def is_counted(self) -> bool:
        """Tell whether it has a rate."""
        return self.count_sample is not None


@dataclass(slots=True)
class MetricCatalog:
    """All metrics of one exposition by base name, with the first words of their names."""

    metrics: dict[str, CatalogMetric]
    by_sample: Mapping[str, CatalogMetric]  # by the sample name that counts (or the gauge's name)
    prefix_counts: dict[str, int]  # "envoy", "envoy_http", … -> number of metrics with this prefix
    # the process behind it is only the exporter, not the subject of the metrics
    is_exporter: bool = False
    subject_words: frozenset[str] = frozenset()  # singulars of words that most names share

    def get(self, name: str) -> CatalogMetric | None:
        """Return a metric by its base name or by the sample name that counts."""
        return self.metrics.get(name) or self.by_sample.get(name)

    def is_subject(self, word: str) -> bool:
        """Tell whether most names share the word, in its singular or plural."""
        return vocabulary.singular(word) in self.subject_words

    def __iter__(self) -> Iterator[CatalogMetric]:
        return iter(self.metrics.values())


def build_catalog(
    exposition: Exposition,
    previous: Exposition | None = None,
    elapsed_s: float | None = None,
    own_path: str = "",
) -> MetricCatalog:
    """Build the catalog of metrics from the samples of `exposition`.

    With an earlier scrape `previous`, taken `elapsed_s` seconds before, the metrics have rates.
    `own_path` is the path under which the target is scraped.
    """
    by_name: dict[str, list[tuple[Series, float]]] = defaultdict(list)
    for series, value in exposition.samples.items():
        by_name[series.name].append((series, value))
    metrics: dict[str, CatalogMetric] = {}
    for name in by_name:
        metric = _create_metric(name, by_name, exposition.families)
        if metric is not None:
            metrics.setdefault(metric.name, metric)
    _pair_time_counters(metrics)
    stacked = find_stacked_devices(by_name)
    prefixes: dict[str, int] = defaultdict(int)
    samples: dict[str, CatalogMetric] = {}
    for metric in metrics.values():
        metric.series = by_name.get(metric.sample_name, [])
        metric.labels = _collect_label_values(metric.series)
        metric.stacked_devices, metric.own_path = stacked, own_path
        samples[metric.sample_name] = metric
        if metric.count_sample and previous is not None and elapsed_s is not None and elapsed_s > 0:
            metric.rate = _total_rise(metric.series, previous) / elapsed_s
        parts = re.split(r"[_:]", metric.name)
        for length in range(1, len(parts) + 1):
            prefixes["_".join(parts[:length])] += 1
    return MetricCatalog(
        metrics,
        samples,
        prefixes,
        any("_exporter_" in name for name in by_name),
        _find_subject_words(metrics),
    )


def _find_subject_words(metrics: Mapping[str, CatalogMetric]) -> frozenset[str]:
    """Return the words that most metrics share; those of the runtime are not counted."""
    own = [
        {vocabulary.singular(word) for word in metric.name_words}
        for metric in metrics.values()
        if metric.name_words and metric.name_words[0] not in vocabulary.RUNTIME
    ]
    if len(own) < _MIN_METRICS_OF_A_SUBJECT:
        return frozenset()
    counts = Counter(word for words in own for word in words)
    return frozenset(word for word, count in counts.items() if count >= _SUBJECT_SHARE * len(own))


_TIME_WORDS = frozenset(
    (
        "duration",
        "time",
        "seconds",
        "milliseconds",
        "microseconds",
        "nanoseconds",
        "ms",
        "us",
        "usec",
        "latency",
    )
)


def _pair_time_counters(metrics: dict[str, CatalogMetric]) -> None:
    """Pair a counter of time with the counter of its events.

    Examples: redis_commands_duration_seconds_total with redis_commands_total, query_time with
    queries.
    """
    events: dict[frozenset[str], str] = {}
    for name, metric in metrics.items():
        if metric.kind == "counter" and not _TIME_WORDS & set(metric.name_words):
            events.setdefault(_event_words(metric), name)
    for name, metric in metrics.items():
        if _counts_time(metric):
            metric.denominator = events.get(_event_words(metric))
            if metric.denominator:
                metric.kind, metric.count_sample = "mean", None
            elif metric.kind == "counter":
                metric.count_sample = name


def _counts_time(metric: CatalogMetric) -> bool:
    """Tell whether a metric may be the time that all events took together."""
    if metric.kind == "counter":
        return bool({"duration", "latency", "time"} & set(metric.name_words))
    return metric.kind == "gauge" and not metric.is_typed and metric.name_words[-1:] == ("time",)


def _event_words(metric: CatalogMetric) -> frozenset[str]:
    words = frozenset(metric.name_words) - _TIME_WORDS - {"total", "count"}
    return frozenset(vocabulary.singular(word) for word in words)


def _total_rise(series: list[tuple[Series, float]], previous: Exposition) -> float:
    rise = 0.0
    for counter, value in series:
        earlier = previous.samples.get(counter, 0.0)
        rise += value - earlier if value >= earlier else max(value, 0.0)
    return rise


def _collect_label_values(series: list[tuple[Series, float]]) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = {}
    for labelled, _ in series[:MAX_SERIES_READ]:
        for name, value in labelled.labels:
            known_values = labels.setdefault(name, set())
            if len(known_values) < MAX_LABEL_VALUES:
                known_values.add(value)
    return labels


def _create_metric(
    name: str, by_name: Mapping[str, list[tuple[Series, float]]], families: Mapping[str, Family]
) -> CatalogMetric | None:
    """Create the metric that a sample name belongs to; None if it has no measure of its own."""
    base, part = _split_suffix(name)
    family = families.get(name)
    parent = families.get(base) if part else None
    if parent is not None and (family is None or family.type in ("untyped", "unknown")):
        if parent.type in ("histogram", "summary"):
            return _create_distribution(base, parent, by_name, families)
        if parent.type == "counter" and part == "total":
            return CatalogMetric(name, "counter", name, parent.unit, parent.help)
        if part in ("created", "info"):
            return None
    if _has_no_measure(name, family):
        return None
    if family is not None and family.type in ("histogram", "summary"):
        return _create_distribution(name, family, by_name, families)
    if part in ("sum", "count", "bucket"):
        distribution = _undeclared_distribution(base, part, by_name, families)
        if distribution is not None:
            return distribution
    if family is not None and family.type in ("counter", "gauge"):
        return _create_declared(name, family, by_name[name])
    return _create_untyped(name, family, by_name)


def _has_no_measure(name: str, family: Family | None) -> bool:
    """Tell whether a sample describes something, or is of a type that is not interpreted."""
    if name.endswith(("_info", "_build_info")):
        return True
    if family is None:
        return False
    if name.endswith("_created") and family.type == "gauge":
        return True
    return family.type in ("info", "stateset", "gaugehistogram")


def _create_declared(
    name: str, family: Family, series: list[tuple[Series, float]]
) -> CatalogMetric:
    """Create the metric of a declared counter or gauge; a counter of timestamps is a gauge."""
    if family.type == "gauge" or _is_timestamp(name, series):
        return CatalogMetric(name, "gauge", None, family.unit, family.help)
    return CatalogMetric(name, "counter", name, family.unit, family.help)


def _create_untyped(
    name: str, family: Family | None, by_name: Mapping[str, list[tuple[Series, float]]]
) -> CatalogMetric:
    """Create a metric without a type from its name and its labels."""
    first_series, _ = by_name[name][0]
    if any(label == "quantile" for label, _ in first_series.labels):
        return _create_distribution(
            name, family or Family(name, "summary"), by_name, {}, is_typed=False
        )
    help_text = family.help if family is not None else ""
    is_counter = name.endswith(("_total", "_count")) or split_words(name)[-1:] in _COUNTER_WORDS
    if is_counter and not _is_timestamp(name, by_name[name]):
        return CatalogMetric(name, "counter", name, help=help_text, is_typed=False)
    return CatalogMetric(name, "gauge", None, help=help_text, is_typed=False)


def _split_suffix(name: str) -> tuple[str, str]:
    base, _, part = name.rpartition("_")
    if base and part in ("bucket", "sum", "count", "total", "created", "info"):
        return base, part
    return name, ""


def _undeclared_distribution(
    base: str,
    suffix: str,
    by_name: Mapping[str, list[tuple[Series, float]]],
    families: Mapping[str, Family],
) -> CatalogMetric | None:
    """Recognise a histogram, or a sum with its count, without a TYPE line.

    Those declared as two counters are recognised too.
    """
    if f"{base}_count" not in by_name:
        return None
    has_buckets = _has_bucket_bounds(by_name.get(f"{base}_bucket", ()))
    if has_buckets:  # le and a count make a histogram, whatever TYPE says
        family = families.get(base) or families.get(f"{base}_bucket") or Family(base)
        return _create_distribution(base, family, by_name, families, is_typed=False)
    if suffix == "bucket" or f"{base}_sum" not in by_name:
        return None
    declared_types = {
        families[f"{base}_{part}"].type for part in ("sum", "count") if f"{base}_{part}" in families
    }
    if declared_types & {"gauge", "histogram", "summary"}:
        return None
    return _create_distribution(
        base, families.get(base) or Family(base), by_name, families, is_typed=False
    )


def _has_bucket_bounds(buckets: Sequence[tuple[Series, float]]) -> bool:
    return any(
        label in ("le", "vmrange") for series, _ in buckets[:1] for label, _ in series.labels
    )


def _create_distribution(
    base: str,
    family: Family,
    by_name: Mapping[str, list[tuple[Series, float]]],
    families: Mapping[str, Family],
    *,
    is_typed: bool = True,
) -> CatalogMetric:
    buckets = by_name.get(f"{base}_bucket", [])
    count = f"{base}_count" if f"{base}_count" in by_name else None
    bounds = _bucket_bounds(buckets)
    kind: MetricKind = "mean"
    if bounds:
        kind = "histogram"
    elif base in by_name:
        first_series, _ = by_name[base][0]
        if any(label == "quantile" for label, _ in first_series.labels):
            kind = "summary"
    parts = [families[name] for name in (f"{base}_sum", f"{base}_count") if name in families]
    unit = family.unit or next((part.unit for part in parts if part.unit), "")
    help_text = " ".join(dict.fromkeys([family.help, *(part.help for part in parts)])).strip()
    return CatalogMetric(
        base, kind, count, unit, help_text, is_typed, bounds=bounds, denominator=count
    )


def _bucket_bounds(buckets: list[tuple[Series, float]]) -> tuple[float, ...]:
    bounds: set[float] = set()
    for series, _ in buckets[:MAX_BUCKETS_READ]:
        text = series.label("le") or (series.label("vmrange") or "").rpartition("...")[2]
        try:
            bounds.add(float(text or "nan"))
        except ValueError:
            continue
    return tuple(sorted(bound for bound in bounds if isfinite(bound)))


def _is_timestamp(name: str, series: list[tuple[Series, float]]) -> bool:
    """Recognise a timestamp under a counter's name (dask_scheduler_last_time_total)."""
    if "time" not in name and "timestamp" not in name:
        return False
    low, high = _TIMESTAMP
    return all(low < value < high for _, value in series) and bool(
        {"time", "timestamp"} & set(split_words(name))
    )
