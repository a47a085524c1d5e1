"""Details of the selected function with its source, and insights about the whole profile."""

from __future__ import annotations

from collections import Counter

from tputtui import text
from tputtui.profiling.analysis.insights import Insight
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import format_points, format_share, format_spread
from tputtui.views.profile.source_tab import snippet_lines, wrap_text, wrapped_lines
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, blank_line, rule_line


def caller_counts(analysis: ProfileAnalysis) -> dict[Function, int]:
    """Count for each function the functions that call (or start) it."""
    tree = analysis.tree
    ids = list(tree.key)
    if tree.options.by_line:
        ids = [tree.func_id(node) for node in range(len(tree))]
    pairs = set(zip(ids[1:], map(ids.__getitem__, tree.parent[1:]), strict=True))
    counts = Counter(func_id for func_id, _ in pairs)
    funcs = tree.stacks.frames.funcs
    return {funcs[func_id]: callers for func_id, callers in counts.items() if func_id >= 0}


def detail_width(width: int) -> int:
    """Cells for the details beside the tree; 0 where there is no room."""
    return 0 if width < 100 else max(28, min(64, width * 3 // 10 - 6))


def detail_lines(
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
    places = analysis.derive(caller_counts).get(selected.func, 0)
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


def insight_lines(
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
