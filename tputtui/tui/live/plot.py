"""Large charts by plotext, the only module that imports it.

plotext 5 keeps a module-global figure, limits it to the size of the terminal at import unless
configured otherwise, and raises on infinities (6 aborts the process on a NaN). Therefore every
chart starts from a cleared figure and gets finite points only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tputtui import text
from tputtui.views.shared.chart import ChartLine, LineChart, ScatterPlot
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    Role,
    TextSpan,
    line_text,
    mark_cell,
    merge_spans,
)

MAX_VALUE = 1e300
"""Larger values are drawn as this one: plotext multiplies by the cells of an axis."""


def axis_top(values: Sequence[float | None]) -> float:
    """Return 1, 2, 2.5 or 5 times a power of ten, at or above the largest value; 1.0 for zeros."""
    largest = max(
        (value for value in values if value is not None and math.isfinite(value)), default=0.0
    )
    if largest <= 0:
        return 1.0
    # Between 1e-300 and MAX_VALUE: beyond, a power of ten is 0.0 or its multiples are infinite.
    least = min(max(largest, 1e-300), MAX_VALUE) * 1.02
    power: float = 10.0 ** math.floor(math.log10(least))
    return max(
        largest,
        next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= least),
    )


def draw_chart(chart: LineChart) -> tuple[Line, ...]:
    """Draw a chart as `height` lines: traces in their roles, with names at their ends."""
    import plotext  # imported lazily: saves 80 ms before the first frame

    values = [
        _clamp(value) for trace in chart.chart_lines for value in trace.values if value is not None
    ]
    top = axis_top(values)
    bottom = -axis_top([-value for value in values]) if any(value < 0 for value in values) else 0.0
    margin = max((len(trace.name) + 1 for trace in chart.chart_lines if trace.name), default=0)
    width = chart.width - margin
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(width, chart.height)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    last = max(1, *(len(trace.values) - 1 for trace in chart.chart_lines))
    plotext.xlim(0, last)
    plotext.ylim(bottom, top)
    middle = [0.0] if bottom < 0 else [top / 2]
    ticks = [bottom, *middle, top] if chart.height >= 7 else [bottom, top]
    plotext.yticks(ticks, [_axis_label(tick, chart.unit) for tick in ticks])
    plotext.xticks(
        [0, last / 2, last],
        [
            f"-{text.format_axis_duration(chart.span_s)}",
            f"-{text.format_axis_duration(chart.span_s / 2)}",
            chart.end_label,
        ],
    )
    for index, trace in enumerate(chart.chart_lines):
        for run in _segments(trace.values):
            xs, ys = zip(*run, strict=True)
            marker = trace.marker or trace.name[-1:] or "*" if chart.ascii_only else "braille"
            plotext.plot(list(xs), list(ys), marker=marker, color=index + 1)
    rows = plotext.build().split("\n")[: chart.height]
    roles = [trace.role for trace in chart.chart_lines]
    lines = [_color_row(row, width, roles) for row in rows]
    lines += [LineBuilder(width).line()] * (chart.height - len(lines))
    if not margin:
        return tuple(lines)
    names_by_row = _label_rows(chart.chart_lines, top, chart.height - 2)
    blanks = [TextSpan(" " * margin)]
    labels = [names_by_row.get(index, blanks) for index in range(chart.height)]
    return tuple(
        (*line, *LineBuilder(margin).spans(names).line())
        for line, names in zip(lines, labels, strict=True)
    )


_COLORED = re.compile(r"\x1b\[38;5;(\d+)m([^\x1b]*)\x1b\[0m")


def _color_row(plotext_row: str, width: int, roles: Sequence[Role]) -> Line:
    """Convert a row of plotext: coloured text belongs to a trace, the rest to an axis."""
    spans: list[TextSpan] = []
    at = 0
    for colored in _COLORED.finditer(plotext_row):
        spans += [
            TextSpan(_strip_escapes(plotext_row[at : colored.start()]), "dim"),
            TextSpan(colored[2], roles[int(colored[1]) - 1]),
        ]
        at = colored.end()
    spans.append(TextSpan(_strip_escapes(plotext_row[at:]), "dim"))
    out = LineBuilder(width).spans(span for span in spans if span.text)
    return out.line()


def _strip_escapes(escaped: str) -> str:
    return _SGR.sub("", escaped)


_SGR = re.compile(r"\x1b\[[0-9;]*m")


def _label_rows(
    chart_lines: Sequence[ChartLine], top: float, rows: int
) -> dict[int, list[TextSpan]]:
    """Place the name of each trace beside its last value, at most one in a row."""
    ends = [
        (value, trace) for trace in chart_lines if (value := _last_value(trace.values)) is not None
    ]
    free = rows - 1
    out: dict[int, list[TextSpan]] = {}
    for value, trace in sorted(ends, key=lambda end: end[0]):
        row = min(free, round((1 - _clamp(value) / top) * (rows - 1)))
        if row < 0:
            break
        out[row] = [TextSpan(f" {trace.name}", trace.role)]
        free = row - 1
    return out


def _last_value(values: Sequence[float | None]) -> float | None:
    return next(
        (value for value in reversed(values) if value is not None and math.isfinite(value)), None
    )


def mark_time(
    lines: tuple[Line, ...], fraction: float, margin: int = 0, sign: str = "▲"
) -> tuple[Line, ...]:
    """Mark a `fraction` of the time axis by a vertical line, with `sign` below.

    `margin`: cells that the names of the traces take on the right.
    """
    axis_at = _axis_column(line_text(lines[0])) if lines else -1
    if axis_at < 0 or len(lines) < 3:
        return lines
    x = axis_at + 1 + round(fraction * (text.width(line_text(lines[0])) - margin - axis_at - 2))
    return (*(mark_cell(line, x) for line in lines[:-2]), mark_cell(lines[-2], x, sign), lines[-1])


def draw_scatter(plot: ScatterPlot) -> tuple[Line, ...]:
    """Draw throughput against latency in `height` lines: a title, then points, older ones faint."""
    import plotext

    old, recent, now = (".", "o", "@") if plot.ascii_only else ("·", "•", "●")
    title = (
        LineBuilder(plot.width)
        .at(1, f"{plot.quantile_label} over {plot.unit}", "dim")
        .then(f"   {now} ", "strong")
        .then("now", "dim")
    )
    if plot.limit is not None:
        title.then(f"   {'|' if plot.ascii_only else '│'} ", "warning").then(
            f"{plot.limit_label} ", "dim"
        )
        title.then(text.format_rate(plot.limit))
    drawn = [
        (_clamp(x), _clamp(y)) for x, y in plot.points if math.isfinite(x) and math.isfinite(y)
    ]
    tops = [
        axis_top([*(point[axis] for point in drawn), *((plot.limit,) if axis == 0 else ())])
        for axis in (0, 1)
    ]
    rows = plot.height - 1
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(plot.width, rows)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    plotext.xlim(0, tops[0])
    plotext.ylim(0, tops[1])
    plotext.xticks(
        [0, tops[0] / 2, tops[0]],
        [_axis_label(tick, plot.unit) for tick in (0, tops[0] / 2, tops[0])],
    )
    plotext.yticks(
        [0, tops[1] / 2, tops[1]],
        [_axis_label(tick, plot.latency_unit) for tick in (0, tops[1] / 2, tops[1])],
    )
    split = len(drawn) * 3 // 4
    for points, sign in ((drawn[:split], old), (drawn[split:-1], recent), (drawn[-1:], now)):
        if points:
            xs, ys = ([_clamp(point[axis], tops[axis]) for point in points] for axis in (0, 1))
            plotext.scatter(xs, ys, marker=sign)
    built: str = plotext.build()
    plain_rows = [row.rstrip() for row in plotext.uncolorize(built).split("\n")][:rows]
    roles: dict[str, Role] = {old: "faint", recent: "data", now: "strong"}
    lines = [
        _scatter_line(content, plot.width, roles if index < rows - 2 else {})
        for index, content in enumerate(plain_rows)
    ]
    if plot.limit is not None:
        lines = list(mark_time(tuple(lines), _clamp(plot.limit) / tops[0], 0, "┴"))
    return (
        title.line(),
        *lines,
        *(LineBuilder(plot.width).line() for _ in range(rows - len(lines))),
    )


def _scatter_line(plot_row: str, width: int, roles: dict[str, Role]) -> Line:
    axis_at = _axis_column(plot_row)
    cells = [
        TextSpan(char, roles.get(char, "dim") if at > axis_at else "dim")
        for at, char in enumerate(plot_row)
    ]
    return tuple(merge_spans([*cells, TextSpan(" " * max(0, width - text.width(plot_row)))]))


def _axis_label(value: float, unit: str | None) -> str:
    if unit in ("By/s", "By", "s") and value:
        digits, prefix = text.format_seconds(value) if unit == "s" else text.format_size(value)
        return f"{digits.removesuffix('.0')} {prefix}"
    return text.format_axis_value(value)


def _clamp(value: float, top: float = MAX_VALUE) -> float:
    """Limit a value to what plotext can place on an axis that ends at `top`."""
    return max(-top, min(value, MAX_VALUE)) if math.isfinite(value) else value


def _segments(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Split values at gaps, because plotext would draw a line across one."""
    runs: list[list[tuple[int, float]]] = [[]]
    for x, value in enumerate(values):
        if value is None or not math.isfinite(value):
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((x, _clamp(value)))
    return [run for run in runs if run]


def _axis_column(plot_row: str) -> int:
    """Return the cell of the vertical axis in a row; -1 if it has none."""
    return next((at for at, char in enumerate(plot_row) if char in "│┤┼┐└"), -1)
