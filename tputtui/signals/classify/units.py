"""Units from names, UNIT lines, HELP texts and bucket bounds."""

from __future__ import annotations

import re

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
    "By/s": ("bytes", "byte", "octets", "bytesin", "bytesout"),
    "tokens/s": ("tokens", "token"),
    "samples/s": ("samples",),
    "msg/s": (
        "messages",
        "message",
        "msgs",
        "msg",
        "messagesin",
        "events",
        "records",
        "publish",
        "published",
    ),
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
    return None, "unit not told"


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
    """Return the unit of a counter from its noun: req/s, By/s, tokens/s or msg/s.

    A count of observations counts requests.
    """
    if metric.kind != "counter":
        return "req/s"
    name_words = set(metric.name_words)
    for unit, nouns in _TRAFFIC_UNITS.items():
        if name_words & set(nouns):
            return unit
    return "req/s"


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
