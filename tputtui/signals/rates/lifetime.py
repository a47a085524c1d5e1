"""Start of a counter's counting.

It is the start of its process. On an exporter it is the start of the monitored program, which
outlives the exporter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Final

from tputtui.model import Family, Series

START_TIME: Final = "process_start_time_seconds"

BOOT_TIME: Final = "node_boot_time_seconds"

START_GAUGES: Final = (
    START_TIME,
    BOOT_TIME,
    "redis_start_time_seconds",
    "pg_postmaster_start_time_seconds",
)
"""Gauges of start times in unix seconds. The first word names the subject: node, redis, pg."""

_EXPORTER_SUFFIX = "exporter_build_info"
# first words of metrics of a host or of containers: never of the process itself
_OUTLIVING_PREFIXES = frozenset(("node", "container"))
_PROCESS_PREFIXES = frozenset(("process", "go", "python", "promhttp"))

Gauges = Mapping[str, list[tuple[Series, float]]]


def start_gauge(sample: str, gauges: Gauges, families: Mapping[str, Family]) -> str | None:
    """Return the gauge that holds the start of a sample's counting; None if there is none."""
    first_word = sample.partition("_")[0]
    if first_word in _PROCESS_PREFIXES or "exporter" in sample:
        return START_TIME
    for name in START_GAUGES[1:]:
        if name in gauges and name.startswith(f"{first_word}_"):
            return name
    if first_word in _OUTLIVING_PREFIXES or is_exporter(families):
        return None
    return START_TIME


def is_exporter(families: Mapping[str, Family]) -> bool:
    """Tell whether the page declares itself an exporter's.

    Its counters continue while the exporter restarts.
    """
    return any(name.endswith(_EXPORTER_SUFFIX) for name in families)


def counting_since(sample: str, gauges: Gauges, families: Mapping[str, Family]) -> float | None:
    """Return the unix seconds since which a sample has counted.

    None if no start time is exposed, or if several differ.
    """
    name = start_gauge(sample, gauges, families)
    values = {value for _, value in gauges.get(name, ())} if name is not None else set()
    value = values.pop() if len(values) == 1 else None
    return value if value is not None and isfinite(value) and value > 0 else None


def identity_gauge(
    counters: Iterable[str], gauges: Gauges, families: Mapping[str, Family]
) -> str | None:
    """Return the start-time gauge that governs most of these counters; None without one.

    It tells processes that expose them apart.
    """
    gauge_names = [start_gauge(name, gauges, families) for name in counters]
    exposed = [name for name in gauge_names if name is not None and name in gauges]
    best = max(sorted(set(exposed)), key=exposed.count, default=None)
    return best if best is not None and 2 * exposed.count(best) >= len(gauge_names) else None


def read_start_times(
    gauges: Gauges, identity: str | None
) -> tuple[float | None, dict[Series, float], dict[Series, float]]:
    """Return (start time of the answering process, created times, other start times).

    A page with several start times under one name describes several processes: none of them is the
    one that answers.
    """
    start: float | None = None
    starts: dict[Series, float] = {}
    created: dict[Series, float] = {}
    for name, values in gauges.items():
        if name == identity and len(values) == 1:
            start = values[0][1] if isfinite(values[0][1]) else None
        elif name in START_GAUGES:
            starts.update(values)
        elif name.endswith("_created"):
            created.update(values)
    return start, created, starts


def governed_series(
    starts: Collection[Series],
    series: Sequence[Series],
    families: Mapping[str, Family],
    *,
    is_only_start: bool,
) -> list[int]:
    """Return the numbers of the series whose counting began with one of these start times.

    `alone`: the page exposes no other start time.
    """
    numbers = []
    for start in starts:
        gauges: Gauges = {start.name: []}
        governed_names = {
            name
            for name in {candidate.name for candidate in series}
            if start_gauge(name, gauges, families) == start.name
        }
        start_labels = set(start.labels)
        for number, candidate in enumerate(series):
            if candidate.name not in governed_names:
                continue
            if is_only_start or start_labels <= set(candidate.labels):
                numbers.append(number)
    return numbers
