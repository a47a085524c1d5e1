"""A flame graph: boxes laid out by share, and the same as an SVG that opens anywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from tputtui.profiling.categories import origin, waits
from tputtui.profiling.profile import Profile
from tputtui.profiling.stacks import choose
from tputtui.profiling.tree import Tree
from tputtui.text import cut

_WIDTH, _ROW, _LETTER = 1200, 17, 7.0
_LEAST_PX = 0.4
_FILL = {"yours": "#56b4c8", "library": "#8fa3bf", "stdlib": "#aab2bd", "waiting": "#d5d8dd", "other": "#c3b48f"}


@dataclass(frozen=True, slots=True)
class Box:
    """One node of the graph: `start` and `width` are ratios of the zoomed node's width."""

    node: int
    depth: int
    start: float
    width: float


def layout(tree: Tree, zoom: int = 0, least: float = 0.0, deepest: int = 5000) -> Iterator[Box]:
    """The boxes below and including `zoom`, outermost first; those narrower than `least` are left out."""
    whole = tree.total[zoom]
    if whole <= 0:
        return
    waiting = [(zoom, 0, 0.0)]
    while waiting:
        node, depth, start = waiting.pop()
        width = tree.total[node] / whole
        if width < least or depth > deepest:
            continue
        yield Box(node, depth, start, width)
        child_start = start
        below = []
        for child in tree.children(node):
            below.append((child, depth + 1, child_start))
            child_start += tree.total[child] / whole
        waiting.extend(reversed(below))


def kind(tree: Tree, node: int) -> str:
    """What a box is, for its colour: yours, library, stdlib, waiting, other."""
    if node == 0:
        return "other"
    func = tree.func(node)
    if waits(func):
        return "waiting"
    found = origin(func.file)
    return found if found in ("yours", "library", "stdlib") else "other"


def svg(profile: Profile) -> bytes:
    """The flame graph as a self-contained SVG: a title on each box, no script, no link, XML that is well formed."""
    tree = Tree(choose(profile))
    boxes = list(layout(tree, least=_LEAST_PX / _WIDTH, deepest=400))
    height = (max((box.depth for box in boxes), default=0) + 3) * _ROW
    view = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} font-family="monospace" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="4" y="13" fill="#333333">{_xml(_title(profile))}</text>',
    ]
    for box in boxes:
        name = "all" if box.node == 0 else tree.func(box.node).name
        x, width = box.start * _WIDTH, box.width * _WIDTH
        y = (box.depth + 1) * _ROW
        share = f"{tree.share(box.node) * 100:.1f} %" if box.node else "100 %"
        place = "" if box.node == 0 else f" ({tree.func(box.node).file}:{tree.line[box.node]})"
        fill = _FILL[kind(tree, box.node)]
        shape = f'x="{x:.1f}" y="{y}" width="{max(0.3, width - 0.5):.1f}" height="{_ROW - 1}" fill="{fill}"'
        out.append(f"<g><title>{_xml(name + place)}: {share}</title><rect {shape}/>")
        letters = int((width - 6) / _LETTER)
        if letters >= 3:
            out.append(f'<text x="{x + 3:.1f}" y="{y + 12}" fill="#10222b">{_xml(cut(name, letters))}</text>')
        out.append("</g>")
    out.append("</svg>\n")
    return "\n".join(out).encode("utf-8")


def _title(profile: Profile) -> str:
    about = profile.about
    what = f"PID {about.pid} {about.command}" if about.pid is not None else about.label
    return cut(f"{what}  {profile.duration_s:.1f} s", 160)


def _xml(words: str) -> str:
    """Escaped; names were cleaned at the edge, so no control character is left that XML would refuse."""
    return escape(words, quote=True)
