"""Generic ranking: scores for how likely a metric is a service's traffic, latency or errors.

Points for the name, labels and activity of a metric are summed; the reason names the largest. This
module contains no product names: knowledge of single exporters is in `exporters`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tputtui import text
from tputtui.frozen import frozen
from tputtui.signals.classify import series_filter, status_labels, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

MIN_TRAFFIC_SCORE = 8.0
"""Score below which no counter is bound as traffic: no answer is better than a guess."""
MIN_LATENCY_SCORE = 7.0
MIN_ERRORS_SCORE = 6.0

_FIRST_WORDS = (("first", "token"), ("first", "byte"), ("first", "response"))


@frozen
class RankedMetric:
    """A metric with its score and the reasons for it."""

    metric: CatalogMetric
    score: float
    reason: str


def rank_traffic(catalog: MetricCatalog) -> list[RankedMetric]:
    """Rank every counter that could be throughput, best first."""
    moving = any(metric.rate for metric in catalog)
    ranked = [
        _score_traffic(metric, catalog, is_any_moving=moving)
        for metric in catalog
        if metric.is_counted()
    ]
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


def _score_traffic(
    metric: CatalogMetric, catalog: MetricCatalog, *, is_any_moving: bool
) -> RankedMetric:
    name_words = metric.name_words
    points = max((vocabulary.WORK_NOUNS.get(word, 0.0) for word in name_words), default=0.0)
    noun = max(name_words, key=lambda word: vocabulary.WORK_NOUNS.get(word, 0.0)) if points else ""
    reasons = ["counter" if metric.kind == "counter" else f"{metric.kind}, counted"]
    if metric.kind != "counter":
        points = max(points, 6.0 if vocabulary.DURATIONS.keys() & set(name_words) else 0.0) - (
            2.0 if metric.is_typed else 3.0
        )
        points -= 6.0 if vocabulary.SIZES & set(name_words) else 0.0
    elif vocabulary.TIMES & set(name_words):
        points -= 9.0
    points += sum(vocabulary.SERVING.get(word, 0.0) for word in dict.fromkeys(name_words))
    label = find_status_label(metric)
    if label is not None:
        points += 3.5
        reasons.append(f"has the status label {label}")
    route_points = sum(
        1.0
        for group in (series_filter.ROUTE_LABELS, series_filter.METHOD_LABELS)
        if set(group) & metric.labels.keys()
    )
    points += route_points
    if route_points:
        reasons.append("is split by route or method")
    if noun:
        reasons.append(f"named for {noun}")
    points += _score_activity(metric, reasons, is_any_moving=is_any_moving)
    points += min(2.0, math.log(1 + _count_same_prefix(metric, catalog)) / 2)
    points -= 14.0 if name_words and name_words[0] in vocabulary.RUNTIME else 0.0
    points -= min(10.0, 6.5 * len(vocabulary.ERRORS & set(name_words)))
    points -= min(10.0, sum(vocabulary.BACKGROUND.get(word, 0.0) for word in set(name_words)))
    points -= 8.0 if series_filter.is_only_scrapes(metric) else 0.0
    points -= 0.25 * len(name_words)
    points -= 0.0 if metric.is_typed or metric.kind != "counter" else 0.5
    return RankedMetric(metric, points, ", ".join(reasons))


def _score_activity(metric: CatalogMetric, reasons: list[str], *, is_any_moving: bool) -> float:
    """Score the activity of a metric: its rate between two scrapes, else its total so far."""
    if metric.rate is None:
        return min(3.5, math.log10(1 + max(metric.value, 0.0)) / 1.7)
    if metric.rate > 0:
        # else the figure would include requests that are not counted
        if not series_filter.excluded_paths(metric):
            reasons.append(f"{text.format_rate(metric.rate)}/s now")
        return 1.5 + min(3.0, math.log10(1 + metric.rate))
    return -1.5 if is_any_moving else 0.0


def _count_same_prefix(metric: CatalogMetric, catalog: MetricCatalog) -> int:
    """Count the metrics with the same first word.

    An exporter's main subject has the most metrics.
    """
    return catalog.prefix_counts.get(metric.name.replace(":", "_").partition("_")[0], 0)


def find_status_label(metric: CatalogMetric) -> str | None:
    """Find the label that holds the status of a request, the plainest if there are several."""
    for label in status_labels.STATUS_LABELS:
        values = metric.labels.get(label)
        if values and status_labels.is_status(label, values):
            return label
    return None


def common_prefix_length(name_words: Sequence[str], other_words: Sequence[str]) -> int:
    """Return the number of leading words that two names share."""
    count = 0
    for word, other_word in zip(name_words, other_words, strict=False):
        if word != other_word:
            break
        count += 1
    return count


def is_time_to_first(metric: CatalogMetric) -> bool:
    """Tell whether it times the first byte or token instead of the whole answer."""
    name_words = metric.name_words
    if "ttft" in name_words or "ttfb" in name_words:
        return True
    return any(first in name_words and unit in name_words for first, unit in _FIRST_WORDS)


def rank_latency(
    catalog: MetricCatalog, traffic_metric: CatalogMetric | None
) -> list[RankedMetric]:
    """Rank every distribution or mean of times, best first.

    `traffic_metric` is the metric that counts the traffic.
    """
    ranked = [
        _score_latency(metric, traffic_metric) for metric in catalog if _is_time_candidate(metric)
    ]
    ranked = [candidate for candidate in ranked if candidate.score > 0]
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


def _is_time_candidate(metric: CatalogMetric) -> bool:
    """Tell whether a metric may hold times.

    Its name says so; or it is a distribution named for the timed operation, as timers of go-metrics
    and statsd are.
    """
    name_words = set(metric.name_words)
    if vocabulary.DURATIONS.keys() & name_words:
        return True
    if metric.kind not in ("histogram", "summary") or vocabulary.SIZES & name_words:
        return False
    return bool((vocabulary.WORK_NOUNS.keys() | vocabulary.SERVING.keys()) & name_words)


def _score_latency(metric: CatalogMetric, traffic_metric: CatalogMetric | None) -> RankedMetric:
    name_words = metric.name_words
    points = max((vocabulary.DURATIONS.get(word, 2.0) for word in name_words), default=0.0)
    reasons: list[str] = [metric.kind]
    if metric.kind == "histogram":
        points += 4.0 + min(1.5, len(metric.bounds) / 10)
        reasons = [f"histogram of {len(metric.bounds)} buckets"]
    elif metric.kind == "summary":
        points += 3.0
        reasons = ["summary with its own quantiles"]
    elif metric.kind == "mean":
        points += 2.0
        reasons = ["sum and count: a mean, no quantiles"]
    elif {"average", "avg", "mean", "p99", "99thpercentile", "latency", "duration"} & set(
        name_words
    ):
        reasons = ["gauge, worked out by the exporter"]
    else:
        points -= 3.0
    if metric.kind == "counter" and metric.denominator is None:
        return RankedMetric(metric, 0.0, "")
    points += max((vocabulary.WORK_NOUNS.get(word, 0.0) for word in name_words), default=0.0) / 3
    points += sum(vocabulary.SERVING.get(word, 0.0) for word in dict.fromkeys(name_words))
    if traffic_metric is not None:
        points += _score_relation(metric, traffic_metric, reasons)
    points -= 14.0 if name_words and name_words[0] in vocabulary.RUNTIME else 0.0
    points -= 8.0 if {"size", "bytes", "timestamp", "uptime"} & set(name_words) else 0.0
    points -= min(8.0, sum(vocabulary.PARTIAL.get(word, 0.0) for word in set(name_words)))
    points -= min(8.0, sum(vocabulary.BACKGROUND.get(word, 0.0) for word in set(name_words)))
    points -= 0.2 * len(name_words)
    return RankedMetric(metric, points, ", ".join(reasons))


def _score_relation(
    metric: CatalogMetric, traffic_metric: CatalogMetric, reasons: list[str]
) -> float:
    """Score the relation to the traffic: counter, prefix and number of observations."""
    if metric.count_sample is not None and metric.count_sample == traffic_metric.count_sample:
        reasons.append("counts the traffic itself")
        return 6.0
    points = min(4.5, 1.5 * common_prefix_length(metric.name_words, traffic_metric.name_words))
    if (
        metric.is_counted()
        and traffic_metric.value > 0
        and 0.5 <= metric.value / traffic_metric.value <= 2
    ):
        reasons.append(
            f"about as many observations as {text.clean(traffic_metric.sample_name, 60)}"
        )
        points += 3.0
    return points


def rank_errors(catalog: MetricCatalog, traffic_metric: CatalogMetric) -> list[RankedMetric]:
    """Rank counters of errors only that belong to the traffic, best first."""
    ranked = []
    for metric in catalog:
        if metric.kind == "counter" and vocabulary.ERRORS & set(metric.name_words):
            points = _score_errors(metric, traffic_metric)
            ranked.append(RankedMetric(metric, points, "counter of errors"))
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


def _score_errors(metric: CatalogMetric, traffic_metric: CatalogMetric) -> float:
    name_words, traffic_words = set(metric.name_words), set(traffic_metric.name_words)
    own_words = name_words - traffic_words
    points = 3.0 * min(2, common_prefix_length(metric.name_words, traffic_metric.name_words))
    if vocabulary.FAILURES & name_words:
        points += 3.0
    if name_words & traffic_words & vocabulary.WORK_NOUNS.keys():
        points += 2.0
    points -= min(6.0, sum(vocabulary.BACKGROUND.get(word, 0.0) for word in own_words) / 2)
    if metric.name_words[0] in vocabulary.RUNTIME:
        points -= 14.0
    return points - 0.25 * len(own_words)


def status_siblings(
    traffic_metric: CatalogMetric, catalog: MetricCatalog
) -> list[tuple[CatalogMetric, str]]:
    """Return counted metrics of the same events that carry a status.

    These are the histogram's count and the counter of responses.
    """
    siblings = []
    for metric in catalog:
        if metric is traffic_metric or not metric.is_counted():
            continue
        shared_words = common_prefix_length(metric.name_words, traffic_metric.name_words)
        if shared_words < min(2, len(traffic_metric.name_words) - 1):
            continue
        label = find_status_label(metric)
        if label is not None:
            siblings.append((-shared_words, metric.name, metric, label))
    siblings.sort(key=lambda sibling: sibling[:2])
    return [(metric, label) for _, _, metric, label in siblings]


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
