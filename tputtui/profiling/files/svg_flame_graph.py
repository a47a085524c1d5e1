"""Flame graph as a self-contained SVG file."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from tputtui.profiling.analysis import own_code
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.flame_graph import FlameBox, layout_boxes
from tputtui.profiling.analysis.module_table import CATEGORIES, Category, CategoryTable
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean

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


def render(profile: Profile, table: CategoryTable | None = None, max_rows: int = 400) -> bytes:
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
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        (
            f'<text x="8" y="18" font-size="13">{escape(title)} · '
            f"{stacks.weight:,.0f} {escape(profile.unit)}</text>"
        ),
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
    width = max(box.width - 0.4, 0.1)
    place = f'x="{box.start:.2f}" y="{y}" width="{width:.2f}" height="{_ROW_HEIGHT - 1}"'
    if box.node < 0:
        title = f"<title>{box.merged_count:,} narrow callees</title>"
        return f'<g>{title}<rect {place} fill="#e4e6e9"/></g>'
    func = tree.func(box.node)
    share = f"{tree.share(box.node) * 100:.2f} %"
    where = f" ({func.file}:{tree.line[box.node]})" if func.file else ""
    description = f"{func.name}{where} {share}"
    letters = int(box.width / 6.8) - 1
    text = ""
    if letters >= 3:
        label = func.name if len(func.name) <= letters else func.name[: letters - 1] + "…"
        text = f'<text x="{box.start + 3:.2f}" y="{y + 12}">{escape(label)}</text>'
    fill = quoteattr(_COLOURS[table.category(func)])
    return f'<g><title>{escape(description)}</title><rect {place} fill={fill} rx="1"/>{text}</g>'


def _is_svg(head: bytes, data: bytes) -> bool:
    del data
    return head.startswith((b"<?xml", b"<svg"))


FORMAT = ProfileFormat(
    name="SVG flame graph",
    suffixes=(".svg",),
    export_suffix=".svg",
    recognize=_is_svg,
    write=render,
)
