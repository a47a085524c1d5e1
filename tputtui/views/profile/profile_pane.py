"""Profile pane: header, one tab, details of the selected function, insights."""

from __future__ import annotations

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ProcessReference
from tputtui.profiling.files.source_text import SourceText
from tputtui.views.profile import tabs
from tputtui.views.profile.function_detail import detail_lines, detail_width, insight_lines
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_header import (
    SamplingStatus,
    capture_summary,
    state_line,
    tabs_line,
)
from tputtui.views.profile.profile_tab import ProfileTab, TabBody
from tputtui.views.profile.source_tab import wrap_text
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, blank_line, rule_line


@frozen
class ProfilePane:
    """Content of the pane.

    Without an analysis it shows a message, or the processes to choose from (`candidates`).
    """

    sampling: SamplingStatus
    analysis: ProfileAnalysis | None = None
    tab_name: str = "tree"
    current_tab: ProfileTab | None = None
    source: SourceText | None = None
    search_status: str = ""  # status message of the search
    breadcrumbs: tuple[str, ...] = ()  # functions that the flame graph is zoomed into
    candidates: tuple[tuple[ProcessReference, str], ...] = ()
    cursor: int = 0  # index into `candidates`


@frozen
class RenderedPane:
    """Rendered pane.

    `box_rows`: the lines that consist of boxes; `cursor_width`: the cells that the cursor covers in
    its line.
    """

    view: PanelView
    box_rows: frozenset[int] = frozenset()
    cursor_width: int = 0


def render_pane(content: ProfilePane, width: int, height: int) -> RenderedPane:
    """Render the pane in `height` lines."""
    analysis, tab = content.analysis, content.current_tab
    spec = tabs.tab_spec(content.tab_name)
    lines = [
        rule_line(
            "Profile", capture_summary(content.sampling, analysis, width - 14), width, focused=True
        ),
        tabs_line(content.tab_name, analysis, width),
    ]
    if analysis is None or tab is None or analysis.profile.weight() <= 0:
        return _empty_pane(content, lines, width, height)
    lines.append(
        state_line(
            content.sampling,
            analysis,
            list(content.breadcrumbs),
            content.search_status,
            content.tab_name,
            width,
        )
    )
    if analysis.missing_own_code:
        lines += [
            LineBuilder(width).at(1, text_line, "dim").line()
            for text_line in wrap_text(analysis.missing_own_code, width - 2)
        ]
    if height >= 26:
        lines.append(blank_line(width))
    head = len(lines)
    below = (
        insight_lines(analysis.insight_sentences, analysis, width, _insight_rows(height))
        if _insight_rows(height) and spec.shows_insights
        else []
    )
    room = max(1, height - head - len(below))
    beside = detail_width(width) if spec.lists_functions else 0
    area = width - beside - 3 if beside else width
    body = tab.render(area, room, content.source)
    rows = (body.lines + [blank_line(area)] * room)[:room]
    if beside:
        detail = detail_lines(analysis, tab.selected_function(), content.source, beside, room)
        rows = [
            LineBuilder(width).spans(left).then(" │ ", "rule").spans(right).line()
            for left, right in zip(rows, detail, strict=True)
        ]
    lines += rows + below
    return _assemble(lines[:height], body, head, area, height)


def _assemble(
    lines: list[Line], body: TabBody, header_height: int, body_width: int, height: int
) -> RenderedPane:
    keys: list[int | None] = ([None] * header_height + list(body.row_keys) + [None] * height)[
        :height
    ]
    cursor = None if body.cursor is None else body.cursor + header_height
    filled = frozenset(line + header_height for line in body.box_rows)
    return RenderedPane(PanelView(tuple(lines), cursor, tuple(keys)), filled, body_width)


def _insight_rows(height: int) -> int:
    """Lines of insights that a pane of that height has room for."""
    if height < 18:
        return 0
    return 2 if height < 26 else 4


def _empty_pane(content: ProfilePane, lines: list[Line], width: int, height: int) -> RenderedPane:
    """Render a message where there is no profile, and the processes to choose from instead."""
    if not content.sampling.is_done:
        lines.append(state_line(content.sampling, None, [], "", content.tab_name, width))
    lines.append(blank_line(width))
    lines += [
        LineBuilder(width).at(1, message, role).line()
        for message, role in _empty_messages(content, width)
    ]
    keys: list[int | None] = [None] * len(lines)
    cursor = None
    if content.candidates:
        lines += [
            blank_line(width),
            LineBuilder(width).at(1, "Enter ", "accent").then("profiles", "dim").line(),
        ]
        keys += [None, None]
        for at, (process, command) in enumerate(content.candidates):
            if at == content.cursor:
                cursor = len(lines)
            lines.append(
                LineBuilder(width).ending_at(10, str(process.pid), "strong").at(12, command).line()
            )
            keys.append(at)
    lines = (lines + [blank_line(width)] * height)[:height]
    return RenderedPane(
        PanelView(tuple(lines), cursor, tuple((keys + [None] * height)[:height])),
        cursor_width=width,
    )


def _empty_messages(content: ProfilePane, width: int) -> list[tuple[str, Role]]:
    sampling = content.sampling
    if sampling.problem:
        out: list[tuple[str, Role]] = []
        for at, sentence in enumerate(
            part for part in sampling.problem.split("\n") if part.strip()
        ):
            out += [
                (line, "warning" if at == 0 else "plain")
                for line in _wrap_uncut(sentence.strip(), width - 2)
            ]
        return out
    if sampling.is_done:
        return [("no samples: nothing ran while it was sampled", "dim")]
    return [("the tree grows from the first second on", "dim")]


def _wrap_uncut(sentence: str, width: int) -> list[str]:
    """Wrap a sentence without cutting it: a command in a remedy must be complete to be of use."""
    lines: list[str] = []
    for word in sentence.split(" "):
        rest = word
        if lines and text.width(lines[-1]) + 1 + text.width(rest) <= width:
            lines[-1] += f" {rest}"
            continue
        while text.width(rest) > width > 0:
            lines.append(rest[:width])
            rest = rest[width:]
        lines.append(rest)
    return lines
