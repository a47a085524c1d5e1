"""Units from names, UNIT lines, HELP texts and bucket bounds."""

from __future__ import annotations

import re

from tputtui.signals.classify import vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric

SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "usec", "usecs", "micros", "microsecond", "microseconds", "µs"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nsecs", "nanos", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("minute", "minutes"), 60.0),
}
_HELP_UNIT = re.compile(
    r"\b(?:in|unit:?)\s+(seconds|milliseconds|millis|ms|microseconds|usec|us|nanoseconds|ns)\b|"
    r"\((s|ms|us|µs|ns)\)|"
    r"\b(milliseconds|microseconds|nanoseconds)\b",
    re.IGNORECASE,
)
_TRAFFIC_UNITS = {
    "tokens/s": ("token", "tokens"),
    "samples/s": ("samples",),
    "msg/s": ("message", "msg", "messagesin", "event", "record", "publish", "published"),
}
_WORK_UNITS = {
    "tasks/s": ("task",),
    "jobs/s": ("job",),
    "acquires/s": ("acquire", "acquired"),
    "reconciles/s": ("reconcile", "reconciliation"),
}
"""Units of services that serve no requests, named after their work."""
_UNIT_OF_WORD = {
    word: unit for unit, words in (*_TRAFFIC_UNITS.items(), *_WORK_UNITS.items()) for word in words
}


def seconds_scale(metric: CatalogMetric) -> tuple[float | None, str]:
    """Return the factor that converts a time metric to seconds, and the evidence for it.

    The factor is None if there is no evidence.
    """
    if metric.unit.lower() in SECONDS:
        return SECONDS[metric.unit.lower()], "UNIT line"
    for word in reversed(metric.name_words):
        if word in SECONDS and word != "s":
            return SECONDS[word], "name"
    help_match = _HELP_UNIT.search(metric.help)
    if help_match is not None:
        return SECONDS[next(group for group in help_match.groups() if group).lower()], "help text"
    if metric.bounds:
        return _scale_from_bounds(metric.bounds), "size of the bucket bounds"
    return None, "unit unknown"


def _scale_from_bounds(bounds: tuple[float, ...]) -> float | None:
    """Derive the factor from the range of the bounds.

    Latency buckets span from well below a usual response time to some seconds.
    """
    low = next((bound for bound in bounds if bound > 0), bounds[-1])
    high = bounds[-1]
    if high >= 1e9:
        return 1e-9
    if high >= 1e7 or (high >= 1e6 and low >= 10):
        return 1e-6
    if high >= 1000 or (high > 150 and low >= 1):
        return 1e-3
    return 1.0 if low < 1 else None


def traffic_unit(metric: CatalogMetric) -> str:
    """Return the unit of a counter from its last noun of work: req/s, By/s, tokens/s, tasks/s.

    A count of observations counts requests, tasks, jobs or acquires.
    """
    if metric.kind == "counter" and any(map(vocabulary.is_bytes, metric.name_words)):
        return "By/s"
    for word in reversed(metric.name_words):
        unit = _UNIT_OF_WORD.get(word) or _UNIT_OF_WORD.get(vocabulary.singular(word))
        if unit in _WORK_UNITS or (unit is not None and metric.kind == "counter"):
            return unit
        if vocabulary.work_points(word) >= _PLAIN_NOUN_POINTS:
            return "req/s"
    return "req/s"


_PLAIN_NOUN_POINTS = 7.0
"""Points from which a noun says what is counted, whatever stands before it: token_requests."""


def gauge_unit(metric: CatalogMetric) -> str | None:
    """Return the unit of a gauge for display: "s", "ms", "By", "ratio"; None for a plain count."""
    name_words = set(metric.name_words)
    if name_words & {"bytes", "byte"}:
        return "By"
    if name_words & {"ratio", "perc", "utilization", "utilisation"}:
        return "ratio"
    if name_words & {"percent", "percentage"}:
        return "percent"
    for unit, names in (
        ("s", {"seconds"}),
        ("ms", {"milliseconds", "ms"}),
        ("us", {"microseconds", "us"}),
    ):
        if name_words & names:
            return unit
    return None
