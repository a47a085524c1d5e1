"""Trend of a figure, a few rows high, with the maximum of its scale.

It replaces a chart with axes where there is no room for one.
"""

from __future__ import annotations

from tputtui import text
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    level_row_index,
    sparkline_rows,
    with_level,
)

_CHART_COLUMN = 9
_MAX_ROWS = 6


def trend_lines(
    frame: Frame, figure: str, current: float | None, unit: str, width: int, rows: int
) -> list[Line]:
    """Render at most `rows` lines.

    `figure` is a name in `history_keys`, `current` its newest value in its `unit`.
    """
    cells = width - _CHART_COLUMN - 1
    if cells < 4 or rows < 1:
        return []
    values = frame.past.columns(figure, cells)
    baseline = frame.baseline_figure(figure)
    # Never below the current value.
    known = [value for value in (*values, current) if value is not None]
    if baseline is not None:
        known.append(baseline.value)
    top = max(known, default=0.0)
    trend = sparkline_rows(values, min(rows, _MAX_ROWS), top or None)
    baseline_row: int | None = None
    if baseline is not None and top > 0:
        baseline_row = level_row_index(baseline.value, top, len(trend))
    lines = []
    for index, content in enumerate(trend):
        row = LineBuilder(width)
        if index == 0 and top > 0:
            row.ending_at(_CHART_COLUMN - 1, _format_scale(top, unit), "dim")
        elif index == len(trend) - 1:
            row.ending_at(_CHART_COLUMN - 1, "0", "dim")
        row.spans(with_level(content, has_level=index == baseline_row), _CHART_COLUMN)
        lines.append(frame.overlay_marks(row.line(), _CHART_COLUMN, cells))
    return lines


def _format_scale(top: float, unit: str) -> str:
    if unit in ("By/s", "By", "s"):
        digits, prefix = text.format_amount(top, unit)
        return f"{digits} {prefix.removesuffix('/s')}"
    return text.format_axis_value(top)
