"""Split view: control and treatment in two columns, their difference between, the verdict above.

The differences rest on all samples since the split was made, row by row
(`experiments.sequential_test`). Colour appears only for a difference that is certain and is better
or worse: latency, errors, and throughput where the arms are whole targets.
"""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.experiments.sequential_test import TOO_EARLY_PREFIX, EffectEstimate
from tputtui.frozen import frozen
from tputtui.model import ServiceState
from tputtui.signals.service.traffic_split import SERVICE, TrafficSplit
from tputtui.views.live.split_figures import (
    Arms,
    SplitFigure,
    current_difference,
    estimate_role,
    format_signed,
    split_figures,
)
from tputtui.views.live.split_verdict import Estimates, verdict_span
from tputtui.views.shared.frame import ActiveSplit, Frame, PanelView
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    TextSpan,
    pad_lines,
    rule_line,
    sparkline_rows,
)

_INTERVAL_WIDTH = 21  # cells of an interval, where there is room
_DIFFERENCE_WIDTH = 31
_LABEL_WIDTH = 9
_NUMBER_WIDTH = 8  # cells up to the end of a figure's digits; its unit follows
_UNIT_WIDTH = 7


def split_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the panel in `height` lines."""
    active = frame.view_state.split
    focused = frame.view_state.focus == "split"
    if active is None:
        top = rule_line("Control and treatment", "", width, focused)
        reason = LineBuilder(width).at(1, "the service is not split: a splits it", "dim").line()
        return PanelView(tuple(pad_lines([top, reason], width, height)))
    state = frame.snapshot.split
    arms = (state.control, state.treatment) if state is not None else (None, None)
    figures = split_figures(active.split, arms)
    estimates = {figure.label: frame.effects.get(figure.label, "") for figure in figures}
    columns = _column_layout(width)
    lines = [_top_line(frame, active, width, focused=focused)]
    if height > len(figures) + 2:
        verdict = verdict_span(frame, figures, estimates, arms)
        lines.append(LineBuilder(width).spans([verdict] if verdict else [], 1).line())
    lines.append(_heading_line(frame, active.split, arms, columns, width))
    each = max(1, min(4, (height - len(lines)) // max(1, len(figures))))
    scale = _ratio_scale(figures, estimates)
    for figure in figures:
        middle = _middle_spans(figure, estimates[figure.label], arms, columns, scale)
        lines += _figure_lines(frame, active.split, figure, arms, columns, middle, width, each)
    return PanelView(tuple(pad_lines(lines, width, height)))


def _top_line(frame: Frame, active: ActiveSplit, width: int, *, focused: bool) -> Line:
    split = active.split
    title = "two services"
    if split.by != SERVICE:
        title = f"{text.clean(split.control.service, 30)} by {text.clean(split.by, 30)}"
    duration = text.format_duration(round(max(0.0, frame.snapshot.at - active.since)))
    return rule_line(
        f"Control and treatment: {title}", f"for {duration}, a ends it", width, focused
    )


@frozen
class _ColumnLayout:
    """Column positions: first cells of the arms, cells of their charts, interval and difference."""

    control_column: int
    treatment_column: int
    line_width: int
    interval_column: int
    interval_width: int
    difference_width: int

    @property
    def difference_column(self) -> int:
        """First cell of the difference: after the interval, where there is one."""
        return self.interval_column + (self.interval_width + 1 if self.interval_width else 0)


def _column_layout(width: int) -> _ColumnLayout:
    interval = _INTERVAL_WIDTH if width >= 110 else 0
    difference = _DIFFERENCE_WIDTH if width >= 76 else 13
    label = _LABEL_WIDTH if width >= 60 else 8
    side = (width - label - interval - difference - (2 if interval else 1)) // 2
    lines = max(0, side - _NUMBER_WIDTH - _UNIT_WIDTH - 1)
    return _ColumnLayout(
        label, width - side, lines if lines >= 5 else 0, label + side, interval, difference
    )


def _heading_line(
    frame: Frame, split: TrafficSplit, arms: Arms, columns: _ColumnLayout, width: int
) -> Line:
    """Render the heading: control demo-1 …    difference    treatment demo-2."""
    control, treatment = _arm_names(split)
    row = LineBuilder(width)
    start = columns.control_column
    title = f"control {control}{_targets_up(frame, arms[0])}"
    row.at(start, text.truncate(title, columns.interval_column - start - 1), "strong")
    is_wide = columns.difference_width == _DIFFERENCE_WIDTH
    difference = "treatment - control" if is_wide else "difference"
    row.at(columns.difference_column, difference, "dim")
    start = columns.treatment_column
    title = f"treatment {treatment}{_targets_up(frame, arms[1])}"
    return row.at(start, text.truncate(title, width - start - 1), "strong").line()


def _arm_names(split: TrafficSplit) -> tuple[str, str]:
    """Names of control and treatment; for two ports of one host, the ports."""
    control = text.clean(split.control.short_name, 60)
    treatment = text.clean(split.treatment.short_name, 60)
    host, other_host = control.rpartition(":")[0], treatment.rpartition(":")[0]
    if host and host == other_host:
        return control.removeprefix(host), treatment.removeprefix(host)
    return control, treatment


def _targets_up(frame: Frame, service: ServiceState | None) -> str:
    """Format the number of targets that are up: ", 1 of 2 targets up"."""
    if service is None:
        return ""
    own = (target for target in frame.snapshot.targets if target.name in service.targets)
    up = sum(bool(target.up) and not target.is_overdue for target in own)
    if up < len(service.targets):
        return f", {up} of {len(service.targets)} targets up"
    return f", {up} targets" if up > 1 else ""


def _figure_lines(
    frame: Frame,
    split: TrafficSplit,
    figure: SplitFigure,
    arms: Arms,
    columns: _ColumnLayout,
    middle: Sequence[TextSpan],
    width: int,
    height: int,
) -> list[Line]:
    """Render a figure of both arms in `height` lines; `middle`: interval and difference."""
    charts = _arm_charts(frame, split, figure, columns.line_width, height)
    lines = []
    for index in range(height):
        is_last = index == height - 1
        row = LineBuilder(width)
        if is_last:
            row.at(1, figure.label)
        for arm, chart, start in zip(
            arms, charts, (columns.control_column, columns.treatment_column), strict=True
        ):
            if is_last and start == columns.treatment_column:
                row.spans(middle, columns.interval_column)
            if is_last:
                digits, unit = figure.read_value(arm)[1:] if arm is not None else (text.UNKNOWN, "")
                row.figure(start + _NUMBER_WIDTH, digits, unit)
            if columns.line_width:
                row.at(start + _NUMBER_WIDTH + _UNIT_WIDTH, chart[index], "data")
        lines.append(row.line())
    return lines


def _arm_charts(
    frame: Frame, split: TrafficSplit, figure: SplitFigure, cells: int, height: int
) -> list[list[str]]:
    """Trend of a figure in each arm, on one scale, as `height` rows; blank without cells."""
    if not cells:
        return [[""] * height, [""] * height]
    pasts = [
        frame.past.columns(figure.history_key(arm.name), cells)
        for arm in (split.control, split.treatment)
    ]
    known = [value for past in pasts for value in past if value is not None]
    top = max(known, default=0.0) or None
    rows = height - 1 if height > 2 else height  # a blank row separates tall trends
    blank = [""] * (height - rows)
    return [blank + sparkline_rows(past, rows, top) for past in pasts]


def _middle_spans(
    figure: SplitFigure,
    estimate: EffectEstimate | str,
    arms: Arms,
    columns: _ColumnLayout,
    scale: float,
) -> list[TextSpan]:
    """Interval, where it has room, and difference of a figure."""
    difference = _difference_spans(figure, estimate, arms, columns.difference_width)
    if not columns.interval_width:
        return difference
    interval = _interval_span(estimate, figure, scale, columns.interval_width)
    return [interval, TextSpan(" "), *difference]


def _ratio_scale(figures: Sequence[SplitFigure], estimates: Estimates) -> float:
    """Scale that the intervals of all ratios share; percentage points have their own."""
    scale = 0.0
    for figure in figures:
        estimate = estimates[figure.label]
        if isinstance(estimate, EffectEstimate) and not figure.is_in_points:
            scale = max(scale, _interval_reach(estimate))
    return scale


def _interval_reach(estimate: EffectEstimate) -> float:
    return max(abs(estimate.low), abs(estimate.high))


def _interval_span(
    estimate: EffectEstimate | str, figure: SplitFigure, scale: float, cells: int
) -> TextSpan:
    """Draw an interval as ├──●──┤ around the stroke of no difference; blank without an estimate."""
    if isinstance(estimate, str):
        return TextSpan(" " * cells)
    scale = (_interval_reach(estimate) if figure.is_in_points else scale) or 1.0
    middle = cells // 2

    def cell(value: float) -> int:
        return max(0, min(cells - 1, middle + round(value / scale * middle)))

    low, high, point = cell(estimate.low), cell(estimate.high), cell(estimate.effect)
    drawn = [" "] * cells
    drawn[middle] = "│"
    for index in range(low, high + 1):
        drawn[index] = "─"
    drawn[low], drawn[high] = "├", "┤"
    drawn[point] = "●"
    return TextSpan("".join(drawn), estimate_role(estimate, figure))


def _difference_spans(
    figure: SplitFigure, estimate: EffectEstimate | str, arms: Arms, width: int
) -> list[TextSpan]:
    """Format a difference: +24.1 % [+17.6, +30.9] worse.

    The interval is left out where `width` is too small for it.
    """
    unit = figure.difference_unit
    if isinstance(estimate, str):
        return [TextSpan(_format_untested(figure, estimate, arms), "dim")]
    role = estimate_role(estimate, figure)
    words = {"ok": "better", "bad": "worse", "dim": "unclear"}
    if estimate.is_unconfirmed:
        words["dim"] = "again?"
    interval = ""
    if width == _DIFFERENCE_WIDTH:
        interval = f" [{format_signed(estimate.low)}, {format_signed(estimate.high)}]"
    difference = f"{format_signed(estimate.effect)} {unit}{interval} {words.get(role, '')}"
    return [TextSpan(difference.rstrip(), role)]


def _format_untested(figure: SplitFigure, reason: str, arms: Arms) -> str:
    """Format the current difference with the reason why it cannot be tested: +3.1 % so far."""
    current = current_difference(figure, arms)
    is_early = reason.startswith(TOO_EARLY_PREFIX)
    shown_reason = "so far" if is_early else reason
    if current is None:
        return shown_reason
    separator = " " if is_early else ", "
    return f"{format_signed(current)} {figure.difference_unit}{separator}{shown_reason}"
