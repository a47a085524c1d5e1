"""The followed series of one target, their numbers and their counts.

A series keeps its number until `layout` changes. Series that have been gone for a window's length
are dropped in batches, so that with churn they are at most a quarter of all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from math import isfinite, nan
from typing import Final, NamedTuple
from weakref import WeakSet

from tputtui.model import Family, Series
from tputtui.signals.rates.exposed_times import START_GAUGES, counting_since
from tputtui.signals.rates.process_counters import ProcessCounters
from tputtui.signals.rates.processes_in_turn import Notice, ProcessesInTurn

RETIRE_AT_ONCE: Final = 64
"""Minimum number of gone series dropped at once.

A quarter of all series must be gone too, because renumbering touches every row.
"""

_serials = count()


class DroppedTotal:
    """Sum of the increases of dropped series of one name.

    A reader adds it to its total, so that the total never falls.
    """

    __slots__ = ("__weakref__", "gained", "meets", "name")

    def __init__(self, name: str, meets: Callable[[Series], bool]) -> None:
        self.name = name
        self.meets = meets
        self.gained = 0.0


class ProcessCount(NamedTuple):
    """Increase of some series of one process since it was first seen."""

    process: int  # serial of the process
    at: float  # time of the process's newest scrape, or the newest timestamp of the samples
    counted: float
    unconfirmed: float  # part of `counted` that the next scrape has to confirm
    is_live: bool  # the process still answers
    delayed_s: float = 0.0  # seconds by which the count may be older than `at`


class FollowedSeries:
    """The followed series of one target by number, and what its processes counted.

    Subclasses interpret the scrapes.
    """

    def __init__(
        self,
        window_s: float,
        interval_s: float,
        counters: Collection[str],
        gauges: Collection[str] = (),
    ) -> None:
        """Follow the counters and gauges with these sample names over `window_s` seconds.

        The values of `gauges` are kept as they are.
        """
        self.serial = next(_serials)  # unique among all windows
        self.window_s = window_s
        self.interval_s = interval_s
        self.series: list[Series] = []
        # numbers without a current value: NaN, Inf or a sample that is too old
        self.without_value: set[int] = set()
        self.gone: dict[int, float] = {}  # number -> `at` of the first scrape without it
        self.layout_version = 0  # changes whenever a series comes, goes or is renumbered
        self.gauges: Mapping[str, list[tuple[Series, float]]] = {}  # sample name -> newest values
        self.families: Mapping[str, Family] = {}
        self.is_up = False  # the newest scrape was good
        # its answer is late by more than a window: the figures are not current
        self.is_overdue = False
        self.at: float | None = None  # of the newest good scrape
        self.time: float | None = None
        self.segment = 0
        self.segment_at: float | None = None  # of the segment's first scrape
        self.processes = ProcessesInTurn()
        self._number_by_series: dict[Series, int] = {}
        self._scrapes = 0
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(START_GAUGES)
        # names of dropped series: a new series may be one that returned
        self._retired_names: set[str] = set()
        self._dropped_totals: WeakSet[DroppedTotal] = WeakSet()

    def follow(self, counters: Collection[str], gauges: Collection[str] = ()) -> None:
        """Follow other sample names from the next scrape on.

        Series that are still followed are not disturbed.
        """
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(START_GAUGES)

    def track_dropped(self, name: str, meets: Callable[[Series], bool]) -> DroppedTotal:
        """Sum the increases of dropped series of a name.

        The sum is updated for as long as the caller keeps the result.
        """
        dropped = DroppedTotal(name, meets)
        self._dropped_totals.add(dropped)
        return dropped

    # --------------------------------------------------------------------------------------- counts

    @property
    def is_current(self) -> bool:
        """Whether the newest values are current."""
        return self.is_up and not self.is_overdue

    @property
    def gained(self) -> list[float]:
        """Increase of each series since it was first seen."""
        return self.processes.gained(len(self.series))

    @property
    def raw_values(self) -> list[float]:
        """Return the newest value of each series, summed over all processes.

        NaN if the series is gone or was never a number.
        """
        live = self.processes.live_processes
        if len(live) == 1:
            return live[0].raw_values
        total = [nan] * len(self.series)
        for process in live:
            for number, value in enumerate(process.raw_values):
                if isfinite(value):
                    total[number] = (
                        value if total[number] != total[number] else total[number] + value
                    )
        return total

    @property
    def resets(self) -> int:
        """Number of restarts and counter resets for which there is evidence."""
        return self.processes.resets

    @property
    def reset_at(self) -> float | None:
        """`at` of the newest restart or reset."""
        return self.processes.reset_at

    @property
    def older_process_count(self) -> int:
        """Number of processes that had begun before the target was watched.

        0 before the first scrape.
        """
        if self.at is None:
            return 0
        return max(
            1,
            sum(
                process.started_while_watched_at is None
                for process in self.processes.live_processes
            ),
        )

    def process_counts(self, numbers: Sequence[int]) -> list[ProcessCount]:
        """Return the counts of some series, by process."""
        counts = []
        for process in self.processes.known_processes:
            process.resize(len(self.series))
            counted = sum(map(process.gained.__getitem__, numbers))
            unconfirmed = 0.0
            if process.unconfirmed:
                unconfirmed = sum(process.unconfirmed.get(number, 0.0) for number in numbers)
            at = self._counted_at(process, numbers)
            is_live = not process.has_ended
            counts.append(
                ProcessCount(process.serial, at, counted, unconfirmed, is_live, process.delayed_s)
            )
        return counts

    def _counted_at(self, process: ProcessCounters, numbers: Sequence[int]) -> float:
        """Return the moment of a process's counts, in seconds on one clock."""
        del numbers
        return process.at

    def age_s(self, sample: str) -> float | None:
        """Return for how long a sample had been counting at the newest scrape.

        None if the target does not expose a start time for it.
        """
        start = counting_since(sample, self.gauges, self.families)
        age = self.time - start if self.time is not None and start is not None else 0.0
        return age if age > 0 else None

    def ages_and_values(self, sample: str) -> list[tuple[float | None, list[float]]]:
        """Return (age in seconds, values by number) for each process.

        The age is the time for which the process had been counting the sample; None if not known.
        """
        live = self.processes.live_processes
        if len(live) == 1:
            return [(self.age_s(sample), live[0].raw_values)]
        ages: list[tuple[float | None, list[float]]] = []
        for process in live:
            start = counting_since(sample, process.gauges, self.families)
            age = process.time - start if start is not None else 0.0
            ages.append((age if age > 0 else None, process.raw_values))
        return ages

    def pop_notices(self) -> list[Notice]:
        """Return the notices for the log since the last call."""
        notices = self.processes.notices
        self.processes.notices = []
        return notices

    # ------------------------------------------------------------------- adding and dropping series

    def _add_series(self, process: ProcessCounters, series: Series, value: float) -> int:
        """Follow one more series, exposed by a process."""
        number = self._number_by_series[series] = len(self.series)
        self.series.append(series)
        process.resize(number + 1)
        process.raw_values[number] = value if isfinite(value) else nan
        process.seen_in_scrape[number] = self._scrapes
        self.layout_version += 1
        return number

    def _mark_gone(self, process: ProcessCounters, at: float) -> None:
        """Mark the series missing from a good scrape as gone; they start over if they return."""
        missing = [
            n
            for n, last_scrape in enumerate(process.seen_in_scrape)
            if last_scrape != self._scrapes and n not in self.gone
        ]
        if not missing:
            return
        others = [other for other in self.processes.live_processes if other is not process]
        for number in missing:
            process.raw_values[number] = nan
            if not any(
                number < len(other.seen_in_scrape) and other.seen_in_scrape[number] == other.scrape
                for other in others
            ):
                self.gone[number] = at
                self.layout_version += 1

    def _drop_retired(self, at: float) -> None:
        """Drop series that have been gone for a window's length and renumber the others."""
        retired = {number for number, since in self.gone.items() if at - since > self.window_s}
        if len(retired) < max(RETIRE_AT_ONCE, len(self.series) // 4):
            return
        gained = self.gained
        for number in retired:
            series = self.series[number]
            self._retired_names.add(series.name)
            for dropped in self._dropped_totals:
                if dropped.name == series.name and dropped.meets(series):
                    dropped.gained += gained[number]
        kept_numbers = [number for number in range(len(self.series)) if number not in retired]
        new_number = {number: position for position, number in enumerate(kept_numbers)}
        self.processes.renumber(kept_numbers)
        self.series = [self.series[number] for number in kept_numbers]
        self.without_value = {
            new_number[number] for number in self.without_value if number not in retired
        }
        self.gone = {
            new_number[number]: since
            for number, since in self.gone.items()
            if number not in retired
        }
        self._number_by_series = {series: number for number, series in enumerate(self.series)}
        self.layout_version += 1
