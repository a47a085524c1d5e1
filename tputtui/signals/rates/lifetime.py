"""When a counter began: with its process; with an exporter, whenever what it speaks for did, which outlives it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Final

from tputtui.model import Family, Series

START_TIME: Final = "process_start_time_seconds"

BOOT_TIME: Final = "node_boot_time_seconds"

START_GAUGES: Final = (START_TIME, BOOT_TIME, "redis_start_time_seconds", "pg_postmaster_start_time_seconds")
"""Gauges that say when something began, in unix seconds. The first word says what: node, redis, pg."""

_EXPORTER_SUFFIX = "exporter_build_info"
_OUTLIVING_PREFIXES = frozenset(("node", "container"))  # a host's figures, each container's: never the process's own
_PROCESS_PREFIXES = frozenset(("process", "go", "python", "promhttp"))

Gauges = Mapping[str, list[tuple[Series, float]]]


def start_gauge(sample: str, gauges: Gauges, families: Mapping[str, Family]) -> str | None:
    """The gauge that says when a sample's counting began; None where nothing does."""
    first = sample.partition("_")[0]
    if first in _PROCESS_PREFIXES or "exporter" in sample:
        return START_TIME
    own = next((name for name in START_GAUGES[1:] if name in gauges and name.startswith(f"{first}_")), None)
    if own is not None:
        return own
    return None if first in _OUTLIVING_PREFIXES or is_exporter(families) else START_TIME


def is_exporter(families: Mapping[str, Family]) -> bool:
    """Whether the page is an exporter's, by its own word: what it shows counts on while the exporter restarts."""
    return any(name.endswith(_EXPORTER_SUFFIX) for name in families)


def counting_since(sample: str, gauges: Gauges, families: Mapping[str, Family]) -> float | None:
    """Unix seconds since which a sample has counted; None where that is not told, or told differently by several."""
    name = start_gauge(sample, gauges, families)
    values = {value for _, value in gauges.get(name, ())} if name is not None else set()
    value = values.pop() if len(values) == 1 else None
    return value if value is not None and isfinite(value) and value > 0 else None


def identity_gauge(counters: Iterable[str], gauges: Gauges, families: Mapping[str, Family]) -> str | None:
    """The start time that governs most of these counters, and so tells processes that show them apart; None without one."""
    found = [start_gauge(name, gauges, families) for name in counters]
    told_of = [name for name in found if name is not None and name in gauges]
    best = max(sorted(set(told_of)), key=told_of.count, default=None)
    return best if best is not None and 2 * told_of.count(best) >= len(found) else None


def told(gauges: Gauges, identity: str | None) -> tuple[float | None, dict[Series, float], dict[Series, float]]:
    """(start time of the process that answers, created times, start times of what else is spoken of).

    A page that shows several start times under one name speaks of several processes: none of them is the one that answers.
    """
    start: float | None = None
    starts: dict[Series, float] = {}
    created: dict[Series, float] = {}
    for name, found in gauges.items():
        if name == identity and len(found) == 1:
            start = found[0][1] if isfinite(found[0][1]) else None
        elif name in START_GAUGES:
            starts.update(found)
        elif name.endswith("_created"):
            created.update(found)
    return start, created, starts


def governed(
    starts: Collection[Series], series: Sequence[Series], families: Mapping[str, Family], *, alone: bool
) -> list[int]:
    """Numbers of the series whose counting began with one of these start times; `alone`: the page shows no other."""
    numbers = []
    for start in starts:
        gauges: Gauges = {start.name: []}
        names = {name for name in {one.name for one in series} if start_gauge(name, gauges, families) == start.name}
        own = set(start.labels)
        numbers += [n for n, one in enumerate(series) if one.name in names and (alone or own <= set(one.labels))]
    return numbers
