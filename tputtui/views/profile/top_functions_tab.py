"""Hot functions as a page: by their own time; Enter puts one between its callers and its callees, and goes on from there."""

from __future__ import annotations

from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.profile_diff import FunctionDifference
from tputtui.profiling.analysis.top_functions import HotFunction, callees, hottest_first, runs
from tputtui.profiling.analysis.waits import waits
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import BAR_CELLS, TabBody, around, delta, hottest_words, next_of, place, share
from tputtui.views.shared.frame import scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, bar

SORTS: tuple[str, ...] = ("self", "total", "gil", "callers", "function")
_EACH = 200  # callers or callees that are listed


class TopFunctionsTab:
    """A table of functions, or a sandwich of one of them."""

    def __init__(self, study: ProfileAnalysis) -> None:
        self._cursor = self._top = 0
        self._sort, self._inverted = "self", False
        self._centres: list[Function] = []  # gone into by Enter, the innermost last
        self._wanted: Callable[[Function], bool] | None = None
        self._take(study)

    def _take(self, study: ProfileAnalysis) -> None:
        self._study = study
        self._rows = self._sorted()
        self._by_func = {row.func: row for row in study.hot}
        self._layers: tuple[list[tuple[Function | None, float]], list[tuple[Function | None, float]]] = ([], [])
        self._sandwich()

    def _sorted(self) -> list[HotFunction | FunctionDifference]:
        if self._study.before is not None:
            return list(self._study.differences)
        keys: dict[str, Callable[[HotFunction], float | str]] = {
            "self": lambda row: -row.self_,
            "total": lambda row: -row.total,
            "gil": lambda row: -(row.gil or 0.0),
            "callers": lambda row: -row.callers,
            "function": lambda row: row.func.name.casefold(),
        }
        ordered = sorted(self._study.hot, key=keys[self._sort])
        return list(ordered[::-1] if self._inverted else ordered)

    def _sandwich(self) -> None:
        """The layers around the function that was gone into."""
        if not self._centres:
            return
        row = self._row_of(self._centres[-1])
        stacks = self._study.listed_before if self._gone() else self._study.listed
        if row is None or stacks is None:
            self._layers = ([], [])
            return
        funcs = stacks.frames.funcs
        above, below = callees(stacks, row.id)
        self._layers = (
            [(funcs[func] if func >= 0 else None, ratio) for func, ratio in above[:_EACH]][::-1],
            [(funcs[func], ratio) for func, ratio in below[:_EACH]],
        )

    def _row_of(self, func: Function) -> HotFunction | None:
        """A function's figures; of one that a difference calls gone, those before."""
        return self._by_func.get(func) or self._study.hot_before.get(func)

    def _gone(self) -> bool:
        """Does what was gone into exist in the other profile only?"""
        return bool(self._centres) and self._centres[-1] not in self._by_func

    def renew(self, study: ProfileAnalysis) -> None:
        """The cursor stays with its function."""
        func = self._func_at(self._cursor)
        self._take(study)
        self._to(func)

    def _to(self, func: Function | None) -> None:
        at = next((at for at in range(self._count()) if self._func_at(at) == func), None)
        self._cursor = at if at is not None and func is not None else min(self._cursor, max(0, self._count() - 1))

    def _count(self) -> int:
        return len(self._layers[0]) + 1 + len(self._layers[1]) if self._centres else len(self._rows)

    def _func_at(self, at: int) -> Function | None:
        if not self._centres:
            return self._rows[at].func if at < len(self._rows) else None
        above, below = self._layers
        if at < len(above):
            return above[at][0]
        if at == len(above):
            return self._centres[-1]
        return below[at - len(above) - 1][0] if at - len(above) - 1 < len(below) else None

    # ------------------------------------------------------------------------------------------ moving

    def move(self, rows: int) -> None:
        """Up and down."""
        self._cursor = max(0, min(self._count() - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Right is Enter, left is Backspace."""
        if step > 0:
            self.open()
        else:
            self.back()

    def open(self) -> bool:
        """Put the function under the cursor into the middle; one that stands there is opened already."""
        func = self._func_at(self._cursor)
        if func is None or (self._centres and func == self._centres[-1]):
            return False
        self._centres.append(func)
        self._sandwich()
        self._cursor = len(self._layers[0])
        return True

    def back(self) -> bool:
        """To the function before, at last to the table."""
        if not self._centres:
            return False
        left = self._centres.pop()
        self._sandwich()
        self._to(left)
        return True

    def hottest(self) -> str:
        """The function with the most time of its own that is no wait; with only waits, the first of them."""
        self._centres.clear()
        order = hottest_first(self._study.hot)
        if not order:
            return ""
        best = order[0]
        self._to(best.func)
        return hottest_words(best.func.name, best.self_, runs(best.func))

    def point(self, key: int) -> bool:
        """A click."""
        here, self._cursor = self._cursor == key, key
        return here

    def sort(self, step: int) -> str:
        """By the next column. Returns what there is to say."""
        if self._study.before is not None:
            return "a difference is sorted by how sure it is"
        func = self._func_at(self._cursor)
        order = SORTS if self._study.has_gil else tuple(name for name in SORTS if name != "gil")
        at = order.index(self._sort) if self._sort in order else 0
        self._sort = order[(at + step) % len(order)]
        self._rows = self._sorted()
        self._to(func)
        return f"by {self._sort}"

    def invert(self) -> str:
        """The other way round. Returns what there is to say."""
        if self._study.before is not None:
            return "a difference is sorted by how sure it is"
        func = self._func_at(self._cursor)
        self._inverted = not self._inverted
        self._rows = self._sorted()
        self._to(func)
        return ""

    def chosen(self) -> SelectedFunction | None:
        """The function under the cursor."""
        func = self._func_at(self._cursor)
        if func is None:
            return None
        row = self._by_func.get(func)
        if self._study.before is not None:
            was = self._study.hot_before.get(func)
            line = row.line if row is not None else was.line if was is not None else 0
            now, before = (one.total if one is not None else 0.0 for one in (row, was))
            return SelectedFunction(func, line, now, 0.0, heat=self._study.heat(func.file), before=before)
        if row is None:
            return SelectedFunction(func, 0, 0.0, 0.0)
        return SelectedFunction(
            func, row.line, row.total, row.self_, row.gil, self._study.spread(row.id), self._study.heat(func.file)
        )

    def search(self, wanted: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark functions."""
        self._wanted = wanted
        if wanted is None:
            return None
        _, coverage = self._study.tree.matching(wanted)
        return len(self._matches()), coverage

    def _matches(self) -> list[int]:
        if self._wanted is None:
            return []
        return [at for at in range(self._count()) if (func := self._func_at(at)) is not None and self._wanted(func)]

    def to_match(self, step: int) -> bool:
        """The next row that matches."""
        at = next_of(self._matches(), self._cursor if step < 0 or self._cursor else -1, step)
        if at is None:
            return False
        self._cursor = at
        return True

    # ------------------------------------------------------------------------------------------ drawing

    def body(self, width: int, height: int, source: SourceText | None = None) -> TabBody:  # noqa: ARG002 - a page may use it
        """The head and the rows."""
        room = max(0, height - 1)
        self._top = scrolled(self._top, self._cursor, self._count(), max(1, room))
        shown = range(self._top, min(self._count(), self._top + room))
        if self._centres:
            when = "before, now gone: " if self._gone() else ""
            words = f"{when}callers above, callees below; Backspace goes back"
            lines = [LineBuilder(width).at(1, text.cut(words, width - 1), "dim").line()]
            lines += [self._layer(at, width) for at in shown]
        else:
            lines = [self._head(width)]
            lines += [self._line(self._rows[at], width) for at in shown]
        return TabBody(lines, 1 + self._cursor - self._top if self._count() else None, (None, *shown))

    def _head(self, width: int) -> Line:
        row = LineBuilder(width)
        if self._study.before is not None:
            row.ending_at(8, "before", "dim").ending_at(17, "now", "dim").ending_at(26, "Δ points", "dim")
            return row.at(34, "function", "dim").ending_at(width - 1, "% of each profile", "dim").line()

        def title(name: str, x: int) -> None:
            sorted_by = name == self._sort
            mark = ("▲" if self._inverted else "▼") if sorted_by else ""
            row.ending_at(x, f"{name}{mark}", "plain" if sorted_by else "dim")

        title("self", 8)
        title("total", 27)
        x = 27
        if self._study.has_gil:
            x += 7
            title("gil", x)
        if width >= 64:
            x += 9
            title("callers", x)
        mark = ("▲" if self._inverted else "▼") if self._sort == "function" else ""
        row.at(x + 2, f"function{mark}", "plain" if mark else "dim")
        return row.ending_at(width - 1, text.cut(self._study.of_what, max(0, width - 2 - row.end)), "dim").line()

    def _line(self, item: HotFunction | FunctionDifference, width: int) -> Line:
        if isinstance(item, FunctionDifference):
            return self._difference(item, width)
        row = LineBuilder(width)
        waiting = waits(item.func)
        row.ending_at(6, share(item.self_), "plain" if item.self_ < 0.01 else "strong").then(" %", "dim")
        row.at(9, bar(item.self_, BAR_CELLS)[0], "faint" if waiting else "data")
        row.ending_at(27, share(item.total))
        x = 27
        if self._study.has_gil:
            x += 7
            row.ending_at(x, share(item.gil))
        if width >= 64:
            x += 9
            row.ending_at(x, str(item.callers), "dim")
        return self._named(row, x + 2, item.func, item.line, waiting)

    def _difference(self, item: FunctionDifference, width: int) -> Line:
        row = LineBuilder(width)
        role: Role = "dim" if not item.stands else "warning" if item.delta > 0 else "ok"
        row.ending_at(6, share(item.before)).then(" %", "dim")
        row.ending_at(15, share(item.after), "strong").then(" %", "dim")
        row.ending_at(24, delta(item.delta), role).then(" ").then(
            ("▲" if item.delta > 0 else "▼") if item.stands else " ", role
        )
        row.at(27, around(item.spread), "dim")
        word = item.change if item.change in ("new", "gone") else ""
        return self._named(row, 34, item.func, 0, waiting=False, more=word)

    def _layer(self, at: int, width: int) -> Line:
        above, below = self._layers
        func = self._func_at(at)
        if at == len(above):
            found = self._row_of(self._centres[-1])
            ratio, indent, mark = (found.total if found else 0.0), 2, "● "
        else:
            ratio = above[at][1] if at < len(above) else below[at - len(above) - 1][1]
            indent, mark = (0, "") if at < len(above) else (6, "")
        row = LineBuilder(width)
        row.ending_at(6, share(ratio), "strong" if at == len(above) else "plain").then(" %", "dim")
        row.at(9, bar(ratio, BAR_CELLS)[0], "data" if at == len(above) else "faint")
        if func is None:
            return row.at(21 + indent, "started by nobody above", "dim").line()
        found = self._row_of(func)
        row.at(21 + indent, mark, "accent")
        return self._named(row, row.end, func, found.line if found else 0, waits(func))

    def _named(self, row: LineBuilder, x: int, func: Function, line: int, waiting: bool, more: str = "") -> Line:
        width = row.width
        where = place(func.file, line, max(10, (width - x) // 2)) if width >= 64 else ""
        role: Role = "dim" if waiting else "strong"
        if self._wanted is not None and self._wanted(func):
            role = "accent"
        row.at(x, text.cut(func.name, max(6, width - 2 - text.width(where) - x)), role)
        for word in (more, "waiting" if waiting else ""):
            if word:
                row.then(text.cut(f"  {word}", max(0, width - 2 - text.width(where) - row.end)), "dim")
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()
