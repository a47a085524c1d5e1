"""The large charts of the live screen: what they show comes from the scene; each is rebuilt only when that changed."""

from __future__ import annotations

from collections.abc import Callable

from tputtui.signals.rates import history_keys
from tputtui.tui.live import plot
from tputtui.views.live.latency_panel import (
    SCATTER_SIZE,
    has_scatter,
    quantile_chart_rows,
    quantile_name,
)
from tputtui.views.live.metric_panel import charted_family
from tputtui.views.live.throughput_panel import MIN_CHART_WIDTH, chart_rows
from tputtui.views.shared.family_units import family_unit
from tputtui.views.shared.frame import Frame, traffic_unit
from tputtui.views.shared.styled_text import Line, Role

STEP_S = 3.0  # a chart costs 5 ms to build: on a short axis its points lie no closer than this
_MIN_ROWS = 6
_PROFILE_SIGN = "p"  # on the axis where a profile was taken: the key that shows it
_QUANTILE_ROLES: tuple[Role, ...] = (
    "faint",
    "plain",
    "data",
)  # of quantiles, the lowest first; those above as the last


class Charts:
    """Draws charts of what it is given and keeps the last of each."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[object, tuple[Line, ...]]] = {}

    def throughput(self, frame: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """Throughput over time, for a panel of that size; None where there is no room or nothing to show."""
        rows = chart_rows(frame, height)
        service = frame.service
        if (
            service is None
            or service.traffic is None
            or width < MIN_CHART_WIDTH
            or rows < _MIN_ROWS
        ):
            return None
        trace = self._history_line(frame, history_keys.traffic(service.name), width - 6)
        traces = (*_baseline_line(frame, history_keys.traffic(service.name), trace), trace)
        return self._time_chart("throughput", frame, traces, traffic_unit(service), width, rows)

    def quantiles(self, frame: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """The latency quantiles over time as lines."""
        service = frame.service
        if service is None or service.latency is None or not service.latency.quantiles:
            return None
        if has_scatter(width, height):
            width -= SCATTER_SIZE[0] + 1
        rows = quantile_chart_rows(len(service.latency.quantiles), width, height)
        if rows < _MIN_ROWS:
            return None
        traces = tuple(
            self._history_line(
                frame,
                history_keys.latency(service.name, quantile.q),
                width - 14,
                _QUANTILE_ROLES[min(index, len(_QUANTILE_ROLES) - 1)],
                quantile_name(quantile.q),
            )
            for index, quantile in enumerate(service.latency.quantiles)
        )
        tail = service.latency.quantiles[-1].q
        traces = (
            *_baseline_line(frame, history_keys.latency(service.name, tail), traces[-1]),
            *traces,
        )
        return self._time_chart("quantiles", frame, traces, service.latency.unit, width, rows)

    def metric(self, frame: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """The metric that was put on the screen, over time."""
        charted = frame.view_state.charted
        if charted is None or width < MIN_CHART_WIDTH or height - 2 < _MIN_ROWS:
            return None
        trace = self._history_line(frame, history_keys.family(*charted), width - 6)
        return self._time_chart(
            "metric", frame, (trace,), family_unit(charted_family(frame)), width, height - 2
        )

    def scatter(self, frame: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """Throughput against the tail of the latency."""
        service = frame.service
        if (
            service is None
            or service.traffic is None
            or service.latency is None
            or not has_scatter(width, height)
        ):
            return None
        if not service.latency.quantiles:
            return None
        tail, columns = (
            service.latency.quantiles[-1].q,
            min(60, int(frame.view_state.shown_span_s / STEP_S)),
        )
        pairs = zip(
            frame.history(history_keys.traffic(service.name), columns)[:-1],
            frame.history(history_keys.latency(service.name, tail), columns)[:-1],
            strict=True,
        )
        points = tuple((rps, late) for rps, late in pairs if rps is not None and late is not None)
        if not points:
            return None
        shown = plot.ScatterPlot(
            points,
            traffic_unit(service),
            quantile_name(tail),
            service.latency.unit,
            SCATTER_SIZE[0],
            height - 1,
            frame.view_state.ascii_only,
            *_headroom_limit(frame),
        )
        return self._cached_lines("scatter", shown, lambda: plot.draw_scatter(shown))

    def _history_line(
        self, frame: Frame, figure: str, cells: int, role: Role = "data", name: str = ""
    ) -> plot.ChartLine:
        columns = max(2, min(cells, int(frame.view_state.shown_span_s / STEP_S)))
        # The newest column is still filling: left out, so that the chart stands until its axis advances.
        return plot.ChartLine(tuple(frame.history(figure, columns)[:-1]), role, name)

    def _time_chart(
        self,
        kind: str,
        frame: Frame,
        chart_lines: tuple[plot.ChartLine, ...],
        unit: str | None,
        width: int,
        rows: int,
    ) -> tuple[Line, ...] | None:
        if all(value is None for trace in chart_lines for value in trace.values):
            return None
        span = frame.view_state.shown_span_s
        chart = plot.LineChart(
            chart_lines, span, unit, width, rows, frame.view_state.ascii_only, frame.axis_end_label
        )
        lines = self._cached_lines(kind, chart, lambda: plot.draw_chart(chart))
        margin = max((len(trace.name) + 1 for trace in chart_lines if trace.name), default=0)
        end = (
            frame.view_state.cursor[0] if frame.view_state.cursor is not None else frame.snapshot.at
        )
        signed = [(at, "┴") for at in frame.view_state.mark_times] + [
            (at, _PROFILE_SIGN) for at in frame.view_state.profile_times
        ]
        for moment, sign in signed:
            if end - span <= moment <= end:
                lines = plot.mark_time(lines, 1 - (end - moment) / span, margin, sign)
        if frame.view_state.cursor is None:
            return lines
        return plot.mark_time(lines, 1 - (end - frame.view_state.cursor[1]) / span, margin)

    def _cached_lines(
        self, kind: str, key: object, build: Callable[[], tuple[Line, ...]]
    ) -> tuple[Line, ...]:
        kept = self._cache.get(kind)
        if kept is None or kept[0] != key:
            kept = self._cache[kind] = (key, build())
        return kept[1]


def _baseline_line(
    frame: Frame, figure: str, current: plot.ChartLine
) -> tuple[plot.ChartLine, ...]:
    """The level of the baseline, drawn before the live line and so behind it."""
    found = frame.baseline_figure(figure)
    if found is None or not any(value is not None for value in current.values):
        return ()
    return (plot.ChartLine((found.value,) * len(current.values), "faint", marker="-"),)


def _headroom_limit(frame: Frame) -> tuple[float | None, str]:
    """The throughput that the service can sustain, where it is known, and what that is called."""
    found = frame.headroom
    if found is None or found.value is None:
        return None, ""
    return found.value, "limit" if found.kind == "limit" else "no limit found up to"
