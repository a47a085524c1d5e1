"""Throughput panel: current value, baseline, trend, and the errors below."""

from __future__ import annotations

from tputtui import text
from tputtui.model import ErrorState, ServiceState, TrafficState
from tputtui.signals.rates import history_keys
from tputtui.views.live.panel_spec import PanelSpec, is_host_only
from tputtui.views.live.status_classes import MIN_CLASS_ROWS, status_class_lines
from tputtui.views.shared import objective_status, target_state
from tputtui.views.shared.chart import (
    MIN_CHART_ROWS,
    MIN_CHART_WIDTH,
    Chart,
    baseline_chart_lines,
    history_chart_line,
    time_chart,
)
from tputtui.views.shared.empty_state import missing_reason_lines, no_rate_reason
from tputtui.views.shared.extra_signals import extra_traffic_lines
from tputtui.views.shared.frame import Frame, PanelView, format_traffic, traffic_unit
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, pad_lines, rule_line
from tputtui.views.shared.trend_line import trend_lines

EXTRA_SIGNALS_HEIGHT = 8  # lines from which extra traffic has a line
_STATUS_CLASSES_HEIGHT = 17  # lines from which rates by status class are below the throughput


def throughput_panel(
    frame: Frame, width: int, height: int, chart: tuple[Line, ...] | None = None
) -> PanelView:
    """Render the panel in `height` lines.

    The caller renders `chart`: lines between the number and the errors.
    """
    focused = frame.view_state.focus == "throughput"
    service = frame.service
    traffic = service.traffic if service is not None else None
    lines = [rule_line("Throughput", text.clean(traffic.family) if traffic else "", width, focused)]
    if service is None or traffic is None:
        lines += _missing_lines(frame, service, width)
        return PanelView(tuple(pad_lines(lines, width, height)))
    classes = _status_class_rows(service, height)
    also = extra_traffic_lines(service, width) if height >= EXTRA_SIGNALS_HEIGHT else []
    room = chart_rows(frame, height)
    lines.append(_traffic_line(frame, service, traffic, width))
    if chart is not None:
        lines += chart[:room]
    elif room:
        lines += trend_lines(
            frame, history_keys.traffic(service.name), traffic.rps, traffic.unit, width, room
        )
    if classes and service.errors is not None:
        lines += status_class_lines(frame, service.name, service.errors, width, classes)
    if height > 2:
        lines = [
            *pad_lines(lines, width, height - 1 - len(also)),
            *also,
            errors_line(service, width, frame),
        ]
    return PanelView(tuple(pad_lines(lines, width, height)))


def chart_rows(frame: Frame, height: int) -> int:
    """Rows for the chart of throughput in a panel of `height` lines."""
    service = frame.service
    also = (
        height >= EXTRA_SIGNALS_HEIGHT
        and service is not None
        and any(one.traffic is not None for one in service.signals)
    )
    return max(0, height - 3 - int(also) - _status_class_rows(service, height))


def _status_class_rows(service: ServiceState | None, height: int) -> int:
    """Rows for the rates by status class: two fifths, where that leaves room for both."""
    if (
        service is None
        or service.errors is None
        or len(service.errors.by_class) < 1
        or height < _STATUS_CLASSES_HEIGHT
    ):
        return 0
    return max(MIN_CLASS_ROWS, (height - 3) * 2 // 5)


def _traffic_line(frame: Frame, service: ServiceState, traffic: TrafficState, width: int) -> Line:
    row = LineBuilder(width)
    digits, unit = format_traffic(traffic.rps, traffic.unit)
    asked = objective_status.service_objective(frame, "rps")
    if traffic.last is not None:
        last = target_state.last(traffic.last, *format_traffic(traffic.last.value, traffic.unit))
        row.at(1, digits, "strong").then(f"  {last}  ").then(
            target_state.slow_service(service, frame.snapshot.targets), "warning"
        )
        return row.line()
    row.at(1, digits, objective_status.status_role(asked)).then(f" {unit}", "dim")
    if asked is not None:
        row.then("  ").spans(objective_status.status_spans(asked))
    if traffic.rps is None:
        row.then("  ").then(no_rate_reason(frame, service), "dim")
        return row.line()
    if service.waiting_s is not None:
        row.then("  ").then(target_state.slow_service(service, frame.snapshot.targets), "warning")
    in_turn = sum(
        one.processes
        for one in frame.snapshot.targets
        if one.name in service.targets and one.processes > 1
    )
    if in_turn:
        row.then(f"  {in_turn} processes in turn", "warning")
    covered = service.covered_s
    if covered is not None and covered < frame.snapshot.window_s * 0.85:
        row.then(
            f"  {text.format_duration(round(covered, 1))} of {text.format_duration(frame.snapshot.window_s)}",
            "dim",
        )
    baseline = frame.view_state.baseline
    figures: list[tuple[str, float | None]] = [("best 60 s", traffic.best_60s)]
    if baseline is not None:
        found = frame.baseline_figure(history_keys.traffic(service.name))
        if found is not None:
            digits, unit = format_traffic(found.value, found.unit or traffic.unit)
            row.then(f"   {text.truncate(text.clean(baseline.label), 24)} ", "dim").then(
                f"{digits}  "
            )
            row.spans(
                frame.baseline_difference(
                    history_keys.traffic(service.name), traffic.rps, 1, traffic.unit
                )
            )
        else:
            row.then(
                f"   {text.truncate(text.clean(baseline.label), 24)}: not in the baseline", "dim"
            )
    else:
        figures.append(("since start", traffic.since_start))
    if (limit := frame.headroom) is not None and limit.value is not None:
        figures.insert(
            0, ("limit" if limit.kind == "limit" else "no limit found up to", limit.value)
        )
    for label, value in figures:
        if value is None:
            continue
        digits, unit = format_traffic(value, traffic.unit)
        if row.end + len(label) + len(digits) + 5 <= width:
            row.then(f"   {label} ", "dim").then(digits)
    return row.line()


def errors_line(service: ServiceState, width: int, frame: Frame | None = None) -> Line:
    """Render the errors: errors 0.12 %  ▲ 0.1 pp ± 0.04  1.5/s   5xx 1.5/s   4xx 0/s   resets 0."""
    row = LineBuilder(width)
    errors = service.errors
    row.at(1, "errors ", "plain")
    if errors is None:
        row.then(text.clean(service.reasons.get("errors") or "no error label found"), "dim")
    else:
        ratio = None if errors.ratio is None else errors.ratio * 100
        asked = objective_status.service_objective(frame, "errors") if frame is not None else None
        row.then(
            text.format_percent(ratio),
            objective_status.status_role(asked, error_role(errors.ratio)),
        ).then(" %", "dim")
        if errors.last is not None:
            row.then("  ").then(
                target_state.last(errors.last, text.format_percent(100 * errors.last.value), "%")
            )
        if asked is not None:
            row.then("  ").spans(objective_status.status_spans(asked))
        differs = (
            frame.baseline_difference(history_keys.errors(service.name), errors.ratio, -1)
            if frame is not None
            else []
        )
        if differs:
            row.then("  ").spans(differs)
        row.then(f"  {text.format_rate(errors.rps)}").then("/s", "dim")
        for name, value in _class_rates(errors):
            digits = text.format_rate(value)
            # A truncated figure would be a wrong figure.
            if row.end + text.width(name) + len(digits) + 6 > width:
                break
            role: Role = "warning" if name in ("5xx", "error") and value > 0 else "plain"
            row.then(f"   {name} ", "dim").then(digits, role).then("/s", "dim")
    if row.end + 11 <= width:
        row.then("   resets ", "dim").then(
            str(service.resets), "warning" if service.resets else "plain"
        )
    return row.line()


def _class_rates(errors: ErrorState) -> list[tuple[str, float]]:
    order = sorted(errors.by_class.items(), reverse=True)
    return [
        (text.clean(name, 12), value) for name, value in order if name not in ("1xx", "2xx", "3xx")
    ][:3]


def error_role(ratio: float | None) -> Role:
    """Colour of an error ratio: none at zero, a warning above it, bad from 1 %."""
    if ratio is None:
        return "dim"
    if ratio <= 0:
        return "strong"
    return "bad" if ratio >= 0.01 else "warning"


def _missing_lines(frame: Frame, service: ServiceState | None, width: int) -> list[Line]:
    return missing_reason_lines(frame, service, "traffic", width)


def _charts(frame: Frame, width: int, height: int) -> dict[str, Chart]:
    """Throughput over time, where there is room for a chart with axes."""
    rows = chart_rows(frame, height)
    service = frame.service
    if service is None or service.traffic is None:
        return {}
    if width < MIN_CHART_WIDTH or rows < MIN_CHART_ROWS:
        return {}
    figure = history_keys.traffic(service.name)
    line = history_chart_line(frame, figure, width - 6)
    lines = (*baseline_chart_lines(frame, figure, line), line)
    chart = time_chart(frame, lines, traffic_unit(service), width, rows)
    return {"chart": chart} if chart is not None else {}


def _stacked_height(frame: Frame | None, _screen_height: int) -> int:
    return 3 if is_host_only(frame) else 4


PANEL = PanelSpec(
    "throughput",
    throughput_panel,
    row="top",
    rank=0,
    stacked_height=_stacked_height,
    is_configurable=True,
    charts=_charts,
)
