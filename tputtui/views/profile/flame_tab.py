"""The flame graph as a page: boxes as wide as their share, callers above callees; colours say whose code it is."""

from __future__ import annotations

import math
from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.flame_graph import FlameBox, breadcrumb, layout
from tputtui.profiling.analysis.profile_diff import UnionTree
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import (
    CATEGORY_ROLES,
    CATEGORY_WORDS,
    TabBody,
    around,
    delta,
    hottest_words,
    next_of,
    place,
    share,
)
from tputtui.views.shared.frame import scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, merge


class FlameTab:
    """Boxes; the chosen one is the brightest."""

    def __init__(self, study: ProfileAnalysis) -> None:
        self._zoom = 0
        self._node = 1
        self._top = 0
        self._wanted: Callable[[Function], bool] | None = None
        self._matches: tuple[int, ...] = ()
        self._rows: list[list[FlameBox]] = []
        self._laid: tuple[int, int, int] | None = None
        self._take(study)

    def _take(self, study: ProfileAnalysis) -> None:
        self._study = study
        self._union: UnionTree | None = study.union
        self._tree: CallTree = study.tree if self._union is None else self._union.tree
        self._laid = None

    def renew(self, study: ProfileAnalysis) -> None:
        """The chosen box and the zoom stay where they were, as far as they are there."""
        old = self._tree
        node, zoom = (old.path(at) if at < len(old) else () for at in (self._node, self._zoom))
        self._take(study)
        same = old.stacks.frames is self._tree.stacks.frames and old.shape.lines == self._tree.shape.lines
        self._zoom = self._tree.find(zoom) if same else 0
        self._node = (self._tree.find(node) if same else 0) or (1 if len(self._tree) > 1 else 0)

    # ------------------------------------------------------------------------------------------ moving

    def move(self, rows: int) -> None:
        """Down to the heaviest callee, up to the caller; no further up than what fills the width."""
        for _ in range(min(abs(rows), 10_000)):
            tree, node = self._tree, self._node
            if rows > 0 and node < len(tree) and tree.end[node] > node + 1:
                self._node = node + 1
            elif rows < 0 and node != self._zoom and tree.parent[node] > 0:
                self._node = tree.parent[node]
            else:
                return

    def sideways(self, step: int) -> None:
        """The neighbour in the row, whoever called it."""
        row = next((row for row in self._rows if any(box.node == self._node for box in row)), None)
        if row is None:
            return
        nodes = [box.node for box in row if box.node > 0]
        at = nodes.index(self._node) + step
        if 0 <= at < len(nodes):
            self._node = nodes[at]

    def open(self) -> bool:
        """Let the chosen box fill the width."""
        self._zoom = 0 if self._zoom == self._node else self._node
        return True

    def back(self) -> bool:
        """Zoom out by one caller that is wider."""
        if self._zoom <= 0:
            return False
        tree, width = self._tree, self._tree.total[self._zoom]
        self._zoom = tree.parent[self._zoom]
        while self._zoom > 0 and tree.total[self._zoom] <= width:
            self._zoom = tree.parent[self._zoom]
        return True

    def hottest(self) -> str:
        """The heaviest path."""
        tree = self._tree
        if len(tree) < 2:
            return ""
        path, runs = tree.hottest(self._zoom)
        self._node = path[-1]
        return hottest_words(tree.func(self._node).name, tree.share(self._node), runs)

    def point(self, key: int) -> bool:
        """Rows are lines of boxes: a click chooses none of them."""
        del key
        return False

    def chosen(self) -> SelectedFunction | None:
        """The chosen box."""
        tree, node = self._tree, self._node
        if not 0 < node < len(tree):
            return None
        if self._union is not None:
            return SelectedFunction(
                tree.func(node), tree.line[node], self._union.after[node], 0.0,
                heat=self._study.heat(tree.func(node).file), before=self._union.before[node],
            )  # fmt: skip
        return SelectedFunction(
            tree.func(node), tree.line[node], tree.share(node), tree.self_share(node), tree.gil_share(node), tree.spread(node)
        )  # fmt: skip

    def search(self, wanted: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark boxes."""
        self._wanted = wanted
        if wanted is None:
            self._matches = ()
            return None
        nodes, coverage = self._tree.matching(wanted)
        self._matches = tuple(nodes)
        return len(nodes), coverage

    def to_match(self, step: int) -> bool:
        """The next box that matches; one outside of the zoom, or too narrow, is zoomed to."""
        node = next_of(self._matches, self._node, step)
        if node is None:
            return False
        self._node = node
        inside = self._zoom <= node < self._tree.end[self._zoom]
        if not inside:
            self._zoom = 0
        return True

    def crumbs(self) -> list[str]:
        """The callers of what fills the width, and itself; empty where everything is shown."""
        return [self._tree.func(node).name for node in breadcrumb(self._tree, self._zoom)]

    # ------------------------------------------------------------------------------------------ drawing

    def body(self, width: int, height: int, source: SourceText | None = None) -> TabBody:  # noqa: ARG002 - a page may use it
        """What the chosen box is, then the boxes."""
        lines = [self._said(width)]
        cells = max(1, width - 2)
        room = max(1, height - 1)
        depth = max(0, self._tree.depth[self._node] - self._tree.depth[self._zoom]) if len(self._tree) > 1 else 0
        depth -= 0 if self._zoom else 1
        self._lay(cells, self._top + room + depth + 1)
        self._top = scrolled(self._top, max(0, depth), len(self._rows), room)
        shown = self._rows[self._top : self._top + room]
        lines += [self._boxes(row, width, cells) for row in shown]
        return TabBody(lines, None, (), frozenset(range(1, len(lines))))

    def _lay(self, cells: int, rows: int) -> None:
        rows = -(-rows // 64) * 64  # a step that scrolls does not lay out anew
        if self._laid != (cells, rows, self._zoom):
            self._laid = (cells, rows, self._zoom)
            above = max(0, self._tree.depth[self._zoom] - 1) if self._zoom else 0
            found = layout(self._tree, float(cells), self._zoom, rows + above)
            self._rows = [row for row in found if not row[0].ancestor]

    def _said(self, width: int) -> Line:
        chosen = self.chosen()
        row = LineBuilder(width).at(1, "")
        if chosen is None:
            return row.then("nothing to draw", "dim").line()
        row.then(text.cut(chosen.func.name, max(10, width // 3)), "strong")
        row.then(f"  {share(chosen.total)}", "strong").then(" %", "dim")
        if chosen.before is not None:
            row.then(f"  was {share(chosen.before)} %, {delta(chosen.total - chosen.before)} points")
        else:
            row.then(f" {around(chosen.spread)}".rstrip(), "dim")
            row.then(f"  self {share(chosen.self_)} %")
        row.then(f"  {place(chosen.func.file, chosen.line, 40)}", "dim")
        what = "% of each profile" if chosen.before is not None else self._study.of_what
        return row.ending_at(width - 1, text.cut(what, max(0, width - 3 - row.end)), "dim").line()

    def _boxes(self, row: list[FlameBox], width: int, cells: int) -> Line:
        spans: list[TextSpan] = []
        at = 0
        for number, box in enumerate(row):
            start, end = math.floor(box.start + 0.5), math.floor(box.start + box.width + 0.5)
            if number + 1 < len(row) and row[number + 1].node < 0 and _cells(row[number + 1]) < 1 and end - start > 1:
                end -= 1  # room for the mark of those too narrow to be drawn
            start, end = max(at, start), min(cells, end)
            if box.node < 0 and end <= start:
                end = min(cells, start + 1)
            if end <= start:
                continue
            spans.append(TextSpan(" " * (start - at), "plain"))
            spans.append(TextSpan(self._label(box, end - start), self._role(box)))
            at = end
        return LineBuilder(width).at(1, "").spans(merge(spans)).line()

    def _label(self, box: FlameBox, cells: int) -> str:
        if box.node < 0:
            return text.left(f"·{box.merged}" if cells > len(str(box.merged)) else "·", cells)
        mark = ""
        if self._union is not None and (change := self._union.changes[box.node]) != "same":
            mark = {"new": "▲new ", "gone": "▼gone "}.get(change, "▲ " if self._union.delta(box.node) > 0 else "▼ ")
        return text.left(f"▏{mark}{self._tree.func(box.node).name}", cells) if cells > 1 else "▏"

    def _role(self, box: FlameBox) -> Role:
        if box.node < 0:
            return "rule"
        if box.node == self._node:
            return "strong"
        func = self._tree.func(box.node)
        if self._wanted is not None and self._wanted(func):
            return "badge"
        if self._union is not None:
            if self._union.changes[box.node] == "same":
                return "dim"
            return "warning" if self._union.delta(box.node) > 0 else "ok"
        return CATEGORY_ROLES[self._study.table.of(func)]


def _cells(box: FlameBox) -> int:
    return math.floor(box.start + box.width + 0.5) - math.floor(box.start + 0.5)


def legend(study: ProfileAnalysis) -> list[tuple[str, Role, str]]:
    """(box, its role, what it stands for) of each category that was seen."""
    return [
        ("■ ", CATEGORY_ROLES[category], f"{CATEGORY_WORDS.get(category, category)} {text.percent(ratio * 100)} %")
        for category, ratio in study.shares.items()
        if ratio > 0
    ]
