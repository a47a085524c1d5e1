"""Throughput panel: current value, baseline, trend, and the errors below."""

from __future__ import annotations

from tputtui import text
from tputtui.model import ErrorState, ServiceState, TrafficState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
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
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, pad_lines, rule_line
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
        lines += missing_reason_lines(frame, service, "traffic", width)
        return PanelView(tuple(pad_lines(lines, width, height)))
    classes = _status_class_rows(service, height)
    extra = extra_traffic_lines(service, width) if height >= EXTRA_SIGNALS_HEIGHT else []
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
            *pad_lines(lines, width, height - 1 - len(extra)),
            *extra,
            errors_line(service, width, frame),
        ]
    return PanelView(tuple(pad_lines(lines, width, height)))


def chart_rows(frame: Frame, height: int) -> int:
    """Rows for the chart of throughput in a panel of `height` lines."""
    service = frame.service
    has_extra = (
        height >= EXTRA_SIGNALS_HEIGHT
        and service is not None
        and any(signal.traffic is not None for signal in service.signals)
    )
    return max(0, height - 3 - int(has_extra) - _status_class_rows(service, height))


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
    slow = target_state.slow_service(service, frame.snapshot.targets)
    if traffic.last is not None:
        last_figure = format_traffic(traffic.last.value, traffic.unit)
        last = target_state.last(traffic.last, *last_figure)
        return row.at(1, digits, "strong").then(f"  {last}  ").then(slow, "warning").line()
    objective = objective_status.service_objective(frame, "rps")
    row.at(1, digits, objective_status.status_role(objective)).then(f" {unit}", "dim")
    if objective is not None:
        row.then("  ").spans(objective_status.status_spans(objective))
    if traffic.rps is None:
        return row.then("  ").then(no_rate_reason(frame, service), "dim").line()
    if service.waiting_s is not None:
        row.then("  ").then(slow, "warning")
    row.spans(_coverage_spans(frame, service))
    row.spans(_traffic_baseline_spans(frame, service, traffic))
    for label, value in _traffic_figures(frame, traffic):
        digits, unit = format_traffic(value, traffic.unit)
        if row.end + len(label) + len(digits) + 5 <= width:
            row.then(f"   {label} ", "dim").then(digits)
    return row.line()


def _coverage_spans(frame: Frame, service: ServiceState) -> list[TextSpan]:
    """Describe processes that answer in turn, and a window that is not covered yet."""
    spans: list[TextSpan] = []
    in_turn = sum(
        target.processes
        for target in frame.snapshot.targets
        if target.name in service.targets and target.processes > 1
    )
    if in_turn:
        spans.append(TextSpan(f"  {in_turn} processes in turn", "warning"))
    covered, window = service.covered_s, frame.snapshot.window_s
    if covered is not None and covered < window * 0.85:
        covered_text = text.format_duration(round(covered, 1))
        spans.append(TextSpan(f"  {covered_text} of {text.format_duration(window)}", "dim"))
    return spans


def _traffic_baseline_spans(
    frame: Frame, service: ServiceState, traffic: TrafficState
) -> list[TextSpan]:
    """Format the baseline's throughput and the difference to it; empty without a baseline."""
    baseline = frame.view_state.baseline
    if baseline is None:
        return []
    label = text.truncate(text.clean(baseline.label), 24)
    name = history_keys.traffic(service.name)
    figure = frame.baseline_figure(name)
    if figure is None:
        return [TextSpan(f"   {label}: not in the baseline", "dim")]
    digits, _unit = format_traffic(figure.value, figure.unit or traffic.unit)
    difference = frame.baseline_difference(name, traffic.rps, 1, traffic.unit)
    return [TextSpan(f"   {label} ", "dim"), TextSpan(f"{digits}  "), *difference]


def _traffic_figures(frame: Frame, traffic: TrafficState) -> list[tuple[str, float]]:
    """Further figures of the throughput that are known, the most important first."""
    figures: list[tuple[str, float | None]] = []
    limit = frame.headroom
    if limit is not None:
        label = "limit" if limit.kind == "limit" else "no limit found up to"
        figures.append((label, limit.value))
    figures.append(("best 60 s", traffic.best_60s))
    if frame.view_state.baseline is None:
        figures.append(("since start", traffic.since_start))
    return [(label, value) for label, value in figures if value is not None]


def errors_line(service: ServiceState, width: int, frame: Frame | None = None) -> Line:
    """Render the errors: errors 0.12 %  ▲ 0.1 pp ± 0.04  1.5/s   5xx 1.5/s   4xx 0/s   resets 0."""
    row = LineBuilder(width)
    row.at(1, "errors ", "plain")
    if service.errors is None:
        row.then(text.clean(service.reasons.get("errors") or "no error label found"), "dim")
    else:
        _put_errors(row, service, service.errors, frame)
    if row.end + 11 <= width:
        row.then("   resets ", "dim").then(
            str(service.resets), "warning" if service.resets else "plain"
        )
    return row.line()


def _put_errors(
    row: LineBuilder, service: ServiceState, errors: ErrorState, frame: Frame | None
) -> None:
    percent = text.format_percent(None if errors.ratio is None else errors.ratio * 100)
    objective = objective_status.service_objective(frame, "errors") if frame is not None else None
    role = objective_status.status_role(objective, error_role(errors.ratio))
    row.then(percent, role).then(" %", "dim")
    if errors.last is not None:
        last_percent = text.format_percent(100 * errors.last.value)
        row.then("  ").then(target_state.last(errors.last, last_percent, "%"))
    if objective is not None:
        row.then("  ").spans(objective_status.status_spans(objective))
    if frame is not None:
        name = history_keys.errors(service.name)
        difference = frame.baseline_difference(name, errors.ratio, -1)
        row.then("  " if difference else "").spans(difference)
    row.then(f"  {text.format_rate(errors.rps)}").then("/s", "dim")
    for name, value in _class_rates(errors):
        digits = text.format_rate(value)
        # A truncated figure would be a wrong figure.
        if row.end + text.width(name) + len(digits) + 6 > row.width:
            break
        class_role: Role = "warning" if name in ("5xx", "error") and value > 0 else "plain"
        row.then(f"   {name} ", "dim").then(digits, class_role).then("/s", "dim")


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


def _past_names(frame: Frame) -> PastNames:
    service = frame.service
    if service is None:
        return PastNames()
    figures = [history_keys.traffic(service.name), history_keys.errors(service.name)]
    if service.errors is not None:
        figures += [
            history_keys.status_class(service.name, name) for name in service.errors.by_class
        ]
    return PastNames(frozenset(figures))


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
    past_names=_past_names,
)
