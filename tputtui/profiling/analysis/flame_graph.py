"""Flame graph: the layout of its boxes for a zoom, and an SVG file. Pure and deterministic.

Rows grow downwards from the zoomed node; its callers are above it at full width. Nothing is hidden:
callees narrower than a cell share one box, which shows their number.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from tputtui.frozen import frozen
from tputtui.profiling.analysis import own_code
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.module_table import CATEGORIES, Category, CategoryTable
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean


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
    whole = tree.total[zoom] if len(tree) else 0.0
    if whole <= 0 or width <= 0:
        return out[:max_rows]
    scale = width / whole
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


_COLOURS: dict[Category, str] = {
    "framework": "#a99bd6",
    "your code": "#5fc3d7",
    "database": "#e0a458",
    "outbound": "#d98cb3",
    "waiting": "#9aa0a8",
    "other": "#c9ccd1",
}
_ROW_HEIGHT = 18
_WIDTH = 1200


def render_svg(profile: Profile, table: CategoryTable | None = None, max_rows: int = 400) -> bytes:
    """Render a flame graph of all threads as a self-contained SVG.

    Colours show the category of the code.
    """
    stacks = select_stacks(profile)
    tree = CallTree(stacks)
    table = own_code.profile_table(profile, table or CategoryTable())
    rows = layout_boxes(tree, _WIDTH, max_rows=max_rows, min_width=0.3)
    height = 64 + _ROW_HEIGHT * len(rows)
    title = clean(profile.metadata.label or "profile", 200)
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-size="13">{escape(title)} · {stacks.weight:,.0f} {escape(profile.unit)}</text>',
    ]
    x = 8
    for category in CATEGORIES:
        out.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{_COLOURS[category]}"/>')
        out.append(f'<text x="{x + 14}" y="37">{category}</text>')
        x += 30 + 7 * len(category)
    for number, boxes in enumerate(rows):
        y = 52 + _ROW_HEIGHT * number
        out.extend(_render_box(tree, box, y, table) for box in boxes)
    out.append("</svg>\n")
    return "\n".join(out).encode("utf-8", "replace")


def _render_box(tree: CallTree, box: FlameBox, y: int, table: CategoryTable) -> str:
    place = f'x="{box.start:.2f}" y="{y}" width="{max(box.width - 0.4, 0.1):.2f}" height="{_ROW_HEIGHT - 1}"'
    if box.node < 0:
        return f'<g><title>{box.merged_count:,} narrow callees</title><rect {place} fill="#e4e6e9"/></g>'
    func = tree.func(box.node)
    share = f"{tree.share(box.node) * 100:.2f} %"
    where = f" ({func.file}:{tree.line[box.node]})" if func.file else ""
    words = f"{func.name}{where} {share}"
    letters = int(box.width / 6.8) - 1
    label = func.name if len(func.name) <= letters else func.name[: letters - 1] + "…"
    text = (
        f'<text x="{box.start + 3:.2f}" y="{y + 12}">{escape(label)}</text>' if letters >= 3 else ""
    )
    fill = quoteattr(_COLOURS[table.category(func)])
    return f'<g><title>{escape(words)}</title><rect {place} fill={fill} rx="1"/>{text}</g>'
