"""List of the possible treatments of a split."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.signals.service.traffic_split import SplitOption
from tputtui.views.shared.frame import PanelView, first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, pad_lines, rule_line


def split_options_view(
    service: str,
    options: Sequence[SplitOption] | None,
    unit: str,
    cursor: int,
    width: int,
    height: int,
) -> PanelView:
    """Render the list of possible treatments; `options` None means not known yet."""
    title = f"Split {text.clean(service, 30)}: which is the treatment?"
    lines = [rule_line(title, "Enter splits  Esc back", width, focused=True)]
    if not options:
        reason = "one target, and no label with two values: nothing to split by"
        if options is None:
            reason = "looking at its labels"
        lines.append(LineBuilder(width).at(1, reason, "dim").line())
        return PanelView(tuple(pad_lines(lines, width, height)))
    room = height - 2
    first = first_visible_row(max(0, cursor - room + 1), cursor, len(options), room)
    previous_by = ""
    for option in options[first : first + room]:
        by = text.clean(option.split.by, 16)
        lines.append(_option_line(option, by if by != previous_by else "", unit, width))
        previous_by = by
    while len(lines) < height - 1:
        lines.append(LineBuilder(width).line())
    control = text.clean(options[cursor].split.control.short_name, 60)
    lines.append(LineBuilder(width).at(1, f"control: {control}", "dim").line())
    return PanelView(tuple(pad_lines(lines, width, height)), 1 + cursor - first)


def _option_line(option: SplitOption, by: str, unit: str, width: int) -> Line:
    """Render an option: the label it splits by, the treatment's value, its traffic."""
    row = LineBuilder(width).at(1, by, "dim")
    row.at(18, text.truncate(text.clean(option.value) or "(empty)", max(8, width - 36)))
    if option.rps is not None:
        digits, shown_unit = text.format_amount(option.rps, unit)
        row.figure(max(row.end + 1, width - 10), digits, shown_unit)
    return row.line()
