"""Export a run as CSV: each second's figures, as `compare` reads them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from tputtui.recording.reader import Run
from tputtui.recording.run_table import COLUMNS, RunRow, service_rows

_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def escape_cell(text: str) -> str:
    """Escape a text as a CSV cell, so that a spreadsheet does not evaluate it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_PREFIXES) else text


def to_csv(run: Run, service: str | None = None) -> Iterator[str]:
    """Generate the lines of one service, or of all: with several, the first column names them.

    Raises ValueError if there is none.
    """
    tables = [(name, rows) for name, rows in service_rows(run) if service in (None, name)]
    if not tables:
        names = ", ".join(name for name, _ in service_rows(run)) or "none"
        raise ValueError(
            f"no service {service!r} in it; it holds {names}" if service else "it holds no service"
        )
    has_names = len(tables) > 1
    yield _format_line(["service", *COLUMNS] if has_names else [*COLUMNS])
    for name, rows in tables:
        first_cells = [escape_cell(name)] if has_names else []
        for row in rows:
            yield _format_line([*first_cells, *map(_format_number, _values(row))])


def _values(row: RunRow) -> list[float | None]:
    return [getattr(row, name) for name in COLUMNS]


def _format_number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.9g}"


def _format_line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
