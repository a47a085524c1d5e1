"""Large charts of the latency panel: quantiles over time, and throughput against latency."""

from __future__ import annotations

from tputtui.signals.rates import history_keys
from tputtui.views.shared.chart import (
    CHART_STEP_S,
    MIN_CHART_ROWS,
    Chart,
    LineChart,
    ScatterPlot,
    baseline_chart_lines,
    history_chart_line,
    time_chart,
)
from tputtui.views.shared.frame import Frame, traffic_unit
from tputtui.views.shared.quantile_text import quantile_name
from tputtui.views.shared.styled_text import Role

SCATTER_SIZE = (44, 14)
"""Cells and lines of the scatter plot, which is also its minimum size."""

_MAX_POINTS = 60
_NAME_CELLS = 14  # cells of a chart's axis labels and line names
_QUANTILE_ROLES: tuple[Role, ...] = ("faint", "plain", "data")
"""Roles of the quantiles, the lowest first; all above the third have its role."""


def has_scatter(width: int, height: int) -> bool:
    """Return whether a panel of that size has room for the scatter plot beside the quantiles."""
    return width >= SCATTER_SIZE[0] + 52 and height > SCATTER_SIZE[1]


def quantile_chart_rows(quantile_count: int, width: int, height: int) -> int:
    """Rows for a chart of the quantiles; 0 where each quantile has a trend in its own row."""
    if width < 50 or height < 20:
        return 0
    return max(6, (height - quantile_count - 3) * 3 // 5)


def latency_charts(frame: Frame, width: int, height: int) -> dict[str, Chart]:
    """Charts of a panel of that size: `scatter` and `chart`, the quantiles."""
    charts: dict[str, Chart] = {}
    scatter = _scatter(frame, width, height)
    if scatter is not None:
        charts["scatter"] = scatter
    quantiles = _quantile_chart(frame, width, height)
    if quantiles is not None:
        charts["chart"] = quantiles
    return charts


def _quantile_chart(frame: Frame, width: int, height: int) -> LineChart | None:
    service = frame.service
    if service is None or service.latency is None or not service.latency.quantiles:
        return None
    latency = service.latency
    if has_scatter(width, height):
        width -= SCATTER_SIZE[0] + 1
    rows = quantile_chart_rows(len(latency.quantiles), width, height)
    if rows < MIN_CHART_ROWS:
        return None
    lines = []
    for index, quantile in enumerate(latency.quantiles):
        figure = history_keys.latency(service.name, quantile.q)
        role = _QUANTILE_ROLES[min(index, len(_QUANTILE_ROLES) - 1)]
        name = quantile_name(quantile.q)
        lines.append(history_chart_line(frame, figure, width - _NAME_CELLS, role, name))
    tail = history_keys.latency(service.name, latency.quantiles[-1].q)
    behind = baseline_chart_lines(frame, tail, lines[-1])
    return time_chart(frame, (*behind, *lines), latency.unit, width, rows)


def _scatter(frame: Frame, width: int, height: int) -> ScatterPlot | None:
    """Throughput against the tail of the latency."""
    service = frame.service
    if service is None or service.traffic is None or service.latency is None:
        return None
    if not service.latency.quantiles or not has_scatter(width, height):
        return None
    tail = service.latency.quantiles[-1].q
    columns = min(_MAX_POINTS, int(frame.view_state.shown_span_s / CHART_STEP_S))
    pairs = zip(
        frame.past.columns(history_keys.traffic(service.name), columns)[:-1],
        frame.past.columns(history_keys.latency(service.name, tail), columns)[:-1],
        strict=True,
    )
    points = tuple((rps, value) for rps, value in pairs if rps is not None and value is not None)
    if not points:
        return None
    return ScatterPlot(
        points,
        traffic_unit(service),
        quantile_name(tail),
        service.latency.unit,
        SCATTER_SIZE[0],
        height - 1,
        frame.view_state.ascii_only,
        *_headroom_limit(frame),
    )


def _headroom_limit(frame: Frame) -> tuple[float | None, str]:
    """Throughput that the service can sustain, where it is known, and its label."""
    headroom = frame.headroom
    if headroom is None or headroom.value is None:
        return None, ""
    return headroom.value, "limit" if headroom.kind == "limit" else "no limit found up to"
