"""What the followed series of one target did over the window.

Memory per counter series: 140 B for its place in the index, and 8 B for each row kept: one row a scrape and at most
`MOST_ROWS` (longer windows are thinned). That is 230 B at 1 s and 10 s (measured), and never above 2.1 kB. Series that
have been gone for a window's length are dropped in batches, so under churn at most a quarter of all are such.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Collection, Mapping
from itertools import chain, count, repeat
from math import inf, isfinite, nan
from operator import sub
from typing import NamedTuple
from weakref import WeakSet

from tputtui.model import Family, Scrape, Series
from tputtui.signals.counters import rise
from tputtui.signals.lifetime import START_TIME, STARTS, began, start_gauge

MOST_ROWS = 240
"""Rows kept at most for a window; the two at its ends are always exact."""

GAP_INTERVALS = 2.5
"""A silence longer than this, and than the window, starts the rates over: a time in which nothing was asked, because of a
busy or a stopped machine. What was counted in it is no outage. Waiting for a late answer is no silence.
"""

RESTART_S = 1.0
"""process_start_time_seconds moving by more than this is another process; less is rounding."""

RETIRE_AT_ONCE = 64
"""Series that are gone are dropped in batches of this many, and of a quarter of all: renumbering touches every row."""

_serials = count()


class Tally:
    """What the dropped series of one name had gained: a reader's total is never less for them."""

    __slots__ = ("__weakref__", "gained", "meets", "name")

    def __init__(self, name: str, meets: Callable[[Series], bool]) -> None:
        self.name = name
        self.meets = meets
        self.gained = 0.0


class Row(NamedTuple):
    """What each series had gained when a scrape was complete."""

    at: float
    gained: array[float]


class TargetWindow:
    """The counters and gauges that are followed on one target, from scrape to scrape.

    Counters stand in parallel lists: `series[i]` has risen by `gained[i]` since it was first seen, its newest raw value
    is `raw[i]`. A number i holds until `layout` changes. The rates are those of the current *segment*: a failed scrape,
    or a gap, starts a new one, so an outage is never averaged into "now"; `gained` goes on across it.
    """

    def __init__(
        self, window_s: float, interval_s: float, counters: Collection[str], gauges: Collection[str] = ()
    ) -> None:
        """Follow the sample names `counters` (and, as they are, `gauges`) over `window_s` seconds."""
        self.serial = next(_serials)  # no other window ever has the same
        self.window_s = window_s
        self.interval_s = interval_s
        self.series: list[Series] = []
        self.raw: list[float] = []  # NaN: gone, or never a number
        self.gained: list[float] = []
        self.silent: set[int] = set()  # numbers whose newest value is none: NaN or Inf
        self.gone: dict[int, float] = {}  # number -> at, when it went missing
        self.layout = 0  # changes whenever a series comes, goes or is renumbered
        self.gauges: Mapping[str, list[tuple[Series, float]]] = {}  # sample name -> the newest values
        self.families: Mapping[str, Family] = {}
        self.up = False  # was the newest scrape good?
        self.overdue = False  # its answer is late by more than a window: the figures are no longer those of now
        self.at: float | None = None  # of the newest good scrape
        self.time: float | None = None
        self.start_time: float | None = None  # unix seconds at which the process behind the target started
        self.segment = 0
        self.resets = 0  # scrapes that showed a reset
        self.reset_at: float | None = None  # `at` of the newest of them
        self._asked_until = 0.0  # when the newest attempt ended: from then on nothing was asked
        self._silent_s = 0.0  # the longest such time since the newest good scrape
        self._index: dict[Series, int] = {}
        self._seen: list[int] = []  # the scrape's number at which it was last there
        self._scrapes = 0
        self._rows: deque[Row] = deque()
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(STARTS)
        self._armed: frozenset[str] = frozenset()  # names whose new series may count from zero
        self._suspect: set[str] = set()  # names of retired series: a new series may be an old one
        self._created: dict[Series, float] = {}
        self._tallies: WeakSet[Tally] = WeakSet()

    def follow(self, counters: Collection[str], gauges: Collection[str] = ()) -> None:
        """Follow other sample names from the next scrape on; what is still followed goes on undisturbed."""
        self._counters = frozenset(counters)
        self._gauges = frozenset(gauges).union(STARTS)

    def tally(self, name: str, meets: Callable[[Series], bool]) -> Tally:
        """Add up, for as long as the caller keeps it, what series of a name had gained when they are dropped."""
        made = Tally(name, meets)
        self._tallies.add(made)
        return made

    # ------------------------------------------------------------------------------------------ what it says

    @property
    def is_current(self) -> bool:
        """Whether its newest values are those of now."""
        return self.up and not self.overdue

    @property
    def covered_s(self) -> float:
        """Seconds that the rates rest on; 0.0 while there is only one scrape."""
        return self._rows[-1].at - self._rows[0].at if self._rows else 0.0

    def rates(self) -> list[float] | None:
        """What each series gained per second over the window; None while down or overdue, or before a second scrape.

        A series that came within the window is divided by the whole of it: before, it was at zero.
        """
        seconds = self.covered_s
        if not self.is_current or seconds <= 0:
            return None
        rises = map(sub, self._rows[-1].gained, chain(self._rows[0].gained, repeat(0.0)))
        return [gained / seconds for gained in rises]

    def age_s(self, sample: str) -> float | None:
        """For how long a sample had been counting at the newest scrape, by the target's word; None where it does not say."""
        start = began(sample, self.gauges, self.families)
        age = self.time - start if self.time is not None and start is not None else 0.0
        return age if age > 0 else None

    # ------------------------------------------------------------------------------------------ what it is told

    def add(self, scrape: Scrape, forgotten: Collection[str] = ()) -> None:
        """Take the next scrape, good or failed. One whose answer is late says nothing: it was asked, and is still awaited.

        A series seen for the first time ever counts from zero (the first 500 of a route is an increase of 1), if the
        scrape before it was good; never where its name is in `forgotten` (its scanner dropped series of that name, so
        it may be an old one come back), nor where series of that name were beyond a limit.
        """
        exposition = scrape.exposition
        # The time in which we were kept from running was no waiting.
        self._silent_s = max(self._silent_s, scrape.asked_at - self._asked_until + scrape.delayed_s)
        self._asked_until = scrape.ended_at
        if exposition is None:
            self.up = self.up and scrape.late
            return
        longest = max(GAP_INTERVALS * self.interval_s, self.window_s)
        broken = self.at is None or not self.up or scrape.at <= self.at or self._silent_s > longest
        if self.at is not None and self.time is not None:
            # Monotonic time stands still while a machine is suspended: the wall clock tells that counters went on.
            broken |= scrape.time - self.time - (scrape.at - self.at) > longest
        if broken:
            self.segment += 1
            self._rows.clear()
            armed: frozenset[str] = frozenset()
        else:
            armed = self._armed.difference(forgotten, exposition.hidden, self._suspect)
        reset = self._restart(scrape, exposition.samples)
        reset |= self._count(exposition.samples, armed)
        if reset:
            self.resets += 1
            self.reset_at = scrape.at
        self._mark_gone(scrape.at)
        self.up, self.at, self.time, self.families = True, scrape.at, scrape.time, exposition.families
        self.overdue, self._silent_s = False, 0.0
        self._armed = self._counters
        self._append(Row(scrape.at, array("d", self.gained)))
        self._retire(scrape.at)

    def _restart(self, scrape: Scrape, samples: Mapping[Series, float]) -> bool:
        """Let counters begin at zero where the process, or a child of a family, is said to be a new one."""
        before, offset = self.start_time, None if self.time is None or self.at is None else self.time - self.at
        start = next((samples.get(series) for series, _ in self.gauges.get(START_TIME, ())), None)
        if before is not None and start is not None and offset is not None and abs(start - before) > RESTART_S:
            # Where the wall clock was set, start times move with it and nobody restarted.
            stepped = (scrape.time - scrape.at) - offset
            if abs(start - before - stepped) > RESTART_S:
                return self._begin_again(scrape.exposition.families if scrape.exposition is not None else {})
        reborn = {
            (series.name.removesuffix("_created"), series.labels)
            for series, created in self._created.items()
            if samples.get(series, created) > created
        }
        if not reborn:
            return False
        for number, series in enumerate(self.series):
            if isfinite(self.raw[number]) and _child(series) in reborn:
                self.raw[number] = 0.0
        return True

    def _begin_again(self, families: Mapping[str, Family]) -> bool:
        """Let the process's own counters begin at zero; an exporter's others have gone on."""
        own = {name: start_gauge(name, self.gauges, families) == START_TIME for name in self._counters}
        for number, series in enumerate(self.series):
            if own.get(series.name, True) and isfinite(self.raw[number]):
                self.raw[number] = 0.0
        return any(own.get(series.name, True) for series in self.series)

    def _count(self, samples: Mapping[Series, float], armed: frozenset[str]) -> bool:
        """Add up the rises of one scrape; True where a counter fell. The hot loop: 0.2 µs a series."""
        self._scrapes += 1
        mark, index, raw, gained, seen = self._scrapes, self._index, self.raw, self.gained, self._seen
        counters, followed = self._counters, self._gauges
        gauges: dict[str, list[tuple[Series, float]]] = {}
        fell = False
        silent = self.silent = set()
        for series, value in samples.items():
            number = index.get(series)
            if number is None:
                name = series.name
                if name in counters:
                    self._enter(series, value, from_zero=name in armed)
                elif name in followed:
                    gauges.setdefault(name, []).append((series, value))
                continue
            seen[number] = mark
            before = raw[number]
            if before <= value < inf:
                gained[number] += value - before
                raw[number] = value
            elif isfinite(value):
                if number in self.gone:
                    del self.gone[number]
                    self.layout += 1
                fell |= value < before
                gained[number] += rise(before, value)
                raw[number] = value
            else:
                silent.add(number)
        self.gauges = gauges
        self.start_time = next((value for _, value in gauges.get(START_TIME, ())), None)
        self._created = {
            series: value for name, found in gauges.items() if name.endswith("_created") for series, value in found
        }
        return fell

    def _enter(self, series: Series, value: float, *, from_zero: bool) -> None:
        known = isfinite(value)
        self._index[series] = len(self.series)
        if not known:
            self.silent.add(len(self.series))
        self.series.append(series)
        self.raw.append(value if known else nan)
        self.gained.append(max(value, 0.0) if known and from_zero else 0.0)
        self._seen.append(self._scrapes)
        self.layout += 1

    def _mark_gone(self, at: float) -> None:
        """Note what a good scrape no longer shows: it is gone now, and starts anew should it return."""
        missing = [n for n, seen in enumerate(self._seen) if seen != self._scrapes and n not in self.gone]
        for number in missing:
            self.gone[number] = at
            self.raw[number] = nan
        self.layout += bool(missing)

    def _append(self, row: Row) -> None:
        """Keep the rows from the one nearest to the window's start on, thinned to `MOST_ROWS`."""
        rows, spacing = self._rows, self.window_s / MOST_ROWS
        if len(rows) > 1 and rows[-1].at - rows[-2].at < spacing:
            rows.pop()
        rows.append(row)
        start = row.at - self.window_s
        while len(rows) > 2 and abs(rows[1].at - start) <= abs(rows[0].at - start):
            rows.popleft()

    def _retire(self, at: float) -> None:
        """Drop what has been gone for a window's length, and renumber the rest."""
        old = {number for number, since in self.gone.items() if at - since > self.window_s}
        if len(old) < max(RETIRE_AT_ONCE, len(self.series) // 4):
            return
        for number in old:
            series = self.series[number]
            self._suspect.add(series.name)
            for tally in self._tallies:
                if tally.name == series.name and tally.meets(series):
                    tally.gained += self.gained[number]
        kept = [number for number in range(len(self.series)) if number not in old]
        new_number = {number: place for place, number in enumerate(kept)}
        self.series = [self.series[number] for number in kept]
        self.raw = [self.raw[number] for number in kept]
        self.gained = [self.gained[number] for number in kept]
        self._seen = [self._seen[number] for number in kept]
        self.silent = {new_number[number] for number in self.silent if number not in old}
        self.gone = {new_number[number]: since for number, since in self.gone.items() if number not in old}
        self._index = {series: number for number, series in enumerate(self.series)}
        self._rows = deque(
            Row(row.at, array("d", [row.gained[number] for number in kept if number < len(row.gained)]))
            for row in self._rows
        )
        self.layout += 1


def _child(series: Series) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Family and labels as its `_created` sample carries them."""
    base = series.name
    for suffix in ("_total", "_bucket", "_count", "_sum"):
        if base.endswith(suffix):
            base = base.removesuffix(suffix)
            break
    return base, tuple(label for label in series.labels if label[0] != "le")
