"""The plots of the HTML report, as SVG: both arms over time, and each metric's effect with its interval and margin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from tputtui.experiments.outcome import Metric
from tputtui.experiments.report import words
from tputtui.experiments.rows import Rows
from tputtui.text import brief_span, short

_WIDTH: Final = 760
_LEFT: Final = 52
_POINTS: Final = 380


def over_time(rows: tuple[Rows, Rows], column: str, title: str, unit: str) -> str:
    """Both arms' values of one column from their own begin on; nothing where neither has it."""
    lines = [_thinned(one, column) for one in rows]
    there = [value for line in lines for _, value in line if value is not None]
    if not there:
        return ""
    height, top = 170, 24
    # the axis ends above all but the last in two hundred: one spike must not flatten the rest
    highest = sorted(there)[min(len(there) - 1, int(len(there) * 0.995))] * 1.15 or 1.0
    last = max((line[-1][0] for line in lines if line), default=1.0) or 1.0
    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)} over time">']
    out.append(f'<text x="0" y="12" class="title">{escape(title)}, {escape(unit)}</text>')
    for share in (0.0, 0.5, 1.0):
        y = top + (height - top - 20) * (1 - share)
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="axis end">{escape(short(highest * share))}</text>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _LEFT + (_WIDTH - _LEFT) * share
        place = "end" if share == 1.0 else ""
        out.append(
            f'<text x="{x:.0f}" y="{height - 4}" class="axis {place}">{escape(brief_span(round(last * share)))}</text>'
        )
    for name, line in zip(("baseline", "candidate"), lines, strict=True):
        for part in _parts(line):
            points = " ".join(
                f"{_LEFT + (_WIDTH - _LEFT) * t / last:.1f},"
                f"{top + (height - top - 20) * (1 - min(value, highest) / highest):.1f}"
                for t, value in part
            )
            out.append(f'<polyline points="{points}" class="{name}"/>')
    out.append("</svg>")
    return "".join(out)


def forest(metrics: Sequence[Metric]) -> str:
    """Each effect in units of its own margin: the band is what does not matter."""
    drawn = [one for one in metrics if one.effect is not None and one.ci is not None and one.margin > 0]
    if not drawn:
        return ""
    reach = 3.0
    for one in drawn:
        if one.ci is not None:
            reach = max(reach, min(12.0, 1.1 * max(abs(one.ci.low), abs(one.ci.high)) / one.margin))
    height, label, right = 26 * len(drawn) + 30, 130, 190
    span = _WIDTH - label - right

    def x(margins: float) -> float:
        return label + span * (0.5 + max(-1.0, min(1.0, margins / reach)) / 2)

    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="effects in units of their margins">']
    out.append(f'<rect x="{x(-1):.1f}" width="{x(1) - x(-1):.1f}" y="0" height="{height - 22}" class="margin"/>')
    out.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height - 22}" class="zero"/>')
    for at, one in enumerate(drawn):
        y = 14 + 26 * at
        assert one.effect is not None and one.ci is not None  # noqa: S101, PT018 - see `drawn`
        low, high, middle = (value / one.margin for value in (one.ci.low, one.ci.high, one.effect))
        kind = one.verdict or "inconclusive"
        out.append(f'<text x="0" y="{y + 4}" class="label">{escape(words.metric_name(one))}</text>')
        out.append(f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" class="ci {kind}"/>')
        out.append(f'<circle cx="{x(middle):.1f}" cy="{y}" r="4" class="dot {kind}"/>')
        said = f"{words.effect(one)} {words.interval(one)}"
        out.append(f'<text x="{_WIDTH}" y="{y + 4}" class="label end">{escape(said)}</text>')
    out.append(f'<text x="{x(0):.1f}" y="{height - 6}" class="axis middle">shaded: within the margin</text></svg>')
    return "".join(out)


def _thinned(rows: Rows, column: str) -> list[tuple[float, float | None]]:
    """At most `_POINTS` means; None where there is a gap."""
    values = rows.columns.get(column)
    if values is None:
        return []
    each = max(1, math.ceil(len(values) / _POINTS))
    out: list[tuple[float, float | None]] = []
    for begin in range(0, len(values), each):
        part = [value for value in values[begin : begin + each] if math.isfinite(value)]
        t = rows.t[begin]
        if out and t - (rows.t[begin - 1]) > 2.5 * rows.step_s:
            out.append((t - rows.t[0], None))
        out.append((t - rows.t[0], sum(part) / len(part) if part else None))
    return out


def _parts(line: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    parts: list[list[tuple[float, float]]] = [[]]
    for t, value in line:
        if value is None:
            parts.append([])
        else:
            parts[-1].append((t, value))
    return [part for part in parts if len(part) > 1]
