"""Times that a target exposes: the start of a counter's counting, and timestamps of samples.

The start is that of the process. On an exporter it is the start of the monitored program, which
outlives the exporter.

A sample whose explicit timestamp has not moved is not new. Exporters that refresh from time to
time, cAdvisor and federation expose the time of a value. Its rate is then taken over the time
between two of its own samples, and held until the next one arrives. Memory: at most `MAX_POINTS`
points of 150 B for each series that carries a timestamp; none for others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Final, NamedTuple

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

MAX_POINTS: Final = 16

HOLD_REFRESHES: Final = 2.5
"""Number of refresh intervals for which a rate is held after the newest sample.

It is held for at least one window.
"""

_SLACK_S: Final = 5.0  # possible difference between the target's clock and the local one
# a first sample older, or as far in the future, is not dated in milliseconds
_MAX_LATE_S: Final = 86_400.0


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


class SamplePoint(NamedTuple):
    """One sample of a series that carries timestamps.

    `taken_at` is its timestamp (unix seconds), `at` the time of the first scrape that showed it,
    and `gained` the series' increase by then.
    """

    taken_at: float
    at: float
    gained: float


class SampleTimes:
    """Newest samples of the series that carry timestamps."""

    def __init__(self) -> None:
        self._points: dict[Series, deque[SamplePoint]] = {}
        self._late_s: dict[Series, float] = {}  # age of a series' first sample when it was scraped

    def __bool__(self) -> bool:
        return bool(self._points)

    def replace_stale(
        self,
        samples: Mapping[Series, float],
        timestamps: Mapping[Series, float],
        raw_values: Mapping[Series, float],
    ) -> Mapping[Series, float]:
        """Return the samples of a scrape; those with unmoved timestamps keep their `raw_values`."""
        current = dict(samples)
        for series, taken_at in timestamps.items():
            points = self._points.get(series)
            if points is not None and taken_at <= points[-1].taken_at and series in raw_values:
                current[series] = raw_values[series]
        return current

    def add_samples(
        self,
        at: float,
        time: float,
        timestamps: Mapping[Series, float],
        gained: Mapping[Series, float],
        window_s: float,
    ) -> None:
        """Add the samples of a scrape whose timestamps have moved; forget series that are gone."""
        for series in [series for series in self._points if series not in timestamps]:
            del self._points[series], self._late_s[series]
        for series, total_gain in gained.items():
            taken_at = timestamps[series]
            points = self._points.get(series)
            if points is None:
                points = self._points[series] = deque()
                self._late_s[series] = time - taken_at
            elif taken_at <= points[-1].taken_at:
                continue
            if len(points) > 1 and taken_at - points[-2].taken_at < window_s / (MAX_POINTS - 2):
                points.pop()
            points.append(SamplePoint(taken_at, at, total_gain))
            start = taken_at - window_s
            while len(points) > 2 and abs(points[1].taken_at - start) <= abs(
                points[0].taken_at - start
            ):
                points.popleft()

    def start_over(self) -> None:
        """Keep only the newest sample of each series."""
        for points in self._points.values():
            while len(points) > 1:
                points.popleft()

    def rate(self, series: Series, at: float, window_s: float, interval_s: float) -> float | None:
        """Return the increase per second of a series between its own samples.

        None before the second one, and if it is stale.
        """
        points = self._points[series]
        if len(points) < 2:
            return None
        first, last = points[0], points[-1]
        refresh_s = last.at - points[-2].at
        if at - last.at > max(
            window_s, HOLD_REFRESHES * max(refresh_s, last.taken_at - points[-2].taken_at)
        ):
            return None
        seconds, local_seconds = last.taken_at - first.taken_at, last.at - first.at
        late_s = self._late_s[series]
        least_seconds = local_seconds - 2 * interval_s
        most_seconds = local_seconds + max(0.0, late_s) + 2 * interval_s + _SLACK_S
        if abs(late_s) > _MAX_LATE_S or not least_seconds <= seconds <= most_seconds:
            seconds = local_seconds  # the timestamps are not times of sampling: use the local clock
        rate = (last.gained - first.gained) / seconds if seconds > 0 else 0.0
        return rate if isfinite(rate) else None

    def timestamped_series(self) -> Sequence[Series]:
        """Return the series that carry timestamps."""
        return list(self._points)

    def newest_time(self, series: Series) -> float | None:
        """Return the timestamp of a series' newest sample; None if it has none."""
        points = self._points.get(series)
        return points[-1].taken_at if points else None
