"""Panel of a charted metric: its value and its trend."""

from __future__ import annotations

from tputtui import text
from tputtui.model import ChartedFamily
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
from tputtui.views.live.panel_spec import PanelSpec, Room, is_host_only
from tputtui.views.shared import target_state
from tputtui.views.shared.chart import (
    MIN_CHART_ROWS,
    MIN_CHART_WIDTH,
    Chart,
    history_chart_line,
    time_chart,
)
from tputtui.views.shared.family_units import family_unit, format_family_value
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, pad_lines, rule_line
from tputtui.views.shared.trend_line import trend_lines


def metric_panel(
    frame: Frame, width: int, height: int, chart: tuple[Line, ...] | None = None
) -> PanelView:
    """Render the panel in `height` lines.

    The caller renders `chart`: lines below the number.
    """
    charted = frame.view_state.charted
    if charted is None:
        row = LineBuilder(width).at(1, "no metric is charted: i, then Enter on one", "dim")
        return PanelView(
            tuple(pad_lines([rule_line("Metric", "", width), row.line()], width, height))
        )
    target, name = charted
    focused = frame.view_state.focus == "metric"
    title = text.truncate(text.clean(name), max(8, width - 4))
    key_hint = "X takes it away" if text.width(title) + 24 <= width else ""
    lines = [rule_line(title, key_hint, width, focused)]
    state = charted_family(frame)
    lines.append(_value_line(frame, state, width))
    if chart is not None:
        lines += chart[: height - 2]
    elif height > 2:
        lines += trend_lines(
            frame,
            history_keys.family(target, name),
            state.charted_value,
            family_unit(state),
            width,
            height - 2,
        )
    return PanelView(tuple(pad_lines(lines, width, height)))


def charted_family(frame: Frame) -> ChartedFamily:
    """Charted family at the shown moment; all values unknown where the snapshot lacks it."""
    state = frame.snapshot.charted
    charted = frame.view_state.charted
    if charted is None:
        return ChartedFamily("", "")
    return (
        state
        if state is not None and (state.target, state.name) == charted
        else ChartedFamily(*charted)
    )


def _value_line(frame: Frame, family: ChartedFamily, width: int) -> Line:
    digits, unit = format_family_value(family, family.charted_value)
    row = LineBuilder(width).at(1, digits, "strong").then(f" {unit}" if unit else "", "dim")
    if family.charted_value is None:
        row.then("  ").then(_unknown_reason(frame, family), "dim")
    elif family.is_counter and family.value is not None:
        row.then("   in all ", "dim").then(text.format_number(family.value))
    description = ", ".join(
        part for part in (text.clean(family.type, 16), text.clean(family.target, 40)) if part
    )
    if row.end + text.width(description) + 3 <= width:
        row.ending_at(width - 1, description, "dim")
    return row.line()


def _unknown_reason(frame: Frame, family: ChartedFamily) -> str:
    target = next(
        (target for target in frame.snapshot.targets if target.name == family.target), None
    )
    if target is None:
        return f"{text.clean(family.target, 60)} is watched no longer"
    if target_state.is_in_trouble(target):
        return target_state.sentence(target)
    if family.value is not None:
        return "a rate begins with the second scrape"
    return (
        "not read at this moment"
        if frame.snapshot.charted is None
        else "the last answer did not have it"
    )


def _charts(frame: Frame, width: int, height: int) -> dict[str, Chart]:
    """The charted metric over time, where there is room for a chart with axes."""
    charted = frame.view_state.charted
    if charted is None or width < MIN_CHART_WIDTH or height - 2 < MIN_CHART_ROWS:
        return {}
    line = history_chart_line(frame, history_keys.family(*charted), width - 6)
    chart = time_chart(frame, (line,), family_unit(charted_family(frame)), width, height - 2)
    return {"chart": chart} if chart is not None else {}


def _past_names(frame: Frame) -> PastNames:
    charted = frame.view_state.charted
    if charted is None:
        return PastNames()
    return PastNames(frozenset((history_keys.family(*charted),)))


def _is_charted(frame: Frame | None) -> bool:
    return frame is not None and frame.view_state.charted is not None


def _height(_frame: Frame | None, room: Room) -> int:
    """Lines that give a chart axes where the other panels keep their room."""
    return max(3, min(room.free // 3, 14))


def _stacked_height(frame: Frame | None, _screen_height: int) -> int:
    return 0 if is_host_only(frame) else 3


PANEL = PanelSpec(
    "metric",
    metric_panel,
    row="middle",
    rank=1,  # a panel that the user added has priority over the standard ones
    height=_height,
    least_top_height=6,
    stacked_height=_stacked_height,
    is_available=_is_charted,
    absence_message="no metric is charted: i, then Enter on one, puts it here",
    charts=_charts,
    past_names=_past_names,
)
