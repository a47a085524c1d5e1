"""Split view: control and treatment in two columns, their difference between, the verdict above.

The differences rest on all samples since the split was made, row by row
(`experiments.effect_estimate`). Colour appears only for a difference that is certain and is better
or worse: latency, errors, and throughput where the arms are whole targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tputtui import text
from tputtui.experiments.effect_estimate import TOO_EARLY_PREFIX, EffectEstimate
from tputtui.frozen import frozen
from tputtui.model import ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.service.traffic_split import SERVICE, SplitOption, TrafficSplit
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, PanelView, first_visible_row
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    Role,
    TextSpan,
    pad_lines,
    rule_line,
    sparkline_rows,
)

SILENCE_S = 10.0
"""Seconds without traffic, while control has some, after which it is no longer a pause."""

_INTERVAL_WIDTH = 21  # cells of an interval, where there is room
_DIFFERENCE_WIDTH = 31
_LABEL_WIDTH = 9
_NUMBER_WIDTH = 8  # cells up to the end of a figure's digits; its unit follows
_UNIT_WIDTH = 7


@frozen
class SplitFigure:
    """Figure that is compared between the arms of a split.

    `history_key` maps an arm's name to the figure's name in the history. `better_direction`: 1
    where more is better, -1 where less is, 0 where neither is.
    """

    label: str
    history_key: Callable[[str], str]
    # Value, digits and unit for display.
    read_value: Callable[[ServiceState], tuple[float | None, str, str]]
    better_direction: int
    quantile: float | None = None  # only for a figure that is a quantile
    is_in_points: bool = False


def split_figures(
    split: TrafficSplit, arms: Sequence[ServiceState | None]
) -> tuple[SplitFigure, ...]:
    """List the figures that both arms of a split have, in the order of the rows."""
    there = [arm for arm in arms if arm is not None]
    if not there:
        return ()
    found = []
    if all(arm.traffic is not None for arm in there):
        found.append(
            SplitFigure(
                "traffic", history_keys.traffic, _traffic_value, 1 if split.is_allocated else 0
            )
        )
    latencies = [arm.latency for arm in there]
    if all(latencies):
        first = latencies[0]
        for quantile in first.quantiles if first is not None else ():
            q = quantile.q
            found.append(SplitFigure(quantile_name(q), _latency_key(q), _latency_value(q), -1, q))
        if first is not None and not first.quantiles:
            found.append(SplitFigure("mean", _latency_key(None), _mean_value, -1))
    if all(arm.errors is not None for arm in there):
        found.append(
            SplitFigure("errors", history_keys.errors, _error_value, -1, is_in_points=True)
        )
    return tuple(found)


def _latency_key(quantile: float | None) -> Callable[[str], str]:
    return lambda arm: history_keys.latency(arm, quantile)


def _traffic_value(arm: ServiceState) -> tuple[float | None, str, str]:
    value, unit = (arm.traffic.rps, arm.traffic.unit) if arm.traffic is not None else (None, "")
    return (value, *text.format_amount(value, unit))


def _latency_value(quantile: float) -> Callable[[ServiceState], tuple[float | None, str, str]]:
    def value(arm: ServiceState) -> tuple[float | None, str, str]:
        found = (
            next((one for one in arm.latency.quantiles if one.q == quantile), None)
            if arm.latency is not None
            else None
        )
        if found is None or arm.latency is None:
            return (None, text.UNKNOWN, "")
        return (
            None if found.is_lower_bound else found.value,
            *format_quantile(found, arm.latency.unit),
        )

    return value


def _mean_value(arm: ServiceState) -> tuple[float | None, str, str]:
    value, unit = (arm.latency.mean, arm.latency.unit) if arm.latency is not None else (None, None)
    return (value, *text.format_amount(value, unit))


def _error_value(arm: ServiceState) -> tuple[float | None, str, str]:
    value = arm.errors.ratio if arm.errors is not None else None
    return (value, *text.format_amount(value, "ratio"))


# ---------------------------------------------------------------------------------------- the panel


def split_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the panel in `height` lines."""
    look = frame.view_state.split
    focused = frame.view_state.focus == "split"
    if look is None:
        top = rule_line("Control and treatment", "", width, focused)
        words = LineBuilder(width).at(1, "the service is not split: a splits it", "dim").line()
        return PanelView(tuple(pad_lines([top, words], width, height)))
    chosen = look.split
    told = frame.snapshot.split
    arms = (told.control, told.treatment) if told is not None else (None, None)
    watched = text.format_duration(round(max(0.0, frame.snapshot.at - look.since)))
    by = f"{text.clean(chosen.control.service, 30)} by {text.clean(chosen.by, 30)}"
    title = "two services" if chosen.by == SERVICE else by
    lines = [
        rule_line(f"Control and treatment: {title}", f"for {watched}, a ends it", width, focused)
    ]
    rows = split_figures(chosen, arms)
    judged = {one.label: frame.evaluate_effect(one) for one in rows}
    columns = _column_layout(width)
    if height > len(rows) + 2:
        lines.append(LineBuilder(width).spans(verdict_spans(frame, rows, judged, arms), 1).line())
    lines.append(_heading_line(frame, arms, columns, width))
    each = max(1, min(4, (height - len(lines)) // max(1, len(rows))))
    ratios = [
        found
        for one in rows
        if isinstance(found := judged[one.label], EffectEstimate) and not one.is_in_points
    ]
    # shared by all ratios; percentage points have their own scale
    scale = max(map(_interval_reach, ratios), default=0.0)
    for one in rows:
        lines += _figure_lines(frame, one, judged[one.label], arms, columns, width, each, scale)
    return PanelView(tuple(pad_lines(lines, width, height)))


@frozen
class _ColumnLayout:
    """Column positions: first cells of the arms, cells of their charts, interval and difference."""

    control_column: int
    treatment_column: int
    line_width: int
    difference_column: int
    interval_width: int
    difference_width: int


def _column_layout(width: int) -> _ColumnLayout:
    picture = _INTERVAL_WIDTH if width >= 110 else 0
    words = _DIFFERENCE_WIDTH if width >= 76 else 13
    label = _LABEL_WIDTH if width >= 60 else 8
    side = (width - label - picture - words - (2 if picture else 1)) // 2
    lines = max(0, side - _NUMBER_WIDTH - _UNIT_WIDTH - 1)
    return _ColumnLayout(
        label, width - side, lines if lines >= 5 else 0, label + side, picture, words
    )


def _heading_line(
    frame: Frame, arms: Sequence[ServiceState | None], columns: _ColumnLayout, width: int
) -> Line:
    """Render the heading: control demo-1 …    difference    treatment demo-2."""
    look = frame.view_state.split
    row = LineBuilder(width)
    if look is None:
        return row.line()
    for called, state, name, start in zip(
        arm_names(look.split),
        arms,
        ("control", "treatment"),
        (columns.control_column, columns.treatment_column),
        strict=True,
    ):
        room = (columns.difference_column if name == "control" else width) - start - 1
        row.at(start, text.truncate(f"{name} {called}{_targets_up(frame, state)}", room), "strong")
        if name == "control":
            title = (
                "treatment - control"
                if columns.difference_width == _DIFFERENCE_WIDTH
                else "difference"
            )
            row.at(
                columns.difference_column
                + (columns.interval_width + 1 if columns.interval_width else 0),
                title,
                "dim",
            )
    return row.line()


def arm_names(traffic_split: TrafficSplit) -> tuple[str, str]:
    """Names of control and treatment; for two ports of one host, the ports."""
    control, treatment = (
        text.clean(name, 60)
        for name in (traffic_split.control.short_name, traffic_split.treatment.short_name)
    )
    hosts = [name.rpartition(":")[0] for name in (control, treatment)]
    if hosts[0] and hosts[0] == hosts[1]:
        return control.removeprefix(hosts[0]), treatment.removeprefix(hosts[0])
    return control, treatment


def _targets_up(frame: Frame, service: ServiceState | None) -> str:
    """Format the number of targets that are up: ", 1 of 2 targets up"."""
    if service is None:
        return ""
    up = sum(
        bool(one.up) and not one.is_overdue
        for one in frame.snapshot.targets
        if one.name in service.targets
    )
    if up < len(service.targets):
        return f", {up} of {len(service.targets)} targets up"
    return f", {up} targets" if up > 1 else ""


def _figure_lines(
    frame: Frame,
    split_figure: SplitFigure,
    estimate: EffectEstimate | str,
    arms: Sequence[ServiceState | None],
    columns: _ColumnLayout,
    width: int,
    height: int,
    scale: float,
) -> list[Line]:
    look = frame.view_state.split
    if look is None:
        return []
    cells = columns.line_width
    pasts = [
        frame.history(split_figure.history_key(arm.name), cells) if cells else []
        for arm in (look.split.control, look.split.treatment)
    ]
    top = max((value for past in pasts for value in past if value is not None), default=0.0) or None
    pictures = [
        sparkline_rows(past, height - 1 if height > 2 else height, top) if cells else []
        for past in pasts
    ]
    pictures = [[*([""] * (height - len(picture))), *picture] for picture in pictures]
    lines = []
    for index in range(height):
        last = index == height - 1
        row = LineBuilder(width)
        if last:
            row.at(1, split_figure.label)
        for state, picture, start in zip(
            arms, pictures, (columns.control_column, columns.treatment_column), strict=True
        ):
            if last:
                _, digits, unit = (
                    split_figure.read_value(state)
                    if state is not None
                    else (None, text.UNKNOWN, "")
                )
                row.figure(start + _NUMBER_WIDTH, digits, unit)
            if cells:
                row.at(start + _NUMBER_WIDTH + _UNIT_WIDTH, picture[index], "data")
            if last and start == columns.control_column:
                if columns.interval_width:
                    row.spans(
                        _interval_spans(estimate, split_figure, scale, columns.interval_width),
                        columns.difference_column,
                    )
                row.spans(
                    _difference_spans(split_figure, estimate, arms, columns.difference_width),
                    columns.difference_column
                    + (columns.interval_width + 1 if columns.interval_width else 0),
                )
        lines.append(row.line())
    return lines


def _interval_reach(estimate: EffectEstimate) -> float:
    return max(abs(estimate.low), abs(estimate.high))


def _interval_spans(
    estimate: EffectEstimate | str, split_figure: SplitFigure, scale: float, cells: int
) -> list[TextSpan]:
    """Draw an interval as ├──●──┤ around the stroke of no difference; blank without an estimate."""
    if isinstance(estimate, str):
        return [TextSpan(" " * cells)]
    scale = (_interval_reach(estimate) if split_figure.is_in_points else scale) or 1.0
    middle = cells // 2

    def cell(value: float) -> int:
        return max(0, min(cells - 1, middle + round(value / scale * middle)))

    low, high, point = cell(estimate.low), cell(estimate.high), cell(estimate.effect)
    drawn = [" "] * cells
    drawn[middle] = "│"
    for place in range(low, high + 1):
        drawn[place] = "─"
    drawn[low], drawn[high] = "├", "┤"
    drawn[point] = "●"
    return [
        TextSpan(
            "".join(drawn),
            _estimate_role(estimate, split_figure) if estimate.is_confirmed else "dim",
        )
    ]


def _estimate_role(estimate: EffectEstimate, split_figure: SplitFigure) -> Role:
    if not estimate.is_confirmed or not split_figure.better_direction:
        return "plain" if estimate.is_confirmed else "dim"
    return "ok" if estimate.effect * split_figure.better_direction > 0 else "bad"


def _difference_spans(
    split_figure: SplitFigure,
    estimate: EffectEstimate | str,
    arms: Sequence[ServiceState | None],
    width: int,
) -> list[TextSpan]:
    """Format a difference: +24.1 % [+17.6, +30.9] worse.

    The interval is left out where `width` is too small for it.
    """
    unit = "pp" if split_figure.is_in_points else "%"
    if isinstance(estimate, str):
        now = _current_difference(split_figure, arms)
        plain = [f"{_format_signed(now)} {unit}"] if now is not None else []
        why = "so far" if estimate.startswith(TOO_EARLY_PREFIX) else estimate
        return [
            TextSpan(
                ", ".join([*plain, why]) if why != "so far" else " ".join([*plain, why]), "dim"
            )
        ]
    role = _estimate_role(estimate, split_figure)
    word = {
        "ok": "better",
        "bad": "worse",
        "dim": "again?" if estimate.is_unconfirmed else "unclear",
    }.get(role, "")
    interval = (
        f" [{_format_signed(estimate.low)}, {_format_signed(estimate.high)}]"
        if width == _DIFFERENCE_WIDTH
        else ""
    )
    return [TextSpan(f"{_format_signed(estimate.effect)} {unit}{interval} {word}".rstrip(), role)]


def _current_difference(
    split_figure: SplitFigure, arms: Sequence[ServiceState | None]
) -> float | None:
    """Difference of the two arms in the current window, without a test."""
    control, treatment = (
        split_figure.read_value(arm)[0] if arm is not None else None for arm in arms
    )
    if control is None or treatment is None:
        return None
    if split_figure.is_in_points:
        return treatment - control
    return treatment / control - 1 if control > 0 else None


def _format_signed(ratio: float) -> str:
    shown = text.format_percent(abs(100 * ratio))
    return shown if float(shown) == 0 else f"{'-' if ratio < 0 else '+'}{shown}"


# ------------------------------------------------------------------------------------------ verdict


def verdict_spans(
    frame: Frame,
    rows: Sequence[SplitFigure],
    estimates: dict[str, EffectEstimate | str],
    arms: Sequence[ServiceState | None],
) -> list[TextSpan]:
    """Summarize the split in one sentence.

    A problem with the arms comes first, then the differences that are certain, then unconfirmed
    ones, else how large a difference is not excluded yet.
    """
    look = frame.view_state.split
    if look is None:
        return []
    amiss = _problem_spans(frame, arms, look.silent_s)
    if amiss:
        return amiss
    found = [
        (one, told) for one in rows if isinstance(told := estimates[one.label], EffectEstimate)
    ]
    worse = [format_effect(one, told) for one, told in found if _estimate_role(told, one) == "bad"]
    better = [format_effect(one, told) for one, told in found if _estimate_role(told, one) == "ok"]
    if worse and better:
        return [
            TextSpan(
                f"a trade-off: worse in {', '.join(worse)}; better in {', '.join(better)}",
                "warning",
            )
        ]
    if worse:
        return [TextSpan(f"treatment is worse: {', '.join(worse)}", "bad")]
    if better:
        return [TextSpan(f"treatment is better: {', '.join(better)}", "ok")]
    unconfirmed = [
        format_effect(one, told)
        for one, told in found
        if told.is_unconfirmed and one.better_direction
    ]
    if unconfirmed:
        return [TextSpan(f"{', '.join(unconfirmed)}: sure if the next look says so again", "plain")]
    if not found:
        waits = next(
            (
                told
                for told in estimates.values()
                if isinstance(told, str) and told.startswith(TOO_EARLY_PREFIX)
            ),
            "",
        )
        return [
            TextSpan(
                f"too early to judge: {waits}" if waits else "nothing can be judged yet", "dim"
            )
        ]
    last = [(one, told) for one, told in found if one.better_direction and not one.is_in_points]
    bound = ""
    if last:
        one, told = last[-1]
        bound = f": {one.label} may differ by up to {text.format_percent(100 * max(abs(told.low), abs(told.high)))} %"
    return [TextSpan(f"no clear difference{bound}", "plain")]


def format_effect(split_figure: SplitFigure, estimate: EffectEstimate) -> str:
    """Format an effect: p99 +24.1 %."""
    return f"{split_figure.label} {_format_signed(estimate.effect)} {'pp' if split_figure.is_in_points else '%'}"


def _problem_spans(
    frame: Frame, arms: Sequence[ServiceState | None], silent_s: float | None
) -> list[TextSpan]:
    """Describe the problem that prevents a comparison of the arms.

    Missing data gives no verdict; an arm without traffic does.
    """
    states = {one.name: one for one in frame.snapshot.targets}
    for name, arm in zip(("control", "treatment"), arms, strict=True):
        if arm is None:
            return [TextSpan(f"{name}: nothing of it is there", "warning")]
        mine = [states[target] for target in arm.targets if target in states]
        if mine and all(target.state == "down" for target in mine):
            return [
                TextSpan(
                    f"{name} is not seen: its targets are down, which is no verdict", "warning"
                )
            ]
        if mine and all(map(target_state.is_in_trouble, mine)):
            late = [target for target in mine if target.waiting_s is not None]
            shortest = min(late, key=lambda target: target.waiting_s or 0.0)
            return [
                TextSpan(f"{name} is {target_state.slow(shortest)}, which is no verdict", "warning")
            ]
    if silent_s is not None and silent_s >= SILENCE_S:
        return [
            TextSpan(
                f"treatment has had no traffic for {text.format_duration(silent_s)}, control has",
                "bad",
            )
        ]
    return []


# ------------------------------------------------------------------------------ options for a split


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
        told = (
            "looking at its labels"
            if options is None
            else "one target, and no label with two values: nothing to split by"
        )
        lines.append(LineBuilder(width).at(1, told, "dim").line())
        return PanelView(tuple(pad_lines(lines, width, height)))
    room = height - 2
    first = first_visible_row(max(0, cursor - room + 1), cursor, len(options), room)
    before = ""
    for way in options[first : first + room]:
        by = text.clean(way.split.by, 16)
        row = LineBuilder(width).at(1, by if by != before else "", "dim")
        row.at(18, text.truncate(text.clean(way.value) or "(empty)", max(8, width - 36)))
        if way.rps is not None:
            digits, shown = text.format_amount(way.rps, unit)
            row.figure(max(row.end + 1, width - 10), digits, shown)
        before = by
        lines.append(row.line())
    while len(lines) < height - 1:
        lines.append(LineBuilder(width).line())
    lines.append(
        LineBuilder(width)
        .at(1, f"control: {text.clean(options[cursor].split.control.short_name, 60)}", "dim")
        .line()
    )
    return PanelView(tuple(pad_lines(lines, width, height)), 1 + cursor - first)
