"""Series of one target that are followed: their numbers, and what was counted under each.

A series has a number until `layout` changes. Those that have been gone for a window's length are dropped in batches, so
under churn at most a quarter of all are such.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from math import isfinite, nan
from typing import Final, NamedTuple
from weakref import WeakSet

from tputtui.model import Family, Series
from tputtui.signals.rates.lifetime import START_GAUGES, counting_since
from tputtui.signals.rates.process_counters import ProcessCounters
from tputtui.signals.rates.processes_in_turn import Notice, ProcessesInTurn

RETIRE_AT_ONCE: Final = 64
"""Series that are gone are dropped in batches of this many, and of a quarter of all: renumbering touches every row."""

_serials = count()


class DroppedTotal:
    """What the dropped series of one name had gained: a reader's total is never less for them."""

    __slots__ = ("__weakref__", "gained", "meets", "name")

    def __init__(self, name: str, meets: Callable[[Series], bool]) -> None:
        self.name = name
        self.meets = meets
        self.gained = 0.0


class Count(NamedTuple):
    """What some series of one process have counted since it was first seen."""

    process: int  # its serial
    at: float  # when: of its newest scrape, or the newest timestamp of its samples
    counted: float
    unconfirmed: float  # of it, what the next scrape has to confirm
    is_live: bool  # it still answers
    delayed_s: float = 0.0  # the count may be older than `at` by so much


class FollowedSeries:
    """The series of one target by number, and what its processes counted. What a scrape means is up to subclasses."""

    def __init__(
        self, window_s: float, interval_s: float, counters: Collection[str], gauges: Collection[str] = ()
    ) -> None:
        """Follow the sample names `counters` (and, as they are, `gauges`) over `window_s` seconds."""
        self.serial = next(_serials)  # no other window ever has the same
        self.window_s = window_s
        self.interval_s = interval_s
        self.series: list[Series] = []
        self.silent: set[int] = set()  # numbers whose newest value is none: NaN or Inf, or a sample that is too old
        self.gone: dict[int, float] = {}  # number -> at, when it went missing
        self.layout = 0  # changes whenever a series comes, goes or is renumbered
        self.gauges: Mapping[str, list[tuple[Series, float]]] = {}  # sample name -> the newest values
        self.families: Mapping[str, Family] = {}
        self.up = False  # was the newest scrape good?
        self.overdue = False  # its answer is late by more than a window: the figures are no longer those of now
        self.at: float | None = None  # of the newest good scrape
        self.time: float | None = None
        self.segment = 0
        self.segment_at: float | None = None  # of the first scrape in it
        self.processes = ProcessesInTurn()
        self._index: dict[Series, int] = {}
        self._scrapes = 0
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(START_GAUGES)
        self._suspect: set[str] = set()  # names of retired series: a new series may be an old one
        self._tallies: WeakSet[DroppedTotal] = WeakSet()

    def follow(self, counters: Collection[str], gauges: Collection[str] = ()) -> None:
        """Follow other sample names from the next scrape on; what is still followed goes on undisturbed."""
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(START_GAUGES)

    def tally(self, name: str, meets: Callable[[Series], bool]) -> DroppedTotal:
        """Add up, for as long as the caller keeps it, what series of a name had gained when they are dropped."""
        made = DroppedTotal(name, meets)
        self._tallies.add(made)
        return made

    # ------------------------------------------------------------------------------------------ what was counted

    @property
    def is_current(self) -> bool:
        """Whether its newest values are those of now."""
        return self.up and not self.overdue

    @property
    def gained(self) -> list[float]:
        """What each series has gained since it was first seen."""
        return self.processes.gained(len(self.series))

    @property
    def raw(self) -> list[float]:
        """The newest value of each series, over all processes; NaN: gone, or never a number."""
        live = self.processes.live
        if len(live) == 1:
            return live[0].raw
        total = [nan] * len(self.series)
        for process in live:
            for number, value in enumerate(process.raw):
                if isfinite(value):
                    total[number] = value if total[number] != total[number] else total[number] + value
        return total

    @property
    def resets(self) -> int:
        """How many restarts and resets of counters there is evidence for."""
        return self.processes.resets

    @property
    def reset_at(self) -> float | None:
        """`at` of the newest of them."""
        return self.processes.reset_at

    @property
    def older_processes(self) -> int:
        """How many processes were seen that had begun before us; 0 before the first scrape."""
        if self.at is None:
            return 0
        return max(1, sum(process.born_at is None for process in self.processes.live))

    def counts(self, numbers: Sequence[int]) -> list[Count]:
        """What some series have counted, process by process."""
        found = []
        for process in self.processes.known:
            process.extend(len(self.series))
            counted = sum(map(process.gained.__getitem__, numbers))
            unconfirmed = 0.0
            if process.unconfirmed:
                unconfirmed = sum(process.unconfirmed.get(number, 0.0) for number in numbers)
            at = self._counted_at(process, numbers)
            is_live = not process.ended
            found.append(Count(process.serial, at, counted, unconfirmed, is_live, process.delayed_s))
        return found

    def _counted_at(self, process: ProcessCounters, numbers: Sequence[int]) -> float:
        """When a process's counts were true, in seconds on one clock."""
        del numbers
        return process.at

    def age_s(self, sample: str) -> float | None:
        """For how long a sample had been counting at the newest scrape, by the target's word; None where it does not say."""
        start = counting_since(sample, self.gauges, self.families)
        age = self.time - start if self.time is not None and start is not None else 0.0
        return age if age > 0 else None

    def lives(self, sample: str) -> list[tuple[float | None, list[float]]]:
        """For each process for how long it had been counting a sample, and its values by number."""
        live = self.processes.live
        if len(live) == 1:
            return [(self.age_s(sample), live[0].raw)]
        lives: list[tuple[float | None, list[float]]] = []
        for process in live:
            start = counting_since(sample, process.gauges, self.families)
            age = process.time - start if start is not None else 0.0
            lives.append((age if age > 0 else None, process.raw))
        return lives

    def notices(self) -> list[Notice]:
        """What is worth a line in the log since the last call."""
        notices = self.processes.notices
        self.processes.notices = []
        return notices

    # ------------------------------------------------------------------------------------------ what comes and goes

    def _enter(self, process: ProcessCounters, series: Series, value: float) -> int:
        """Follow one more series, which a process shows."""
        number = self._index[series] = len(self.series)
        self.series.append(series)
        process.extend(number + 1)
        process.raw[number] = value if isfinite(value) else nan
        process.seen[number] = self._scrapes
        self.layout += 1
        return number

    def _mark_gone(self, process: ProcessCounters, at: float) -> None:
        """Note what a good scrape no longer shows: it is gone now, and starts anew should it return."""
        missing = [n for n, seen in enumerate(process.seen) if seen != self._scrapes and n not in self.gone]
        if not missing:
            return
        others = [one for one in self.processes.live if one is not process]
        for number in missing:
            process.raw[number] = nan
            if not any(number < len(one.seen) and one.seen[number] == one.scrape for one in others):
                self.gone[number] = at
                self.layout += 1

    def _retire(self, at: float) -> None:
        """Drop what has been gone for a window's length, and renumber the rest."""
        old = {number for number, since in self.gone.items() if at - since > self.window_s}
        if len(old) < max(RETIRE_AT_ONCE, len(self.series) // 4):
            return
        gained = self.gained
        for number in old:
            series = self.series[number]
            self._suspect.add(series.name)
            for tally in self._tallies:
                if tally.name == series.name and tally.meets(series):
                    tally.gained += gained[number]
        kept = [number for number in range(len(self.series)) if number not in old]
        new_number = {number: place for place, number in enumerate(kept)}
        self.processes.renumber(kept)
        self.series = [self.series[number] for number in kept]
        self.silent = {new_number[number] for number in self.silent if number not in old}
        self.gone = {new_number[number]: since for number, since in self.gone.items() if number not in old}
        self._index = {series: number for number, series in enumerate(self.series)}
        self.layout += 1
