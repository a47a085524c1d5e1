"""Counters of one process behind a target.

Most targets are one process. Where several answer in turn (workers without a shared registry,
replicas behind a load balancer), each has its own values, gains and rows: its increase is taken
over its own time, between its own scrapes.
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
"""Maximum number of rows kept for a window; the rows at both ends are always exact."""

STEADY_FACTOR = 4.0
"""Factor within which the paces of successive intervals are those of one continuing process."""

STEP_BACK = 2
"""Number of scrapes within which a counter that fell may return to its old line."""

MAX_UNCERTAIN_SHARE = 0.1
"""Largest uncertainty of the time between two rows, as a share of it, for a rate to be valid."""

SETTLED_INTERVALS = 3
"""Number of intervals of similar pace after which an assignment by values counts as right."""

_serials = count()

Gauges = dict[str, list[tuple[Series, float]]]


class WindowRow(NamedTuple):
    """Increases of each series at the end of a scrape."""

    at: float
    gained: array[float]
    # seconds by which the counts may be older than `at`: this process was delayed
    delayed_s: float = 0.0


class SavedState(NamedTuple):
    """State of a process before a scrape was counted, by series number."""

    raw_values: list[float]
    gained: list[float]
    seen_in_scrape: list[int]


class ScrapeCount(NamedTuple):
    """Result of counting one scrape.

    `irregular` holds the known series whose value fell, or that had no value before. They are not
    counted yet.
    """

    gauges: Gauges
    irregular: list[tuple[int, float]]
    new_series: list[tuple[Series, float]]
    without_value: set[int]  # numbers of series whose newest value is NaN or Inf


class ProcessCounters:
    """Values and gains of one process, in lists parallel to the window's series."""

    def __init__(self, size: int = 0) -> None:
        self.serial = next(_serials)  # unique among all processes
        self.raw_values: list[float] = [nan] * size  # NaN: absent, or never a number
        self.gained: list[float] = [0.0] * size
        # number of the scrape that showed it last; 0: never
        self.seen_in_scrape: list[int] = [0] * size
        self.rows: deque[WindowRow] = deque()
        self.gauges: Gauges = {}
        self.start_time: float | None = None  # unix seconds, if exposed
        self.created_times: dict[Series, float] = {}
        self.at = -inf  # monotonic time of its newest scrape
        self.time = 0.0  # the same in unix seconds
        self.delayed_s = 0.0  # seconds by which the newest scrape's counts may be older than that
        self.scrape = 0  # number of that scrape
        self.first_scrape = 0
        self.answer_count = 0
        self.sequence_start_at = -inf  # start of the line that its values form
        # time of its start, if it replaced another process while watched
        self.started_while_watched_at: float | None = None
        self.has_ended = False  # answers no more, as far as is known
        # increases of its newest scrape that the next one has to confirm
        self.unconfirmed: dict[int, float] = {}
        # series number -> (old value, new value, scrape number) of a step back
        self.steps_back: dict[int, tuple[float, float, int]] = {}
        self.archived_pace: float | None = None
        # (seconds, gain) of its newest intervals
        self.recent_intervals: deque[tuple[float, float]] = deque(maxlen=SETTLED_INTERVALS)

    def resize(self, size: int) -> None:
        """Make room for series that another process exposed."""
        missing = size - len(self.raw_values)
        if missing > 0:
            self.raw_values.extend(repeat(nan, missing))
            self.gained.extend(repeat(0.0, missing))
            self.seen_in_scrape.extend(repeat(0, missing))

    def save(self) -> SavedState:
        """Return the state before a scrape is counted, for `restore`."""
        return SavedState(self.raw_values[:], self.gained[:], self.seen_in_scrape[:])

    def restore(self, saved: SavedState) -> None:
        """Undo what was counted since `save`."""
        self.raw_values, self.gained, self.seen_in_scrape = saved

    def start_sequence(self, at: float, age_s: float | None, rebase: bool, from_zero: bool) -> None:
        """Begin another line with the next scrape, at `at`.

        It begins with any values, or (`from_zero`) from zero `age_s` seconds ago. What was counted
        before a restart, or before values fell, is not known; therefore the time it took is not
        counted either.
        """
        if from_zero:
            self.raw_values = [0.0 if isfinite(value) else nan for value in self.raw_values]
            self.skip_time(max(0.0, at - self.at - age_s) if age_s is not None else 0.0)
        elif rebase:
            self.raw_values = [nan] * len(self.raw_values)
            self.skip_time(at - self.at)

    def on_answer(self, at: float, time: float, scrape: int, delayed_s: float = 0.0) -> None:
        """Record the time and number of an answer."""
        self.at, self.time, self.scrape, self.delayed_s = at, time, scrape, delayed_s
        self.first_scrape = self.first_scrape or scrape
        self.answer_count += 1

    def count_scrape(
        self,
        samples: Mapping[Series, float],
        index: Mapping[Series, int],
        counters: frozenset[str],
        gauge_names: frozenset[str],
        scrape_number: int,
    ) -> ScrapeCount:
        """Add up the rises of one scrape. Hot loop: 0.2 µs a series."""
        # Bound to local names for speed: attribute look-ups in the loop are slow.
        raw_values, gained, seen_in_scrape = self.raw_values, self.gained, self.seen_in_scrape
        gauges: Gauges = {}
        irregular: list[tuple[int, float]] = []
        new_series: list[tuple[Series, float]] = []
        without_value: set[int] = set()
        for series, value in samples.items():
            number = index.get(series)
            if number is None:
                name = series.name
                if name in counters:
                    new_series.append((series, value))
                elif name in gauge_names:
                    gauges.setdefault(name, []).append((series, value))
                continue
            seen_in_scrape[number] = scrape_number
            before = raw_values[number]
            if before <= value < inf:
                gained[number] += value - before
                raw_values[number] = value
            elif isfinite(value):
                irregular.append((number, value))
            else:
                without_value.add(number)
        return ScrapeCount(gauges, irregular, new_series, without_value)

    def return_to_sequence(self, before: Sequence[float], scrape: int) -> None:
        """Correct the increase of a counter that stepped back and has returned to its old line.

        Only its increase on that line is counted. `before` holds the increases up to the previous
        scrape; `scrape` is the number of this one.
        """
        for number, (old_value, low_value, step_scrape) in list(self.steps_back.items()):
            if self.raw_values[number] >= old_value:
                self.gained[number] = max(
                    before[number], self.gained[number] - (old_value - low_value)
                )
                del self.steps_back[number]
            elif scrape - step_scrape >= STEP_BACK:
                del self.steps_back[number]

    # ----------------------------------------------------------------------------------------- rows

    def add_row(self, at: float, window_s: float, delayed_s: float = 0.0) -> None:
        """Append a row and drop those before the row nearest to the window's start.

        Rows are thinned to `MAX_ROWS`. A row that is too uncertain (`delayed_s`) is left out: the
        next one includes its increases. If the only row so far is uncertain, rates begin with this
        one instead.
        """
        rows, spacing = self.rows, window_s / MAX_ROWS
        row = WindowRow(at, array("d", self.gained), delayed_s)
        if rows and not _is_clear(rows[0], row):
            if len(rows) > 1 or delayed_s >= rows[0].delayed_s:
                if at - rows[-1].at > window_s:  # the rates would no longer be current
                    self.drop_rows_before(rows[-1].at)
                return
            rows.clear()
        if len(rows) > 1 and rows[-1].at - rows[-2].at < spacing:
            rows.pop()
        rows.append(row)
        start = at - window_s
        while (
            len(rows) > 2
            and abs(rows[1].at - start) <= abs(rows[0].at - start)
            and _is_clear(rows[1], row)
        ):
            rows.popleft()

    def skip_time(self, seconds: float) -> None:
        """Leave the time since the newest row out of the rates: its increases are not known."""
        if self.rows and seconds > 0:
            self.rows = deque(row._replace(at=row.at + seconds) for row in self.rows)

    def drop_rows_before(self, since: float) -> None:
        """Drop the rows before a moment, except for the newest row."""
        while len(self.rows) > 1 and self.rows[0].at < since:
            self.rows.popleft()

    @property
    def covered_s(self) -> float:
        """Seconds that its rates cover; 0.0 while there is only one scrape."""
        return self.rows[-1].at - self.rows[0].at if self.rows else 0.0

    def rates(self, size: int) -> list[float] | None:
        """Return the increase per second of `size` series over the rows.

        None before a second scrape.
        """
        seconds = self.covered_s
        if seconds <= 0:
            return None
        rises = map(sub, self.rows[-1].gained, chain(self.rows[0].gained, repeat(0.0)))
        rates = [gained / seconds for gained in rises]
        rates.extend(repeat(0.0, size - len(rates)))
        return rates

    # ----------------------------------------------------------------------------------------- pace

    def pace(self, numbers: Iterable[int]) -> float | None:
        """Return the combined increase per second of some series; None if not known."""
        if self.archived_pace is not None:
            return self.archived_pace
        rates = self.rates(len(self.raw_values))
        return None if rates is None else sum(map(rates.__getitem__, numbers))

    def is_steady(self, numbers: Sequence[int], intervals: int = 3) -> bool:
        """Tell whether the last intervals had similar paces.

        The pace then predicts the next interval.
        """
        rows = list(self.rows)[-intervals - 1 :]
        if len(rows) < 4:
            return False
        paces = []
        for row, next_row in pairwise(rows):
            known = [number for number in numbers if number < len(row.gained)]
            rise = sum(next_row.gained[number] - row.gained[number] for number in known)
            paces.append(rise / max(next_row.at - row.at, 1e-9))
        return max(paces) <= STEADY_FACTOR * min(paces) + 10.0

    def has_same_identity(self, other: ProcessCounters) -> bool:
        """Tell whether only values distinguish it from another process."""
        return self.start_time == other.start_time and same_created(
            self.created_times, other.created_times
        )

    @property
    def total_rate(self) -> float:
        """Return the combined increase per second of all its series."""
        return sum(self.rates(len(self.raw_values)) or ())

    @property
    def is_settled(self) -> bool:
        """Tell whether its newest intervals had similar paces.

        Its values are then most likely those of one process.
        """
        paces = [gain / max(seconds, 1e-9) for seconds, gain in self.recent_intervals]
        return len(paces) == SETTLED_INTERVALS and max(paces) <= 2 * min(paces) + 10.0 / min(
            seconds for seconds, _ in self.recent_intervals
        )

    def compare_values(self, values: Sequence[float], numbers: Iterable[int]) -> tuple[int, float]:
        """Compare an answer with this process.

        Returns (number of counters that would have fallen, increase of `numbers`) if these values
        were its own.
        """
        raw = self.raw_values
        falls = sum(before > value for before, value in zip(raw, values, strict=False))
        gain = 0.0
        for number in numbers:
            if number < len(raw) and raw[number] < values[number]:
                gain += values[number] - raw[number]
        return falls, gain

    def archive(self, numbers: Iterable[int]) -> ProcessCounters:
        """Return a copy as of its newest scrape, to recognise it if its values return."""
        frozen = ProcessCounters(len(self.raw_values))
        frozen.raw_values, frozen.seen_in_scrape = self.raw_values[:], self.seen_in_scrape[:]
        frozen.start_time, frozen.created_times = self.start_time, self.created_times
        frozen.gauges = self.gauges
        frozen.at, frozen.time, frozen.scrape = self.at, self.time, self.scrape
        frozen.first_scrape, frozen.answer_count = self.first_scrape, self.answer_count
        frozen.sequence_start_at, frozen.has_ended = self.sequence_start_at, True
        frozen.archived_pace = self.pace(numbers) or 0.0
        frozen.rows.append(WindowRow(self.at, array("d", frozen.gained)))
        return frozen

    @property
    def is_archived(self) -> bool:
        """Whether it is an older line of a process that continued with other values."""
        return self.archived_pace is not None

    def resume(self) -> None:
        """Count a frozen process again from its newest scrape on."""
        self.has_ended = False
        self.archived_pace = None

    def renumber(self, kept_numbers: Sequence[int]) -> None:
        """Keep only the series with these numbers."""
        self.resize(kept_numbers[-1] + 1 if kept_numbers else 0)
        new_number = {number: position for position, number in enumerate(kept_numbers)}
        self.raw_values = [self.raw_values[number] for number in kept_numbers]
        self.gained = [self.gained[number] for number in kept_numbers]
        self.seen_in_scrape = [self.seen_in_scrape[number] for number in kept_numbers]
        self.unconfirmed = {
            new_number[number]: gain
            for number, gain in self.unconfirmed.items()
            if number in new_number
        }
        self.steps_back = {
            new_number[number]: step
            for number, step in self.steps_back.items()
            if number in new_number
        }
        self.rows = deque(
            row._replace(
                gained=array("d", [row.gained[n] for n in kept_numbers if n < len(row.gained)])
            )
            for row in self.rows
        )


def _is_clear(base: WindowRow, end: WindowRow) -> bool:
    """Tell whether the time between two rows is known well enough for a rate."""
    doubt_s = base.delayed_s + end.delayed_s
    return not doubt_s or doubt_s <= MAX_UNCERTAIN_SHARE * (end.at - base.at)


def same_created(before: Mapping[Series, float], now: Mapping[Series, float]) -> bool:
    """Tell whether no created time differs; series present on one side only are ignored."""
    return before == now or all(
        now.get(series, created) == created for series, created in before.items()
    )
