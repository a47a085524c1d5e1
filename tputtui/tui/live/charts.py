"""The large charts of the live screen: what they show comes from the scene; each is rebuilt only when that changed."""

from __future__ import annotations

from collections.abc import Callable

from tputtui.signals.rates import history_keys
from tputtui.tui.live import plot
from tputtui.views.live.latency_panel import SCATTER, has_scatter, lines_rows, quantile_name
from tputtui.views.live.metric_panel import state_of
from tputtui.views.live.throughput_panel import CHART_WIDTH, chart_rows
from tputtui.views.shared.family_units import unit_of as family_unit
from tputtui.views.shared.frame import Frame, unit_of
from tputtui.views.shared.styled_text import Line, Role

STEP_S = 3.0  # a chart costs 5 ms to build: on a short axis its points lie no closer than this
_LEAST_ROWS = 6
_PROFILED = "p"  # on the axis where a profile was taken: the key that shows it
_TRACE_ROLES: tuple[Role, ...] = ("faint", "plain", "data")  # of quantiles, the lowest first; those above as the last


class Charts:
    """Draws charts of what it is given and keeps the last of each."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, tuple[Line, ...]]] = {}

    def throughput(self, scene: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """Throughput over time, for a panel of that size; None where there is no room or nothing to show."""
        rows = chart_rows(scene, height)
        service = scene.service
        if service is None or service.traffic is None or width < CHART_WIDTH or rows < _LEAST_ROWS:
            return None
        trace = self._trace(scene, history_keys.traffic(service.name), width - 6)
        traces = (*_behind(scene, history_keys.traffic(service.name), trace), trace)
        return self._timed("throughput", scene, traces, unit_of(service), width, rows)

    def quantiles(self, scene: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """The latency quantiles over time as lines."""
        service = scene.service
        if service is None or service.latency is None or not service.latency.quantiles:
            return None
        if has_scatter(width, height):
            width -= SCATTER[0] + 1
        rows = lines_rows(len(service.latency.quantiles), width, height)
        if rows < _LEAST_ROWS:
            return None
        traces = tuple(
            self._trace(
                scene,
                history_keys.latency(service.name, quantile.q),
                width - 14,
                _TRACE_ROLES[min(index, len(_TRACE_ROLES) - 1)],
                quantile_name(quantile.q),
            )
            for index, quantile in enumerate(service.latency.quantiles)
        )
        tail = service.latency.quantiles[-1].q
        traces = (*_behind(scene, history_keys.latency(service.name, tail), traces[-1]), *traces)
        return self._timed("quantiles", scene, traces, service.latency.unit, width, rows)

    def metric(self, scene: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """The metric that was put on the screen, over time."""
        charted = scene.viewpoint.charted
        if charted is None or width < CHART_WIDTH or height - 2 < _LEAST_ROWS:
            return None
        trace = self._trace(scene, history_keys.family(*charted), width - 6)
        return self._timed("metric", scene, (trace,), family_unit(state_of(scene)), width, height - 2)

    def scatter(self, scene: Frame, width: int, height: int) -> tuple[Line, ...] | None:
        """Throughput against the tail of the latency."""
        service = scene.service
        if service is None or service.traffic is None or service.latency is None or not has_scatter(width, height):
            return None
        if not service.latency.quantiles:
            return None
        tail, columns = service.latency.quantiles[-1].q, min(60, int(scene.viewpoint.shown_span_s / STEP_S))
        pairs = zip(
            scene.past(history_keys.traffic(service.name), columns)[:-1],
            scene.past(history_keys.latency(service.name, tail), columns)[:-1],
            strict=True,
        )
        points = tuple((rps, late) for rps, late in pairs if rps is not None and late is not None)
        if not points:
            return None
        shown = plot.ScatterPlot(
            points,
            unit_of(service),
            quantile_name(tail),
            service.latency.unit,
            SCATTER[0],
            height - 1,
            scene.viewpoint.ascii,
            *_limit(scene),
        )
        return self._drawn("scatter", shown, lambda: plot.scatter(shown))

    def _trace(self, scene: Frame, figure: str, cells: int, role: Role = "data", name: str = "") -> plot.ChartLine:
        columns = max(2, min(cells, int(scene.viewpoint.shown_span_s / STEP_S)))
        # The newest column is still filling: left out, so that the chart stands until its axis advances.
        return plot.ChartLine(tuple(scene.past(figure, columns)[:-1]), role, name)

    def _timed(
        self, kind: str, scene: Frame, traces: tuple[plot.ChartLine, ...], unit: str | None, width: int, rows: int
    ) -> tuple[Line, ...] | None:
        if all(value is None for trace in traces for value in trace.values):
            return None
        span = scene.viewpoint.shown_span_s
        chart = plot.LineChart(traces, span, unit, width, rows, scene.viewpoint.ascii, scene.axis_end)
        lines = self._drawn(kind, chart, lambda: plot.draw(chart))
        margin = max((len(trace.name) + 1 for trace in traces if trace.name), default=0)
        end = scene.viewpoint.cursor[0] if scene.viewpoint.cursor is not None else scene.snapshot.at
        signed = [(at, "┴") for at in scene.viewpoint.marks] + [(at, _PROFILED) for at in scene.viewpoint.profiled]
        for moment, sign in signed:
            if end - span <= moment <= end:
                lines = plot.marked(lines, 1 - (end - moment) / span, margin, sign)
        if scene.viewpoint.cursor is None:
            return lines
        return plot.marked(lines, 1 - (end - scene.viewpoint.cursor[1]) / span, margin)

    def _drawn(self, kind: str, key: object, build: Callable[[], tuple[Line, ...]]) -> tuple[Line, ...]:
        kept = self._kept.get(kind)
        if kept is None or kept[0] != key:
            kept = self._kept[kind] = (key, build())
        return kept[1]


def _behind(scene: Frame, figure: str, live: plot.ChartLine) -> tuple[plot.ChartLine, ...]:
    """The level of the baseline, drawn before the live line and so behind it."""
    found = scene.base(figure)
    if found is None or not any(value is not None for value in live.values):
        return ()
    return (plot.ChartLine((found.value,) * len(live.values), "faint", sign="-"),)


def _limit(scene: Frame) -> tuple[float | None, str]:
    """The throughput that the service can sustain, where it is known, and what that is called."""
    found = scene.headroom
    if found is None or found.value is None:
        return None, ""
    return found.value, "limit" if found.kind == "limit" else "no limit found up to"
