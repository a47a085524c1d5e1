"""The one place that knows plotext: finite values in, lines of text with roles out.

plotext 5 keeps a module-global figure, cuts it to the terminal it saw at import unless told not to, and raises on
infinities (6 aborts the process on a NaN); so every chart starts from a cleared figure and gets finite points only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tputtui import text
from tputtui.frozen import frozen
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, mark, merge, plain

LARGEST = 1e300
"""What is drawn of a larger value: plotext multiplies by the cells of an axis, and would overflow."""


@frozen
class ChartLine:
    """One line of a chart: one value a column, oldest first; None is a gap."""

    values: tuple[float | None, ...]
    role: Role = "data"
    name: str = ""  # stands at the line's end
    sign: str = ""  # what it is drawn with in ASCII; else the last letter of its name


@frozen
class LineChart:
    """What a line chart shows. It is also the key of its cache."""

    traces: tuple[ChartLine, ...]
    span_s: float
    unit: str | None
    width: int
    height: int
    ascii_only: bool = False
    end: str = "now"  # what stands at the axis' right end


@frozen
class ScatterPlot:
    """What the scatter shows: (throughput, latency) of each column of time, oldest first, in their units."""

    points: tuple[tuple[float, float], ...]
    unit: str  # of the throughput
    tail: str  # "p99"
    tail_unit: str | None
    width: int
    height: int
    ascii_only: bool = False
    limit: float | None = None  # the throughput that meets the objectives
    limit_says: str = ""  # "limit" or "no limit found up to"


def top_of(values: Sequence[float | None]) -> float:
    """A round number at or above the largest value: 1, 2 or 5 times a power of ten (1 where all is zero)."""
    largest = max((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    if largest <= 0:
        return 1.0
    # Held between 1e-300 and LARGEST: beyond, a power of ten is 0.0 or its multiples are infinite.
    wanted = min(max(largest, 1e-300), LARGEST) * 1.02
    power: float = 10.0 ** math.floor(math.log10(wanted))
    return max(largest, next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= wanted))


def draw(chart: LineChart) -> tuple[Line, ...]:
    """The chart as `height` lines: each trace in its role, its name at its end, the axes dimmed."""
    import plotext  # 80 ms that the first paint does not wait for

    values = [_held(value) for trace in chart.traces for value in trace.values if value is not None]
    top = top_of(values)
    bottom = -top_of([-value for value in values]) if any(value < 0 for value in values) else 0.0
    margin = max((len(trace.name) + 1 for trace in chart.traces if trace.name), default=0)
    width = chart.width - margin
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(width, chart.height)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    last = max(1, *(len(trace.values) - 1 for trace in chart.traces))
    plotext.xlim(0, last)
    plotext.ylim(bottom, top)
    middle = [0.0] if bottom < 0 else [top / 2]
    ticks = [bottom, *middle, top] if chart.height >= 7 else [bottom, top]
    plotext.yticks(ticks, [_axis(tick, chart.unit) for tick in ticks])
    plotext.xticks(
        [0, last / 2, last], [f"-{text.brief_span(chart.span_s)}", f"-{text.brief_span(chart.span_s / 2)}", chart.end]
    )
    for index, trace in enumerate(chart.traces):
        for run in _runs(trace.values):
            xs, ys = zip(*run, strict=True)
            marker = trace.sign or trace.name[-1:] or "*" if chart.ascii_only else "braille"
            plotext.plot(list(xs), list(ys), marker=marker, color=index + 1)
    rows = plotext.build().split("\n")[: chart.height]
    roles = [trace.role for trace in chart.traces]
    lines = [_painted(row, width, roles) for row in rows]
    lines += [LineBuilder(width).line()] * (chart.height - len(lines))
    if not margin:
        return tuple(lines)
    named = _names(chart.traces, top, chart.height - 2)
    blanks = [TextSpan(" " * margin)]
    beside = [named.get(index, blanks) for index in range(chart.height)]
    return tuple((*line, *LineBuilder(margin).spans(names).line()) for line, names in zip(lines, beside, strict=True))


_COLORED = re.compile(r"\x1b\[38;5;(\d+)m([^\x1b]*)\x1b\[0m")


def _painted(row: str, width: int, roles: Sequence[Role]) -> Line:
    """A row of plotext's as a line: what it coloured is a trace, everything else is an axis."""
    spans: list[TextSpan] = []
    at = 0
    for found in _COLORED.finditer(row):
        spans += [TextSpan(_bare(row[at : found.start()]), "dim"), TextSpan(found[2], roles[int(found[1]) - 1])]
        at = found.end()
    spans.append(TextSpan(_bare(row[at:]), "dim"))
    out = LineBuilder(width).spans(span for span in spans if span.text)
    return out.line()


def _bare(piece: str) -> str:
    return _SGR.sub("", piece)


_SGR = re.compile(r"\x1b\[[0-9;]*m")


def _names(traces: Sequence[ChartLine], top: float, rows: int) -> dict[int, list[TextSpan]]:
    """The rows in which the traces' names stand: each beside its line's end, no two in one."""
    ends = [(value, trace) for trace in traces if (value := _last(trace.values)) is not None]
    free = rows - 1
    out: dict[int, list[TextSpan]] = {}
    for value, trace in sorted(ends, key=lambda end: end[0]):
        row = min(free, round((1 - _held(value) / top) * (rows - 1)))
        if row < 0:
            break
        out[row] = [TextSpan(f" {trace.name}", trace.role)]
        free = row - 1
    return out


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None and math.isfinite(value)), None)


def marked(lines: tuple[Line, ...], fraction: float, margin: int = 0, caret: str = "▲") -> tuple[Line, ...]:
    """The chart with a stroke at a `fraction` of its time axis, and a `caret` under it. `margin`: cells for its names."""
    axis_at = _axis_at(plain(lines[0])) if lines else -1
    if axis_at < 0 or len(lines) < 3:
        return lines
    x = axis_at + 1 + round(fraction * (text.width(plain(lines[0])) - margin - axis_at - 2))
    return (*(mark(line, x) for line in lines[:-2]), mark(lines[-2], x, caret), lines[-1])


def scatter(shown: ScatterPlot) -> tuple[Line, ...]:
    """Throughput against latency as `height` lines: a title, then the trail, older points fainter, the newest marked."""
    import plotext

    old, recent, now = (".", "o", "@") if shown.ascii_only else ("·", "•", "●")
    title = (
        LineBuilder(shown.width)
        .at(1, f"{shown.tail} over {shown.unit}", "dim")
        .then(f"   {now} ", "strong")
        .then("now", "dim")
    )
    if shown.limit is not None:
        title.then(f"   {'|' if shown.ascii_only else '│'} ", "warning").then(f"{shown.limit_says} ", "dim")
        title.then(text.rate(shown.limit))
    drawn = [(_held(x), _held(y)) for x, y in shown.points if math.isfinite(x) and math.isfinite(y)]
    tops = [top_of([*(point[axis] for point in drawn), *((shown.limit,) if axis == 0 else ())]) for axis in (0, 1)]
    rows = shown.height - 1
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(shown.width, rows)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    plotext.xlim(0, tops[0])
    plotext.ylim(0, tops[1])
    plotext.xticks([0, tops[0] / 2, tops[0]], [_axis(tick, shown.unit) for tick in (0, tops[0] / 2, tops[0])])
    plotext.yticks([0, tops[1] / 2, tops[1]], [_axis(tick, shown.tail_unit) for tick in (0, tops[1] / 2, tops[1])])
    split = len(drawn) * 3 // 4
    for points, sign in ((drawn[:split], old), (drawn[split:-1], recent), (drawn[-1:], now)):
        if points:
            xs, ys = ([_held(point[axis], tops[axis]) for point in points] for axis in (0, 1))
            plotext.scatter(xs, ys, marker=sign)
    built: str = plotext.build()
    found = [plain_row.rstrip() for plain_row in plotext.uncolorize(built).split("\n")][:rows]
    roles: dict[str, Role] = {old: "faint", recent: "data", now: "strong"}
    lines = [_scattered(content, shown.width, roles if index < rows - 2 else {}) for index, content in enumerate(found)]
    if shown.limit is not None:
        lines = list(marked(tuple(lines), _held(shown.limit) / tops[0], 0, "┴"))
    return (title.line(), *lines, *(LineBuilder(shown.width).line() for _ in range(rows - len(lines))))


def _scattered(content: str, width: int, roles: dict[str, Role]) -> Line:
    axis_at = _axis_at(content)
    cells = [TextSpan(char, roles.get(char, "dim") if at > axis_at else "dim") for at, char in enumerate(content)]
    return tuple(merge([*cells, TextSpan(" " * max(0, width - text.width(content)))]))


def _axis(value: float, unit: str | None) -> str:
    if unit in ("By/s", "By", "s") and value:
        digits, prefix = text.seconds(value) if unit == "s" else text.size(value)
        return f"{digits.removesuffix('.0')} {prefix}"
    return text.short(value)


def _held(value: float, top: float = LARGEST) -> float:
    """A value that plotext can place on an axis that ends at `top`: one far below zero stays within reach."""
    return max(-top, min(value, LARGEST)) if math.isfinite(value) else value


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The points between the gaps; plotext would draw a line across one."""
    runs: list[list[tuple[int, float]]] = [[]]
    for x, value in enumerate(values):
        if value is None or not math.isfinite(value):
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((x, _held(value)))
    return [run for run in runs if run]


def _axis_at(content: str) -> int:
    """The cell of the vertical axis in a line of a chart; -1 where it has none."""
    return next((at for at, char in enumerate(content) if char in "│┤┼┐└"), -1)
