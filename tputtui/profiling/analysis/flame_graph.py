"""Layout of the boxes of a flame graph for a zoom, and that of a difference. Pure.

Rows grow downwards from the zoomed node; its callers are above it at full width. Nothing is hidden:
callees narrower than a cell share one box, which shows their number. A report of a difference has
the largest significant changes too.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from tputtui.frozen import frozen
from tputtui.profiling.analysis import profile_diff
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.profile_diff import FunctionDifference, UnionTree
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean, format_percent


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


_WIDTH, _ROW_HEIGHT, _HEADER_HEIGHT = 1200, 18, 46
_MORE_COLOUR, _LESS_COLOUR, _SAME_COLOUR = (214, 96, 77), (67, 147, 195), (226, 228, 231)
_FULL_COLOUR_DELTA = 0.10  # change as a ratio of all samples that has the full colour


def render_svg(before: Profile, after: Profile, max_rows: int = 120) -> str:
    """Render both profiles as one flame graph.

    The width is the mean share; red: the share rose, blue: it fell.
    """
    union = profile_diff.union_tree(select_stacks(before), select_stacks(after))
    rows = layout_boxes(union.tree, _WIDTH, max_rows=max_rows, min_width=0.6)
    height = _HEADER_HEIGHT + _ROW_HEIGHT * len(rows) + 6
    names = [clean(one.metadata.label or "profile", 80) for one in (before, after)]
    out = [
        (
            '<svg xmlns="http://www.w3.org/2000/svg" width="100%" '
            f'viewBox="0 0 {_WIDTH} {height}" role="img" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">'
        ),
        f"<title>{escape(f'{names[0]} against {names[1]}')}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="16" fill="#222222">{escape(f"{names[0]} → {names[1]}")}</text>',
    ]
    for x, label, colour in (
        (8, "more time than before", _MORE_COLOUR),
        (190, "less", _LESS_COLOUR),
        (250, "the same", _SAME_COLOUR),
    ):
        out.append(f'<rect x="{x}" y="24" width="10" height="10" fill="{_hex_colour(colour)}"/>')
        out.append(f'<text x="{x + 14}" y="33" fill="#222222">{label}</text>')
    for number, boxes in enumerate(rows):
        out += [_render_box(union, box, _HEADER_HEIGHT + _ROW_HEIGHT * number) for box in boxes]
    return "\n".join([*out, "</svg>"])


def _render_box(union: UnionTree, box: FlameBox, y: int) -> str:
    width = max(box.width - 0.4, 0.1)
    place = f'x="{box.start:.2f}" y="{y}" width="{width:.2f}" height="{_ROW_HEIGHT - 1}"'
    if box.node < 0:
        title = f"<title>{box.merged_count:,} narrow callees</title>"
        return f'<g>{title}<rect {place} fill="{_hex_colour(_SAME_COLOUR)}"/></g>'
    func = union.tree.func(box.node)
    was, now, delta = union.before[box.node], union.after[box.node], union.delta(box.node)
    name = f"{func.name} ({func.file})" if func.file else func.name
    title = f"<title>{escape(f'{name}: {100 * was:.1f} % → {100 * now:.1f} %')}</title>"
    letters = int(box.width / 6.8) - 1
    text = ""
    if letters >= 3:
        label = func.name if len(func.name) <= letters else func.name[: letters - 1] + "…"
        text = f'<text x="{box.start + 3:.2f}" y="{y + 12}" fill="#222222">{escape(label)}</text>'
    fill = _hex_colour(_delta_colour(delta))
    return f'<g>{title}<rect {place} fill="{fill}" rx="1"/>{text}</g>'


def _delta_colour(delta: float) -> tuple[int, int, int]:
    strength = min(1.0, abs(delta) / _FULL_COLOUR_DELTA)
    end = _MORE_COLOUR if delta > 0 else _LESS_COLOUR
    red, green, blue = (
        round(same + (other - same) * strength)
        for same, other in zip(_SAME_COLOUR, end, strict=True)
    )
    return red, green, blue


def _hex_colour(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def describe_changes(before: Profile, after: Profile, limit: int = 5) -> list[str]:
    """Describe the largest significant changes: "rank: 24 % → 41 % of all samples".

    If there are none, the result says so.
    """
    differences = profile_diff.function_differences(select_stacks(before), select_stacks(after))
    significant = [difference for difference in differences if difference.is_significant]
    significant.sort(key=lambda difference: -abs(difference.delta))
    if not significant:
        return ["no function's share changed by more than chance allows"]
    return [_describe_change(difference) for difference in significant[:limit]]


def _describe_change(difference: FunctionDifference) -> str:
    was, now = (format_percent(100 * share) for share in (difference.before, difference.after))
    return f"{clean(difference.func.name, 80)}: {was} % → {now} % of all samples"
