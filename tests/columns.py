"""Columns of a history, as a chart has them: of one request, without a frame before it."""

from __future__ import annotations

from tputtui.signals.rates.history import CopyRange, History
from tputtui.signals.rates.latency_heatmap import HeatmapRing, LatencyHeatmap
from tputtui.signals.rates.past import Past, TimeAxis


class NarrowAxis(TimeAxis):
    """Axis whose columns may be narrower than those on a screen."""

    def distinct_columns(self, columns: int) -> int:
        return columns


def column_values(
    history: History, name: str, end_at: float, span_s: float, columns: int
) -> list[float | None]:
    """The mean of a figure in each of `columns` columns."""
    cells = history.copy_cells([name], CopyRange(end_at, span_s, columns))
    axis = NarrowAxis(end_at, span_s, history.interval_s)
    return list(Past(cells, axis=axis).columns(name, columns))


def heatmap(ring: HeatmapRing, end_at: float, span_s: float, columns: int) -> LatencyHeatmap:
    """The heat map of `columns` columns."""
    cells = ring.copy_cells(CopyRange(end_at, span_s, columns))
    return cells.make_heatmap(end_at, span_s, columns)
