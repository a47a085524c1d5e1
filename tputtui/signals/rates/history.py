"""What was measured, over time: fixed-size rings with coarser roll-ups, for charts and for stepping back.

15 minutes at 1 s, 3 hours at 10 s, 24 hours at 1 min. Each cell holds the mean, the lowest and the highest of what
fell into it, and their number; NaN is a gap. Memory per name: 4 × 8 B × (900 + 1,080 + 1,440) cells = 109 kB, allocated
at once; at most 256 names: 28 MB. Nothing grows.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

LEVELS: Final = ((1.0, 900), (10.0, 1080), (60.0, 1440))
"""(seconds a cell, cells), the finest first."""

MAX_NAMES: Final = 256

HOLD_INTERVALS: Final = 1.5
"""For how long a value stands when no other came: a slow interval, or a tick a little late, is no gap."""

_ROUNDING: Final = 1e-6  # of a cell


class HistoryCell(NamedTuple):
    """What fell into one cell, or one column, of time."""

    mean: float
    low: float
    high: float
    value_count: float  # how many


class HistoryRing:
    """One resolution of one name: cells on the absolute grid of multiples of `step_s`, the oldest overwritten."""

    def __init__(self, step_s: float, cells: int) -> None:
        """Room for `cells` cells of `step_s` seconds each."""
        self.step_s = step_s
        self.cells = cells
        self._mean = array("d", [math.nan]) * cells
        self._low = array("d", [math.nan]) * cells
        self._high = array("d", [math.nan]) * cells
        self._count = array("d", [0.0]) * cells  # -1: told that there is no value
        self._newest: int | None = None  # the number of the newest cell on the grid

    def add(self, at: float, value: float | None) -> None:
        """Take a value at `at` monotonic seconds. None or NaN is a gap; what is older than the ring is too late."""
        number = math.floor(at / self.step_s)
        if self._newest is None or number > self._newest:
            self._clear_up_to(number)
        elif number <= self._newest - self.cells:
            return
        place = number % self.cells
        count = self._count[place]
        if value is None or not math.isfinite(value):
            self._count[place] = count or -1.0
        elif count <= 0:
            self._mean[place] = self._low[place] = self._high[place] = value
            self._count[place] = 1.0
        else:
            self._mean[place] += (value - self._mean[place]) / (count + 1)
            self._low[place] = min(self._low[place], value)
            self._high[place] = max(self._high[place], value)
            self._count[place] = count + 1

    def _clear_up_to(self, number: int) -> None:
        first = number if self._newest is None else self._newest + 1
        for cleared in range(max(first, number - self.cells + 1), number + 1):
            place = cleared % self.cells
            self._mean[place] = self._low[place] = self._high[place] = math.nan
            self._count[place] = 0.0
        self._newest = number

    def cell(self, number: int) -> HistoryCell | None:
        """A cell by its number on the grid (`at` // `step_s`); None where it holds no value."""
        place = number % self.cells
        if not self._holds(number) or self._count[place] <= 0:
            return None
        return HistoryCell(self._mean[place], self._low[place], self._high[place], self._count[place])

    def is_gap(self, number: int) -> bool:
        """Whether it was said of a cell that there is no value, and none came."""
        return self._holds(number) and self._count[number % self.cells] < 0

    def reaches(self, at: float) -> bool:
        """Whether a moment is not older than what the ring can hold."""
        return self._newest is not None and at >= (self._newest - self.cells + 1) * self.step_s

    def _holds(self, number: int) -> bool:
        return self._newest is not None and self._newest - self.cells < number <= self._newest


class History:
    """Rings by name ("shop/traffic", "host/cpu"): one value a tick, columns for a chart.

    Times are monotonic seconds; a clock that was set changes nothing. At most `most_names`: beyond, the name that was
    neither written nor read for longest is dropped.
    """

    def __init__(
        self,
        interval_s: float = 1.0,
        max_names: int = MAX_NAMES,
        levels: Sequence[tuple[float, int]] = LEVELS,
    ) -> None:
        """`interval_s`: how often values come, 0.1 to 60 s. Above a level's step, a value stands for several cells."""
        self._levels = tuple(levels)
        self.interval_s = interval_s
        self.max_names = max_names
        self._rings: OrderedDict[str, tuple[HistoryRing, ...]] = OrderedDict()
        self._missing_names: set[str] = set()  # names that were asked for and are not there

    def append(self, at: float, values: Mapping[str, float | None]) -> None:
        """Take one tick's values. None is a gap."""
        for name, value in values.items():
            rings = self._rings.get(name)
            if rings is None:
                if len(self._rings) >= self.max_names and not self._make_room(name, values):
                    continue
                rings = self._rings[name] = tuple(HistoryRing(step, cells) for step, cells in self._levels)
            self._rings.move_to_end(name)
            for ring in rings:
                ring.add(at, value)

    def _make_room(self, name: str, values: Mapping[str, float | None]) -> bool:
        """Drop the name that was unused for longest. One that is still written gives way only to one that was asked for:
        else a hundred services would push each other out at every tick, and none would have a history.
        """
        oldest = next(iter(self._rings))
        if oldest in values and name not in self._missing_names:
            return False
        self._missing_names.discard(name)
        del self._rings[oldest]
        return True

    def names(self) -> tuple[str, ...]:
        """The names held, the longest unused first."""
        return tuple(self._rings)

    def column_values(
        self, name: str, end_at: float, span_s: float, columns: int, last_columns: int | None = None
    ) -> list[float | None]:
        """The mean of each of `columns` columns that end with the one `end_at` falls into; None is a gap.

        With `newest` only so many of them, the last ones.

        Columns stand on the absolute time grid (multiples of span / columns): a chart stays as it is until a whole
        column has passed, and old columns do not change while their resolution is kept.
        """
        return [
            None if cell is None else cell.mean for cell in self._columns(name, end_at, span_s, columns, last_columns)
        ]

    def _columns(
        self, name: str, end_at: float, span_s: float, columns: int, last_columns: int | None = None
    ) -> list[HistoryCell | None]:
        rings = self._rings.get(name)
        wanted = columns if last_columns is None else min(last_columns, columns)
        if rings is None and len(self._missing_names) < self.max_names:
            self._missing_names.add(name)
        if rings is None or columns <= 0 or span_s <= 0:
            return [None] * max(wanted, 0)
        self._rings.move_to_end(name)
        width = span_s / columns
        last = math.floor(end_at / width + _ROUNDING)
        ring = _choose_ring(rings, (last - columns + 1) * width, width)
        hold = math.floor(HOLD_INTERVALS * self.interval_s / ring.step_s)
        return [_merge_cells(ring, number * width, width, hold) for number in range(last - wanted + 1, last + 1)]


def _choose_ring(rings: tuple[HistoryRing, ...], begin: float, width: float) -> HistoryRing:
    """The coarsest ring that fills columns evenly, of those that reach back far enough; else the finest of those."""
    reaching = [ring for ring in rings if ring.reaches(begin)] or [rings[-1]]
    even = [
        ring
        for ring in reaching
        if width / ring.step_s > 4 or abs(width / ring.step_s - round(width / ring.step_s)) < _ROUNDING
    ]
    return [reaching[0], *(ring for ring in even if ring.step_s <= width)][-1]


def _merge_cells(ring: HistoryRing, begin: float, width: float, hold: int) -> HistoryCell | None:
    """The cells that begin within a column, as one; a column narrower than a cell shows the cell it lies in."""
    first = math.ceil(begin / ring.step_s - _ROUNDING)
    end = math.ceil((begin + width) / ring.step_s - _ROUNDING)
    if first >= end:
        first = math.floor(begin / ring.step_s + _ROUNDING)
        end = first + 1
    found = [cell for number in range(first, end) if (cell := ring.cell(number)) is not None]
    if found:
        count = sum(cell.value_count for cell in found)
        mean = sum(cell.mean * cell.value_count for cell in found) / count
        return HistoryCell(mean, min(cell.low for cell in found), max(cell.high for cell in found), count)
    for number in range(end - 1, first - hold - 1, -1):
        if ring.is_gap(number):
            return None
        if (cell := ring.cell(number)) is not None:
            return cell
    return None
