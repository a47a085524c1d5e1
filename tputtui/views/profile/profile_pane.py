"""The profile pane: its head, one page, the chosen function beside it, the reading below."""

from __future__ import annotations

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.files.source_text import SourceText
from tputtui.views.profile.function_detail import detail, detail_width, reading
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_header import SamplingStatus, about, state, tabs
from tputtui.views.profile.profile_tab import ProfileTab, TabBody
from tputtui.views.profile.source_tab import broken
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, blank, rule

_BESIDE = ("tree", "callers", "hot")


@frozen
class ProfilePane:
    """All that the pane shows. Without a study there are words, or processes to take instead (`offered`)."""

    sampling: SamplingStatus
    study: ProfileAnalysis | None = None
    tab: str = "tree"
    page: ProfileTab | None = None
    source: SourceText | None = None
    found: str = ""  # what a search said of itself
    crumbs: tuple[str, ...] = ()  # what the flame graph is zoomed into
    offered: tuple[tuple[int, str], ...] = ()
    cursor: int = 0  # of `offered`


@frozen
class RenderedPane:
    """The pane's lines; `filled`: those that are boxes; `reach`: how far the cursor's line goes."""

    view: PanelView
    filled: frozenset[int] = frozenset()
    reach: int = 0


def pane(shown: ProfilePane, width: int, height: int) -> RenderedPane:
    """The pane's `height` lines."""
    study, page = shown.study, shown.page
    lines = [
        rule("Profile", about(shown.sampling, study, width - 14), width, focused=True),
        tabs(shown.tab, study, width),
    ]
    if study is None or page is None or study.profile.weight() <= 0:
        return _empty(shown, lines, width, height)
    lines.append(state(shown.sampling, study, list(shown.crumbs), shown.found, shown.tab, width))
    if study.missing_own_code:
        lines += [LineBuilder(width).at(1, words, "dim").line() for words in broken(study.missing_own_code, width - 2)]
    if height >= 26:
        lines.append(blank(width))
    head = len(lines)
    below = reading(study.sentences, study, width, _words(height)) if _words(height) and shown.tab != "source" else []
    room = max(1, height - head - len(below))
    beside = detail_width(width) if shown.tab in _BESIDE else 0
    area = width - beside - 3 if beside else width
    body = page.body(area, room, shown.source)
    rows = (body.lines + [blank(area)] * room)[:room]
    if beside:
        chosen = detail(study, page.chosen(), shown.source, beside, room)
        rows = [
            LineBuilder(width).spans(left).then(" │ ", "rule").spans(right).line()
            for left, right in zip(rows, chosen, strict=True)
        ]
    lines += rows + below
    return _placed(lines[:height], body, head, area, height)


def _placed(lines: list[Line], body: TabBody, head: int, area: int, height: int) -> RenderedPane:
    keys: list[int | None] = ([None] * head + list(body.keys) + [None] * height)[:height]
    cursor = None if body.cursor is None else body.cursor + head
    filled = frozenset(line + head for line in body.filled)
    return RenderedPane(PanelView(tuple(lines), cursor, tuple(keys)), filled, area)


def _words(height: int) -> int:
    """How many lines of reading a pane of that height has room for."""
    return 0 if height < 18 else 2 if height < 26 else 4


def _empty(shown: ProfilePane, lines: list[Line], width: int, height: int) -> RenderedPane:
    """Words where there is no profile yet, or none at all; the processes that are offered in its stead."""
    if not shown.sampling.done:
        lines.append(state(shown.sampling, None, [], "", shown.tab, width))
    lines.append(blank(width))
    lines += [LineBuilder(width).at(1, words, role).line() for words, role in _nothing(shown, width)]
    keys: list[int | None] = [None] * len(lines)
    cursor = None
    if shown.offered:
        lines += [blank(width), LineBuilder(width).at(1, "Enter ", "accent").then("profiles", "dim").line()]
        keys += [None, None]
        for at, (pid, command) in enumerate(shown.offered):
            if at == shown.cursor:
                cursor = len(lines)
            lines.append(LineBuilder(width).ending_at(10, str(pid), "strong").at(12, command).line())
            keys.append(at)
    lines = (lines + [blank(width)] * height)[:height]
    return RenderedPane(PanelView(tuple(lines), cursor, tuple((keys + [None] * height)[:height])), reach=width)


def _nothing(shown: ProfilePane, width: int) -> list[tuple[str, Role]]:
    sampling = shown.sampling
    if sampling.problem:
        out: list[tuple[str, Role]] = []
        for at, sentence in enumerate(part for part in sampling.problem.split("\n") if part.strip()):
            out += [(line, "warning" if at == 0 else "plain") for line in _broken(sentence.strip(), width - 2)]
        return out
    if sampling.done:
        return [("no samples: nothing ran while it was sampled", "dim")]
    return [("the tree grows from the first second on", "dim")]


def _broken(words: str, width: int) -> list[str]:
    """Nothing of a remedy may be cut: a command is whole or it is useless."""
    lines: list[str] = []
    for word in words.split(" "):
        rest = word
        if lines and text.width(lines[-1]) + 1 + text.width(rest) <= width:
            lines[-1] += f" {rest}"
            continue
        while text.width(rest) > width > 0:
            lines.append(rest[:width])
            rest = rest[width:]
        lines.append(rest)
    return lines
