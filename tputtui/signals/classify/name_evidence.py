"""Evidence in the words of a metric's name: its subject, its noun of work, what else it names."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from tputtui.signals.classify import vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

_APPLICATION_NOUN_POINTS = 10.0  # a request
_OUTGOING_POINTS = 10.0  # of calls to others: as many as a request has
_MIN_FILE_SYSTEM_NAME = 2  # letters of the shortest: nfs, zfs, xfs
_MIN_SHARED_NAMESPACE = 3  # metrics with a prefix from which it is a namespace


def common_prefix_length(name_words: Sequence[str], other_words: Sequence[str]) -> int:
    """Return the number of leading words that two names share, in singular or plural."""
    count = 0
    for word, other_word in zip(name_words, other_words, strict=False):
        if vocabulary.singular(word) != vocabulary.singular(other_word):
            break
        count += 1
    return count


def work_noun(name_words: Sequence[str]) -> tuple[str, float]:
    """Return the noun of work in a name and its points; ("", 0) if there is none.

    A counter that ends in bytes counts bytes, whatever else it names.
    """
    noun = max(name_words, key=vocabulary.work_points, default="")
    points = vocabulary.work_points(noun)
    byte_words = [word for word in name_words if vocabulary.is_bytes(word)]
    if byte_words:
        return byte_words[-1], vocabulary.WORK_NOUNS["bytes"]
    return (noun, points) if points else ("", 0.0)


def background_points(name_words: Sequence[str], catalog: MetricCatalog) -> float:
    """Return the points of words for work other than serving.

    A word that most names of the exposition share is its subject: it tells nothing apart.
    """
    other_words = (word for word in set(name_words) if not catalog.is_subject(word))
    return sum(map(_background, other_words)) + _outgoing_client_points(name_words)


def _background(word: str) -> float:
    if word.endswith("cache"):
        return vocabulary.BACKGROUND["cache"]
    if len(word) > _MIN_FILE_SYSTEM_NAME and word.endswith("fs"):
        return vocabulary.BACKGROUND["disk"]
    return vocabulary.BACKGROUND.get(word, 0.0)


def _outgoing_client_points(name_words: Sequence[str]) -> float:
    """Return the points of a client that calls others, `http_client`, not of those who call."""
    if "client" not in name_words:
        return 0.0
    before = name_words[: name_words.index("client")]
    is_outgoing = not before or bool(vocabulary.PROTOCOLS & set(before))
    return _OUTGOING_POINTS if is_outgoing else 0.0


def runtime_points(name_words: Sequence[str]) -> float:
    """Return the points that a first word of the runtime or of the exporter itself costs.

    A language before a plain noun of work is the application's: `ruby_http_requests_total`.
    """
    first, noun = name_words[0], max(map(vocabulary.work_points, name_words))
    if first not in vocabulary.RUNTIME:
        return 0.0
    is_application = first in vocabulary.LANGUAGES and noun >= _APPLICATION_NOUN_POINTS
    return 0.0 if is_application else 14.0


def serving_points(metric: CatalogMetric, catalog: MetricCatalog) -> float:
    """Return the points of words of the serving side.

    Of a proxy's two sides, `client` and `server`, the clients are those that it serves.
    """
    name_words = metric.name_words
    points = sum(vocabulary.SERVING.get(word, 0.0) for word in dict.fromkeys(name_words))
    for own_side, other_side, difference in (("client", "server", 1.5), ("server", "client", -1.5)):
        if own_side in name_words and _outgoing_client_points(name_words) == 0.0:
            twin = metric.name.replace(own_side, other_side, 1)
            twin_metric = catalog.metrics.get(twin)
            if twin_metric and _outgoing_client_points(twin_metric.name_words) == 0.0:
                points += difference
    return points


def length_penalty(metric: CatalogMetric, catalog: MetricCatalog) -> float:
    """Return the points that a long name costs; a namespace that others share costs nothing."""
    parts = metric.name.replace(":", "_").split("_")
    namespace = 0
    for length in range(1, len(parts)):
        if catalog.prefix_counts.get("_".join(parts[:length]), 0) < _MIN_SHARED_NAMESPACE:
            break
        namespace = length
    return 0.25 * max(1, len(metric.name_words) - namespace)


def without_outcome(metric: CatalogMetric, outcomes: AbstractSet[str]) -> frozenset[str]:
    """Return the words of a name without those for its outcome; empty if it has no such word."""
    words = frozenset(metric.name_words)
    return words - outcomes if words & outcomes else frozenset()


def shares_own_word(metric: CatalogMetric, other: CatalogMetric, catalog: MetricCatalog) -> bool:
    """Tell whether two names share a word that is not the subject of the whole exposition.

    A first word that both share is their namespace, where both go on with words of their own.
    """
    words, other_words = _own_words(metric, catalog), _own_words(other, catalog)
    shared = words & other_words
    first = vocabulary.singular(metric.name_words[0])
    if (
        first == vocabulary.singular(other.name_words[0])
        and words - {first}
        and (other_words - {first})
    ):
        shared -= {first}
    return bool(shared)


def _own_words(metric: CatalogMetric, catalog: MetricCatalog) -> set[str]:
    words = {vocabulary.singular(word) for word in metric.name_words} - _UNITS_OF_COUNTERS
    return {word for word in words if not catalog.is_subject(word)}


_UNITS_OF_COUNTERS = frozenset(("total", "count", "second", "millisecond", "time", "duration"))
