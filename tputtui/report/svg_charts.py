"""SVG plots of the HTML report: both arms over time, and each metric's effect with interval and
margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.metric_rows import MetricRows
from tputtui.report.document import EffectPlot
from tputtui.text import format_axis_duration, format_axis_value, truncate

_WIDTH: Final = 760
_LEFT_MARGIN: Final = 52
_MAX_POINTS: Final = 380

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
    drawn = [render_time_chart(rows, *one) for one in _COLUMNS]
    return [chart for chart in drawn if chart]


def render_time_chart(
    rows: tuple[MetricRows, MetricRows], column: str, title: str, unit: str, scale: float = 1.0
) -> str:
    """Render both arms' values of one column (times `scale`), each from its own start; "" without
    data.
    """
    lines = [_downsample(one, column, scale) for one in rows]
    there = sorted(value for line in lines for _, value in line if value is not None)
    if not there:
        return ""
    height, top, foot = 170, 24, 20
    # The axis covers all but the top 0.5 % of values, so that one spike does not flatten the rest.
    ticks = _ticks(there[min(len(there) - 1, int(len(there) * 0.995))])
    highest = ticks[-1]
    last = max((line[-1][0] for line in lines if line), default=1.0) or 1.0

    def y(value: float) -> float:
        return top + (height - top - foot) * (1 - min(value, highest) / highest)

    out = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)} over time">'
    ]
    out.append(f'<text x="0" y="12" class="title">{escape(title)}, {escape(unit)}</text>')
    for tick in ticks:
        out.append(
            f'<line x1="{_LEFT_MARGIN}" x2="{_WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" class="grid"/>'
        )
        out.append(
            f'<text x="{_LEFT_MARGIN - 6}" y="{y(tick) + 4:.1f}" class="axis end">{escape(format_axis_value(tick))}</text>'
        )
    for moment in _time_ticks(last):
        x = _LEFT_MARGIN + (_WIDTH - _LEFT_MARGIN) * moment / last
        place = "middle" if 0 < moment < 0.97 * last else "end" if moment else ""
        out.append(
            f'<text x="{x:.0f}" y="{height - 4}" class="axis {place}">{escape(format_axis_duration(moment))}</text>'
        )
    for name, line in zip(("baseline", "candidate"), lines, strict=True):
        for part in _split_at_gaps(line):
            points = " ".join(
                f"{_LEFT_MARGIN + (_WIDTH - _LEFT_MARGIN) * t / last:.1f},{y(value):.1f}"
                for t, value in part
            )
            out.append(f'<polyline points="{points}" class="{name}"/>')
    out.append("</svg>")
    return "".join(out)


def render_effect_plot(plot: EffectPlot) -> str:
    """Render each effect in units of its own margin, with a band for the negligible range; ""
    without any.
    """
    drawn = [
        (
            effect.name,
            effect.metric.effect / effect.metric.margin,
            effect.metric.ci.low / effect.metric.margin,
            effect.metric.ci.high / effect.metric.margin,
            effect.verdict,
            effect.metric,
        )
        for effect in plot.effects
        if effect.metric.effect is not None
        and effect.metric.ci is not None
        and effect.metric.margin > 0
    ]
    if not drawn:
        return ""
    ends = [
        abs(end) for _, _, low, high, _, _ in drawn for end in (low, high) if math.isfinite(end)
    ]
    reach = max(3.0, min(12.0, 1.1 * max(ends, default=3.0)))
    height, label, right = 26 * len(drawn) + 30, 150, 190
    span = _WIDTH - label - right

    def x(margins: float) -> float:
        return label + span * (0.5 + max(-1.0, min(1.0, margins / reach)) / 2)

    out = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(plot.label)}">'
    ]
    out.append(
        f'<rect x="{x(-1):.1f}" width="{x(1) - x(-1):.1f}" y="0" height="{height - 22}" class="margin"/>'
    )
    out.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 22}" class="zero"/>')
    for at, (name, middle, low, high, verdict, one) in enumerate(drawn):
        y, kind = 14 + 26 * at, verdict or "inconclusive"
        out.append(f'<text x="0" y="{y + 4}" class="label">{escape(truncate(name, 22))}</text>')
        out.append(
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" class="ci {kind}"/>'
        )
        out.append(f'<circle cx="{x(middle):.1f}" cy="{y}" r="4" class="dot {kind}"/>')
        told = f"{formatting.format_effect(one)} {formatting.format_interval(one)}"
        out.append(f'<text x="{_WIDTH}" y="{y + 4}" class="label end">{escape(told)}</text>')
    out.append(
        f'<text x="{x(0):.1f}" y="{height - 6}" class="axis middle">{escape(plot.caption)}</text></svg>'
    )
    return "".join(out)


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
    each = max(1, math.ceil(len(values) / _MAX_POINTS))
    out: list[tuple[float, float | None]] = []
    for begin in range(0, len(values), each):
        part = [value for value in values[begin : begin + each] if math.isfinite(value)]
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
