"""Plain text tables, for terminals without a screen."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui.text import align_left, truncate, width


def format_columns(rows: Sequence[Sequence[str]], gap: int = 2, max_width: int = 60) -> list[str]:
    """Format rows with left-aligned columns; a cell other than the last is cut at `max_width`
    cells.
    """
    if not rows:
        return []
    count = max(len(row) for row in rows)
    widths = [
        max((min(width(row[at]), max_width) for row in rows if len(row) > at), default=0)
        for at in range(count)
    ]
    lines: list[str] = []
    for row in rows:
        cells = [
            align_left(truncate(cell, max_width), widths[at]) for at, cell in enumerate(row[:-1])
        ]
        lines.append((" " * gap).join((*cells, row[-1])).rstrip())
    return lines
