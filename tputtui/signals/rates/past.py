"""The past of one frame: copies of cells of the history, and the columns that charts make of them.

`SnapshotPipeline.read_past` copies the cells once a frame, under the lock of the engine. Everything
else works on the copies. Columns lie on an absolute grid of multiples of their width, so that all
but the newest keep their value until the axis advances: they are taken over from the frame before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final, TypeVar

from tputtui.frozen import frozen
from tputtui.signals.rates.history import ROUNDING, CopyRange, FigureCells, RingCells, held_cells
from tputtui.signals.rates.latency_heatmap import HeatmapCells, LatencyHeatmap

MIN_COLUMN_S: Final = 2.0
"""Minimum width of a column in seconds, so that a short axis does not move at every tick."""

LEAST_COLUMNS: Final = 4
"""Columns of the narrowest chart of a panel."""

_V = TypeVar("_V")


@frozen
class PastNames:
    """Parts of the past that a panel draws.

    `figures`: names in `history_keys`, also of figures that are only compared with the baseline.
    `heatmaps`: services whose latency distribution is drawn.
    """

    figures: frozenset[str] = frozenset()
    heatmaps: frozenset[str] = frozenset()

    def union(self, other: PastNames) -> PastNames:
        """Join the names of two panels."""
        return PastNames(self.figures | other.figures, self.heatmaps | other.heatmaps)


@frozen
class PastRequest:
    """Request for the `span_s` seconds of the past up to `until`.

    `until`: monotonic seconds; None: up to now. `least_columns`: the fewest columns that will be
    made of them.
    """

    names: PastNames
    span_s: float
    until: float | None = None
    least_columns: int = LEAST_COLUMNS


@frozen
class TimeAxis:
    """Time axis of all charts of one frame.

    `version` differs where the past was rewritten, so that earlier columns are no longer valid.
    """

    end_at: float
    span_s: float
    interval_s: float
    version: int = 0

    def distinct_columns(self, columns: int) -> int:
        """Maximum number of distinct columns.

        None is narrower than the interval, or than `MIN_COLUMN_S`.
        """
        return max(1, min(columns, int(self.span_s / max(self.interval_s, MIN_COLUMN_S))))

    def last_column(self, columns: int) -> int:
        """Return the number on the grid of the last of `columns` columns."""
        return math.floor(self.end_at / (self.span_s / columns) + ROUNDING)

    def continues(self, other: TimeAxis) -> bool:
        """Return whether columns of equal number have the same time and the same past."""
        return (self.span_s, self.version) == (other.span_s, other.version)

    def copy_range(self, least_columns: int) -> CopyRange:
        """Time that copied cells have to cover."""
        return CopyRange(self.end_at, self.span_s, self.distinct_columns(least_columns))


@frozen
class FigureColumns:
    """Columns that were made of a figure, for an axis."""

    axis: TimeAxis
    last: int  # number on the grid of the last column
    step_s: float  # resolution that they were made of
    values: tuple[float | None, ...]

    def continues_in(self, axis: TimeAxis, ring: RingCells) -> bool:
        """Return whether columns of these cells, for another axis, have the same values."""
        return self.step_s == ring.step_s and axis.continues(self.axis)


@frozen
class HeatmapColumns:
    """Heat map that was made of a service, for an axis."""

    axis: TimeAxis
    family: str
    heatmap: LatencyHeatmap


@frozen
class MadeColumns:
    """Columns that were made for one frame, by name and number of columns.

    Filled while the frame is drawn; the next frame takes over those that are still valid.
    """

    figures: dict[tuple[str, int], FigureColumns] = field(default_factory=dict)
    heatmaps: dict[tuple[str, int], HeatmapColumns] = field(default_factory=dict)


@frozen
class Past:
    """Values of the past for one frame.

    `figures` and `heatmaps` have an entry for each name that was requested; None where the history
    does not hold it. Without an axis there is no past yet.
    """

    figures: Mapping[str, FigureCells | None] = field(default_factory=dict)
    heatmaps: Mapping[str, HeatmapCells | None] = field(default_factory=dict)
    axis: TimeAxis | None = None
    made: MadeColumns = field(default_factory=MadeColumns)
    _made_before: MadeColumns = field(default_factory=MadeColumns)

    def reuse(self, made: MadeColumns) -> Past:
        """Return this past with the columns of an earlier frame that are still valid."""
        return Past(self.figures, self.heatmaps, self.axis, self.made, made)

    def columns(self, figure: str, columns: int) -> Sequence[float | None]:
        """Return the mean of a figure in each of `columns` columns, oldest first; None is a gap.

        Each is repeated where there are more columns than samples in the span.
        """
        cells, axis = self.figures.get(figure), self.axis
        if cells is None or axis is None or columns <= 0:
            return (None,) * max(0, columns)
        grain = axis.distinct_columns(columns)
        key = (figure, grain)
        made = self.made.figures.get(key)
        if made is None:
            made = _make_columns(cells, axis, grain, self._made_before.figures.get(key))
            self.made.figures[key] = made
        return _repeat(made.values, columns)

    def heatmap(self, service: str, columns: int) -> LatencyHeatmap | None:
        """Return the latency distribution of a service in each of `columns` columns.

        None without any observation. It is constant until its axis advances: observations in the
        newest column are shown then.
        """
        cells, axis = self.heatmaps.get(service), self.axis
        if cells is None or axis is None or columns <= 0:
            return None
        grain = axis.distinct_columns(columns)
        key = (service, columns)
        made = self.made.heatmaps.get(key) or self._made_before.heatmaps.get(key)
        if made is None or not _is_current(made, cells, axis, grain):
            heatmap = cells.make_heatmap(axis.end_at, axis.span_s, grain)
            heatmap = LatencyHeatmap(heatmap.bounds, _repeat(heatmap.columns, columns))
            made = HeatmapColumns(axis, cells.family, heatmap)
        self.made.heatmaps[key] = made
        return made.heatmap


def _is_current(made: HeatmapColumns, cells: HeatmapCells, axis: TimeAxis, columns: int) -> bool:
    """Return whether a heat map is of these buckets, and its axis has not advanced since."""
    return (
        axis.continues(made.axis)
        and axis.last_column(columns) == made.axis.last_column(columns)
        and (made.family, made.heatmap.bounds) == (cells.family, cells.bounds)
    )


def _make_columns(
    cells: FigureCells, axis: TimeAxis, columns: int, before: FigureColumns | None
) -> FigureColumns:
    """Make the columns of a figure; only the newest, where those of the frame before are valid."""
    width = axis.span_s / columns
    last = axis.last_column(columns)
    begin = (last - columns + 1) * width
    ring = cells.choose_ring(begin, width)
    hold = held_cells(cells.interval_s, ring.step_s)
    kept: tuple[float | None, ...] = ()
    # Another resolution has other means. And what the ring has overwritten is shown no longer.
    is_whole = ring.reaches(begin - hold * ring.step_s)
    if before is not None and is_whole and before.continues_in(axis, ring):
        # The newest columns were still filling: a cell that begins in one may end in a later one.
        settled = columns - 1 - math.ceil(ring.step_s / width)
        advanced = last - before.last
        kept = before.values[advanced : max(0, settled)] if advanced >= 0 else ()
    newest = (
        ring.column_mean(number * width, width, hold)
        for number in range(last - columns + 1 + len(kept), last + 1)
    )
    return FigureColumns(axis, last, ring.step_s, (*kept, *newest))


def _repeat(values: Sequence[_V], columns: int) -> tuple[_V, ...]:
    """Repeat the values so that there are `columns`."""
    if len(values) == columns:
        return tuple(values)
    return tuple(values[index * len(values) // columns] for index in range(columns))
