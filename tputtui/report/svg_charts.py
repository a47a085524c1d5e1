"""SVG plots of the HTML report: both arms over time, and each metric's effect with interval and
margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.metric_rows import MetricRows
from tputtui.frozen import frozen
from tputtui.report.document import Effect, EffectPlot
from tputtui.text import format_axis_duration, format_axis_value, truncate

_WIDTH: Final = 760
_LEFT_MARGIN: Final = 52
_MAX_POINTS: Final = 380
_TIME_HEIGHT: Final = 170  # of a chart over time, with its title and its time axis
_TIME_TOP: Final = 24
_TIME_FOOT: Final = 20
_ROW_HEIGHT: Final = 26  # of an effect, with its name on the left and its figure on the right
_NAMES_WIDTH: Final = 150
_FIGURES_WIDTH: Final = 190

_COLUMNS: Final = (
    ("rps", "Throughput", "req/s", 1.0),
    ("p50", "p50", "ms", 1.0),
    ("p99", "p99", "ms", 1.0),
    ("err_ratio", "Errors", "%", 100.0),
    ("cpu", "CPU of the machine", "%", 1.0),
)
_TICK_STEPS_S: Final = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    21600,
    43200,
    86400,
)


def render_time_charts(rows: tuple[MetricRows, MetricRows]) -> list[str]:
    """Render a chart for each column that either arm has."""
    drawn = [render_time_chart(rows, *column) for column in _COLUMNS]
    return [chart for chart in drawn if chart]


def render_time_chart(
    rows: tuple[MetricRows, MetricRows], column: str, title: str, unit: str, scale: float = 1.0
) -> str:
    """Render both arms' values of one column (times `scale`), each from its own start; "" without
    data.
    """
    lines = [_downsample(arm, column, scale) for arm in rows]
    known = sorted(value for line in lines for _, value in line if value is not None)
    if not known:
        return ""
    # The axis covers all but the top 0.5 % of values, so that one spike does not flatten the rest.
    ticks = _ticks(known[min(len(known) - 1, int(len(known) * 0.995))])
    last = max((line[-1][0] for line in lines if line), default=1.0) or 1.0
    parts = [
        (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {_TIME_HEIGHT}" role="img" '
            f'aria-label="{escape(title)} over time">'
        ),
        f'<text x="0" y="12" class="title">{escape(title)}, {escape(unit)}</text>',
        *_value_axis(ticks),
        *_time_axis(last),
    ]
    for name, line in zip(("baseline", "candidate"), lines, strict=True):
        parts += _polylines(name, line, last, ticks[-1])
    return "".join([*parts, "</svg>"])


def _value_axis(ticks: Sequence[float]) -> Iterator[str]:
    """Generate a grid line and a label for each tick; the last one is the top of the chart."""
    for tick in ticks:
        y = _time_chart_y(tick, ticks[-1])
        yield (
            f'<line x1="{_LEFT_MARGIN}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{_LEFT_MARGIN - 6}" y="{y + 4:.1f}" class="axis end">'
            f"{escape(format_axis_value(tick))}</text>"
        )


def _time_axis(last: float) -> Iterator[str]:
    """Generate the labels of the times up to `last`, which stay within the chart."""
    for moment in _time_ticks(last):
        anchor = "end"
        if moment < 0.97 * last:
            anchor = "middle" if moment > 0 else ""
        yield (
            f'<text x="{_time_chart_x(moment, last):.0f}" y="{_TIME_HEIGHT - 4}" '
            f'class="axis {anchor}">{escape(format_axis_duration(moment))}</text>'
        )


def _polylines(
    name: str, line: Sequence[tuple[float, float | None]], last: float, highest: float
) -> Iterator[str]:
    for part in _split_at_gaps(line):
        points = " ".join(
            f"{_time_chart_x(t, last):.1f},{_time_chart_y(value, highest):.1f}" for t, value in part
        )
        yield f'<polyline points="{points}" class="{name}"/>'


def _time_chart_x(t: float, last: float) -> float:
    return _LEFT_MARGIN + (_WIDTH - _LEFT_MARGIN) * t / last


def _time_chart_y(value: float, highest: float) -> float:
    plot_height = _TIME_HEIGHT - _TIME_TOP - _TIME_FOOT
    return _TIME_TOP + plot_height * (1 - min(value, highest) / highest)


@frozen
class _MarginEffect:
    """Effect of a metric in units of its margin."""

    name: str
    middle: float
    low: float
    high: float
    kind: str  # class of its line
    figure: str


def render_effect_plot(plot: EffectPlot) -> str:
    """Render each effect in units of its own margin, with a band for the negligible range; ""
    without any.
    """
    effects = [
        in_margins for effect in plot.effects if (in_margins := _in_margins(effect)) is not None
    ]
    if not effects:
        return ""
    ends = [abs(end) for effect in effects for end in (effect.low, effect.high)]
    furthest = max(filter(math.isfinite, ends), default=3.0)
    reach = max(3.0, min(12.0, 1.1 * furthest))
    height = _ROW_HEIGHT * len(effects) + 30
    span = _WIDTH - _NAMES_WIDTH - _FIGURES_WIDTH

    def x(margins: float) -> float:
        return _NAMES_WIDTH + span * (0.5 + max(-1.0, min(1.0, margins / reach)) / 2)

    parts = [
        (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
            f'aria-label="{escape(plot.label)}">'
        ),
        (
            f'<rect x="{x(-1):.1f}" width="{x(1) - x(-1):.1f}" y="0" height="{height - 22}" '
            'class="margin"/>'
        ),
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 22}" class="zero"/>',
    ]
    for row, effect in enumerate(effects):
        y = 14 + _ROW_HEIGHT * row
        parts += [
            f'<text x="0" y="{y + 4}" class="label">{escape(truncate(effect.name, 22))}</text>',
            (
                f'<line x1="{x(effect.low):.1f}" x2="{x(effect.high):.1f}" y1="{y}" y2="{y}" '
                f'class="ci {effect.kind}"/>'
            ),
            f'<circle cx="{x(effect.middle):.1f}" cy="{y}" r="4" class="dot {effect.kind}"/>',
            f'<text x="{_WIDTH}" y="{y + 4}" class="label end">{escape(effect.figure)}</text>',
        ]
    caption = escape(plot.caption)
    parts.append(
        f'<text x="{x(0):.1f}" y="{height - 6}" class="axis middle">{caption}</text></svg>'
    )
    return "".join(parts)


def _in_margins(effect: Effect) -> _MarginEffect | None:
    """Return the effect in units of its margin; None if it, its interval or margin is unknown."""
    metric = effect.metric
    if metric.effect is None or metric.ci is None or not metric.margin > 0:
        return None
    return _MarginEffect(
        effect.name,
        metric.effect / metric.margin,
        metric.ci.low / metric.margin,
        metric.ci.high / metric.margin,
        effect.verdict or "inconclusive",
        f"{formatting.format_effect(metric)} {formatting.format_interval(metric)}",
    )


def _ticks(highest: float) -> list[float]:
    """Return 0 and two to four round values, the last at or above `highest`."""
    if highest <= 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(highest / 3))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * 3.5 >= highest)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def _time_ticks(last: float) -> list[float]:
    """Return four to eight round times, starting at 0."""
    step = next(
        (step for step in _TICK_STEPS_S if last / step <= 6), math.ceil(last / 6 / 86400) * 86400.0
    )
    return [step * number for number in range(int(last / step) + 1)]


def _downsample(rows: MetricRows, column: str, scale: float) -> list[tuple[float, float | None]]:
    """Reduce a column to at most `_MAX_POINTS` means; None at a gap."""
    values = rows.columns.get(column)
    if values is None:
        return []
    group_size = max(1, math.ceil(len(values) / _MAX_POINTS))
    out: list[tuple[float, float | None]] = []
    for begin in range(0, len(values), group_size):
        part = [value for value in values[begin : begin + group_size] if math.isfinite(value)]
        t = rows.t[begin]
        if out and t - (rows.t[begin - 1]) > 2.5 * rows.step_s:
            out.append((t - rows.t[0], None))
        out.append((t - rows.t[0], scale * sum(part) / len(part) if part else None))
    return out


def _split_at_gaps(line: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    parts: list[list[tuple[float, float]]] = [[]]
    for t, value in line:
        if value is None:
            parts.append([])
        else:
            parts[-1].append((t, value))
    return [part for part in parts if len(part) > 1]
