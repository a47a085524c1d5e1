"""Tab of an instrumented profile (.pstats): hottest functions by seconds and calls.

Enter shows the callers of a function.
"""

from __future__ import annotations

from tputtui import text
from tputtui.profiling.files.pstats_file import ProfiledCaller, ProfiledFunction, PstatsProfile
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_tab import BAR_CELLS, format_place
from tputtui.views.shared.frame import PanelView, first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, bar, blank_line, rule_line


class PstatsTab:
    """Table of functions, or one of them below its callers."""

    def __init__(self, profile: PstatsProfile) -> None:
        self._profile = profile
        self._by_func = {(called.func, called.line): called for called in profile.functions}
        self._open_functions: list[ProfiledFunction] = []
        self._cursor = self._top = 0
        self._query = ""

    @property
    def _rows(self) -> tuple[ProfiledFunction | ProfiledCaller, ...]:
        if not self._open_functions:
            return self._profile.functions
        return (*self._open_functions[-1].callers, self._open_functions[-1])

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._cursor = max(0, min(len(self._rows) - 1, self._cursor + rows))

    def click(self, row: int) -> None:
        """Select the row that was clicked."""
        self._cursor = row

    def open(self) -> None:
        """Show the callers of the function under the cursor."""
        row = self._rows[self._cursor]
        called = self._by_func.get((row.func, row.line))
        if called is not None and (
            not self._open_functions or called is not self._open_functions[-1]
        ):
            self._open_functions.append(called)
            self._cursor, self._top = len(called.callers), 0

    def back(self) -> bool:
        """Return to the previous function, finally to the table."""
        if not self._open_functions:
            return False
        closed = self._open_functions.pop()
        at = (
            at
            for at, row in enumerate(self._rows)
            if (row.func, row.line) == (closed.func, closed.line)
        )
        self._cursor, self._top = next(at, 0), 0
        return True

    def selected_function(self) -> tuple[Function, int]:
        """Function under the cursor and its line."""
        row = self._rows[self._cursor]
        return row.func, row.line

    def search(self, query: str) -> int:
        """Search the query's words in functions and files; return the number of matches."""
        self._query = query.casefold()
        return sum(1 for row in self._rows if self._matches(row)) if query else 0

    def _matches(self, row: ProfiledFunction | ProfiledCaller) -> bool:
        return bool(self._query) and self._query in f"{row.func.name} {row.func.file}".casefold()

    def go_to_match(self, step: int) -> bool:
        """Go to the next match."""
        rows = self._rows
        order = [(self._cursor + step * at) % len(rows) for at in range(1, len(rows) + 1)]
        match = next((at for at in order if self._matches(rows[at])), None)
        self._cursor = self._cursor if match is None else match
        return match is not None

    def view(self, width: int, height: int) -> PanelView:
        """Render the pane."""
        counted = self._profile
        digits, unit = text.format_seconds(counted.total_s)
        hidden = f", {counted.hidden_count:,} more not shown" if counted.hidden_count else ""
        context = (
            f"{counted.label}   instrumented   {digits} {unit}, "
            f"{len(counted.functions):,} functions{hidden}"
        )
        lines = [rule_line("Profile", context, width, focused=True), self._header_line(width)]
        room = max(1, height - len(lines))
        self._top = first_visible_row(self._top, self._cursor, len(self._rows), room)
        shown = range(self._top, min(len(self._rows), self._top + room))
        lines += [self._function_line(self._rows[at], width) for at in shown]
        lines = (lines + [blank_line(width)] * height)[:height]
        keys: tuple[int | None, ...] = (None, None, *shown, *[None] * (height - len(shown) - 2))
        return PanelView(tuple(lines), 2 + self._cursor - self._top, keys[:height])

    def _header_line(self, width: int) -> Line:
        row = (
            LineBuilder(width)
            .ending_at(10, "self", "dim")
            .ending_at(33, "total", "dim")
            .ending_at(43, "calls", "dim")
        )
        return row.at(
            45, "function" if not self._open_functions else "callers, then the function", "dim"
        ).line()

    def _function_line(self, item: ProfiledFunction | ProfiledCaller, width: int) -> Line:
        row = LineBuilder(width)
        if isinstance(item, ProfiledFunction):
            digits, unit = text.format_seconds(item.self_s)
            row.figure(7, digits, unit)
            row.at(11, bar(item.self_s / (self._profile.total_s or 1.0), BAR_CELLS)[0], "data")
        digits, unit = text.format_seconds(item.total_s)
        row.figure(30, digits, unit, "plain").ending_at(
            43, text.format_axis_value(item.calls), "dim"
        )
        where = (
            format_place(item.func.file, item.line, max(10, (width - 45) // 2))
            if width >= 64
            else ""
        )
        indent = 2 if self._open_functions and isinstance(item, ProfiledFunction) else 0
        name = text.truncate(item.func.name, max(6, width - 2 - text.width(where) - 45 - indent))
        row.at(45 + indent, name, "accent" if self._matches(item) else "strong")
        if not item.func.file:
            row.then("  built-in", "dim")
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()
