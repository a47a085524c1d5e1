"""Counters of one process behind a target, from scrape to scrape.

Most targets are one process. Where several answer in turn (workers without a shared registry, replicas behind a load
balancer), each has values, gains and rows of its own: its increase over its own time, between its own scrapes.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, pairwise, repeat
from math import inf, isfinite, nan
from operator import sub
from typing import NamedTuple

from tputtui.model import Series

MAX_ROWS = 240
"""Rows kept at most for a window; the two at its ends are always exact."""

STEADY_FACTOR = 4.0
"""Paces of successive intervals within this factor of each other are those of one process that goes on."""

STEP_BACK = 2
"""Scrapes within which a counter that fell may return to its old line."""

MOST_DOUBT = 0.1
"""Share of the time between two rows by which it may be uncertain, for a rate to rest on them."""

SETTLED = 3
"""Intervals of like pace after which an assignment by values is taken for right."""

_serials = count()

Gauges = dict[str, list[tuple[Series, float]]]

Saved = tuple[list[float], list[float], list[int]]
"""Values, gains and scrapes of a process before a scrape was counted."""


class WindowRow(NamedTuple):
    """What each series had gained when a scrape was complete."""

    at: float
    gained: array[float]
    delayed_s: float = 0.0  # the counts may be older than `at` by so much: we were kept from running


class Counted(NamedTuple):
    """One scrape, counted. `odd`: known series whose value fell, or that had none before; they are not counted yet."""

    gauges: Gauges
    odd: list[tuple[int, float]]
    new: list[tuple[Series, float]]
    silent: set[int]  # numbers whose newest value is none: NaN or Inf


class ProcessCounters:
    """Values and gains of one process, in lists parallel to the window's series."""

    def __init__(self, size: int = 0) -> None:
        self.serial = next(_serials)  # no other process ever has the same
        self.raw: list[float] = [nan] * size  # NaN: not there, or never a number
        self.gained: list[float] = [0.0] * size
        self.seen: list[int] = [0] * size  # the scrape's number at which it was last there; 0: never
        self.rows: deque[WindowRow] = deque()
        self.gauges: Gauges = {}
        self.start: float | None = None  # unix seconds, where it says so
        self.created: dict[Series, float] = {}
        self.at = -inf  # of its newest scrape
        self.time = 0.0  # the same in unix seconds
        self.delayed_s = 0.0  # by so much the newest scrape's counts may be older than that
        self.scrape = 0  # the number of it
        self.first_scrape = 0
        self.answers = 0
        self.line_at = -inf  # its values form one line since then
        self.born_at: float | None = None  # it started while the target was watched, and replaces another process
        self.ended = False  # answers no more, as far as is known
        self.unconfirmed: dict[int, float] = {}  # gains of its newest scrape that the next one has to confirm
        self.marks: dict[int, tuple[float, float, int]] = {}  # number -> (old value, new value, scrape) of a step back
        self.frozen_pace: float | None = None
        self.recent: deque[tuple[float, float]] = deque(maxlen=SETTLED)  # (seconds, gain) of its newest intervals

    def extend(self, size: int) -> None:
        """Make room for series that another process brought."""
        missing = size - len(self.raw)
        if missing > 0:
            self.raw.extend(repeat(nan, missing))
            self.gained.extend(repeat(0.0, missing))
            self.seen.extend(repeat(0, missing))

    def save(self) -> Saved:
        """The state before a scrape is counted, to take it back."""
        return self.raw[:], self.gained[:], self.seen[:]

    def restore(self, saved: Saved) -> None:
        """Take back what was counted since `save`."""
        self.raw, self.gained, self.seen = saved

    def begin(self, at: float, age_s: float | None, rebase: bool, from_zero: bool) -> None:
        """Begin another line with the next scrape, at `at`: with whatever values it has, or from zero `age_s` ago.

        What was counted before a restart, or where values fell, is not known: neither does the time it took count.
        """
        if from_zero:
            self.raw = [0.0 if isfinite(value) else nan for value in self.raw]
            self.skip(max(0.0, at - self.at - age_s) if age_s is not None else 0.0)
        elif rebase:
            self.raw = [nan] * len(self.raw)
            self.skip(at - self.at)

    def note(self, at: float, time: float, scrape: int, delayed_s: float = 0.0) -> None:
        """Take note of an answer."""
        self.at, self.time, self.scrape, self.delayed_s = at, time, scrape, delayed_s
        self.first_scrape = self.first_scrape or scrape
        self.answers += 1

    def count(
        self,
        samples: Mapping[Series, float],
        index: Mapping[Series, int],
        counters: frozenset[str],
        followed: frozenset[str],
        mark: int,
    ) -> Counted:
        """Add up the rises of one scrape. The hot loop: 0.2 µs a series."""
        raw, gained, seen = self.raw, self.gained, self.seen
        gauges: Gauges = {}
        odd: list[tuple[int, float]] = []
        new: list[tuple[Series, float]] = []
        silent: set[int] = set()
        for series, value in samples.items():
            number = index.get(series)
            if number is None:
                name = series.name
                if name in counters:
                    new.append((series, value))
                elif name in followed:
                    gauges.setdefault(name, []).append((series, value))
                continue
            seen[number] = mark
            before = raw[number]
            if before <= value < inf:
                gained[number] += value - before
                raw[number] = value
            elif isfinite(value):
                odd.append((number, value))
            else:
                silent.add(number)
        return Counted(gauges, odd, new, silent)

    def return_to_line(self, before: Sequence[float], scrape: int) -> None:
        """Where a counter that stepped back has returned to its old line, count only what it gained on that.

        `before` is what was gained until the scrape before this one, whose number is `scrape`.
        """
        for number, (old, low, since) in list(self.marks.items()):
            if self.raw[number] >= old:
                self.gained[number] = max(before[number], self.gained[number] - (old - low))
                del self.marks[number]
            elif scrape - since >= STEP_BACK:
                del self.marks[number]

    # ------------------------------------------------------------------------------------------ rows

    def append(self, at: float, window_s: float, delayed_s: float = 0.0) -> None:
        """Keep the rows from the one nearest to the window's start on, thinned to `MOST_ROWS`.

        A row that is too uncertain (`delayed_s`) is left out: the next one has what was gained by then. Where it
        is the only row so far that is uncertain, rates begin with this one instead.
        """
        rows, spacing = self.rows, window_s / MAX_ROWS
        row = WindowRow(at, array("d", self.gained), delayed_s)
        if rows and not _is_clear(rows[0], row):
            if len(rows) > 1 or delayed_s >= rows[0].delayed_s:
                if at - rows[-1].at > window_s:  # the rates are no longer those of now
                    self.cut(rows[-1].at)
                return
            rows.clear()
        if len(rows) > 1 and rows[-1].at - rows[-2].at < spacing:
            rows.pop()
        rows.append(row)
        start = at - window_s
        while len(rows) > 2 and abs(rows[1].at - start) <= abs(rows[0].at - start) and _is_clear(rows[1], row):
            rows.popleft()

    def skip(self, seconds: float) -> None:
        """Leave the time since the newest row out of the rates: nothing is known of what was counted in it."""
        if self.rows and seconds > 0:
            self.rows = deque(row._replace(at=row.at + seconds) for row in self.rows)

    def cut(self, since: float) -> None:
        """Drop the rows of before a moment; the newest row stays."""
        while len(self.rows) > 1 and self.rows[0].at < since:
            self.rows.popleft()

    @property
    def covered_s(self) -> float:
        """Seconds that its rates rest on; 0.0 while there is only one scrape."""
        return self.rows[-1].at - self.rows[0].at if self.rows else 0.0

    def rates(self, size: int) -> list[float] | None:
        """What each of `size` series gained per second over its rows; None before a second scrape."""
        seconds = self.covered_s
        if seconds <= 0:
            return None
        rises = map(sub, self.rows[-1].gained, chain(self.rows[0].gained, repeat(0.0)))
        rates = [gained / seconds for gained in rises]
        rates.extend(repeat(0.0, size - len(rates)))
        return rates

    # ------------------------------------------------------------------------------------------ how it goes on

    def pace(self, numbers: Iterable[int]) -> float | None:
        """What some series gained together per second; None where that is not known."""
        if self.frozen_pace is not None:
            return self.frozen_pace
        rates = self.rates(len(self.raw))
        return None if rates is None else sum(map(rates.__getitem__, numbers))

    def is_steady(self, numbers: Sequence[int], intervals: int = 3) -> bool:
        """Whether the last intervals had about the same pace, so that the pace tells what to expect."""
        rows = list(self.rows)[-intervals - 1 :]
        if len(rows) < 4:
            return False
        paces = []
        for one, other in pairwise(rows):
            known = [number for number in numbers if number < len(one.gained)]
            rise = sum(other.gained[number] - one.gained[number] for number in known)
            paces.append(rise / max(other.at - one.at, 1e-9))
        return max(paces) <= STEADY_FACTOR * min(paces) + 10.0

    def is_like(self, other: ProcessCounters) -> bool:
        """Whether nothing but values tells it from another process."""
        return self.start == other.start and same_created(self.created, other.created)

    @property
    def total_rate(self) -> float:
        """What all its series gained together per second."""
        return sum(self.rates(len(self.raw)) or ())

    @property
    def is_settled(self) -> bool:
        """Whether its newest intervals had about the same pace: its values are most likely those of one process."""
        paces = [gain / max(seconds, 1e-9) for seconds, gain in self.recent]
        return len(paces) == SETTLED and max(paces) <= 2 * min(paces) + 10.0 / min(
            seconds for seconds, _ in self.recent
        )

    def measure(self, values: Sequence[float], numbers: Iterable[int]) -> tuple[int, float]:
        """(counters that would have fallen, what `numbers` would have gained) if these values were its own."""
        raw = self.raw
        falls = sum(before > value for before, value in zip(raw, values, strict=False))
        gain = 0.0
        for number in numbers:
            if number < len(raw) and raw[number] < values[number]:
                gain += values[number] - raw[number]
        return falls, gain

    def freeze(self, numbers: Iterable[int]) -> ProcessCounters:
        """The process as it was at its newest scrape, to be recognised should its values return."""
        line = ProcessCounters(len(self.raw))
        line.raw, line.seen = self.raw[:], self.seen[:]
        line.start, line.created, line.gauges = self.start, self.created, self.gauges
        line.at, line.time, line.scrape, line.answers = self.at, self.time, self.scrape, self.answers
        line.first_scrape, line.line_at, line.ended = self.first_scrape, self.line_at, True
        line.frozen_pace = self.pace(numbers) or 0.0
        line.rows.append(WindowRow(self.at, array("d", line.gained)))
        return line

    @property
    def is_frozen(self) -> bool:
        """Whether it is an older line of a process that went on with other values."""
        return self.frozen_pace is not None

    def revive(self) -> None:
        """Count a frozen process again from its newest scrape on."""
        self.ended = False
        self.frozen_pace = None

    def renumber(self, kept: Sequence[int]) -> None:
        """Keep only the series of these numbers."""
        self.extend(kept[-1] + 1 if kept else 0)
        place = {number: at for at, number in enumerate(kept)}
        self.raw = [self.raw[number] for number in kept]
        self.gained = [self.gained[number] for number in kept]
        self.seen = [self.seen[number] for number in kept]
        self.unconfirmed = {place[number]: gain for number, gain in self.unconfirmed.items() if number in place}
        self.marks = {place[number]: mark for number, mark in self.marks.items() if number in place}
        self.rows = deque(
            row._replace(gained=array("d", [row.gained[n] for n in kept if n < len(row.gained)])) for row in self.rows
        )


def _is_clear(base: WindowRow, end: WindowRow) -> bool:
    """Whether the time between two rows is known well enough for a rate."""
    doubt_s = base.delayed_s + end.delayed_s
    return not doubt_s or doubt_s <= MOST_DOUBT * (end.at - base.at)


def same_created(before: Mapping[Series, float], now: Mapping[Series, float]) -> bool:
    """Whether no created time differs; series come and go."""
    return before == now or all(now.get(series, created) == created for series, created in before.items())
