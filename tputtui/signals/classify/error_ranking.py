"""Generic ranking of errors: counters of failures, and counters with a status, of the traffic."""

from __future__ import annotations

from dataclasses import replace

from tputtui.signals.classify import name_evidence, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog
from tputtui.signals.classify.ranking import RankedMetric, find_status_label

MIN_ERRORS_SCORE = 6.0
"""Score below which no counter is bound as errors."""


def rank_errors(catalog: MetricCatalog, traffic_metric: CatalogMetric) -> list[RankedMetric]:
    """Rank counters of errors only that belong to the traffic, best first.

    A distribution of failures counts them, too. Bytes are no errors.
    """
    ranked = []
    for metric in catalog:
        if metric is traffic_metric or not metric.is_counted() or not _names_errors(metric):
            continue
        points = _score_errors(metric, catalog, traffic_metric)
        kind = "counter" if metric.kind == "counter" else f"{metric.kind}, counted,"
        ranked.append(RankedMetric(metric, points, f"{kind} of errors"))
    if len(ranked) == 1:
        ranked = [replace(ranked[0], score=ranked[0].score + _ONLY_ONE_POINTS)]
    return sorted(ranked, key=lambda candidate: (-candidate.score, candidate.metric.name))


_ONLY_ONE_POINTS = 2.0  # of the only counter of errors


def _names_errors(metric: CatalogMetric) -> bool:
    """Tell whether a name says that errors are counted, and not reports or bytes of them."""
    words = metric.name_words
    if any(vocabulary.is_bytes(word) for word in words):
        return False
    if any(word in _ERROR_STATUS_WORDS for word in words):
        return True
    return any(
        word in vocabulary.ERRORS and following not in _ABOUT_ERRORS
        for word, following in zip(words, (*words[1:], ""), strict=True)
    )


_ERROR_STATUS_WORDS = frozenset(("5xx", "500", "502", "503", "504"))
_ABOUT_ERRORS = frozenset(
    ("log", "logs", "report", "reports", "page", "pages", "handler", "budget", "reporting", "free")
)
"""After an error word, a word for work about errors: `error_log_writes`."""


def _score_errors(
    metric: CatalogMetric, catalog: MetricCatalog, traffic_metric: CatalogMetric
) -> float:
    name_words, traffic_words = set(metric.name_words), set(traffic_metric.name_words)
    own_words = name_words - traffic_words
    shared_words = name_evidence.common_prefix_length(metric.name_words, traffic_metric.name_words)
    points = 3.0 * min(2, shared_words) + min(2, max(0, shared_words - 2))
    if (vocabulary.FAILURES | _ERROR_STATUS_WORDS) & name_words:
        points += 3.5
    else:
        points += 2.0 if vocabulary.GIVEN_UP & name_words else -0.5
    if name_evidence.shares_own_word(metric, traffic_metric, catalog):
        points += 2.0
    if _is_pair(metric, traffic_metric):
        points += 6.0
    background = name_evidence.background_points(tuple(own_words), catalog)
    points -= min(6.0, background / 2)
    if metric.name_words[0] in vocabulary.RUNTIME:
        points -= 14.0
    return points - 0.25 * len(own_words)


def _is_pair(metric: CatalogMetric, traffic_metric: CatalogMetric) -> bool:
    """Tell whether two counters are success and failure of one operation: read_ok, read_error."""
    successes = name_evidence.without_outcome(traffic_metric, vocabulary.SUCCESSES)
    failures = name_evidence.without_outcome(metric, vocabulary.FAILURES)
    return bool(successes) and successes == failures


def _are_same_events(
    metric: CatalogMetric, traffic_metric: CatalogMetric, catalog: MetricCatalog
) -> bool:
    """Tell whether a counter may count the events of the traffic: by its name or its value."""
    if name_evidence.shares_own_word(metric, traffic_metric, catalog):
        return True
    return traffic_metric.value > 0 and 0.5 <= metric.value / traffic_metric.value <= 2


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
        shared_words = name_evidence.common_prefix_length(
            metric.name_words, traffic_metric.name_words
        )
        if shared_words < min(2, len(traffic_metric.name_words) - 1):
            continue
        if _names_errors(metric) or not _are_same_events(metric, traffic_metric, catalog):
            continue
        label = find_status_label(metric)
        if label is not None:
            siblings.append((-shared_words, metric.name, metric, label))
    siblings.sort(key=lambda sibling: sibling[:2])
    return [(metric, label) for _, _, metric, label in siblings]
