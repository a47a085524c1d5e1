"""The call tree and the callers as a page: rows that open and close, with their shares; with another profile, both sides."""

from __future__ import annotations

from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.profile_diff import UnionTree
from tputtui.profiling.analysis.tree_rows import TreeRow as TreeRow
from tputtui.profiling.analysis.tree_rows import TreeRows
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import (
    BAR_CELLS,
    TabBody,
    around,
    delta,
    hottest_words,
    next_of,
    note_of,
    place,
    share,
)
from tputtui.views.shared.frame import scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, bar

SPREAD_WIDTH = 88  # cells from which on every row has its ±
LINES_BELOW = 5_000  # nodes below one whose lines are told apart at once

_MARKERS = {"open": "▾", "closed": "▸", "leaf": " "}


class TreeTab:
    """A tree of rows."""

    def __init__(self, study: ProfileAnalysis, *, callers: bool = False) -> None:
        self._callers = callers
        self._cursor = self._top = 0
        self._moved = callers  # until the user moves, the cursor is where the time is spent
        self._wanted: Callable[[Function], bool] | None = None
        self._matches: tuple[int, ...] = ()
        self._take(study, None)

    def _take(self, study: ProfileAnalysis, like: TreeRows | None) -> None:
        self._study = study
        note = note_of(study.table)
        self._union: UnionTree | None = study.callers_union if self._callers else study.union
        if self._union is not None:
            # A thousand rows of "same" hide what changed: what is rare on both sides folds here, too.
            self.view = TreeRows(self._union.tree, note=note)
        else:
            tree = study.callers_tree if self._callers else study.tree
            carries = like is not None and like.tree.stacks.frames is tree.stacks.frames
            self.view = TreeRows(tree, note=note, like=like if carries else None)
        if not self.view.expanded and not self._callers:
            self.view.open_hot()
        if not self._moved:
            self._cursor, _ = self.view.open_hottest()
        self._chosen: tuple[int, SelectedFunction] | None = None

    def renew(self, study: ProfileAnalysis) -> None:
        """The same rows stay open, the cursor stays on its function."""
        old = self.view
        if not len(old):
            self._take(study, None)
            return
        path, func = old.path_at(self._cursor), old.tree.func(old.subject_at(self._cursor) or 1)
        same = old.tree.shape.lines == study.knobs.lines
        self._take(study, old)
        view = self.view
        if not len(view):
            self._cursor = self._top = 0
            return
        if not self._moved:
            return
        if same and view.tree.stacks.frames is old.tree.stacks.frames:
            node = view.tree.find(path)
            if node and view.tree.func(node) == func:
                self._cursor = view.reveal(node)
                return
        self.seek(func)

    def seek(self, func: Function) -> None:
        """Put the cursor on the heaviest row of a function; on the first row where it is not here."""
        tree = self.view.tree
        node = next((node for node in range(1, len(tree)) if tree.func(node) == func), 0)
        self._cursor = self.view.reveal(node) if node else 0

    # ------------------------------------------------------------------------------------------ moving

    def move(self, rows: int) -> None:
        """Up and down."""
        self._moved = True
        self._cursor = max(0, min(len(self.view) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Right opens, then goes in; left closes, then goes out."""
        self._moved = True
        if not len(self.view):
            return
        if step < 0:
            self._cursor = self.view.collapse(self._cursor)
        elif self.view.row(self._cursor).marker == "closed":
            self.view.expand(self._cursor)
        elif self.view.row(self._cursor).marker == "open":
            self.move(1)

    def open(self) -> bool:
        """Enter: open or close; a leaf is neither."""
        self._moved = True
        if not len(self.view) or self.view.row(self._cursor).marker == "leaf":
            return False
        self._cursor = self.view.toggle(self._cursor)
        return True

    def unfold(self) -> bool:
        """Show the chain under the cursor link by link, or fold it again; False where there is none."""
        self._moved = True
        before = len(self.view)
        if before:
            self.view.unfold(self._cursor)
        return len(self.view) != before

    def back(self) -> bool:
        """Nothing to come back from."""
        return False

    def hottest(self) -> str:
        """Open the heaviest path of all."""
        if not len(self.view):
            return ""
        self._cursor, runs = self.view.open_hottest()
        func = self.view.tree.func(self.view.subject_at(self._cursor))
        return hottest_words(func.name, self.view.row(self._cursor).total, runs)

    def point(self, key: int) -> bool:
        """A click."""
        self._moved = True
        here, self._cursor = self._cursor == key, key
        return here

    def chosen(self) -> SelectedFunction | None:
        """The function of the row; of a chain the one where its time is, of "N more" the one above."""
        view = self.view
        if not len(view):
            return None
        node = view.subject_at(self._cursor)
        if node <= 0:
            return None
        if self._chosen is None or self._chosen[0] != node:
            tree = view.tree
            few = tree.end[node] - node <= LINES_BELOW
            heat = tree.lines(node) if few else {tree.line[node]: (0.0, tree.share(node))}
            if self._union is not None:
                heat = self._study.heat(tree.func(node).file)
            spread = None if self._union is not None else tree.spread(node)
            total = tree.share(node) if self._union is None else self._union.after[node]
            gil = None if self._union is not None else tree.gil_share(node)
            was = None if self._union is None else self._union.before[node]
            self._chosen = (
                node,
                SelectedFunction(
                    tree.func(node), tree.line[node], total, tree.self_share(node), gil, spread, heat, was
                ),
            )
        return self._chosen[1]

    def search(self, wanted: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the nodes of functions."""
        self._wanted = wanted
        if wanted is None:
            self._matches = ()
            return None
        nodes, coverage = self.view.tree.matching(wanted)
        self._matches = tuple(nodes)
        return len(nodes), coverage

    def to_match(self, step: int) -> bool:
        """The next node that matches, wherever it is folded away."""
        self._moved = True
        if not len(self.view):
            return False
        row = self.view.row(self._cursor)
        here = row.last if step > 0 and row.node > 0 else self.view.node_at(self._cursor)
        node = next_of(self._matches, here, step)
        if node is None:
            return False
        self._cursor = self.view.reveal(node)
        return True

    # ------------------------------------------------------------------------------------------ drawing

    def body(self, width: int, height: int, source: SourceText | None = None) -> TabBody:  # noqa: ARG002 - a page may use it
        """The head and the rows."""
        lines = [self._head(width)]
        room = max(0, height - 1)
        self._top = scrolled(self._top, self._cursor, len(self.view), max(1, room))
        rows = self.view.rows(self._top, room)
        draw = self._row if self._union is None else self._both
        lines += [draw(row, width) for row in rows]
        at = 1 + self._cursor - self._top if len(self.view) else None
        return TabBody(lines, at, (None, *range(self._top, self._top + len(rows))))

    def _head(self, width: int) -> Line:
        row = LineBuilder(width)
        title = "function, then who called it" if self._callers else "function"
        if self._union is not None:
            row.ending_at(8, "before", "dim").ending_at(17, "now", "dim").ending_at(26, "Δ points", "dim")
            return row.at(28, title, "dim").ending_at(width - 1, "% of each profile", "dim").line()
        columns = _Columns(width, self._study.has_gil)
        row.ending_at(8, "gil" if self._study.knobs.metric == "gil" else "total", "dim")
        row.ending_at(columns.self_, "self", "dim")
        if columns.gil:
            row.ending_at(columns.gil, "gil", "dim")
        row.at(columns.function, title, "dim")
        own = around(self.view.row(self._cursor).spread) if len(self.view) and not columns.spread else ""
        what = self._study.of_what
        said = f"{own} here   {what}" if own and row.end + text.width(what) + text.width(own) + 10 < width else what
        return row.ending_at(width - 1, text.cut(said, max(0, width - 2 - row.end)), "dim").line()

    def _row(self, item: TreeRow, width: int) -> Line:
        columns = _Columns(width, self._study.has_gil)
        row = LineBuilder(width)
        row.ending_at(6, share(item.total), "plain" if item.total < 0.01 else "strong").then(" %", "dim")
        if columns.spread:
            row.at(columns.spread, around(item.spread), "dim")
        waiting = "waiting" in item.notes
        row.at(columns.bar, bar(item.total, columns.bar_cells)[0], "faint" if waiting else "data")
        row.ending_at(columns.self_, share(item.self_), "strong" if item.self_ >= 0.1 and not waiting else "plain")
        if columns.gil:
            row.ending_at(columns.gil, share(item.gil), "plain")
        return self._named(row, columns.function, item, waiting)

    def _both(self, item: TreeRow, width: int) -> Line:
        """A row of the difference."""
        union = self._union
        if union is None:
            raise AssertionError("a difference is drawn from both trees")
        row = LineBuilder(width)
        notes = ""
        if item.node < 0:
            parent = -item.node - 1
            small = [child for child in union.tree.children(parent) if union.tree.share(child) < self.view.threshold]
            was, now = sum(union.before[child] for child in small), sum(union.after[child] for child in small)
            role: Role = "dim"
        else:
            was, now = union.before[item.node], union.after[item.node]
            change = union.changes[item.node]
            role = "dim" if change == "same" else "warning" if now > was else "ok"
            notes = (
                "" if change == "same" else {"new": "▲ new", "gone": "▼ gone"}.get(change, "▲" if now > was else "▼")
            )
        row.ending_at(6, share(was)).then(" %", "dim")
        row.ending_at(15, share(now), "strong").then(" %", "dim")
        row.ending_at(24, delta(now - was), role)
        row.at(25, notes[:1], role)
        return self._named(row, 28, item, waiting=False, more=notes[2:])

    def _named(self, row: LineBuilder, x: int, item: TreeRow, waiting: bool, more: str = "") -> Line:
        """The function with its indent and notes, and where it stands."""
        width = row.width
        indent = min(item.depth * 2, max(0, (width - x) // 2))  # deep chains stay on the screen
        row.at(x + indent, f"{_MARKERS[item.marker]} ", "accent")
        where = place(item.file, item.line, max(10, (width - x) // 3)) if width >= 64 else ""
        room = width - 2 - text.width(where) - row.end
        role: Role = "dim" if item.node < 0 or waiting else "strong"
        if self._wanted is not None and item.node > 0:
            links = map(self.view.tree.func, range(item.node, item.last + 1))
            role = "accent" if any(map(self._wanted, links)) else role
        row.then(text.cut(item.name, max(6, room)), role)
        for word in (*item.notes, *([more] if more else ())):
            row.then(text.cut(f"  {word}", max(0, width - 2 - text.width(where) - row.end)), "dim")
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()


class _Columns:
    """Where what stands, for a width."""

    def __init__(self, width: int, has_gil: bool) -> None:
        self.spread = 9 if width >= SPREAD_WIDTH else 0
        self.bar = 15 if self.spread else 9
        self.bar_cells = BAR_CELLS if width >= 70 else 5
        self.self_ = self.bar + self.bar_cells + 6
        self.gil = self.self_ + 7 if has_gil else 0
        self.function = (self.gil or self.self_) + 2
