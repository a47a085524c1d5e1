"""History of figures for charts: fixed-size rings with coarser roll-ups.

15 minutes at 1 s, 3 hours at 10 s, 24 hours at 1 min. A cell holds the mean and the number of its
values; NaN is a gap. Memory for each name: 2 × 8 B × (900 + 1,080 + 1,440) cells = 55 kB, allocated
at once. With at most 256 names that is 14 MB; nothing grows.

A ring is written by one thread. Others get copies of its cells (`FigureCells`), and make the
columns of a chart of those.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from tputtui.frozen import frozen

LEVELS: Final = ((1.0, 900), (10.0, 1080), (60.0, 1440))
"""(seconds a cell, cells), finest first."""

MAX_NAMES: Final = 256

HOLD_INTERVALS: Final = 1.5
"""Number of intervals for which a value is held if none follows.

A slow interval, or a tick that is slightly late, is then no gap.
"""

ROUNDING: Final = 1e-6  # of a cell, or of a column

_N = TypeVar("_N", int, float)


@frozen
class CopyRange:
    """Time that copied cells have to cover, so that charts of any width can be made of them.

    `least_columns`: the fewest columns that the `span_s` seconds up to `end_at` (monotonic seconds)
    will be divided into. The last column may reach beyond `end_at`.
    """

    end_at: float
    span_s: float
    least_columns: int

    @property
    def latest_begin(self) -> float:
        """Latest time at which the first column can begin."""
        return self.begin_at + (1 + ROUNDING) * self.span_s / self.least_columns

    @property
    def begin_at(self) -> float:
        """Time before which no column begins."""
        return self.end_at - self.span_s

    def cell_numbers(self, step_s: float, hold: int) -> tuple[int, int]:
        """Numbers of the first and the last cell of `step_s` seconds that a column may show.

        A column without a value shows one from up to `hold` cells before.
        """
        end = self.end_at + (1 + ROUNDING) * self.span_s / self.least_columns
        return math.floor(self.begin_at / step_s) - hold - 1, math.ceil(end / step_s)


def held_cells(interval_s: float, step_s: float) -> int:
    """Number of cells for which a value is held if none follows."""
    return math.floor(HOLD_INTERVALS * interval_s / step_s)


def cells_of_column(begin: float, width: float, step_s: float) -> tuple[int, int]:
    """Return the numbers of the cells that begin within a column: the first, and the one after.

    A column narrower than a cell shows the cell that contains it.
    """
    first = math.ceil(begin / step_s - ROUNDING)
    end = math.ceil((begin + width) / step_s - ROUNDING)
    if first >= end:
        first = math.floor(begin / step_s + ROUNDING)
        end = first + 1
    return first, end


@frozen
class RingCells:
    """Copy of consecutive cells of a ring, from the cell number `first` on."""

    step_s: float
    first: int
    means: array[float]
    counts: array[float]  # 0: no value; -1: explicitly no value
    oldest_at: float  # time of the oldest cell that the ring can hold; infinite while it is empty

    def reaches(self, at: float) -> bool:
        """Tell whether a moment is not older than the ring can hold."""
        return at >= self.oldest_at

    def column_mean(self, begin: float, width: float, hold: int) -> float | None:
        """Return the mean of a column; without a value, the newest of up to `hold` cells before."""
        first, end = cells_of_column(begin, width, self.step_s)
        begin_index = max(0, first - self.first)
        end_index = min(len(self.counts), end - self.first)
        count = total = 0.0
        for index in range(begin_index, end_index):
            cell_count = self.counts[index]
            if cell_count > 0:
                count += cell_count
                total += self.means[index] * cell_count
        if count > 0:
            return total / count
        for index in range(end_index - 1, max(0, begin_index - hold) - 1, -1):
            if self.counts[index] < 0:
                return None
            if self.counts[index] > 0:
                return self.means[index]
        return None


@frozen
class FigureCells:
    """Copies of the cells of one figure, at each resolution that a chart may need."""

    rings: tuple[RingCells, ...]
    interval_s: float

    def choose_ring(self, begin: float, width: float) -> RingCells:
        """Choose the coarsest ring that fills columns evenly, among those that reach back to
        `begin`.

        If there is none, the finest of those.
        """
        reaching = [ring for ring in self.rings if ring.reaches(begin)] or [self.rings[-1]]
        chosen = reaching[0]
        for ring in reaching:
            cells = width / ring.step_s
            is_even = cells > 4 or abs(cells - round(cells)) < ROUNDING
            if is_even and ring.step_s <= width:
                chosen = ring
        return chosen


class HistoryRing:
    """Ring of one resolution of one name.

    Cells lie on the absolute grid of multiples of `step_s`; the oldest is overwritten.
    """

    def __init__(self, step_s: float, cells: int) -> None:
        """Create a ring of `cells` cells of `step_s` seconds each."""
        self.step_s = step_s
        self.cells = cells
        self._mean = array("d", [math.nan]) * cells
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
            self._mean[index] = value
            self._count[index] = 1.0
        else:
            self._mean[index] += (value - self._mean[index]) / (count + 1)
            self._count[index] = count + 1

    def _clear_up_to(self, number: int) -> None:
        first = number if self._newest is None else self._newest + 1
        for cleared in range(max(first, number - self.cells + 1), number + 1):
            index = cleared % self.cells
            self._mean[index] = math.nan
            self._count[index] = 0.0
        self._newest = number

    def reaches(self, at: float) -> bool:
        """Tell whether a moment is not older than the ring can hold."""
        return self._newest is not None and at >= (self._newest - self.cells + 1) * self.step_s

    def copy_cells(self, first: int, last: int) -> RingCells:
        """Copy the cells of these numbers on the grid (`at` // `step_s`) that it holds."""
        newest = self._newest
        if newest is None:
            return RingCells(self.step_s, first, array("d"), array("d"), math.inf)
        oldest = newest - self.cells + 1
        first = max(first, oldest)
        count = max(0, min(last, newest) - first + 1)
        means = copy_from_ring(self._mean, first, count)
        counts = copy_from_ring(self._count, first, count)
        return RingCells(self.step_s, first, means, counts, oldest * self.step_s)


def copy_from_ring(ring: array[_N], first: int, count: int) -> array[_N]:
    """Copy `count` values of a ring from the number `first` on, which may pass its end."""
    begin = first % len(ring)
    copied = ring[begin : begin + count]
    return copied if len(copied) == count else copied + ring[: count - len(copied)]


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

    def copy_cells(self, names: Iterable[str], copied: CopyRange) -> dict[str, FigureCells | None]:
        """Copy the cells of figures that the columns of a chart may show; None for one not held."""
        cell_numbers = [
            copied.cell_numbers(step, held_cells(self.interval_s, step)) for step, _ in self._levels
        ]
        latest_begin = copied.latest_begin
        copies: dict[str, FigureCells | None] = {}
        for name in names:
            rings = self._rings.get(name)
            if rings is None:
                copies[name] = None
                if len(self._missing_names) < self.max_names:
                    self._missing_names.add(name)
                continue
            self._rings.move_to_end(name)
            cells = [
                ring.copy_cells(*numbers)
                for ring, numbers in zip(rings, cell_numbers, strict=True)
                if ring is rings[-1] or ring.reaches(latest_begin)
            ]
            copies[name] = FigureCells(tuple(cells), self.interval_s)
        return copies
