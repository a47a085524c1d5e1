"""Layout of the boxes of a flame graph for a zoom. Pure and deterministic.

Rows grow downwards from the zoomed node; its callers are above it at full width. Nothing is hidden:
callees narrower than a cell share one box, which shows their number.
"""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.profiling.analysis.call_tree import CallTree


@frozen
class FlameBox:
    """One box: `start` and `width` in cells (fractions of a cell if the screen can draw them)."""

    node: int  # -1: several nodes too narrow for a box of their own
    start: float
    width: float
    merged_count: int = 1  # number of nodes in the box
    is_ancestor: bool = False  # a caller of the zoomed node


def layout_boxes(
    tree: CallTree, width: float, zoom: int = 0, max_rows: int = 10_000, min_width: float = 1.0
) -> list[list[FlameBox]]:
    """Lay out the boxes in rows, outermost first, `width` cells wide.

    A box narrower than `min_width` cells is merged with its neighbours. `zoom` is the node that
    fills the width (0: all).
    """
    out: list[list[FlameBox]] = []
    inner, above = zoom, []
    while inner > 0:
        above.append(inner)
        inner = tree.parent[inner]
    out = [[FlameBox(node, 0.0, width, is_ancestor=node != zoom)] for node in reversed(above)]
    total_weight = tree.total[zoom] if len(tree) else 0.0
    if total_weight <= 0 or width <= 0:
        return out[:max_rows]
    scale = width / total_weight
    level = [(zoom, 0.0)]
    while level and len(out) < max_rows:
        boxes: list[FlameBox] = []
        below: list[tuple[int, float]] = []
        for parent, start in level:
            at, narrow, count, last = start, 0.0, 0, -1
            for child in tree.children(parent):
                wide = tree.total[child] * scale
                if wide >= min_width:
                    boxes.append(FlameBox(child, at, wide))
                    below.append((child, at))
                    at += wide
                else:  # heaviest first, so the narrow ones are adjacent at the end
                    narrow, count, last = narrow + wide, count + 1, child
            if narrow > 0:
                boxes.append(FlameBox(last if count == 1 else -1, at, narrow, count))
        if boxes:
            out.append(boxes)
        level = below
    return out[:max_rows]


def breadcrumb(tree: CallTree, node: int) -> list[int]:
    """Path from the outermost caller to a node."""
    path: list[int] = []
    while node > 0:
        path.append(node)
        node = tree.parent[node]
    return path[::-1]
