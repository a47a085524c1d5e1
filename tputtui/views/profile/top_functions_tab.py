"""Tab of the hottest functions, by self time.

Enter shows a function between its callers and its callees, and continues from there.
"""

from __future__ import annotations

from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.profile_diff import FunctionDifference
from tputtui.profiling.analysis.top_functions import (
    HotFunction,
    callers_and_callees,
    hot_functions,
    hottest_first,
    is_running,
)
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import (
    BAR_CELLS,
    ProfileTab,
    TabBody,
    TabSpec,
    describe_hottest,
    format_place,
    format_points,
    format_share,
    format_spread,
    next_place,
)
from tputtui.views.shared.frame import first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, bar

SORT_COLUMNS: tuple[str, ...] = ("self", "total", "gil", "callers", "function")
_MAX_LISTED = 200  # callers or callees in the list


def functions_before(analysis: ProfileAnalysis) -> dict[Function, HotFunction]:
    """Functions of the other profile, some of which no longer occur in this one."""
    stacks = analysis.listed_stacks_before
    return {} if stacks is None else {row.func: row for row in hot_functions(stacks)}


class TopFunctionsTab(ProfileTab):
    """Table of functions, or one function between its callers and its callees."""

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._cursor = self._top = 0
        self._sort_column, self._is_inverted = "self", False
        self._centers: list[Function] = []  # functions opened with Enter, the innermost last
        self._predicate: Callable[[Function], bool] | None = None
        self._set_analysis(analysis)

    def _set_analysis(self, analysis: ProfileAnalysis) -> None:
        self._analysis = analysis
        self._rows = self._sorted_rows()
        self._by_func = {row.func: row for row in analysis.hot_functions}
        self._layers: tuple[
            list[tuple[Function | None, float]], list[tuple[Function | None, float]]
        ] = ([], [])
        self._update_layers()

    def _sorted_rows(self) -> list[HotFunction | FunctionDifference]:
        if self._analysis.before is not None:
            return list(self._analysis.differences)
        keys: dict[str, Callable[[HotFunction], float | str]] = {
            "self": lambda row: -row.self_,
            "total": lambda row: -row.total,
            "gil": lambda row: -(row.gil or 0.0),
            "callers": lambda row: -row.caller_count,
            "function": lambda row: row.func.name.casefold(),
        }
        ordered = sorted(self._analysis.hot_functions, key=keys[self._sort_column])
        return list(ordered[::-1] if self._is_inverted else ordered)

    def _update_layers(self) -> None:
        """Update the callers and callees of the function that was opened."""
        if not self._centers:
            return
        row = self._function_row(self._centers[-1])
        stacks = (
            self._analysis.listed_stacks_before if self._is_gone() else self._analysis.listed_stacks
        )
        if row is None or stacks is None:
            self._layers = ([], [])
            return
        funcs = stacks.frames.funcs
        above, below = callers_and_callees(stacks, row.id)
        self._layers = (
            [(funcs[func] if func >= 0 else None, ratio) for func, ratio in above[:_MAX_LISTED]][
                ::-1
            ],
            [(funcs[func], ratio) for func, ratio in below[:_MAX_LISTED]],
        )

    def _function_row(self, func: Function) -> HotFunction | None:
        """Figures of a function; from the other profile if the function no longer occurs."""
        return self._by_func.get(func) or self._analysis.derive(functions_before).get(func)

    def _is_gone(self) -> bool:
        """Return whether the opened function exists in the other profile only."""
        return bool(self._centers) and self._centers[-1] not in self._by_func

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis; the cursor stays on its function."""
        func = self._function_at(self._cursor)
        self._set_analysis(analysis)
        self._move_to(func)

    def _move_to(self, func: Function | None) -> None:
        at = next((at for at in range(self._row_count()) if self._function_at(at) == func), None)
        self._cursor = (
            at
            if at is not None and func is not None
            else min(self._cursor, max(0, self._row_count() - 1))
        )

    def _row_count(self) -> int:
        return len(self._layers[0]) + 1 + len(self._layers[1]) if self._centers else len(self._rows)

    def _function_at(self, index: int) -> Function | None:
        if not self._centers:
            return self._rows[index].func if index < len(self._rows) else None
        above, below = self._layers
        if index < len(above):
            return above[index][0]
        if index == len(above):
            return self._centers[-1]
        return below[index - len(above) - 1][0] if index - len(above) - 1 < len(below) else None

    # --------------------------------------------------------------------------------------- moving

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._cursor = max(0, min(self._row_count() - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Open the selected function (right) or go back (left)."""
        if step > 0:
            self.open()
        else:
            self.back()

    def open(self) -> bool:
        """Centre the function under the cursor; False for the function that is centred already."""
        func = self._function_at(self._cursor)
        if func is None or (self._centers and func == self._centers[-1]):
            return False
        self._centers.append(func)
        self._update_layers()
        self._cursor = len(self._layers[0])
        return True

    def back(self) -> bool:
        """Return to the previous function, finally to the table."""
        if not self._centers:
            return False
        center = self._centers.pop()
        self._update_layers()
        self._move_to(center)
        return True

    def hottest(self) -> str:
        """Go to the function with the most self time that is not waiting.

        Where all functions wait, it is the first of them.
        """
        self._centers.clear()
        order = hottest_first(self._analysis.hot_functions)
        if not order:
            return ""
        best = order[0]
        self._move_to(best.func)
        return describe_hottest(best.func.name, best.self_, is_running(best.func))

    def click(self, row: int) -> bool:
        """Select the row that was clicked."""
        was_selected = self._cursor == row
        self._cursor = row
        return was_selected

    def sort(self, step: int) -> str:
        """Sort by the next column and return a message for the status line."""
        if self._analysis.before is not None:
            return "a difference is sorted by how sure it is"
        func = self._function_at(self._cursor)
        order = (
            SORT_COLUMNS
            if self._analysis.has_gil
            else tuple(name for name in SORT_COLUMNS if name != "gil")
        )
        at = order.index(self._sort_column) if self._sort_column in order else 0
        self._sort_column = order[(at + step) % len(order)]
        self._rows = self._sorted_rows()
        self._move_to(func)
        return f"by {self._sort_column}"

    def invert(self) -> str:
        """Reverse the order and return a message for the status line."""
        if self._analysis.before is not None:
            return "a difference is sorted by how sure it is"
        func = self._function_at(self._cursor)
        self._is_inverted = not self._is_inverted
        self._rows = self._sorted_rows()
        self._move_to(func)
        return ""

    def selected_function(self) -> SelectedFunction | None:
        """Function under the cursor."""
        func = self._function_at(self._cursor)
        if func is None:
            return None
        row = self._by_func.get(func)
        if self._analysis.before is not None:
            row_before = self._analysis.derive(functions_before).get(func)
            shown = row or row_before
            return SelectedFunction(
                func,
                shown.line if shown is not None else 0,
                row.total if row is not None else 0.0,
                0.0,
                heat=self._analysis.heat(func.file),
                before=row_before.total if row_before is not None else 0.0,
            )
        if row is None:
            return SelectedFunction(func, 0, 0.0, 0.0)
        return SelectedFunction(
            func,
            row.line,
            row.total,
            row.self_,
            row.gil,
            self._analysis.spread(row.id),
            self._analysis.heat(func.file),
        )

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the functions that match."""
        self._predicate = predicate
        if predicate is None:
            return None
        _, coverage = self._analysis.tree.matching_nodes(predicate)
        return len(self._matches()), coverage

    def _matches(self) -> list[int]:
        if self._predicate is None:
            return []
        return [
            at
            for at in range(self._row_count())
            if (func := self._function_at(at)) is not None and self._predicate(func)
        ]

    def go_to_match(self, step: int) -> bool:
        """Go to the next row that matches."""
        at = next_place(self._matches(), self._cursor if step < 0 or self._cursor else -1, step)
        if at is None:
            return False
        self._cursor = at
        return True

    # -------------------------------------------------------------------------------------- drawing

    def render(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Render the header and the rows."""
        del source
        room = max(0, height - 1)
        self._top = first_visible_row(self._top, self._cursor, self._row_count(), max(1, room))
        shown = range(self._top, min(self._row_count(), self._top + room))
        if self._centers:
            when = "before, now gone: " if self._is_gone() else ""
            help_text = f"{when}callers above, callees below; Backspace goes back"
            lines = [LineBuilder(width).at(1, text.truncate(help_text, width - 1), "dim").line()]
            lines += [self._layer_line(at, width) for at in shown]
        else:
            lines = [self._header_line(width)]
            lines += [self._function_line(self._rows[at], width) for at in shown]
        return TabBody(
            lines, 1 + self._cursor - self._top if self._row_count() else None, (None, *shown)
        )

    def _header_line(self, width: int) -> Line:
        row = LineBuilder(width)
        if self._analysis.before is not None:
            row.ending_at(8, "before", "dim").ending_at(17, "now", "dim").ending_at(
                26, "Δ points", "dim"
            )
            return (
                row.at(34, "function", "dim")
                .ending_at(width - 1, "% of each profile", "dim")
                .line()
            )

        arrow = "▲" if self._is_inverted else "▼"
        titles: dict[str, tuple[str, Role]] = {name: (name, "dim") for name in SORT_COLUMNS}
        titles[self._sort_column] = (f"{self._sort_column}{arrow}", "plain")
        row.ending_at(8, *titles["self"]).ending_at(27, *titles["total"])
        x = 27
        if self._analysis.has_gil:
            x += 7
            row.ending_at(x, *titles["gil"])
        if width >= 64:
            x += 9
            row.ending_at(x, *titles["callers"])
        row.at(x + 2, *titles["function"])
        return row.ending_at(
            width - 1, text.truncate(self._analysis.share_basis, max(0, width - 2 - row.end)), "dim"
        ).line()

    def _function_line(self, item: HotFunction | FunctionDifference, width: int) -> Line:
        if isinstance(item, FunctionDifference):
            return self._difference_line(item, width)
        row = LineBuilder(width)
        waiting = is_waiting(item.func)
        row.ending_at(6, format_share(item.self_), "plain" if item.self_ < 0.01 else "strong").then(
            " %", "dim"
        )
        row.at(9, bar(item.self_, BAR_CELLS)[0], "faint" if waiting else "data")
        row.ending_at(27, format_share(item.total))
        x = 27
        if self._analysis.has_gil:
            x += 7
            row.ending_at(x, format_share(item.gil))
        if width >= 64:
            x += 9
            row.ending_at(x, str(item.caller_count), "dim")
        return self._finish_line(row, x + 2, item.func, item.line, waiting)

    def _difference_line(self, item: FunctionDifference, width: int) -> Line:
        row = LineBuilder(width)
        role: Role = "dim"
        arrow = " "
        if item.is_significant:
            role, arrow = ("warning", "▲") if item.delta > 0 else ("ok", "▼")
        row.ending_at(6, format_share(item.before)).then(" %", "dim")
        row.ending_at(15, format_share(item.after), "strong").then(" %", "dim")
        row.ending_at(24, format_points(item.delta), role).then(" ").then(arrow, role)
        row.at(27, format_spread(item.half_width), "dim")
        note = item.change if item.change in ("new", "gone") else ""
        return self._finish_line(row, 34, item.func, 0, waiting=False, note=note)

    def _layer_line(self, index: int, width: int) -> Line:
        above, below = self._layers
        func = self._function_at(index)
        figures = self._function_row(func) if func is not None else None
        is_center = index == len(above)
        if is_center:
            ratio, indent = (figures.total if figures is not None else 0.0), 2
        elif index < len(above):
            ratio, indent = above[index][1], 0
        else:
            ratio, indent = below[index - len(above) - 1][1], 6
        row = LineBuilder(width)
        row.ending_at(6, format_share(ratio), "strong" if is_center else "plain").then(" %", "dim")
        row.at(9, bar(ratio, BAR_CELLS)[0], "data" if is_center else "faint")
        if func is None:
            return row.at(21 + indent, "started by no function", "dim").line()
        row.at(21 + indent, "● " if is_center else "", "accent")
        line = figures.line if figures is not None else 0
        return self._finish_line(row, row.end, func, line, is_waiting(func))

    def _finish_line(
        self, row: LineBuilder, x: int, func: Function, line: int, waiting: bool, note: str = ""
    ) -> Line:
        width = row.width
        where = format_place(func.file, line, max(10, (width - x) // 2)) if width >= 64 else ""
        role: Role = "dim" if waiting else "strong"
        if self._predicate is not None and self._predicate(func):
            role = "accent"
        row.at(x, text.truncate(func.name, max(6, width - 2 - text.width(where) - x)), role)
        for word in (note, "waiting" if waiting else ""):
            if word:
                row.then(
                    text.truncate(f"  {word}", max(0, width - 2 - text.width(where) - row.end)),
                    "dim",
                )
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()


TAB = TabSpec(
    name="hot",
    title="Hot functions",
    short_title="hot",
    help="hot functions",
    create=TopFunctionsTab,
    lists_functions=True,
)
