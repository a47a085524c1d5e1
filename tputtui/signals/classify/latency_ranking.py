"""Generic ranking of latency: distributions and means of the time that the work takes."""

from __future__ import annotations

from dataclasses import replace

from tputtui import text
from tputtui.signals.classify import label_names, name_evidence, series_filter, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog
from tputtui.signals.classify.ranking import RankedMetric

MIN_LATENCY_SCORE = 7.0
"""Score below which nothing is bound as latency."""

_UNRELATED_RATIO = 0.1
"""Observations per unit of traffic below which they are of something else."""

_ONLY_ONE_POINTS = 2.0  # of the only distribution of times that is not the runtime's

_EXTRA_WORD_POINTS = 0.4  # of a word that says which part of the work is timed

_FIRST_WORDS = (("first", "token"), ("first", "byte"), ("first", "response"))


def is_time_to_first(metric: CatalogMetric) -> bool:
    """Tell whether it times the first byte or token instead of the whole answer."""
    name_words = metric.name_words
    if "ttft" in name_words or "ttfb" in name_words:
        return True
    return any(first in name_words and unit in name_words for first, unit in _FIRST_WORDS)


def _count_extra_words(metric: CatalogMetric, traffic_metric: CatalogMetric) -> int:
    """Count the words that neither name a time nor stand in the name of the traffic."""
    words = {vocabulary.singular(word) for word in metric.name_words}
    words -= {vocabulary.singular(word) for word in traffic_metric.name_words}
    return len([word for word in words if word not in _TIME_SINGULARS])


_TIME_SINGULARS = {vocabulary.singular(word) for word in vocabulary.DURATIONS}


def rank_latency(
    catalog: MetricCatalog, traffic_metric: CatalogMetric | None
) -> list[RankedMetric]:
    """Rank every distribution or mean of times, best first.

    `traffic_metric` is the metric that counts the traffic.
    """
    ranked = [
        _score_latency(_pair_with_traffic(metric, traffic_metric), catalog, traffic_metric)
        for metric in catalog
        if _is_time_candidate(metric)
    ]
    own = [candidate for candidate in ranked if _is_own_distribution(candidate.metric)]
    if len(own) == 1:
        ranked = [
            replace(candidate, score=candidate.score + _ONLY_ONE_POINTS)
            if candidate is own[0]
            else candidate
            for candidate in ranked
        ]
    ranked = [candidate for candidate in ranked if candidate.score > 0]
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


def find_timed_work(catalog: MetricCatalog) -> RankedMetric | None:
    """Find the distribution that is bound as latency: it counts the work that it times."""
    for candidate in rank_latency(catalog, None):
        if candidate.score < MIN_LATENCY_SCORE:
            return None
        if candidate.metric.is_counted() and not is_time_to_first(candidate.metric):
            reason = f"{candidate.metric.kind}, counts what it times"
            return RankedMetric(candidate.metric, candidate.score, reason)
    return None


def find_by_route(
    catalog: MetricCatalog, traffic_metric: CatalogMetric, bound: CatalogMetric
) -> RankedMetric | None:
    """Find a histogram of the same requests as `bound` that has a label for their route."""
    for candidate in rank_latency(catalog, traffic_metric):
        metric = candidate.metric
        if candidate.score < MIN_LATENCY_SCORE:
            return None
        if metric is bound or metric.kind != "histogram":
            continue
        has_route = label_names.find_first(metric.labels, series_filter.ROUTE_LABELS) is not None
        if has_route and _are_same_requests(metric, bound):
            return candidate
    return None


def _are_same_requests(metric: CatalogMetric, other: CatalogMetric) -> bool:
    """Tell whether two histograms time the same requests: by their names or their counts."""
    shared = name_evidence.common_prefix_length(metric.name_words, other.name_words)
    if shared >= min(2, len(other.name_words) - 1):
        return True
    return other.value > 0 and 0.8 <= metric.value / other.value <= 1.25


def _is_own_distribution(metric: CatalogMetric) -> bool:
    is_distribution = metric.kind in ("histogram", "summary")
    return is_distribution and metric.name_words[0] not in vocabulary.RUNTIME


def _pair_with_traffic(
    metric: CatalogMetric, traffic_metric: CatalogMetric | None
) -> CatalogMetric:
    """Pair a counter of time that names no work with the traffic: `duration_ms_total`.

    Its quotient is the mean time of the work. Other metrics are returned as they are.
    """
    if traffic_metric is None or metric.kind != "counter" or traffic_metric.kind != "counter":
        return metric
    shared_words = name_evidence.common_prefix_length(metric.name_words, traffic_metric.name_words)
    own_words = set(metric.name_words[shared_words:]) - {"total"}
    is_whole_time = bool({"duration", "latency"} & own_words) and not (
        own_words - vocabulary.DURATIONS.keys()
    )
    if not is_whole_time:
        return metric
    return replace(metric, kind="mean", count_sample=None, denominator=traffic_metric.sample_name)


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
    return any(vocabulary.work_points(word) or word in vocabulary.SERVING for word in name_words)


def _score_latency(
    metric: CatalogMetric, catalog: MetricCatalog, traffic_metric: CatalogMetric | None
) -> RankedMetric:
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
    else:
        points += _score_gauge(name_words)
        reasons = ["gauge, worked out by the exporter"]
    if metric.kind == "counter" and metric.denominator is None:
        return RankedMetric(metric, 0.0, "")
    points += max(vocabulary.work_points(word) for word in name_words) / 3
    points += name_evidence.serving_points(metric, catalog)
    if traffic_metric is not None:
        points += _score_relation(metric, catalog, traffic_metric, reasons)
    points -= _score_other_subjects(metric, catalog)
    points -= 0.8 * name_evidence.length_penalty(metric, catalog)
    return RankedMetric(metric, points, ", ".join(reasons))


def _score_gauge(name_words: tuple[str, ...]) -> float:
    """Score a gauge of times: an average of the times of many events is one, a last time is not."""
    words = set(name_words)
    if words & {"max", "min", "oldest", "longest", "sum", "total"}:
        return -4.0
    is_average = bool(vocabulary.AVERAGES & words)
    if is_average and {"latency", "duration", "response"} & words:
        return 2.5
    is_quantile = bool({"p99", "99thpercentile"} & words)
    return 0.0 if is_average or is_quantile or {"latency", "duration"} & words else -3.0


def _score_other_subjects(metric: CatalogMetric, catalog: MetricCatalog) -> float:
    """Return what a metric loses because it times something else than the work for a caller."""
    words = set(metric.name_words)
    partial = sum(
        vocabulary.PARTIAL.get(word, 0.0) for word in words if not catalog.is_subject(word)
    )
    points = min(8.0, partial)
    points += min(8.0, name_evidence.background_points(metric.name_words, catalog))
    points += name_evidence.runtime_points(metric.name_words)
    points += 8.0 if {"size", "bytes", "timestamp", "uptime"} & words else 0.0
    points += 4.0 if vocabulary.ERRORS & words else 0.0
    points += 8.0 if series_filter.is_only_scrapes(metric) else 0.0
    return points


def _score_relation(
    metric: CatalogMetric,
    catalog: MetricCatalog,
    traffic_metric: CatalogMetric,
    reasons: list[str],
) -> float:
    """Score the relation to the traffic: counter, prefix and number of observations."""
    if metric.count_sample is not None and metric.count_sample == traffic_metric.count_sample:
        reasons.append("counts the traffic itself")
        return 6.0
    shared_words = name_evidence.common_prefix_length(metric.name_words, traffic_metric.name_words)
    points = min(4.5, 1.5 * shared_words)
    points -= _EXTRA_WORD_POINTS * _count_extra_words(metric, traffic_metric)
    if not metric.is_counted() or traffic_metric.value <= 0:
        return points
    ratio = metric.value / traffic_metric.value
    if 0.5 <= ratio <= 2:
        reasons.append(
            f"about as many observations as {text.clean(traffic_metric.sample_name, 60)}"
        )
        return points + 3.0
    is_related = name_evidence.shares_own_word(metric, traffic_metric, catalog)
    return points - (4.5 if ratio < _UNRELATED_RATIO and not is_related else 0.0)
