"""Profile pane: header, one tab, details of the selected function with its source, insights."""

from __future__ import annotations

from collections import Counter

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ProcessReference
from tputtui.profiling.analysis.insights import Insight
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile import tabs
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_header import (
    SamplingStatus,
    capture_summary,
    state_line,
    tabs_line,
)
from tputtui.views.profile.profile_tab import (
    ProfileTab,
    TabBody,
    format_points,
    format_share,
    format_spread,
)
from tputtui.views.profile.source_tab import snippet_lines, wrap_text, wrapped_lines
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, blank_line, rule_line


def _caller_counts(analysis: ProfileAnalysis) -> dict[Function, int]:
    """Count for each function the functions that call (or start) it."""
    tree = analysis.tree
    ids = list(tree.key)
    if tree.options.by_line:
        ids = [tree.func_id(node) for node in range(len(tree))]
    pairs = set(zip(ids[1:], map(ids.__getitem__, tree.parent[1:]), strict=True))
    counts = Counter(func_id for func_id, _ in pairs)
    funcs = tree.stacks.frames.funcs
    return {funcs[func_id]: callers for func_id, callers in counts.items() if func_id >= 0}


def _detail_width(width: int) -> int:
    """Cells for the details beside the tree; 0 where there is no room."""
    return 0 if width < 100 else max(28, min(64, width * 3 // 10 - 6))


def _detail_lines(
    analysis: ProfileAnalysis,
    selected: SelectedFunction | None,
    source: SourceText | None,
    width: int,
    height: int,
) -> list[Line]:
    """Render the function under the cursor: its shares, the number of its callers, its source.

    The source lines are those around its hot line.
    """
    if selected is None:
        return [blank_line(width)] * height
    lines = [LineBuilder(width).then(selected.func.name, "strong").line()]
    if selected.func.file:
        place = f"{selected.func.file}:{selected.line}" if selected.line else selected.func.file
        lines.append(LineBuilder(width).then(text.truncate_left(place, width), "dim").line())
    lines.append(blank_line(width))
    if selected.before is not None:
        lines += _change_lines(selected.before, selected.total, width)
    else:
        lines += _share_lines(analysis, selected, width)
    lines.append(blank_line(width))
    lines += _source_lines(selected, source, width, height - len(lines))
    return (lines + [blank_line(width)] * height)[:height]


def _change_lines(before: float, now: float, width: int) -> list[Line]:
    change = (
        LineBuilder(width)
        .then("change")
        .ending_at(14, format_points(now - before), "strong")
        .then(" points", "dim")
    )
    return [
        _figure_line("before", before, "", width),
        _figure_line("now", now, "", width),
        change.line(),
    ]


def _share_lines(analysis: ProfileAnalysis, selected: SelectedFunction, width: int) -> list[Line]:
    """Render total, self and GIL share, and the number of callers."""
    title = "gil" if analysis.filters.metric == "gil" else "total"
    lines = [
        _figure_line(title, selected.total, format_spread(selected.spread), width),
        _figure_line("self", selected.self_, "", width),
    ]
    if selected.gil is not None and analysis.filters.metric != "gil":
        lines.append(_figure_line("gil", selected.gil, "of the time", width))
    places = analysis.derive(_caller_counts).get(selected.func, 0)
    if places:
        plural = "s" if places != 1 else ""
        lines.append(LineBuilder(width).then(f"called from {places} place{plural}").line())
    return lines


def _source_lines(
    selected: SelectedFunction, source: SourceText | None, width: int, height: int
) -> list[Line]:
    """Render the source around the hot line, if `source` is the file of the function."""
    if not selected.func.file or height <= 0:
        return []
    if source is None:
        return wrapped_lines("reading the source", width)
    if source.file != selected.func.file:
        return []
    lines = snippet_lines(
        source,
        selected.line,
        selected.heat or {},
        width,
        min(height - 1, 15),
        is_difference=selected.before is not None,
    )
    if source.note:
        lines += wrapped_lines(source.note, width)
    return lines


def _figure_line(title: str, ratio: float, note: str, width: int) -> Line:
    return (
        LineBuilder(width)
        .then(title)
        .ending_at(14, format_share(ratio), "strong")
        .then(" %", "dim")
        .then(f" {note}", "dim")
        .line()
    )


def _insight_lines(
    insights: list[Insight], analysis: ProfileAnalysis, width: int, max_lines: int
) -> list[Line]:
    """Render a rule and the insights, at most `max_lines` lines of text; empty without insights."""
    lines: list[Line] = []
    for insight in insights:
        text_lines = wrap_text(insight.text, width - 2)
        if len(lines) + len(text_lines) > max_lines:
            break
        name = (
            analysis.all_stacks.frames.funcs[insight.func_id].name if insight.func_id >= 0 else ""
        )
        for text_line in text_lines:
            before, match, after = text_line.partition(name) if name else (text_line, "", "")
            role: Role = "strong"
            lines.append(LineBuilder(width).at(1, before).then(match, role).then(after).line())
    return [rule_line("Reading", "", width), *lines] if lines else []


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
        _insight_lines(analysis.insight_sentences, analysis, width, _insight_rows(height))
        if _insight_rows(height) and spec.shows_insights
        else []
    )
    room = max(1, height - head - len(below))
    beside = _detail_width(width) if spec.lists_functions else 0
    area = width - beside - 3 if beside else width
    body = tab.render(area, room, content.source)
    rows = (body.lines + [blank_line(area)] * room)[:room]
    if beside:
        detail = _detail_lines(analysis, tab.selected_function(), content.source, beside, room)
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
