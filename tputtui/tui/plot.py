"""The one place that knows plotext: finite values in, lines of text with roles out.

plotext 5 keeps a module-global figure, cuts it to the terminal it saw at import unless told not to, and raises on
infinities (6 aborts the process on a NaN); so every chart starts from a cleared figure and gets finite points only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tputtui import text
from tputtui.views.lines import Line, Row, Span, merge


@dataclass(frozen=True, slots=True)
class Chart:
    """What a line chart shows: one value a column, oldest first; None is a gap. It is also the key of its cache."""

    values: tuple[float | None, ...]
    span_s: float
    unit: str
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
    marks = [0, top / 2, top] if chart.height >= 7 else [0, top]
    plotext.yticks(marks, [_axis(mark, chart.unit) for mark in marks])
    plotext.xticks(
        [0, last / 2, last], [f"-{text.brief_span(chart.span_s)}", f"-{text.brief_span(chart.span_s / 2)}", "now"]
    )
    for run in _runs(chart.values):
        xs, ys = zip(*run, strict=True)
        plotext.plot(list(xs), list(ys), marker="*" if chart.ascii_only else "braille")
    built: str = plotext.build()
    rows = [plain_row.rstrip() for plain_row in plotext.uncolorize(built).split("\n")][: chart.height]
    lines = [_with_roles(content, chart.width, index >= chart.height - 2) for index, content in enumerate(rows)]
    return tuple(lines + [Row(chart.width).line()] * (chart.height - len(lines)))


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
    axis_at = next((at for at, char in enumerate(content) if char in "│┤┼┐└"), -1)
    split = len(content) if on_axis else axis_at + 1
    blanks = " " * max(0, width - text.width(content))
    return tuple(merge([Span(content[:split], "dim"), Span(content[split:] + blanks, "data")]))
