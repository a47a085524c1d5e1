"""Latency panel: one row a quantile (value, trend, baseline), with the precision of its bucket."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import LatencyState, Quantile, ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
from tputtui.views.live.heatmap import heatmap_lines
from tputtui.views.live.latency_charts import SCATTER_SIZE, latency_charts
from tputtui.views.live.panel_spec import PanelSpec, is_host_only
from tputtui.views.shared import objective_status, target_state
from tputtui.views.shared.empty_state import missing_reason_lines
from tputtui.views.shared.extra_signals import extra_latency_lines
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    Role,
    TextSpan,
    blank_line,
    level_row_index,
    pad_lines,
    rule_line,
    sparkline,
    sparkline_rows,
    with_level,
)

_NOW_ENDS, _TREND_STARTS = 14, 19
_BASE_ENDS, _BUCKET_AT = 30, 34
EXTRA_SIGNALS_HEIGHT = 10  # lines from which extra latencies have a line each


def latency_panel(
    frame: Frame,
    width: int,
    height: int,
    scatter: tuple[Line, ...] | None = None,
    chart: tuple[Line, ...] | None = None,
) -> PanelView:
    """Render the panel in `height` lines.

    The caller renders `scatter`, lines of `SCATTER_SIZE[0]` cells for the right side, and `chart`,
    the chart of the quantiles in `quantile_chart_rows` lines. With a chart, each quantile is shown
    with its bucket.
    """
    if scatter is None:
        return _panel_without_scatter(frame, width, height, chart)
    left = _panel_without_scatter(frame, width - SCATTER_SIZE[0] - 1, height, chart).lines
    top = _top_line(frame, width)
    beside = [
        *scatter[: height - 1],
        *(blank_line(SCATTER_SIZE[0]) for _ in range(height - 1 - len(scatter))),
    ]
    return PanelView(
        (
            top,
            *((*line, TextSpan(" "), *other) for line, other in zip(left[1:], beside, strict=True)),
        )
    )


def _top_line(frame: Frame, width: int) -> Line:
    state = frame.service.latency if frame.service is not None else None
    return rule_line(
        "Latency",
        text.clean(state.family) if state else "",
        width,
        frame.view_state.focus == "latency",
    )


def _panel_without_scatter(
    frame: Frame, width: int, height: int, chart: tuple[Line, ...] | None
) -> PanelView:
    service = frame.service
    latency = service.latency if service is not None else None
    lines = [_top_line(frame, width)]
    if service is None or latency is None:
        lines += missing_reason_lines(frame, service, "latency", width)
        if service is not None:
            lines += extra_latency_lines(service, width)
        return PanelView(tuple(pad_lines(lines, width, height)))
    extra = extra_latency_lines(service, width) if height >= EXTRA_SIGNALS_HEIGHT else []
    height -= len(extra)
    if not latency.quantiles:
        lines.append(_mean_line(frame, service, latency, width))
        if latency.note and height > 2:
            lines.append(_footer_line(latency, width))
    elif chart is not None:
        lines += _charted_lines(frame, service, latency, chart, width, height - 1)
    else:
        lines += _trend_lines(frame, service, latency, width, height - 1)
    return PanelView((*pad_lines(lines, width, height), *extra))


def _charted_lines(
    frame: Frame,
    service: ServiceState,
    latency: LatencyState,
    chart: tuple[Line, ...],
    width: int,
    height: int,
) -> list[Line]:
    """Render quantiles with their buckets, the chart, the heat map and the note."""
    lines = [_bucket_header(frame, width)]
    lines += [
        _bucket_row(frame, service, latency, quantile, width)
        for quantile in _shown_quantiles(latency, height)
    ]
    lines += chart
    starts, cells = _trend_columns(frame, width)
    lines += heatmap_lines(
        frame, service.name, latency.unit, starts, cells, width, height - len(lines) - 1
    )
    return [*pad_lines(lines, width, height - 1), _footer_line(latency, width, with_buckets=False)]


def _trend_lines(
    frame: Frame, service: ServiceState, latency: LatencyState, width: int, height: int
) -> list[Line]:
    """Render quantiles with a trend each, the heat map, and the objectives or a note."""
    quantiles = _shown_quantiles(latency, height)
    lines: list[Line] = []
    if height >= len(quantiles) + 2:
        lines.append(_header_line(frame, latency, width))
    has_footer = bool(latency.note) or height > 7 or quantiles[-1].is_lower_bound
    room = height - len(lines) - int(has_footer)
    starts, cells = _trend_columns(frame, width)
    heatmap = heatmap_lines(
        frame, service.name, latency.unit, starts, cells, width, room - len(quantiles)
    )
    each = max(1, min(4, (room - len(heatmap)) // len(quantiles)))
    for quantile in quantiles:
        lines += _quantile_rows(frame, service, latency, quantile, width, each)
    lines += heatmap
    if len(lines) < height:
        lines.append(_objectives_line(frame, latency, width) or _footer_line(latency, width))
    return lines


def _shown_quantiles(latency: LatencyState, height: int) -> Sequence[Quantile]:
    """Quantiles that have room: the highest have priority."""
    return latency.quantiles[-max(1, height) :]


def _trend_columns(frame: Frame, width: int) -> tuple[int, int]:
    """First cell of the trends, and their cells."""
    base = 0
    if width >= 50:
        base = 14 if frame.view_state.baseline is None else 24
    return _TREND_STARTS, max(0, width - _TREND_STARTS - base)


def _header_line(frame: Frame, latency: LatencyState, width: int) -> Line:
    starts, cells = _trend_columns(frame, width)
    baseline = frame.view_state.baseline
    span = text.format_axis_duration(frame.view_state.shown_span_s)
    row = LineBuilder(width).ending_at(_NOW_ENDS, "now", "dim")
    row.at(starts, text.truncate(span, cells), "dim")
    if width >= 50 and baseline is not None:
        row.ending_at(width - 1, text.truncate(text.clean(baseline.label), 24), "dim")
    elif width >= 50 and latency.since_start:
        row.ending_at(width - 1, "since start", "dim")
    return row.line()


def _quantile_rows(
    frame: Frame,
    service: ServiceState,
    latency: LatencyState,
    quantile: Quantile,
    width: int,
    height: int,
) -> list[Line]:
    starts, cells = _trend_columns(frame, width)
    trend, baseline_row = _trend(
        frame, history_keys.latency(service.name, quantile.q), cells, height
    )
    blank_rows = height - len(trend)
    if _is_last(latency, quantile) and cells > 3:
        trend[-1], baseline_row = text.truncate(_last(latency), cells), None
    lines = []
    for index, content in enumerate([""] * blank_rows + trend):
        row = LineBuilder(width)
        if index == height - 1:
            _put_quantile(row, frame, latency, quantile, starts - 1)
        has_level = baseline_row is not None and index - blank_rows == baseline_row
        row.spans(with_level(content, has_level=has_level), starts)
        if index == height - 1 and width >= 50:
            _put_right(row, width - 1, _base_spans(frame, service, latency, quantile))
        lines.append(frame.overlay_marks(row.line(), starts, cells) if content else row.line())
    return lines


def _trend(frame: Frame, figure: str, cells: int, height: int) -> tuple[list[str], int | None]:
    """Rows of a figure's trend, and the row of the baseline's level.

    A blank row above separates tall trends.
    """
    values = frame.past.columns(figure, cells) if cells > 3 else []
    baseline = frame.baseline_figure(figure)
    known = [value for value in values if value is not None]
    if baseline is not None:
        known.append(baseline.value)
    top = max(known, default=0.0) or None
    rows = sparkline_rows(values, height - 1 if height > 2 else height, top)
    if baseline is None or not top:
        return rows, None
    return rows, level_row_index(baseline.value, top, len(rows))


def _put_quantile(
    row: LineBuilder, frame: Frame, latency: LatencyState, quantile: Quantile, sign_ends: int
) -> None:
    objective = objective_status.service_objective(frame, "latency", quantile.q)
    role = objective_status.status_role(objective)
    row.at(1, quantile_name(quantile.q))
    row.figure(_NOW_ENDS, *format_quantile(quantile, latency.unit), role)
    row.ending_at(sign_ends, objective_status.status_sign(objective), role)


def _base_spans(
    frame: Frame, service: ServiceState, latency: LatencyState, quantile: Quantile
) -> Sequence[TextSpan]:
    """Format the difference to the baseline; without a baseline, the value since start."""
    if frame.view_state.baseline is not None:
        figure_name = history_keys.latency(service.name, quantile.q)
        if frame.baseline_figure(figure_name) is None:
            return (TextSpan("not in it", "dim"),)
        return frame.baseline_difference(
            figure_name, None if quantile.is_lower_bound else quantile.value, -1, latency.unit
        )
    base = next((other for other in latency.since_start if other.q == quantile.q), None)
    if base is None:
        return ()
    digits, unit = format_quantile(base, latency.unit)
    return (TextSpan(f"{digits} {unit}".rstrip(), "dim"),)


def _put_right(row: LineBuilder, x: int, spans: Sequence[TextSpan]) -> None:
    row.spans(spans, max(row.end, x - sum(text.width(span.text) for span in spans)))


def _bucket_header(frame: Frame, width: int) -> Line:
    baseline = frame.view_state.baseline
    row = LineBuilder(width).ending_at(_NOW_ENDS, "now", "dim")
    label = "since start"
    if baseline is not None:
        label = text.truncate(text.clean(baseline.label), 16)
    row.ending_at(_BASE_ENDS, label, "dim")
    return row.at(_BUCKET_AT, "lies in the bucket", "dim").line()


def _bucket_row(
    frame: Frame, service: ServiceState, latency: LatencyState, quantile: Quantile, width: int
) -> Line:
    """Render a quantile with its bucket: p99   88.1 ms   71.0 ms   50 ms to 100 ms."""
    row = LineBuilder(width).at(1, quantile_name(quantile.q))
    objective = objective_status.service_objective(frame, "latency", quantile.q)
    role = objective_status.status_role(objective)
    row.figure(_NOW_ENDS, *format_quantile(quantile, latency.unit), role)
    _put_right(row, _BASE_ENDS, _base_spans(frame, service, latency, quantile))
    row.at(_BUCKET_AT, "")
    if _is_last(latency, quantile):
        return row.then(_last(latency)).line()
    if quantile.value is None:
        return row.then("nothing was observed in the window", "dim").line()
    if quantile.is_lower_bound:
        return row.then("above the last bound: by an unknown amount", "warning").line()
    if quantile.low is None or quantile.high is None:
        return row.then("no buckets: the service computed it itself", "dim").line()
    row.then(text.format_bucket(quantile.low, quantile.high, latency.unit))
    if objective is not None:
        row.then("   ").spans(objective_status.status_spans(objective))
    elif quantile.is_coarse:
        row.then("   too wide to say more", "warning")
    return row.line()


def _objectives_line(frame: Frame, latency: LatencyState, width: int) -> Line | None:
    """Render the objectives on this latency as text; None without an objective."""
    row = LineBuilder(width)
    row.at(1, "")
    objectives = [
        objective_status.service_objective(frame, "latency", quantile.q)
        for quantile in latency.quantiles[::-1]
    ]
    for status in sorted(filter(None, objectives), key=objective_status.urgency):
        row.spans(objective_status.status_spans(status, with_measure=True))
        row.then(objective_status.slow_share_text(status, latency), "dim").then("   ")
    return row.line() if any(objectives) else None


def _footer_line(latency: LatencyState, width: int, *, with_buckets: bool = True) -> Line:
    row = LineBuilder(width)
    row.at(1, "")
    if latency.mean is not None:
        digits, unit = text.format_amount(latency.mean, latency.unit)
        row.at(1, "mean ", "dim").then(digits).then(f" {unit}" if unit else "", "dim")
    if latency.note:
        row.then("   " if row.end > 1 else "").then(text.clean(latency.note), "warning")
    elif latency.unit is None:
        row.then("   unit not known: shown as exposed", "dim")
    elif latency.quantiles and with_buckets:
        row.then("   " if row.end > 1 else "").spans(_bucket_spans(latency, width - row.end))
    return row.line()


def _bucket_spans(latency: LatencyState, cells: int) -> list[TextSpan]:
    """Name the bucket of each coarse quantile, or else that of the last one.

    Example: p50 ~7.1 ms, in 0–25 ms   p99 ≥10 s, above 10 s. The last one first leaves no room.
    """
    coarse = [q for q in latency.quantiles if q.is_coarse or q.is_lower_bound]
    spans: list[TextSpan] = []
    for quantile in reversed(coarse or latency.quantiles[-1:]):
        if quantile.value is None:
            continue
        digits, unit = format_quantile(quantile, latency.unit)
        bucket = text.format_bucket(quantile.low, quantile.high, latency.unit)
        if not bucket:
            continue
        amount = f"{digits} {unit}".rstrip()
        between = ", " if quantile.is_lower_bound else ", in "
        shown = f"{quantile_name(quantile.q)} {amount}{between}{bucket}"
        used = sum(text.width(span.text) for span in spans)
        if spans and used + 3 + text.width(shown) > cells:
            break
        role: Role = "warning" if quantile.is_lower_bound else "dim"
        spans.append(TextSpan(("   " if spans else "") + shown, role))
    return spans


def _is_last(state: LatencyState, quantile: Quantile) -> bool:
    """Return whether the last known value belongs to this quantile."""
    return state.last is not None and state.last.q == quantile.q


def _last(state: LatencyState) -> str:
    """Format the last known value: last 88.1 ms, 23 s ago."""
    if state.last is None:
        return ""
    return target_state.last(state.last, *text.format_amount(state.last.value, state.unit))


def _mean_line(frame: Frame, service: ServiceState, latency: LatencyState, width: int) -> Line:
    starts, cells = _trend_columns(frame, width)
    row = LineBuilder(width).at(1, "mean")
    digits, unit = text.format_amount(latency.mean, latency.unit)
    row.figure(_NOW_ENDS, digits, unit)
    if latency.last is not None:
        return row.at(starts, text.truncate(_last(latency), cells)).line()
    if cells > 3:
        values = frame.past.columns(history_keys.latency(service.name, None), cells)
        row.at(starts, sparkline(values), "data")
    return row.line()


def _past_names(frame: Frame) -> PastNames:
    """Past of the quantiles or of the mean; the scatter plot also has the throughput."""
    service = frame.service
    if service is None or service.latency is None:
        return PastNames()
    quantiles: list[float | None] = [quantile.q for quantile in service.latency.quantiles]
    figures = {history_keys.latency(service.name, q) for q in quantiles or [None]}
    figures.add(history_keys.traffic(service.name))
    return PastNames(frozenset(figures), frozenset((service.name,)))


def _stacked_height(frame: Frame | None, _screen_height: int) -> int:
    if is_host_only(frame):
        return 0
    quantiles = 3
    if frame is not None and frame.service is not None and frame.service.latency is not None:
        quantiles = max(1, len(frame.service.latency.quantiles))
    return 1 + min(quantiles, 4)


PANEL = PanelSpec(
    "latency",
    latency_panel,
    row="top",
    rank=2,
    stacked_height=_stacked_height,
    is_configurable=True,
    charts=latency_charts,
    past_names=_past_names,
)
