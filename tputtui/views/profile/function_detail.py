"""What stands beside and below a page: the chosen function with its source, and the reading of the whole profile."""

from __future__ import annotations

from tputtui import text
from tputtui.profiling.analysis.insights import Insight
from tputtui.profiling.files.source_text import SourceText
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import around, delta, share
from tputtui.views.profile.source_tab import broken, snippet, wrapped
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, blank, rule


def detail_width(width: int) -> int:
    """Cells for the detail beside the tree; 0 where there is no room for it."""
    return 0 if width < 100 else max(28, min(64, width * 3 // 10 - 6))


def detail(
    study: ProfileAnalysis, chosen: SelectedFunction | None, source: SourceText | None, width: int, height: int
) -> list[Line]:
    """The function under the cursor: its shares, from where it is called, its source around the hot line."""
    if chosen is None:
        return [blank(width)] * height
    lines = [LineBuilder(width).then(chosen.func.name, "strong").line()]
    if chosen.func.file:
        where = f"{chosen.func.file}:{chosen.line}" if chosen.line else chosen.func.file
        lines.append(LineBuilder(width).then(text.cut_left(where, width), "dim").line())
    lines.append(blank(width))
    if chosen.before is not None:
        change = chosen.total - chosen.before
        lines += [_figure("before", chosen.before, "", width), _figure("now", chosen.total, "", width)]
        lines.append(
            LineBuilder(width).then("change").ending_at(14, delta(change), "strong").then(" points", "dim").line()
        )
    else:
        title = "gil" if study.knobs.metric == "gil" else "total"
        lines.append(_figure(title, chosen.total, around(chosen.spread), width))
        lines.append(_figure("self", chosen.self_, "", width))
        if chosen.gil is not None and study.knobs.metric != "gil":
            lines.append(_figure("gil", chosen.gil, "of the time", width))
        places = study.callers(chosen.func)
        if places:
            lines.append(LineBuilder(width).then(f"called from {places} place{'s' if places != 1 else ''}").line())
    lines.append(blank(width))
    room = height - len(lines)
    if chosen.func.file and room > 0:
        if source is None:
            lines += wrapped("reading the source", width)
        elif source.file == chosen.func.file:
            both = chosen.before is not None
            lines += snippet(source, chosen.line, chosen.heat or {}, width, min(room - 1, 15), both=both)
            if source.note:
                lines += wrapped(source.note, width)
    return (lines + [blank(width)] * height)[:height]


def _figure(title: str, ratio: float, more: str, width: int) -> Line:
    return (
        LineBuilder(width)
        .then(title)
        .ending_at(14, share(ratio), "strong")
        .then(" %", "dim")
        .then(f" {more}", "dim")
        .line()
    )


def reading(sentences: list[Insight], study: ProfileAnalysis, width: int, most: int) -> list[Line]:
    """The rule and the sentences, at most `most` lines of words; nothing where there is nothing to say."""
    lines: list[Line] = []
    for sentence in sentences:
        broken_up = broken(sentence.text, width - 2)
        if len(lines) + len(broken_up) > most:
            break
        name = study.whole.frames.funcs[sentence.func].name if sentence.func >= 0 else ""
        for words in broken_up:
            before, found, after = words.partition(name) if name else (words, "", "")
            role: Role = "strong"
            lines.append(LineBuilder(width).at(1, before).then(found, role).then(after).line())
    return [rule("Reading", "", width), *lines] if lines else []
