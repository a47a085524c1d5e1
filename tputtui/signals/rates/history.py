"""History of figures for charts: fixed-size rings with coarser roll-ups.

15 minutes at 1 s, 3 hours at 10 s, 24 hours at 1 min. A cell holds the mean, minimum, maximum and
number of its values; NaN is a gap. Memory for each name: 4 × 8 B × (900 + 1,080 + 1,440) cells =
109 kB, allocated at once. With at most 256 names that is 28 MB; nothing grows.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

LEVELS: Final = ((1.0, 900), (10.0, 1080), (60.0, 1440))
"""(seconds a cell, cells), finest first."""

MAX_NAMES: Final = 256

HOLD_INTERVALS: Final = 1.5
"""Number of intervals for which a value is held if none follows.

A slow interval, or a tick that is slightly late, is then no gap.
"""

_ROUNDING: Final = 1e-6  # of a cell


class HistoryCell(NamedTuple):
    """Values of one cell, or of one column, of time."""

    mean: float
    low: float
    high: float
    value_count: float  # number of values


class HistoryRing:
    """Ring of one resolution of one name.

    Cells lie on the absolute grid of multiples of `step_s`; the oldest is overwritten.
    """

    def __init__(self, step_s: float, cells: int) -> None:
        """Create a ring of `cells` cells of `step_s` seconds each."""
        self.step_s = step_s
        self.cells = cells
        self._mean = array("d", [math.nan]) * cells
        self._low = array("d", [math.nan]) * cells
        self._high = array("d", [math.nan]) * cells
        self._count = array("d", [0.0]) * cells  # -1: explicitly no value
        self._newest: int | None = None  # number of the newest cell on the grid

    def add(self, at: float, value: float | None) -> None:
        """Add a value at `at` monotonic seconds.

        None or NaN is a gap. Values older than the ring are ignored.
        """
        number = math.floor(at / self.step_s)
        if self._newest is None or number > self._newest:
            self._clear_up_to(number)
        elif number <= self._newest - self.cells:
            return
        index = number % self.cells
        count = self._count[index]
        if value is None or not math.isfinite(value):
            self._count[index] = count or -1.0
        elif count <= 0:
            self._mean[index] = self._low[index] = self._high[index] = value
            self._count[index] = 1.0
        else:
            self._mean[index] += (value - self._mean[index]) / (count + 1)
            self._low[index] = min(self._low[index], value)
            self._high[index] = max(self._high[index], value)
            self._count[index] = count + 1

    def _clear_up_to(self, number: int) -> None:
        first = number if self._newest is None else self._newest + 1
        for cleared in range(max(first, number - self.cells + 1), number + 1):
            index = cleared % self.cells
            self._mean[index] = self._low[index] = self._high[index] = math.nan
            self._count[index] = 0.0
        self._newest = number

    def cell(self, number: int) -> HistoryCell | None:
        """Return a cell by its number on the grid (`at` // `step_s`); None if it holds no value."""
        index = number % self.cells
        if not self._holds(number) or self._count[index] <= 0:
            return None
        return HistoryCell(
            self._mean[index], self._low[index], self._high[index], self._count[index]
        )

    def is_gap(self, number: int) -> bool:
        """Tell whether a cell was explicitly marked as a gap and has no value."""
        return self._holds(number) and self._count[number % self.cells] < 0

    def reaches(self, at: float) -> bool:
        """Tell whether a moment is not older than the ring can hold."""
        return self._newest is not None and at >= (self._newest - self.cells + 1) * self.step_s

    def _holds(self, number: int) -> bool:
        return self._newest is not None and self._newest - self.cells < number <= self._newest


class History:
    """Rings by name ("shop/traffic", "host/cpu"): one value a tick, columns for a chart.

    Times are monotonic seconds, so that a clock that was set changes nothing. If there are more
    than `max_names`, the name that was not written or read for longest is dropped.
    """

    def __init__(
        self,
        interval_s: float = 1.0,
        max_names: int = MAX_NAMES,
        levels: Sequence[tuple[float, int]] = LEVELS,
    ) -> None:
        """Create an empty history for values every `interval_s` seconds, 0.1 to 60 s.

        If the interval is longer than a level's step, a value fills several cells.
        """
        self._levels = tuple(levels)
        self.interval_s = interval_s
        self.max_names = max_names
        self._rings: OrderedDict[str, tuple[HistoryRing, ...]] = OrderedDict()
        self._missing_names: set[str] = set()  # names that were requested but are not held

    def append(self, at: float, values: Mapping[str, float | None]) -> None:
        """Add one tick's values. None is a gap."""
        for name, value in values.items():
            rings = self._rings.get(name)
            if rings is None:
                if len(self._rings) >= self.max_names and not self._make_room(name, values):
                    continue
                rings = self._rings[name] = tuple(
                    HistoryRing(step, cells) for step, cells in self._levels
                )
            self._rings.move_to_end(name)
            for ring in rings:
                ring.add(at, value)

    def _make_room(self, name: str, values: Mapping[str, float | None]) -> bool:
        """Drop the name that was unused for longest.

        A name that is still written is dropped only in favour of a name that was requested.
        Otherwise a hundred services would replace each other at every tick and none would have a
        history.
        """
        oldest = next(iter(self._rings))
        if oldest in values and name not in self._missing_names:
            return False
        self._missing_names.discard(name)
        del self._rings[oldest]
        return True

    def names(self) -> tuple[str, ...]:
        """Names held, the longest unused first."""
        return tuple(self._rings)

    def column_values(
        self, name: str, end_at: float, span_s: float, columns: int, last_columns: int | None = None
    ) -> list[float | None]:
        """Return the mean of each of `columns` columns up to the one that contains `end_at`.

        None is a gap. With `last_columns` only that many of the last columns are returned.

        Columns lie on the absolute time grid (multiples of span / columns): a chart does not change
        until a whole column has passed, and old columns do not change while their resolution is
        kept.
        """
        return [
            None if cell is None else cell.mean
            for cell in self._columns(name, end_at, span_s, columns, last_columns)
        ]

    def _columns(
        self, name: str, end_at: float, span_s: float, columns: int, last_columns: int | None = None
    ) -> list[HistoryCell | None]:
        rings = self._rings.get(name)
        column_count = columns if last_columns is None else min(last_columns, columns)
        if rings is None and len(self._missing_names) < self.max_names:
            self._missing_names.add(name)
        if rings is None or columns <= 0 or span_s <= 0:
            return [None] * max(column_count, 0)
        self._rings.move_to_end(name)
        width = span_s / columns
        last = math.floor(end_at / width + _ROUNDING)
        ring = _choose_ring(rings, (last - columns + 1) * width, width)
        hold = math.floor(HOLD_INTERVALS * self.interval_s / ring.step_s)
        return [
            _merge_cells(ring, number * width, width, hold)
            for number in range(last - column_count + 1, last + 1)
        ]


def _choose_ring(rings: tuple[HistoryRing, ...], begin: float, width: float) -> HistoryRing:
    """Choose the coarsest ring that fills columns evenly, among those that reach back far enough.

    If there is none, the finest of those.
    """
    reaching = [ring for ring in rings if ring.reaches(begin)] or [rings[-1]]
    chosen = reaching[0]
    for ring in reaching:
        cells = width / ring.step_s
        is_even = cells > 4 or abs(cells - round(cells)) < _ROUNDING
        if is_even and ring.step_s <= width:
            chosen = ring
    return chosen


def _merge_cells(ring: HistoryRing, begin: float, width: float, hold: int) -> HistoryCell | None:
    """Merge the cells that begin within a column.

    A column narrower than a cell shows the cell that contains it.
    """
    first = math.ceil(begin / ring.step_s - _ROUNDING)
    end = math.ceil((begin + width) / ring.step_s - _ROUNDING)
    if first >= end:
        first = math.floor(begin / ring.step_s + _ROUNDING)
        end = first + 1
    cells = [cell for number in range(first, end) if (cell := ring.cell(number)) is not None]
    if cells:
        count = sum(cell.value_count for cell in cells)
        mean = sum(cell.mean * cell.value_count for cell in cells) / count
        return HistoryCell(
            mean, min(cell.low for cell in cells), max(cell.high for cell in cells), count
        )
    for number in range(end - 1, first - hold - 1, -1):
        if ring.is_gap(number):
            return None
        if (cell := ring.cell(number)) is not None:
            return cell
    return None
