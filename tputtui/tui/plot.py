"""The one place that knows plotext: finite values in, lines of text with roles out.

plotext 5 keeps a module-global figure, cuts it to the terminal it saw at import unless told not to, and raises on
infinities (6 aborts the process on a NaN); so every chart starts from a cleared figure and gets finite points only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tputtui import text
from tputtui.views.lines import Line, Role, Row, Span, mark, merge, plain


@dataclass(frozen=True, slots=True)
class Chart:
    """What a line chart shows: one value a column, oldest first; None is a gap. It is also the key of its cache."""

    values: tuple[float | None, ...]
    span_s: float
    unit: str
    width: int
    height: int
    ascii_only: bool = False
    end: str = "now"  # what stands at the axis' right end


@dataclass(frozen=True, slots=True)
class Scatter:
    """What the scatter shows: (throughput, latency) of each column of time, oldest first, in their units."""

    points: tuple[tuple[float, float], ...]
    unit: str  # of the throughput
    tail: str  # "p99"
    tail_unit: str | None
    width: int
    height: int
    ascii_only: bool = False


def top_of(values: Sequence[float | None]) -> float:
    """A round number at or above the largest value: 1, 2 or 5 times a power of ten (1 where all is zero)."""
    largest = max((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    if largest <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(largest))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= largest * 1.02)


def draw(chart: Chart) -> tuple[Line, ...]:
    """The chart as `height` lines: the data in the role "data", the axes dimmed."""
    import plotext  # 80 ms that the first paint does not wait for

    top = top_of(chart.values)
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(chart.width, chart.height)
    plotext.theme("clear")
    plotext.frame(False)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    last = max(1, len(chart.values) - 1)
    plotext.xlim(0, last)
    plotext.ylim(0, top)
    ticks = [0, top / 2, top] if chart.height >= 7 else [0, top]
    plotext.yticks(ticks, [_axis(tick, chart.unit) for tick in ticks])
    plotext.xticks(
        [0, last / 2, last], [f"-{text.brief_span(chart.span_s)}", f"-{text.brief_span(chart.span_s / 2)}", chart.end]
    )
    for run in _runs(chart.values):
        xs, ys = zip(*run, strict=True)
        plotext.plot(list(xs), list(ys), marker="*" if chart.ascii_only else "braille")
    built: str = plotext.build()
    rows = [plain_row.rstrip() for plain_row in plotext.uncolorize(built).split("\n")][: chart.height]
    lines = [_with_roles(content, chart.width, index >= chart.height - 2) for index, content in enumerate(rows)]
    return tuple(lines + [Row(chart.width).line()] * (chart.height - len(lines)))


def marked(lines: tuple[Line, ...], fraction: float) -> tuple[Line, ...]:
    """The chart with a stroke at a `fraction` of its time axis, and a caret under it."""
    axis_at = _axis_at(plain(lines[0])) if lines else -1
    if axis_at < 0 or len(lines) < 3:
        return lines
    x = axis_at + 1 + round(fraction * (text.width(plain(lines[0])) - axis_at - 2))
    return (*(mark(line, x) for line in lines[:-2]), mark(lines[-2], x, "▲"), lines[-1])


def scatter(shown: Scatter) -> tuple[Line, ...]:
    """Throughput against latency as `height` lines: a title, then the trail, older points fainter, the newest marked."""
    import plotext

    old, recent, now = (".", "o", "@") if shown.ascii_only else ("·", "•", "●")
    title = (
        Row(shown.width).at(1, f"{shown.tail} over {shown.unit}", "dim").then(f"   {now} ", "strong").then("now", "dim")
    )
    tops = [top_of([point[axis] for point in shown.points]) for axis in (0, 1)]
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
    plotext.yticks([0, tops[1] / 2, tops[1]], [_tail(tick, shown.tail_unit) for tick in (0, tops[1] / 2, tops[1])])
    split = len(shown.points) * 3 // 4
    for points, sign in ((shown.points[:split], old), (shown.points[split:-1], recent), (shown.points[-1:], now)):
        if points:
            xs, ys = zip(*points, strict=True)
            plotext.scatter(list(xs), list(ys), marker=sign)
    built: str = plotext.build()
    found = [plain_row.rstrip() for plain_row in plotext.uncolorize(built).split("\n")][:rows]
    roles: dict[str, Role] = {old: "faint", recent: "data", now: "strong"}
    lines = [_scattered(content, shown.width, roles if index < rows - 2 else {}) for index, content in enumerate(found)]
    return (title.line(), *lines, *(Row(shown.width).line() for _ in range(rows - len(lines))))


def _tail(value: float, unit: str | None) -> str:
    if value == 0:
        return "0"
    digits, shown = text.amount(value, unit)
    return f"{digits.removesuffix('.0')} {shown}".rstrip()


def _scattered(content: str, width: int, roles: dict[str, Role]) -> Line:
    axis_at = _axis_at(content)
    cells = [Span(char, roles.get(char, "dim") if at > axis_at else "dim") for at, char in enumerate(content)]
    return tuple(merge([*cells, Span(" " * max(0, width - text.width(content)))]))


def _axis(value: float, unit: str) -> str:
    if unit == "By/s":
        digits, prefix = text.size(value)
        return f"{digits.removesuffix('.0')} {prefix}"
    return text.short(value)


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The points between the gaps; plotext would draw a line across one."""
    runs: list[list[tuple[int, float]]] = [[]]
    for x, value in enumerate(values):
        if value is None or not math.isfinite(value):
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((x, min(value, 1e300)))
    return [run for run in runs if run]


def _with_roles(content: str, width: int, on_axis: bool) -> Line:
    """What stands behind the vertical axis is data; everything else is dimmed."""
    axis_at = _axis_at(content)
    split = len(content) if on_axis else axis_at + 1
    blanks = " " * max(0, width - text.width(content))
    return tuple(merge([Span(content[:split], "dim"), Span(content[split:] + blanks, "data")]))


def _axis_at(content: str) -> int:
    """The cell of the vertical axis in a line of a chart; -1 where it has none."""
    return next((at for at, char in enumerate(content) if char in "│┤┼┐└"), -1)
