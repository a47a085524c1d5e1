"""Latency distribution: bucket bounds as rows, time as columns, shades by share."""

from __future__ import annotations

import math

from tputtui import text
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, merge_spans

SHADES = " ░▒▓█"
ASCII_SHADES = " .:*#"
SHADE_THRESHOLDS = (0.0, 0.05, 0.2, 0.5)
"""Share of a column's requests from which each shade begins; the first begins above 0."""

MIN_ROWS = 3


def heatmap_lines(
    frame: Frame,
    service: str,
    unit: str | None,
    start: int,
    cells: int,
    width: int,
    max_height: int,
) -> list[Line]:
    """Render a title and at most `max_height` - 1 rows, the slowest first.

    The columns begin at cell `start`. Returns an empty list without room or without data.
    """
    if max_height <= MIN_ROWS or cells < 12:
        return []
    heatmap = frame.past.heatmap(service, cells)
    if heatmap is None or len(heatmap.bounds) < 2:
        return []
    heatmap = merge_rows(heatmap, max_height - 1)
    shades = ASCII_SHADES if frame.view_state.ascii_only else SHADES
    title = LineBuilder(width).at(1, "latency distribution", "dim")
    legend = [(">0", 1), ("5", 2), ("20", 3), ("50 %", 4)]
    if width - title.end >= 30:
        title.at(max(start, title.end + 2), "share", "dim")
        for figure, shade in legend:
            title.then(" ").then(shades[shade], _shade_role(shade)).then(f" {figure}", "dim")
    lines = [title.line()]
    for index in range(len(heatmap.bounds) - 1, -1, -1):
        row = LineBuilder(width).ending_at(start - 2, _format_bound(heatmap, index, unit), "dim")
        row.spans(_row_cells(heatmap, index, shades), start)
        lines.append(frame.overlay_marks(row.line(), start, cells))
    return lines


def merge_rows(heatmap: LatencyHeatmap, max_rows: int) -> LatencyHeatmap:
    """Reduce to at most `max_rows` rows by joining the two neighbours with the fewest requests."""
    bounds = list(heatmap.bounds)
    columns = [None if column is None else list(column) for column in heatmap.columns]
    totals = [
        sum(column[row] for column in columns if column is not None) for row in range(len(bounds))
    ]
    while len(bounds) > max(1, max_rows):
        at = min(range(len(bounds) - 1), key=lambda row: totals[row] + totals[row + 1])
        del bounds[at]
        for figures in (totals, *(column for column in columns if column is not None)):
            figures[at] += figures.pop(at + 1)
    return LatencyHeatmap(
        tuple(bounds), tuple(None if column is None else tuple(column) for column in columns)
    )


def shade_level(share: float) -> int:
    """Shade of a share of a column; 0 only for no requests, so that rare ones remain visible."""
    return 0 if share <= 0 else 1 + sum(share >= least for least in SHADE_THRESHOLDS[1:])


def _shade_role(level: int) -> Role:
    return "faint" if level <= 1 else "data"


def _row_cells(heatmap: LatencyHeatmap, row: int, shades: str) -> list[TextSpan]:
    levels = (0 if column is None else shade_level(column[row]) for column in heatmap.columns)
    return merge_spans(TextSpan(shades[level], _shade_role(level)) for level in levels)


def _format_bound(heatmap: LatencyHeatmap, row: int, unit: str | None) -> str:
    """Format the upper bound of a row; for the last row, above the last known bound."""
    bound = heatmap.bounds[row]
    if not math.isfinite(bound) and not row:
        return "all"
    digits, shown = text.format_amount(
        bound if math.isfinite(bound) else heatmap.bounds[row - 1], unit
    )
    return f"{'' if math.isfinite(bound) else '>'}{digits.removesuffix('.0')} {shown}".rstrip()
