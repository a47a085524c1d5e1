"""Tab of the call tree: rows that expand, with shares.

In a comparison it shows both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tputtui import text
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.profile_diff import UnionTree
from tputtui.profiling.analysis.tree_rows import TreeRow, TreeRows
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
    note_of,
)
from tputtui.views.shared.frame import first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, bar

SPREAD_WIDTH = 88  # cells from which every row shows its ±
MAX_LINE_NODES = 5_000  # nodes below a node up to which its lines are distinguished at once

_MARKERS = {"open": "▾", "closed": "▸", "leaf": " "}


class TreeTab(ProfileTab):
    """Tree of rows that expand and collapse."""

    column_title: ClassVar[str] = "function"
    expands_hottest: ClassVar[bool] = True  # the hot rows are open and the cursor is on the hottest

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._cursor = self._top = 0
        # Until the user moves, the cursor follows the hottest path.
        self._has_moved = not self.expands_hottest
        self._predicate: Callable[[Function], bool] | None = None
        self._matches: tuple[int, ...] = ()
        self._set_analysis(analysis, None)

    def _set_analysis(self, analysis: ProfileAnalysis, previous: TreeRows | None) -> None:
        self._analysis = analysis
        note = note_of(analysis.table)
        self._union = self._union_tree(analysis)
        if self._union is not None:
            # A thousand unchanged rows would hide the changes, so rows rare on both sides are
            # folded here, too.
            self.rows = TreeRows(self._union.tree, annotate=note)
        else:
            tree = self._call_tree(analysis)
            carries = previous is not None and previous.tree.stacks.frames is tree.stacks.frames
            self.rows = TreeRows(tree, annotate=note, previous=previous if carries else None)
        if not self.rows.expanded and self.expands_hottest:
            self.rows.expand_hot()
        if not self._has_moved:
            self._cursor, _ = self.rows.expand_hottest()
        self._selected: tuple[int, SelectedFunction] | None = None

    def _call_tree(self, analysis: ProfileAnalysis) -> CallTree:
        return analysis.tree

    def _union_tree(self, analysis: ProfileAnalysis) -> UnionTree | None:
        return analysis.union

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis; the same rows stay open and the cursor stays on its function."""
        old = self.rows
        if not len(old):
            self._set_analysis(analysis, None)
            return
        path, func = old.path_at(self._cursor), old.tree.func(old.func_node_at(self._cursor) or 1)
        same = old.tree.options.by_line == analysis.filters.by_line
        self._set_analysis(analysis, old)
        view = self.rows
        if not len(view):
            self._cursor = self._top = 0
            return
        if not self._has_moved:
            return
        if same and view.tree.stacks.frames is old.tree.stacks.frames:
            node = view.tree.find_path(path)
            if node and view.tree.func(node) == func:
                self._cursor = view.reveal(node)
                return
        self.seek(func)

    def seek(self, func: Function) -> None:
        """Put the cursor on the heaviest row of a function.

        It goes to the first row where the function does not occur.
        """
        tree = self.rows.tree
        node = next((node for node in range(1, len(tree)) if tree.func(node) == func), 0)
        self._cursor = self.rows.reveal(node) if node else 0

    # --------------------------------------------------------------------------------------- moving

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._has_moved = True
        self._cursor = max(0, min(len(self.rows) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Expand, then enter (right); collapse, then leave (left)."""
        self._has_moved = True
        if not len(self.rows):
            return
        if step < 0:
            self._cursor = self.rows.collapse(self._cursor)
        elif self.rows.row(self._cursor).marker == "closed":
            self.rows.expand(self._cursor)
        elif self.rows.row(self._cursor).marker == "open":
            self.move(1)

    def open(self) -> bool:
        """Expand or collapse the row under the cursor; False for a leaf."""
        self._has_moved = True
        if not len(self.rows) or self.rows.row(self._cursor).marker == "leaf":
            return False
        self._cursor = self.rows.toggle(self._cursor)
        return True

    def unfold(self) -> bool:
        """Expand the folded chain under the cursor link by link, or fold it again.

        Returns False where there is no chain.
        """
        self._has_moved = True
        before = len(self.rows)
        if before:
            self.rows.toggle_chain(self._cursor)
        return len(self.rows) != before

    def hottest(self) -> str:
        """Expand the heaviest path of the tree."""
        if not len(self.rows):
            return ""
        self._cursor, runs = self.rows.expand_hottest()
        func = self.rows.tree.func(self.rows.func_node_at(self._cursor))
        return describe_hottest(func.name, self.rows.row(self._cursor).total, runs)

    def click(self, row: int) -> bool:
        """Select the row that was clicked."""
        self._has_moved = True
        was_selected = self._cursor == row
        self._cursor = row
        return was_selected

    def selected_function(self) -> SelectedFunction | None:
        """Function under the cursor.

        For a folded chain it is the function in which the time is spent, for a row "N more" the
        function above.
        """
        view = self.rows
        if not len(view):
            return None
        node = view.func_node_at(self._cursor)
        if node <= 0:
            return None
        if self._selected is None or self._selected[0] != node:
            tree = view.tree
            few = tree.end[node] - node <= MAX_LINE_NODES
            heat = tree.line_shares(node) if few else {tree.line[node]: (0.0, tree.share(node))}
            if self._union is not None:
                heat = self._analysis.heat(tree.func(node).file)
            spread = None if self._union is not None else tree.half_width(node)
            total = tree.share(node) if self._union is None else self._union.after[node]
            gil = None if self._union is not None else tree.gil_share(node)
            was = None if self._union is None else self._union.before[node]
            self._selected = (
                node,
                SelectedFunction(
                    tree.func(node),
                    tree.line[node],
                    total,
                    tree.self_share(node),
                    gil,
                    spread,
                    heat,
                    was,
                ),
            )
        return self._selected[1]

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the nodes of the functions that match."""
        self._predicate = predicate
        if predicate is None:
            self._matches = ()
            return None
        nodes, coverage = self.rows.tree.matching_nodes(predicate)
        self._matches = tuple(nodes)
        return len(nodes), coverage

    def go_to_match(self, step: int) -> bool:
        """Go to the next node that matches, also inside folded rows."""
        self._has_moved = True
        if not len(self.rows):
            return False
        row = self.rows.row(self._cursor)
        current = row.last_node if step > 0 and row.node > 0 else self.rows.node_at(self._cursor)
        node = next_place(self._matches, current, step)
        if node is None:
            return False
        self._cursor = self.rows.reveal(node)
        return True

    # -------------------------------------------------------------------------------------- drawing

    def render(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Render the header and the rows."""
        del source
        lines = [self._header_line(width)]
        room = max(0, height - 1)
        self._top = first_visible_row(self._top, self._cursor, len(self.rows), max(1, room))
        rows = self.rows.rows(self._top, room)
        draw = self._row_line if self._union is None else self._difference_line
        lines += [draw(row, width) for row in rows]
        at = 1 + self._cursor - self._top if len(self.rows) else None
        return TabBody(lines, at, (None, *range(self._top, self._top + len(rows))))

    def _header_line(self, width: int) -> Line:
        row = LineBuilder(width)
        if self._union is not None:
            row.ending_at(8, "before", "dim").ending_at(17, "now", "dim").ending_at(
                26, "Δ points", "dim"
            )
            return (
                row.at(28, self.column_title, "dim")
                .ending_at(width - 1, "% of each profile", "dim")
                .line()
            )
        columns = _ColumnLayout(width, self._analysis.has_gil)
        row.ending_at(8, "gil" if self._analysis.filters.metric == "gil" else "total", "dim")
        row.ending_at(columns.self_, "self", "dim")
        if columns.gil:
            row.ending_at(columns.gil, "gil", "dim")
        row.at(columns.function, self.column_title, "dim")
        basis = self._analysis.share_basis
        if len(self.rows) and not columns.spread:
            spread = format_spread(self.rows.row(self._cursor).half_width)
            if spread and row.end + text.width(basis) + text.width(spread) + 10 < width:
                basis = f"{spread} here   {basis}"
        return row.ending_at(
            width - 1, text.truncate(basis, max(0, width - 2 - row.end)), "dim"
        ).line()

    def _row_line(self, item: TreeRow, width: int) -> Line:
        columns = _ColumnLayout(width, self._analysis.has_gil)
        row = LineBuilder(width)
        row.ending_at(6, format_share(item.total), "plain" if item.total < 0.01 else "strong").then(
            " %", "dim"
        )
        if columns.spread:
            row.at(columns.spread, format_spread(item.half_width), "dim")
        waiting = "waiting" in item.notes
        row.at(columns.bar, bar(item.total, columns.bar_cells)[0], "faint" if waiting else "data")
        row.ending_at(
            columns.self_,
            format_share(item.self_),
            "strong" if item.self_ >= 0.1 and not waiting else "plain",
        )
        if columns.gil:
            row.ending_at(columns.gil, format_share(item.gil), "plain")
        return self._finish_line(row, columns.function, item, waiting)

    def _difference_line(self, item: TreeRow, width: int) -> Line:
        """Render one row of the comparison."""
        union = self._union
        if union is None:
            raise AssertionError("a difference is drawn from both trees")
        row = LineBuilder(width)
        role: Role = "dim"
        notes = ""
        if item.node < 0:
            parent = -item.node - 1
            small = [
                child
                for child in union.tree.children(parent)
                if union.tree.share(child) < self.rows.threshold
            ]
            was, now = (
                sum(union.before[child] for child in small),
                sum(union.after[child] for child in small),
            )
        else:
            was, now = union.before[item.node], union.after[item.node]
            change = union.changes[item.node]
            if change != "same":
                role, arrow = ("warning", "▲") if now > was else ("ok", "▼")
                notes = {"new": "▲ new", "gone": "▼ gone"}.get(change, arrow)
        row.ending_at(6, format_share(was)).then(" %", "dim")
        row.ending_at(15, format_share(now), "strong").then(" %", "dim")
        row.ending_at(24, format_points(now - was), role)
        row.at(25, notes[:1], role)
        return self._finish_line(row, 28, item, waiting=False, note=notes[2:])

    def _finish_line(
        self, row: LineBuilder, x: int, item: TreeRow, waiting: bool, note: str = ""
    ) -> Line:
        """Add the function with its indent and notes, and its file and line."""
        width = row.width
        # limited, so that deep chains stay on the screen
        indent = min(item.depth * 2, max(0, (width - x) // 2))
        row.at(x + indent, f"{_MARKERS[item.marker]} ", "accent")
        where = format_place(item.file, item.line, max(10, (width - x) // 3)) if width >= 64 else ""
        room = width - 2 - text.width(where) - row.end
        role: Role = "dim" if item.node < 0 or waiting else "strong"
        if self._predicate is not None and item.node > 0:
            links = map(self.rows.tree.func, range(item.node, item.last_node + 1))
            role = "accent" if any(map(self._predicate, links)) else role
        row.then(text.truncate(item.name, max(6, room)), role)
        for word in (*item.notes, *([note] if note else ())):
            row.then(
                text.truncate(f"  {word}", max(0, width - 2 - text.width(where) - row.end)), "dim"
            )
        return row.ending_at(width - 1, where, "dim").line() if where else row.line()


class _ColumnLayout:
    """Column positions for one width."""

    def __init__(self, width: int, has_gil: bool) -> None:
        self.spread = 9 if width >= SPREAD_WIDTH else 0
        self.bar = 15 if self.spread else 9
        self.bar_cells = BAR_CELLS if width >= 70 else 5
        self.self_ = self.bar + self.bar_cells + 6
        self.gil = self.self_ + 7 if has_gil else 0
        self.function = (self.gil or self.self_) + 2


TAB = TabSpec(
    name="tree",
    title="Call tree",
    short_title="tree",
    help="call tree",
    create=TreeTab,
    lists_functions=True,
)
