"""Lines of text with roles: the output of every view.

A role is the purpose of a piece of text; a theme maps it to a style. Views never name a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from tputtui import text

Role = Literal[
    "plain",  # labels and prose
    "dim",  # context: units, axes, secondary text
    "strong",  # the main figures
    "data",  # charts and bars
    "faint",  # background of a bar, baseline behind a trend
    "ok",
    "warning",
    "bad",
    "accent",  # keys, and the focused element
    "badge",  # the program's name in the corner
    "rule",
    "rule-focus",
    "cursor",  # added to the roles of a selected row by the widget that draws it
]


class TextSpan(NamedTuple):
    """Piece of cleaned text with its role."""

    text: str
    role: Role = "plain"


Line = tuple[TextSpan, ...]


class LineBuilder:
    """Builder of one line by columns; text placed at a cell stays there, whatever precedes it."""

    __slots__ = ("_cells", "_end", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self._cells: list[TextSpan] = []
        self._end = 0

    def at(self, x: int, content: str, role: Role = "plain") -> LineBuilder:
        """Put `content` at cell `x`.

        It is moved right where the cell is occupied, and cut at the edge.
        """
        x = min(x, self.width)
        if x > self._end:
            self._cells.append(TextSpan(" " * (x - self._end)))
            self._end = x
        return self.then(content, role)

    def then(self, content: str, role: Role = "plain") -> LineBuilder:
        """Append `content` after the last text."""
        room = self.width - self._end
        if room <= 0 or not content:
            return self
        content = text.truncate(content, room)
        self._cells.append(TextSpan(content, role))
        self._end += text.width(content)
        return self

    def ending_at(self, x: int, content: str, role: Role = "plain") -> LineBuilder:
        """Put `content` so that its last cell is before `x`."""
        return self.at(max(self._end, x - text.width(content)), content, role)

    def figure(self, x: int, digits: str, unit: str, role: Role = "strong") -> LineBuilder:
        """Put a number so that it ends before `x`, and after a blank its unit, dimmed."""
        self.ending_at(x, digits, role)
        return self.then(f" {unit}", "dim") if unit else self

    def spans(self, spans: Iterable[TextSpan], x: int | None = None) -> LineBuilder:
        """Append a sequence of spans, at cell `x` if given."""
        for index, span in enumerate(spans):
            if index == 0 and x is not None:
                self.at(x, span.text, span.role)
            else:
                self.then(span.text, span.role)
        return self

    @property
    def end(self) -> int:
        """Cell after the last one used."""
        return self._end

    def line(self) -> Line:
        """Build the line, exactly `width` cells."""
        if self._end < self.width:
            self._cells.append(TextSpan(" " * (self.width - self._end)))
            self._end = self.width
        return tuple(merge_spans(self._cells))


def merge_spans(spans: Iterable[TextSpan]) -> list[TextSpan]:
    """Join adjacent spans of one role, which saves style changes on the terminal."""
    out: list[TextSpan] = []
    for span in spans:
        if out and out[-1].role == span.role:
            out[-1] = TextSpan(out[-1].text + span.text, span.role)
        elif span.text:
            out.append(span)
    return out


def blank_line(width: int) -> Line:
    """Build an empty line."""
    return (TextSpan(" " * width),)


def pad_lines(lines: list[Line], width: int, height: int) -> list[Line]:
    """Pad or cut to exactly `height` lines."""
    return lines[:height] + [blank_line(width)] * (height - len(lines))


def line_text(line: Line) -> str:
    """Text of a line without roles, for tests and the clipboard."""
    return "".join(span.text for span in line)


def rule_line(title: str, context: str, width: int, focused: bool = False) -> Line:
    """Build a panel's top rule, with its title left and its source or order right."""
    stroke = "━" if focused else "─"
    role: Role = "rule-focus" if focused else "rule"
    row = LineBuilder(width)
    row.then(stroke, role).then(f" {title} ", "strong" if focused else "plain")
    room = width - row.end - 3
    context = text.truncate(context, room - 1) if room > 8 else ""
    fill = width - row.end - (text.width(context) + 3 if context else 0)
    row.then(stroke * max(0, fill), role)
    if context:
        row.then(f" {context} ", "dim").then(stroke, role)
    return row.line()


def mark_cell(line: Line, x: int, sign: str | None = None) -> Line:
    """Mark cell `x` of a chart line with the accent role.

    The cell shows `sign`, or else what it showed before; an empty cell becomes a stroke. Where text
    is wider than a cell, nothing is marked.
    """
    out: list[TextSpan] = []
    start = 0
    for span in line:
        at = x - start
        if 0 <= at < len(span.text) and text.width(span.text) == len(span.text):
            cell = sign or (span.text[at] if span.text[at] != " " else "│")
            out += [
                TextSpan(span.text[:at], span.role),
                TextSpan(cell, "accent"),
                TextSpan(span.text[at + 1 :], span.role),
            ]
        else:
            out.append(span)
        start += text.width(span.text)
    return tuple(merge_spans(out))


def split_line(line: Line, x: int) -> tuple[Line, Line]:
    """Split a line before cell `x`; a wide character across it belongs to the first part."""
    left: list[TextSpan] = []
    at = 0
    for number, span in enumerate(line):
        wide = text.width(span.text)
        if at + wide <= x:
            left.append(span)
            at += wide
            continue
        inside = 0
        while inside < len(span.text) and at < x:
            at += text.width(span.text[inside])
            inside += 1
        parts = (TextSpan(span.text[:inside], span.role), TextSpan(span.text[inside:], span.role))
        return tuple(merge_spans([*left, parts[0]])), tuple(
            merge_spans([parts[1], *line[number + 1 :]])
        )
    return line, ()


def column_starts(widths: Sequence[int], gap: int = 1, start: int = 0) -> list[int]:
    """First cells of consecutive columns."""
    out: list[int] = []
    x = start
    for width in widths:
        out.append(x)
        x += width + gap
    return out


# ------------------------------------------------------------------------------------- small charts

SPARK_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def sparkline(values: Sequence[float | None], top: float | None = None) -> str:
    """Render values as one row of bars from zero to `top` (default: the largest value).

    A gap is a blank, a zero is the lowest bar.
    """
    known = [value for value in values if value is not None]
    if top is None:
        top = max(known, default=0.0)
    if top <= 0:
        return "".join(" " if value is None else SPARK_LEVELS[0] for value in values)
    return "".join(
        " " if value is None else SPARK_LEVELS[min(7, max(0, int(value / top * 8)))]
        for value in values
    )


def sparkline_rows(
    values: Sequence[float | None], height: int, top: float | None = None
) -> list[str]:
    """Render values as bars over several rows, the top row first."""
    if height <= 1:
        return [sparkline(values, top)]
    known = [value for value in values if value is not None]
    if top is None:
        top = max(known, default=0.0)
    rows: list[list[str]] = [[] for _ in range(height)]
    for value in values:
        eighths = 0 if value is None or top <= 0 else round(value / top * height * 8)
        if value is not None:
            eighths = max(1, min(height * 8, eighths))
        for level in range(height):
            part = min(8, max(0, eighths - level * 8))
            rows[height - 1 - level].append(" " if part == 0 else SPARK_LEVELS[part - 1])
    return ["".join(row) for row in rows]


def level_row_index(value: float, top: float, rows: int) -> int | None:
    """Index of the row of `sparkline_rows` that contains a level, the top row being 0.

    None for a single row, which has no space behind the bars.
    """
    return None if rows < 2 else rows - 1 - min(rows - 1, max(0, int(value / top * rows)))


def with_level(sparkline: str, *, has_level: bool) -> Line:
    """Style one row of a sparkline; with `has_level`, a baseline's dimmed level is behind it."""
    if not has_level:
        return (TextSpan(sparkline, "data"),)
    runs = groupby(sparkline, key=lambda cell: cell == " ")
    return tuple(
        TextSpan("─" * len(cells), "faint") if blank else TextSpan(cells, "data")
        for blank, cells in ((blank, "".join(run)) for blank, run in runs)
    )


def bar(ratio: float | None, cells: int) -> tuple[str, str]:
    """Render a bar of `cells` as (filled, background); an unknown ratio has neither."""
    if ratio is None:
        return ("", " " * cells)
    eighths = round(max(0.0, min(1.0, ratio)) * cells * 8)
    full, part = divmod(eighths, 8)
    if ratio > 0 and eighths == 0:
        part = 1
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    return (filled, "·" * (cells - len(filled)))
