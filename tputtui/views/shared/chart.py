"""Large charts as values: a panel describes a chart, the screen draws it with plotext."""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Role

CHART_STEP_S = 3.0
"""Seconds between the points of a chart at least: a chart costs 5 ms to build."""

MIN_CHART_WIDTH = 50  # cells from which a chart with axes is useful
MIN_CHART_ROWS = 6


@frozen
class ChartLine:
    """One line of a chart: one value a column, oldest first; None is a gap."""

    values: tuple[float | None, ...]
    role: Role = "data"
    name: str = ""  # label at the line's end
    marker: str = ""  # character for it in ASCII; default: the last letter of its name


@frozen
class LineChart:
    """Content of a line chart. It is also the key of its cache."""

    chart_lines: tuple[ChartLine, ...]
    span_s: float
    unit: str | None
    width: int
    height: int
    ascii_only: bool = False
    end_label: str = "now"  # label of the axis' right end


@frozen
class ScatterPlot:
    """Content of a scatter plot of throughput against latency. It is also the key of its cache.

    `points`: (throughput, latency) of each column of time, oldest first, in their units.
    """

    points: tuple[tuple[float, float], ...]
    unit: str  # of the throughput
    quantile_label: str  # "p99"
    latency_unit: str | None
    width: int
    height: int
    ascii_only: bool = False
    limit: float | None = None  # highest throughput that meets the objectives
    limit_label: str = ""  # "limit" or "no limit found up to"


Chart = LineChart | ScatterPlot


def history_chart_line(
    frame: Frame, figure: str, cells: int, role: Role = "data", name: str = ""
) -> ChartLine:
    """Line of a figure's history, at most `cells` columns wide.

    The newest column is still filling. It is left out, so that the chart changes only when its axis
    advances.
    """
    columns = max(2, min(cells, int(frame.view_state.shown_span_s / CHART_STEP_S)))
    return ChartLine(tuple(frame.past.columns(figure, columns)[:-1]), role, name)


def baseline_chart_lines(frame: Frame, figure: str, current: ChartLine) -> tuple[ChartLine, ...]:
    """Level of the baseline; empty without one. It is drawn first, so that it is behind."""
    baseline = frame.baseline_figure(figure)
    if baseline is None or not any(value is not None for value in current.values):
        return ()
    return (ChartLine((baseline.value,) * len(current.values), "faint", marker="-"),)


def time_chart(
    frame: Frame, chart_lines: tuple[ChartLine, ...], unit: str | None, width: int, rows: int
) -> LineChart | None:
    """Chart over the shown span; None where no line has a value."""
    if all(value is None for line in chart_lines for value in line.values):
        return None
    return LineChart(
        chart_lines,
        frame.view_state.shown_span_s,
        unit,
        width,
        rows,
        frame.view_state.ascii_only,
        frame.axis_end_label,
    )
