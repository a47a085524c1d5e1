"""Generic ranking: scores for how likely a metric is a service's traffic, latency or errors.

Points for the name, labels and activity of a metric are summed; the reason names the largest. This
module contains no product names: knowledge of single exporters is in `exporters`.
"""

from __future__ import annotations

import itertools
import math

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Exposition
from tputtui.signals.classify import (
    label_names,
    metric_catalog,
    name_evidence,
    series_filter,
    status_labels,
    vocabulary,
)
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

MIN_TRAFFIC_SCORE = 8.0
"""Score below which no counter is bound as traffic: no answer is better than a guess."""


MIN_PLAIN_SCORE = 5.5
"""Such a score of a counter that is plainly named for work, and for nothing else."""


@frozen
class RankedMetric:
    """A metric with its score and the reasons for it."""

    metric: CatalogMetric
    score: float
    reason: str
    is_plain: bool = False  # named for work, with no word that raises a doubt

    @property
    def is_traffic(self) -> bool:
        """Whether its score is sufficient for traffic."""
        return self.score >= (MIN_PLAIN_SCORE if self.is_plain else MIN_TRAFFIC_SCORE)


def rank_traffic(catalog: MetricCatalog) -> list[RankedMetric]:
    """Rank every counter that could be throughput, best first."""
    counted = [metric for metric in catalog if metric.is_counted()]
    own = [metric for metric in counted if metric.name_words[:1] not in _RUNTIME_PREFIXES]
    activity = _Activity(
        is_any_moving=any(metric.rate for metric in catalog),
        has_any_counted=any(metric.value > 0 for metric in own),
        timed=tuple((metric, metric.value) for metric in own if _is_timed(metric)),
        failing=frozenset(
            name_evidence.without_outcome(metric, vocabulary.FAILURES) for metric in own
        ),
    )
    ranked = [_score_traffic(metric, catalog, activity) for metric in counted]
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


_RUNTIME_PREFIXES = frozenset((word,) for word in vocabulary.RUNTIME)


@frozen
class _Activity:
    """Activity of an exposition, to which that of one metric is compared."""

    is_any_moving: bool
    has_any_counted: bool  # a counter of the service's own is above zero
    timed: tuple[tuple[CatalogMetric, float], ...]  # distributions of times, with their counts
    # words of each name that has a word for failure, without that word
    failing: frozenset[frozenset[str]]


def _is_timed(metric: CatalogMetric) -> bool:
    """Tell whether it is a distribution of times, or a mean of them with its own count."""
    return metric.kind != "counter" and bool(vocabulary.DURATIONS.keys() & set(metric.name_words))


def _score_traffic(
    metric: CatalogMetric, catalog: MetricCatalog, activity: _Activity
) -> RankedMetric:
    name_words = metric.name_words
    noun, noun_points = name_evidence.work_noun(name_words)
    points = noun_points
    reasons = ["counter" if metric.kind == "counter" else f"{metric.kind}, counted"]
    points += _score_kind(metric, points)
    points += name_evidence.serving_points(metric, catalog)
    label = find_status_label(metric)
    if label is not None:
        points += 3.5
        reasons.append(f"has the status label {label}")
    if label is None and _has_failure_pair(metric, activity):
        points += 2.5
        reasons.append("has a counter of its failures beside it")
    route_points = sum(
        1.0
        for group in (series_filter.ROUTE_LABELS, series_filter.METHOD_LABELS)
        if label_names.find_first(metric.labels, group)
    )
    points += route_points
    if route_points:
        reasons.append("is split by route or method")
    if noun:
        reasons.append(f"named for {noun}")
    points += _score_activity(metric, reasons, activity)
    points += _score_timing(metric, catalog, activity, reasons)
    points += min(2.0, math.log(1 + _count_same_prefix(metric, catalog)) / 2)
    doubts = name_evidence.runtime_points(name_words)
    doubts += min(10.0, 6.5 * len(vocabulary.ERRORS & set(name_words)))
    doubts += min(10.0, name_evidence.background_points(name_words, catalog))
    doubts += 12.0 if series_filter.is_only_scrapes(metric) else 0.0
    points -= doubts
    points -= name_evidence.length_penalty(metric, catalog)
    points -= 0.0 if metric.is_typed or metric.kind != "counter" else 0.5
    is_plain = metric.kind == "counter" and noun_points >= _PLAIN_NOUN_POINTS and not doubts
    return RankedMetric(metric, points, ", ".join(reasons), is_plain=is_plain)


_PLAIN_NOUN_POINTS = 6.0  # operations, tasks and all that is plainer


def _has_failure_pair(metric: CatalogMetric, activity: _Activity) -> bool:
    """Tell whether a counter of successes has one of failures beside it: read_ok, read_error."""
    rest = name_evidence.without_outcome(metric, vocabulary.SUCCESSES)
    return bool(rest) and rest in activity.failing


def _score_kind(metric: CatalogMetric, noun_points: float) -> float:
    """Score what a metric counts: events that were timed, time, an amount, or work."""
    name_words = set(metric.name_words)
    if metric.kind == "counter":
        return -9.0 if (vocabulary.TIMES | vocabulary.AMOUNTS) & name_words else 0.0
    is_timed = bool(vocabulary.DURATIONS.keys() & name_words)
    points = max(0.0, 6.0 - noun_points) if is_timed else 0.0
    points -= 2.0 if metric.is_typed else 3.0
    sizes = vocabulary.PLAIN_SIZES if is_timed else vocabulary.SIZES
    points -= 6.0 if sizes & name_words else 0.0
    return points - min(3.0, sum(vocabulary.PARTIAL.get(word, 0.0) for word in name_words))


def _score_timing(
    metric: CatalogMetric, catalog: MetricCatalog, activity: _Activity, reasons: list[str]
) -> float:
    """Score whether the counted events are timed, by a distribution with as many observations."""
    if metric.kind != "counter" or not activity.timed:
        return 0.0
    counted = metric.value
    if counted <= 0:
        return 0.0
    for timed, observations in activity.timed:
        is_as_many = 0.9 <= observations / counted <= 1.1
        if is_as_many and name_evidence.shares_own_word(metric, timed, catalog):
            reasons.append(f"timed by {text.clean(timed.name, 60)}")
            return 2.0
    # Times are taken here, and not of these events: they may not be the work.
    return -1.0 if any(observations > 0 for _, observations in activity.timed) else 0.0


def _score_activity(metric: CatalogMetric, reasons: list[str], activity: _Activity) -> float:
    """Score the activity of a metric: its rate between two scrapes, else its total so far."""
    if metric.rate is None:
        if metric.value <= 0 and activity.has_any_counted:
            return -2.0
        return min(3.5, math.log10(1 + max(metric.value, 0.0)) / 1.7)
    if metric.rate > 0:
        # else the figure would include requests that are not counted
        if not series_filter.excluded_paths(metric):
            reasons.append(f"{text.format_rate(metric.rate)}/s now")
        return 1.5 + min(3.0, math.log10(1 + metric.rate))
    return -1.5 if activity.is_any_moving else 0.0


def _count_same_prefix(metric: CatalogMetric, catalog: MetricCatalog) -> int:
    """Count the metrics with the same first word.

    An exporter's main subject has the most metrics.
    """
    return catalog.prefix_counts.get(metric.name.replace(":", "_").partition("_")[0], 0)


def find_status_label(metric: CatalogMetric) -> str | None:
    """Find the label that holds the status of a request, the plainest if there are several."""
    for label in status_labels.order_labels(metric.labels):
        if status_labels.is_status(label, _count_values(metric, label)):
            return label
    return _find_outcome_label(metric)


_MAX_OUTCOMES = 12  # values of a label that holds outcomes


def _find_outcome_label(metric: CatalogMetric) -> str | None:
    """Find a label of any name whose values are outcomes, good and bad ones."""
    kinds = (*series_filter.ROUTE_LABELS, *series_filter.METHOD_LABELS)
    dimensions = label_names.find_all(metric.labels, kinds)
    for label in sorted(metric.labels.keys() - set(dimensions)):
        values = metric.labels[label]
        if len(values) <= _MAX_OUTCOMES and status_labels.are_outcomes(label, values):
            return label
    return None


def _count_values(metric: CatalogMetric, label: str) -> dict[str, float]:
    """Return the events of each value of a label, at least one each."""
    counts: dict[str, float] = {}
    for series, value in metric.series[: metric_catalog.MAX_SERIES_READ]:
        name = series.label(label)
        if name is not None:
            counts[name] = counts.get(name, 1.0) + max(value, 0.0)
    return counts


def is_ready_rate(metric: CatalogMetric) -> bool:
    """Tell whether a gauge is a rate that the exporter works out: ops_per_sec, qps."""
    words = metric.name_words
    if metric.is_counted():
        return False
    if {"rate", *vocabulary.READY_RATES} & set(words):
        return True
    return any(
        before == "per" and word in ("s", "sec", "second")
        for before, word in itertools.pairwise(words)
    )


def find_declared_work(exposition: Exposition) -> str | None:
    """Find a family that is declared to count or time requests, and has no sample yet.

    Client libraries expose the series of a labelled metric with its first event only.
    """
    sampled = {series.name for series in exposition.samples}
    families = sorted(
        exposition.families.items(), key=lambda item: (item[1].type != "counter", item[0])
    )
    for name, family in families:
        parts = {name, *(f"{name}_{part}" for part in ("total", "count", "bucket", "sum"))}
        if family.type not in ("counter", "histogram", "summary") or parts & sampled:
            continue
        words = metric_catalog.split_words(name)
        if not words or name_evidence.runtime_points(words):
            continue
        has_doubt = bool((vocabulary.ERRORS | vocabulary.BACKGROUND.keys()) & set(words))
        if not has_doubt and name_evidence.work_noun(words)[1] >= _PLAIN_NOUN_POINTS:
            return name
    return None


def _counts_replicas(metric: CatalogMetric) -> bool:
    """Tell whether primaries and their replicas are rows of it: their sum counts work twice."""
    return bool(metric.labels.get("role", set()) & {"slave", "replica", "secondary", "follower"})


def find_ready_rate(catalog: MetricCatalog) -> RankedMetric | None:
    """Find a gauge that is the rate of work already, if no work is counted."""
    best: RankedMetric | None = None
    for name in sorted(catalog.metrics):
        metric = catalog.metrics[name]
        noun, points = name_evidence.work_noun(metric.name_words)
        if not is_ready_rate(metric) or points < _MIN_READY_RATE_NOUN:
            continue
        points -= min(10.0, 6.5 * len(vocabulary.ERRORS & set(metric.name_words)))
        points -= name_evidence.background_points(metric.name_words, catalog)
        points -= name_evidence.length_penalty(metric, catalog)
        points -= 1.0 if _counts_replicas(metric) else 0.0
        if points > (best.score if best is not None else 0.0):
            best = RankedMetric(metric, points, f"gauge, a rate already, named for {noun}")
    return best


_MIN_READY_RATE_NOUN = 5.0  # a plain noun of work, not bytes or packets

_BYTE_COUNTERS = (
    ("network", "receive"),
    ("network", "received"),
    ("receive",),
    ("received",),
    ("incoming",),
    ("transmit",),
    ("sent",),
    ("outgoing",),
    ("disk", "read"),
    ("read",),
    ("reads",),
)


def find_byte_counter(catalog: MetricCatalog) -> RankedMetric | None:
    """Find a counter of bytes in or out, the throughput of a host, if no work is counted."""
    for required_words in _BYTE_COUNTERS:
        for name in sorted(catalog.metrics):
            metric = catalog.metrics[name]
            name_words = set(metric.name_words)
            if (
                metric.kind == "counter"
                and {"bytes", "total"} <= name_words
                and name_words >= set(required_words)
                and metric.name_words[0] not in vocabulary.RUNTIME
            ):
                return RankedMetric(metric, 3.0, "counter of bytes, and no counter of requests")
    return None
