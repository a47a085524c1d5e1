"""An instrumented profile (.pstats) as a page: hot functions by seconds and calls; Enter shows who called one."""

from __future__ import annotations

from tputtui import text
from tputtui.profiling.files.pstats_file import ProfiledCaller, ProfiledFunction, PstatsProfile
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_tab import BAR_CELLS, place
from tputtui.views.shared.frame import PanelView, scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, bar, blank, rule


class PstatsTab:
    """A table of functions, or one of them under its callers."""

    def __init__(self, counted: PstatsProfile) -> None:
        self._counted = counted
        self._by_func = {(called.func, called.line): called for called in counted.functions}
        self._inside: list[ProfiledFunction] = []
        self._cursor = self._top = 0
        self._words = ""

    @property
    def _rows(self) -> tuple[ProfiledFunction | ProfiledCaller, ...]:
        if not self._inside:
            return self._counted.functions
        return (*self._inside[-1].callers, self._inside[-1])

    def move(self, rows: int) -> None:
        """Up and down."""
        self._cursor = max(0, min(len(self._rows) - 1, self._cursor + rows))

    def point(self, row: int) -> None:
        """A click."""
        self._cursor = row

    def open(self) -> None:
        """Who called the function under the cursor."""
        row = self._rows[self._cursor]
        called = self._by_func.get((row.func, row.line))
        if called is not None and (not self._inside or called is not self._inside[-1]):
            self._inside.append(called)
            self._cursor, self._top = len(called.callers), 0

    def back(self) -> bool:
        """To the function before, at last to the table."""
        if not self._inside:
            return False
        left = self._inside.pop()
        at = (at for at, row in enumerate(self._rows) if (row.func, row.line) == (left.func, left.line))
        self._cursor, self._top = next(at, 0), 0
        return True

    def chosen(self) -> tuple[Function, int]:
        """The function under the cursor and its line."""
        row = self._rows[self._cursor]
        return row.func, row.line

    def search(self, words: str) -> int:
        """How many functions or files contain the words."""
        self._words = words.casefold()
        return sum(1 for row in self._rows if self._matches(row)) if words else 0

    def _matches(self, row: ProfiledFunction | ProfiledCaller) -> bool:
        return bool(self._words) and self._words in f"{row.func.name} {row.func.file}".casefold()

    def to_match(self, step: int) -> bool:
        """The next one that matches."""
        rows = self._rows
        order = [(self._cursor + step * at) % len(rows) for at in range(1, len(rows) + 1)]
        found = next((at for at in order if self._matches(rows[at])), None)
        self._cursor = self._cursor if found is None else found
        return found is not None

    def view(self, width: int, height: int) -> PanelView:
        """The pane."""
        counted = self._counted
        digits, unit = text.seconds(counted.total_s)
        hidden = f", {counted.hidden:,} more not shown" if counted.hidden else ""
        context = f"{counted.label}   instrumented   {digits} {unit}, {len(counted.functions):,} functions{hidden}"
        lines = [rule("Profile", context, width, focused=True), self._head(width)]
        room = max(1, height - len(lines))
        self._top = scrolled(self._top, self._cursor, len(self._rows), room)
        shown = range(self._top, min(len(self._rows), self._top + room))
        lines += [self._line(self._rows[at], width) for at in shown]
        lines = (lines + [blank(width)] * height)[:height]
        keys: tuple[int | None, ...] = (None, None, *shown, *[None] * (height - len(shown) - 2))
        return PanelView(tuple(lines), 2 + self._cursor - self._top, keys[:height])

    def _head(self, width: int) -> Line:
        row = (
            LineBuilder(width).ending_at(10, "self", "dim").ending_at(33, "total", "dim").ending_at(43, "calls", "dim")
        )
        return row.at(45, "function" if not self._inside else "callers, then the function", "dim").line()

    def _line(self, item: ProfiledFunction | ProfiledCaller, width: int) -> Line:
        row = LineBuilder(width)
        if isinstance(item, ProfiledFunction):
            digits, unit = text.seconds(item.self_s)
            row.figure(7, digits, unit)
            row.at(11, bar(item.self_s / (self._counted.total_s or 1.0), BAR_CELLS)[0], "data")
        digits, unit = text.seconds(item.total_s)
        row.figure(30, digits, unit, "plain").ending_at(43, text.short(item.calls), "dim")
        where = place(item.func.file, item.line, max(10, (width - 45) // 2)) if width >= 64 else ""
        indent = 2 if self._inside and isinstance(item, ProfiledFunction) else 0
        name = text.cut(item.func.name, max(6, width - 2 - text.width(where) - 45 - indent))
        row.at(45 + indent, name, "accent" if self._matches(item) else "strong")
        if not item.func.file:
            row.then("  built-in", "dim")
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()
