"""A figure's line over time, a few rows high, with the top of its scale: where there is no room for a chart with axes."""

from __future__ import annotations

from tputtui import text
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Line, LineBuilder, before_level, level_row, sparks

_STARTS = 9
_MOST_ROWS = 6


def trend(scene: Frame, figure: str, now: float | None, unit: str, width: int, rows: int) -> list[Line]:
    """At most `rows` lines; `figure` is a name of `signals.names`, `now` its newest value in its `unit`."""
    cells = width - _STARTS - 1
    if cells < 4 or rows < 1:
        return []
    values = scene.past(figure, cells)
    known = scene.base(figure)
    top = max(
        (value for value in (*values, now, known.value if known else None) if value is not None), default=0.0
    )  # never below the big number
    pictures = sparks(values, min(rows, _MOST_ROWS), top or None)
    behind = level_row(known.value, top, len(pictures)) if known and top > 0 else None
    lines = []
    for index, content in enumerate(pictures):
        row = LineBuilder(width)
        if index == 0 and top > 0:
            row.ending_at(_STARTS - 1, _scale(top, unit), "dim")
        elif index == len(pictures) - 1:
            row.ending_at(_STARTS - 1, "0", "dim")
        row.spans(before_level(content, drawn=index == behind), _STARTS)
        lines.append(scene.strike(row.line(), _STARTS, cells))
    return lines


def _scale(top: float, unit: str) -> str:
    if unit in ("By/s", "By", "s"):
        digits, prefix = text.amount(top, unit)
        return f"{digits} {prefix.removesuffix('/s')}"
    return text.short(top)
