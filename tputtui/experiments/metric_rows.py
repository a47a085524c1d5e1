"""Rows of one arm of a comparison over time, read from a CSV text with the contract's header."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from typing import Final

from tputtui.frozen import frozen
from tputtui.text import clean, did_you_mean

COLUMNS: Final = ("rps", "err_ratio", "p50", "p90", "p99", "cpu")
"""Units: 1/s, ratio, milliseconds, percent. `t` is in seconds, relative or unix time."""

MAX_ROWS: Final = 2_000_000
"""Maximum rows of a side: three weeks of seconds."""


class MetricRowsError(ValueError):
    """The text is not a valid side of a comparison; one sentence, cleaned."""


@frozen
class BucketRows:
    """Latency histogram per row: counts of each bucket (not cumulative), the last one beyond every
    bound.
    """

    bounds_ms: tuple[float, ...]  # finite upper bounds, ascending
    counts: tuple[
        tuple[float, ...], ...
    ]  # [row][bucket], len(bounds_ms) + 1 each; NaN where the row has none


@frozen
class MetricRows:
    """One arm: its time line and the available columns.

    NaN is a missing value, a missing row a missing time.
    """

    name: str
    t: tuple[float, ...]  # seconds, ascending
    columns: Mapping[str, tuple[float, ...]]  # by a name of COLUMNS; "rps" is always there
    step_s: float = 1.0
    dropped_rows: int = 0  # rows without a usable rate: none, or negative (a counter reset)
    buckets: BucketRows | None = None
    routes: Mapping[str, MetricRows] = field(
        default_factory=dict
    )  # route -> its own rows, on the same time line

    @property
    def seconds(self) -> float:
        """Measured seconds: the existing rows, not the time between the first and the last."""
        return len(self.t) * self.step_s


def parse_csv(text: str, name: str) -> MetricRows:
    """Parse CSV text into rows; `name` is the side's name in messages.

    Unknown columns are ignored, empty cells and NaN are missing values, rows without a usable rate
    are dropped and counted. Raises MetricRowsError with the problem and its position.
    """
    lines = csv.reader(text.removeprefix("\ufeff").splitlines())
    try:
        header = [cell.strip().lower() for cell in next(lines, [])]
        places = _column_indexes(header)
        row_by_time: dict[float, list[float]] = {}
        dropped = 0
        for number, cells in enumerate(lines, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(row_by_time) + dropped >= MAX_ROWS:
                raise MetricRowsError(f"more than {MAX_ROWS:,} rows")
            values = {
                column: _parse_number(cells, place, column, number)
                for column, place in places.items()
            }
            t, rps = values.pop("t", float(len(row_by_time) + dropped)), values["rps"]
            if not math.isfinite(t):
                raise MetricRowsError(f"line {number}: t is missing")
            if not math.isfinite(rps) or rps < 0 or t in row_by_time:
                dropped += 1
                continue
            row_by_time[t] = [_valid_or_nan(column, value) for column, value in values.items()]
    except csv.Error as error:
        raise MetricRowsError(f"line {lines.line_num}: {error}") from None
    if not row_by_time:
        raise MetricRowsError("no row has a rate")
    order = sorted(row_by_time)
    names = [column for column in places if column != "t"]
    table = {column: tuple(row_by_time[t][at] for t in order) for at, column in enumerate(names)}
    kept = {column: values for column, values in table.items() if any(map(math.isfinite, values))}
    return MetricRows(name, tuple(order), kept, median_step(order), dropped)


def median_step(t: Sequence[float]) -> float:
    """Return the median distance between rows, in seconds; 1 for a single row."""
    steps = sorted(after - before for before, after in pairwise(t))
    return steps[len(steps) // 2] if steps else 1.0


def _column_indexes(header: Sequence[str]) -> dict[str, int]:
    places = {column: header.index(column) for column in ("t", *COLUMNS) if column in header}
    if "rps" not in places:
        strange = next((word for word in header if word and word not in places), "")
        hint = did_you_mean(strange, COLUMNS) if strange else ""
        found_instead = f"; {clean(strange, 40)!r} stands there{hint}" if strange else ""
        raise MetricRowsError(
            f"the header needs rps, and may name t, {', '.join(COLUMNS[1:])}{found_instead}"
        )
    return places


def _parse_number(cells: Sequence[str], index: int, column: str, line: int) -> float:
    cell = cells[index].strip() if index < len(cells) else ""
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = None
    if value is None or "_" in cell:
        raise MetricRowsError(f"line {line}: {column} is no number: {clean(cell, 40)!r}")
    return value if math.isfinite(value) else math.nan


def _valid_or_nan(column: str, value: float) -> float:
    """Return a value valid for its column; else NaN."""
    if (
        value < 0
        or (column == "err_ratio" and value > 1)
        or (column in ("p50", "p90", "p99") and value == 0)
    ):
        return math.nan
    return value
