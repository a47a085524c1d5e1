"""Latency heat map: a histogram's buckets over time, merged to a few rows.

Its time grid is that of `rates.history`, and so is the way of reading: others than the writing
thread get copies of the cells. Memory: at most 8 rows × 4 B and a count of 2 B for each
of 3,420 cells (15 min at 1 s, 3 h at 10 s, 24 h at 1 min): 116 kB a service, allocated at once.
Nothing grows.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from tputtui.frozen import frozen
from tputtui.signals.rates.history import (
    LEVELS,
    ROUNDING,
    CopyRange,
    cells_of_column,
    copy_from_ring,
    held_cells,
)

MAX_ROWS: Final = 8
_MAX_COUNT: Final = 65_535

Density = tuple[float, float]
"""(upper bound, observations per second in that bucket alone), as in `LatencyState.buckets`."""


@frozen
class LatencyHeatmap:
    """Distribution of observations over rows for each column of time.

    `bounds` are the rows' upper bounds, ascending; the last is infinite. `columns`, oldest first,
    hold the share of a column's observations in each row; None without observations.
    """

    bounds: tuple[float, ...]
    columns: tuple[tuple[float, ...] | None, ...]


def row_bounds(buckets: Sequence[Density]) -> tuple[float, ...]:
    """Choose the upper bounds of at most `MAX_ROWS` rows.

    All buckets below the first one with observations form one row, the buckets from there on are
    thinned evenly, and the last row is open.
    """
    bounds = [bound for bound, _ in buckets if math.isfinite(bound)]
    first = next((bound for bound, density in buckets if density > 0), math.inf)
    thinned = [bound for bound in bounds if bound >= first]
    max_bounds = MAX_ROWS - 1
    if len(thinned) > max_bounds:
        thinned = [
            thinned[round(index * (len(thinned) - 1) / (max_bounds - 1))]
            for index in range(max_bounds)
        ]
    return (*thinned, math.inf)


@frozen
class LevelCells:
    """Copy of consecutive cells of one resolution, from the cell number `first` on."""

    step_s: float
    first: int
    row_count: int
    sums: array[float]  # `row_count` for each cell
    counts: array[int]  # ticks in each cell
    oldest_at: float  # time of the oldest cell that the level can hold; infinite while it is empty

    def row_shares(self, begin: float, width: float, hold: int) -> tuple[float, ...] | None:
        """Return the share of each row between two moments.

        Without data, the newest value from up to `hold` cells before is used.
        """
        first, end = cells_of_column(begin, width, self.step_s)
        begin_index = max(0, first - self.first)
        end_index = min(len(self.counts), end - self.first)
        filled = [index for index in range(begin_index, end_index) if self.counts[index]]
        if not filled:
            before = first - self.first
            held = range(min(before, len(self.counts)) - 1, max(0, before - hold) - 1, -1)
            filled = [index for index in held if self.counts[index]][:1]
        row_sums = [0.0] * self.row_count
        for index in filled:
            for row in range(self.row_count):
                row_sums[row] += self.sums[index * self.row_count + row]
        total = sum(row_sums)
        return tuple(row_sum / total for row_sum in row_sums) if total > 0 else None


@frozen
class HeatmapCells:
    """Copies of the cells of one service, at each resolution that a heat map may need."""

    family: str
    bounds: tuple[float, ...]
    levels: tuple[LevelCells, ...]
    interval_s: float

    def make_heatmap(self, end_at: float, span_s: float, columns: int) -> LatencyHeatmap:
        """Make the `columns` columns up to the one that contains `end_at`.

        The grid is that of the figures' columns.
        """
        width = span_s / columns
        last = math.floor(end_at / width + ROUNDING)
        level = self._choose_level((last - columns + 1) * width, width)
        hold = held_cells(self.interval_s, level.step_s)
        shares = (
            level.row_shares(number * width, width, hold)
            for number in range(last - columns + 1, last + 1)
        )
        return LatencyHeatmap(self.bounds, tuple(shares))

    def _choose_level(self, begin: float, width: float) -> LevelCells:
        """Choose the coarsest level whose cells fit into a column.

        Only levels that reach back far enough; if there is none, the finest of those.
        """
        reaching = [level for level in self.levels if begin >= level.oldest_at]
        reaching = reaching or [self.levels[-1]]
        chosen = reaching[0]
        for level in reaching:
            if level.step_s <= width:
                chosen = level
        return chosen


class HeatmapRing:
    """Shares of one service's buckets over the last day."""

    def __init__(self, family: str, bounds: tuple[float, ...], interval_s: float) -> None:
        """Create an empty ring; `bounds` are upper bounds of rows, ascending, the last infinite."""
        self.family = family
        self.bounds = bounds
        self._interval_s = interval_s
        self._levels = [_Level(step, cells, len(bounds)) for step, cells in LEVELS]

    def add(self, at: float, buckets: Sequence[Density]) -> None:
        """Add one tick's buckets. An empty sequence is a gap."""
        if not buckets:
            return
        rows = [0.0] * len(self.bounds)
        for bound, density in buckets:
            rows[bisect_left(self.bounds, bound)] += density
        for level in self._levels:
            level.add(at, rows)

    def copy_cells(self, copied: CopyRange) -> HeatmapCells:
        """Copy the cells that the columns of a heat map may show."""
        return HeatmapCells(
            self.family,
            self.bounds,
            tuple(
                level.copy_cells(
                    *copied.cell_numbers(level.step_s, held_cells(self._interval_s, level.step_s))
                )
                for level in self._levels
                if level is self._levels[-1] or copied.latest_begin >= level.oldest_at
            ),
            self._interval_s,
        )


class _Level:
    """One resolution: cells on the absolute grid of multiples of `step_s`.

    The oldest is overwritten.
    """

    def __init__(self, step_s: float, cells: int, rows: int) -> None:
        self.step_s = step_s
        self._cells = cells
        self._rows = rows
        self._sums = array("f", [0.0]) * (cells * rows)
        self._counts = array("H", [0]) * cells
        self._newest: int | None = None

    def add(self, at: float, rows: Sequence[float]) -> None:
        number = math.floor(at / self.step_s)
        if self._newest is None or number > self._newest:
            first = number if self._newest is None else self._newest + 1
            for cleared in range(max(first, number - self._cells + 1), number + 1):
                cell = cleared % self._cells
                self._counts[cell] = 0
                self._sums[cell * self._rows : (cell + 1) * self._rows] = (
                    array("f", [0.0]) * self._rows
                )
            self._newest = number
        elif number <= self._newest - self._cells:
            return
        cell = number % self._cells
        self._counts[cell] = min(_MAX_COUNT, self._counts[cell] + 1)
        for index, density in enumerate(rows, cell * self._rows):
            self._sums[index] += density

    @property
    def oldest_at(self) -> float:
        """Time of the oldest cell that the level can hold; infinite while it is empty."""
        if self._newest is None:
            return math.inf
        return (self._newest - self._cells + 1) * self.step_s

    def copy_cells(self, first: int, last: int) -> LevelCells:
        """Copy the cells of these numbers on the grid (`at` // `step_s`) that it holds."""
        newest = self._newest
        if newest is None:
            return LevelCells(
                self.step_s, first, self._rows, array("f"), array("H"), self.oldest_at
            )
        first = max(first, newest - self._cells + 1)
        count = max(0, min(last, newest) - first + 1)
        begin = first % self._cells
        return LevelCells(
            self.step_s,
            first,
            self._rows,
            copy_from_ring(self._sums, begin * self._rows, count * self._rows),
            copy_from_ring(self._counts, begin, count),
            self.oldest_at,
        )
