"""Large charts of the panels: each is drawn again only when its content changed."""

from __future__ import annotations

from collections.abc import Callable

from tputtui.tui.live import plot
from tputtui.views.shared.chart import Chart, LineChart, ScatterPlot
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Line

_MARK_SIGN = "┴"
_PROFILE_SIGN = "p"  # the key that shows the profile


class Charts:
    """Draws charts with plotext and keeps the last lines of each."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[Chart, tuple[Line, ...]]] = {}

    def draw(self, frame: Frame, name: str, chart: Chart) -> tuple[Line, ...]:
        """Draw the chart of that name, with marks and the selected moment on a time axis."""
        if isinstance(chart, ScatterPlot):
            return self._cached_lines(name, chart, lambda: plot.draw_scatter(chart))
        lines = self._cached_lines(name, chart, lambda: plot.draw_chart(chart))
        return _mark_moments(frame, chart, lines)

    def _cached_lines(
        self, name: str, chart: Chart, draw: Callable[[], tuple[Line, ...]]
    ) -> tuple[Line, ...]:
        cached = self._cache.get(name)
        if cached is None or cached[0] != chart:
            cached = self._cache[name] = (chart, draw())
        return cached[1]


def _mark_moments(frame: Frame, chart: LineChart, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Mark marks, profiles and the selected moment on the time axis of a chart."""
    view_state, span = frame.view_state, chart.span_s
    end = view_state.cursor[0] if view_state.cursor is not None else frame.snapshot.at
    margin = max((len(line.name) + 1 for line in chart.chart_lines if line.name), default=0)
    signs = [(at, _MARK_SIGN) for at in view_state.mark_times]
    signs += [(at, _PROFILE_SIGN) for at in view_state.profile_times]
    for at, sign in signs:
        if end - span <= at <= end:
            lines = plot.mark_time(lines, 1 - (end - at) / span, margin, sign)
    if view_state.cursor is None:
        return lines
    return plot.mark_time(lines, 1 - (end - view_state.cursor[1]) / span, margin)
