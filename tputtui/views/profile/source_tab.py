"""Tab of the source: a function's file with the self and total share of each line.

It also renders the snippet beside the tree.
"""

from __future__ import annotations

from collections.abc import Mapping

from tputtui import text
from tputtui.profiling.files.source_text import SourceText
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import (
    ProfileTab,
    TabBody,
    TabSpec,
    format_share,
    next_place,
)
from tputtui.views.shared.frame import first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, bar

_HEAT_CELLS = 6


class SourceTab(ProfileTab):
    """Source of one file, chosen with `show_function`."""

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._analysis = analysis
        self._function: SelectedFunction | None = None
        self._line = 0
        self._top = 0
        self._line_count = 0  # lines of the file at the last rendering

    def show_function(self, selected: SelectedFunction | None) -> None:
        """Show the file of a function, its hottest line centred.

        A pseudo frame has no file: the previous file stays.
        """
        if selected is None or not selected.func.file:
            return
        if (
            self._function is None
            or self._function.func != selected.func
            or self._function.line != selected.line
        ):
            self._function, self._line = selected, max(1, selected.line)
            self._top = max(0, self._line - 10)

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis; the line stays."""
        self._analysis = analysis

    # --------------------------------------------------------------------------------------- moving

    def move(self, rows: int) -> None:
        """Move by lines; in a file that cannot be read, by sampled lines."""
        if self._line_count:
            self._line = max(1, min(self._line_count, self._line + rows))
        elif rows:
            self.go_to_match(1 if rows > 0 else -1)

    def hottest(self) -> str:
        """Go to the line with the most self time; in a comparison, to the one that changed most."""
        heat = self._heat()
        if not heat:
            return ""
        if self._analysis.before is not None:
            self._line = max(heat, key=lambda line: (abs(heat[line][1] - heat[line][0]), -line))
            was, now = heat[self._line]
            return (
                f"the line that changed most: {self._line}, "
                f"{format_share(was)} % before, {format_share(now)} % now"
            )
        self._line = max(heat, key=lambda line: (heat[line], -line))
        return f"the hottest line: {self._line}, {format_share(heat[self._line][0])} % in itself"

    def click(self, line: int) -> bool:
        """Select the line that was clicked."""
        self._line = line
        return False

    def selected_function(self) -> SelectedFunction | None:
        """Function that the file was opened for."""
        return self._function

    def go_to_match(self, step: int) -> bool:
        """Go to the next (n) or previous (N) line that was sampled."""
        line = next_place(self._heat(), self._line, step)
        if line is None:
            return False
        self._line = line
        return True

    def _heat(self) -> dict[int, tuple[float, float]]:
        return self._analysis.heat(self._function.func.file) if self._function is not None else {}

    # -------------------------------------------------------------------------------------- drawing

    def render(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Render the location, the header and the lines."""
        if self._function is None:
            return TabBody(
                [
                    LineBuilder(width)
                    .at(1, "choose a function in another view: its source is shown here", "dim")
                    .line()
                ]
            )
        heat = self._heat()
        read = source is not None and source.file == self._function.func.file
        ready = source if read else None
        self._line_count = len(ready.lines) if ready is not None else 0
        both = self._analysis.before is not None
        lines = [self._title_line(ready, width), _header_line(width, both)]
        keys: list[int | None] = [None, None]
        room = max(1, height - 2)
        if not self._line_count:
            numbers = sorted(heat)
            at = numbers.index(self._line) if self._line in heat else 0
            first = first_visible_row(0, at, len(numbers), room)
            shown = numbers[first : first + room]
        else:
            self._line = min(self._line, self._line_count)
            self._top = first_visible_row(self._top, self._line - 1, self._line_count, room)
            shown = list(range(self._top + 1, min(self._line_count, self._top + room) + 1))
        hottest = max((now if both else own for own, now in heat.values()), default=0.0)
        cursor = None
        for number in shown:
            if number == self._line:
                cursor = len(lines)
            source_line = ready.lines[number - 1] if ready is not None and self._line_count else ""
            lines.append(_source_line(number, heat.get(number), source_line, width, hottest, both))
            keys.append(number)
        return TabBody(lines, cursor, tuple(keys))

    def _title_line(self, source: SourceText | None, width: int) -> Line:
        file = self._function.func.file if self._function is not None else ""
        note = "reading it" if source is None else source.error or source.note
        row = LineBuilder(width).at(
            1, text.truncate_left(file, max(10, width - text.width(note) - 5)), "strong"
        )
        return row.then(f"  {note}", "warning" if source is not None and note else "dim").line()


def _header_line(width: int, is_difference: bool) -> Line:
    titles = ("before", "now") if is_difference else ("self", "total")
    row = LineBuilder(width).ending_at(8, titles[0], "dim").ending_at(18, titles[1], "dim")
    return row.ending_at(18 + 2 + _HEAT_CELLS + 7, "line", "dim").line()


def _source_line(
    number: int,
    heat: tuple[float, float] | None,
    source_line: str,
    width: int,
    hottest: float,
    is_difference: bool,
) -> Line:
    """Render one line of source.

    `heat` is (before, now) in a comparison (`is_difference`), else (self, total).
    """
    row = LineBuilder(width)
    if heat is not None:
        own, total = heat
        filled = total if is_difference else own
        row.ending_at(6, format_share(own) if own or is_difference else "", "strong").then(
            " %" if own or is_difference else "", "dim"
        )
        row.ending_at(16, format_share(total)).then(" %", "dim")
        row.at(20, bar(filled / hottest if hottest else 0.0, _HEAT_CELLS)[0], "data")
    row.ending_at(20 + _HEAT_CELLS + 7, str(number), "plain" if heat is not None else "dim")
    return row.at(
        20 + _HEAT_CELLS + 9, source_line, "strong" if heat is not None and heat[0] > 0 else "plain"
    ).line()


def snippet_lines(
    source: SourceText,
    line: int,
    heat: Mapping[int, tuple[float, float]],
    width: int,
    height: int,
    *,
    is_difference: bool = False,
) -> list[Line]:
    """Render the lines around a hot line with their totals, for the column beside the tree.

    `heat` is (before, now) in a comparison (`is_difference`), else (self, total).
    """
    if source.error or not source.lines:
        return wrapped_lines(source.error or "the file is empty", width) if height > 0 else []
    if height < 1 or line < 1:
        return []
    first = max(1, min(line - height // 2, len(source.lines) - height + 1))
    shown = range(first, min(len(source.lines), first + height - 1) + 1)
    common = min(
        (_indent(source.lines[at - 1]) for at in shown if source.lines[at - 1].strip()), default=0
    )
    digits = len(str(shown[-1])) if shown else 1
    lines = []
    for number in shown:
        row = LineBuilder(width)
        is_hot, shares = number == line, heat.get(number)
        role: Role = "warning" if is_hot else "plain"
        row.then("▌" if is_hot else " ", "warning").ending_at(
            2 + digits, str(number), "warning" if is_hot else "dim"
        )
        column = digits + 9
        if is_difference:
            row.ending_at(column, format_share(shares[0]) if shares is not None else "", role)
            column += 7
        row.ending_at(column, f"{format_share(shares[1])}%" if shares is not None else "", role)
        source_line = source.lines[number - 1][common:]
        row.at(column + 1, source_line, "dim" if shares is None and not is_hot else role)
        lines.append(row.line())
    return lines


def _indent(source_line: str) -> int:
    return len(source_line) - len(source_line.lstrip(" "))


def wrapped_lines(sentence: str, width: int, indent: int = 0) -> list[Line]:
    """Render a sentence as dim lines."""
    return [
        LineBuilder(width).at(indent, line, "dim").line()
        for line in wrap_text(sentence, width - indent)
    ]


def wrap_text(sentence: str, width: int) -> list[str]:
    """Break a sentence at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = []
    for word in sentence.split(" "):
        if lines and text.width(lines[-1]) + 1 + text.width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(text.truncate(word, width))
    return lines


TAB = TabSpec(
    name="source",
    title="Source",
    short_title="source",
    help="source",
    create=SourceTab,
    shows_insights=False,
)
