"""Tab of the flame graph: boxes as wide as their share, callers above callees.

The colours show the category of the code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.flame_graph import FlameBox, breadcrumb, layout_boxes
from tputtui.profiling.analysis.profile_diff import UnionTree
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import (
    CATEGORY_LABELS,
    CATEGORY_ROLES,
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
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, merge_spans


class FlameTab(ProfileTab):
    """Flame graph as boxes; the selected box is the brightest."""

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._zoom = 0
        self._node = 1
        self._top = 0
        self._predicate: Callable[[Function], bool] | None = None
        self._matches: tuple[int, ...] = ()
        self._rows: list[list[FlameBox]] = []
        self._layout_key: tuple[int, int, int] | None = None
        self._set_analysis(analysis)

    def _set_analysis(self, analysis: ProfileAnalysis) -> None:
        self._analysis = analysis
        self._union: UnionTree | None = analysis.union
        self._tree: CallTree = analysis.tree if self._union is None else self._union.tree
        self._layout_key = None

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis; selected box and zoom stay, as far as they still exist."""
        old = self._tree
        node, zoom = (old.path(at) if at < len(old) else () for at in (self._node, self._zoom))
        self._set_analysis(analysis)
        same = (
            old.stacks.frames is self._tree.stacks.frames
            and old.options.by_line == self._tree.options.by_line
        )
        self._zoom = self._tree.find_path(zoom) if same else 0
        self._node = (self._tree.find_path(node) if same else 0) or (
            1 if len(self._tree) > 1 else 0
        )

    # --------------------------------------------------------------------------------------- moving

    def move(self, rows: int) -> None:
        """Move down to the heaviest callee or up to the caller.

        The top end is the box that fills the width.
        """
        for _ in range(min(abs(rows), 10_000)):
            tree, node = self._tree, self._node
            if rows > 0 and node < len(tree) and tree.end[node] > node + 1:
                self._node = node + 1
            elif rows < 0 and node != self._zoom and tree.parent[node] > 0:
                self._node = tree.parent[node]
            else:
                return

    def sideways(self, step: int) -> None:
        """Move to the neighbour in the same row, whatever its caller."""
        row = next((row for row in self._rows if any(box.node == self._node for box in row)), None)
        if row is None:
            return
        nodes = [box.node for box in row if box.node > 0]
        at = nodes.index(self._node) + step
        if 0 <= at < len(nodes):
            self._node = nodes[at]

    def open(self) -> bool:
        """Let the selected box fill the width; if it does already, show the whole graph."""
        self._zoom = 0 if self._zoom == self._node else self._node
        return True

    def back(self) -> bool:
        """Zoom out to the next caller that is wider."""
        if self._zoom <= 0:
            return False
        tree, width = self._tree, self._tree.total[self._zoom]
        self._zoom = tree.parent[self._zoom]
        while self._zoom > 0 and tree.total[self._zoom] <= width:
            self._zoom = tree.parent[self._zoom]
        return True

    def hottest(self) -> str:
        """Select the heaviest path."""
        tree = self._tree
        if len(tree) < 2:
            return ""
        path, runs = tree.hottest_path(self._zoom)
        self._node = path[-1]
        return describe_hottest(tree.func(self._node).name, tree.share(self._node), runs)

    def selected_function(self) -> SelectedFunction | None:
        """Function of the selected box."""
        tree, node = self._tree, self._node
        if not 0 < node < len(tree):
            return None
        if self._union is not None:
            return SelectedFunction(
                tree.func(node),
                tree.line[node],
                self._union.after[node],
                0.0,
                heat=self._analysis.heat(tree.func(node).file),
                before=self._union.before[node],
            )
        return SelectedFunction(
            tree.func(node),
            tree.line[node],
            tree.share(node),
            tree.self_share(node),
            tree.gil_share(node),
            tree.half_width(node),
        )

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the boxes of functions that match."""
        self._predicate = predicate
        if predicate is None:
            self._matches = ()
            return None
        nodes, coverage = self._tree.matching_nodes(predicate)
        self._matches = tuple(nodes)
        return len(nodes), coverage

    def go_to_match(self, step: int) -> bool:
        """Go to the next box that matches; zoom out where it is outside of the zoom."""
        node = next_place(self._matches, self._node, step)
        if node is None:
            return False
        self._node = node
        inside = self._zoom <= node < self._tree.end[self._zoom]
        if not inside:
            self._zoom = 0
        return True

    def breadcrumbs(self) -> list[str]:
        """Callers of the box that fills the width, and the box itself; empty without zoom."""
        return [self._tree.func(node).name for node in breadcrumb(self._tree, self._zoom)]

    # -------------------------------------------------------------------------------------- drawing

    def render(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Render the description of the selected box, then the boxes."""
        del source
        lines = [self._status_line(width)]
        cells = max(1, width - 2)
        room = max(1, height - 1)
        depth = (
            max(0, self._tree.depth[self._node] - self._tree.depth[self._zoom])
            if len(self._tree) > 1
            else 0
        )
        depth -= 0 if self._zoom else 1
        self._update_layout(cells, self._top + room + depth + 1)
        self._top = first_visible_row(self._top, max(0, depth), len(self._rows), room)
        shown = self._rows[self._top : self._top + room]
        lines += [self._box_line(row, width, cells) for row in shown]
        return TabBody(lines, None, (), frozenset(range(1, len(lines))))

    def _update_layout(self, cells: int, rows: int) -> None:
        rows = -(-rows // 64) * 64  # rounded up, so that scrolling by a step needs no new layout
        if self._layout_key != (cells, rows, self._zoom):
            self._layout_key = (cells, rows, self._zoom)
            above = max(0, self._tree.depth[self._zoom] - 1) if self._zoom else 0
            box_rows = layout_boxes(self._tree, float(cells), self._zoom, rows + above)
            self._rows = [row for row in box_rows if not row[0].is_ancestor]

    def _status_line(self, width: int) -> Line:
        selected = self.selected_function()
        row = LineBuilder(width).at(1, "")
        if selected is None:
            return row.then("nothing to draw", "dim").line()
        row.then(text.truncate(selected.func.name, max(10, width // 3)), "strong")
        row.then(f"  {format_share(selected.total)}", "strong").then(" %", "dim")
        if selected.before is not None:
            points = format_points(selected.total - selected.before)
            row.then(f"  was {format_share(selected.before)} %, {points} points")
        else:
            row.then(f" {format_spread(selected.spread)}".rstrip(), "dim")
            row.then(f"  self {format_share(selected.self_)} %")
        row.then(f"  {format_place(selected.func.file, selected.line, 40)}", "dim")
        basis = "% of each profile" if selected.before is not None else self._analysis.share_basis
        return row.ending_at(
            width - 1, text.truncate(basis, max(0, width - 3 - row.end)), "dim"
        ).line()

    def _box_line(self, row: list[FlameBox], width: int, cells: int) -> Line:
        spans: list[TextSpan] = []
        at = 0
        for number, box in enumerate(row):
            start, end = math.floor(box.start + 0.5), math.floor(box.start + box.width + 0.5)
            if (
                number + 1 < len(row)
                and row[number + 1].node < 0
                and _box_width(row[number + 1]) < 1
                and end - start > 1
            ):
                end -= 1  # room for the sign of boxes that are too narrow
            start, end = max(at, start), min(cells, end)
            if box.node < 0 and end <= start:
                end = min(cells, start + 1)
            if end <= start:
                continue
            spans.append(TextSpan(" " * (start - at), "plain"))
            spans.append(TextSpan(self._label(box, end - start), self._role(box)))
            at = end
        return LineBuilder(width).at(1, "").spans(merge_spans(spans)).line()

    def _label(self, box: FlameBox, cells: int) -> str:
        if box.node < 0:
            return text.align_left(
                f"·{box.merged_count}" if cells > len(str(box.merged_count)) else "·", cells
            )
        mark = ""
        if self._union is not None and (change := self._union.changes[box.node]) != "same":
            mark = {"new": "▲new ", "gone": "▼gone "}.get(
                change, "▲ " if self._union.delta(box.node) > 0 else "▼ "
            )
        return (
            text.align_left(f"▏{mark}{self._tree.func(box.node).name}", cells) if cells > 1 else "▏"
        )

    def _role(self, box: FlameBox) -> Role:
        if box.node < 0:
            return "rule"
        if box.node == self._node:
            return "strong"
        func = self._tree.func(box.node)
        if self._predicate is not None and self._predicate(func):
            return "badge"
        if self._union is not None:
            if self._union.changes[box.node] == "same":
                return "dim"
            return "warning" if self._union.delta(box.node) > 0 else "ok"
        return CATEGORY_ROLES[self._analysis.table.category(func)]


def _box_width(box: FlameBox) -> int:
    return math.floor(box.start + box.width + 0.5) - math.floor(box.start + 0.5)


def legend(analysis: ProfileAnalysis) -> list[tuple[str, Role, str]]:
    """List (box, role, description) of each category that was sampled."""
    return [
        (
            "■ ",
            CATEGORY_ROLES[category],
            f"{CATEGORY_LABELS.get(category, category)} {text.format_percent(ratio * 100)} %",
        )
        for category, ratio in analysis.category_shares.items()
        if ratio > 0
    ]


TAB = TabSpec(
    name="flame",
    title="Flame",
    short_title="flame",
    help="flame graph",
    create=FlameTab,
    legend=legend,
)
