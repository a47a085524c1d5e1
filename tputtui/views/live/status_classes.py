"""Rates stacked by status class over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui import text
from tputtui.model import ErrorState
from tputtui.signals.rates import history_keys
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, merge_spans

MIN_CLASS_ROWS = 7  # a legend, an axis, and enough rows to distinguish the classes
_CHART_COLUMN = 9
_FAILED_CLASSES = frozenset(("5xx", "error"))
_CLASS_STYLES: Mapping[str, tuple[str, str, Role]] = {
    "1xx": ("·", ".", "faint"),
    "2xx": ("░", ":", "data"),
    "ok": ("░", ":", "data"),
    "3xx": ("·", ".", "faint"),
    "4xx": ("▒", "%", "plain"),
    "5xx": ("█", "#", "warning"),
    "error": ("█", "#", "warning"),
}
_OTHER_STYLE: tuple[str, str, Role] = ("▓", "*", "plain")


def status_class_lines(
    frame: Frame, service: str, errors: ErrorState, width: int, height: int
) -> list[Line]:
    """Render a legend with current rates, a stacked chart and its time axis in `height` lines.

    Returns an empty list where there is no room. A heavier texture means a worse class. A rate too
    small for a cell of its own is a thin line on top.
    """
    cells = width - _CHART_COLUMN
    if height < MIN_CLASS_ROWS or cells < 12 or not errors.by_class:
        return []
    order = sorted(errors.by_class, key=lambda name: (name in _FAILED_CLASSES, name))
    pasts = [frame.past.columns(history_keys.status_class(service, name), cells) for name in order]
    rows = height - 2
    top = max(
        (sum(value or 0.0 for value in column) for column in zip(*pasts, strict=True)), default=0.0
    )
    columns = [stack_column(column, rows, top) for column in zip(*pasts, strict=True)]
    lines = [_legend_line(frame, errors, order, width)]
    styles = [_class_style(name, frame) for name in order]
    for row in range(rows - 1, -1, -1):
        spans = (_cell(column, row, styles) for column in columns)
        line = LineBuilder(width)
        if row == rows - 2:
            line.ending_at(_CHART_COLUMN - 1, text.format_axis_value(top), "dim")
        elif row == 0:
            line.ending_at(_CHART_COLUMN - 1, "0", "dim")
        lines.append(
            frame.overlay_marks(
                line.spans(merge_spans(spans), _CHART_COLUMN).line(), _CHART_COLUMN, cells
            )
        )
    return [*lines, time_axis_line(frame, _CHART_COLUMN, cells, width)]


def stack_column(
    rates: Sequence[float | None], rows: int, top: float
) -> tuple[list[int], int | None]:
    """Compute one column of the stacked chart.

    Returns the index of the rate that each cell shows, the lowest cell first, where `top` fills all
    rows but one; and the index of the last rate that is present but too small for a cell. A gap has
    neither.
    """
    cells: list[int] = []
    rare: int | None = None
    total = 0.0
    for index, rate in enumerate(rates):
        if not rate or top <= 0:
            continue
        total += rate
        many = round(total / top * (rows - 1)) - len(cells)
        cells += [index] * many
        rare = index if many <= 0 else None
    return cells, rare


def _cell(
    column: tuple[list[int], int | None], row: int, styles: Sequence[tuple[str, Role]]
) -> TextSpan:
    cells, rare = column
    if row < len(cells):
        return TextSpan(*styles[cells[row]])
    if row == len(cells) and rare is not None:
        return TextSpan("▁", styles[rare][1])
    return TextSpan(" ")


def time_axis_line(frame: Frame, start: int, cells: int, width: int) -> Line:
    """Render the time axis of a chart: its span, the middle, its end."""
    span = frame.view_state.shown_span_s
    end = frame.axis_end_label
    row = LineBuilder(width).at(start, f"-{text.format_axis_duration(span)}", "dim")
    middle = f"-{text.format_axis_duration(span / 2)}"
    if cells >= 40:
        row.at(start + cells // 2 - len(middle) // 2, middle, "dim")
    return row.ending_at(start + cells, end, "dim").line()


def _class_style(class_name: str, frame: Frame) -> tuple[str, Role]:
    shade, plain_shade, role = _CLASS_STYLES.get(class_name, _OTHER_STYLE)
    return (plain_shade if frame.view_state.ascii_only else shade, role)


def _legend_line(frame: Frame, errors: ErrorState, class_names: Sequence[str], width: int) -> Line:
    row = LineBuilder(width).at(1, "by class", "dim")
    for name in reversed(class_names):
        sign, role = _class_style(name, frame)
        digits = text.format_rate(errors.by_class[name])
        label = text.clean(name, 12)
        if row.end + text.width(label) + len(digits) + 8 > width:
            break
        row.then("   ").then(sign, role).then(f" {label} ", "dim").then(digits).then("/s", "dim")
    return row.line()
