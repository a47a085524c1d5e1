"""Export a run row by row: JSON lines of its readings, CSV for statistics. OpenMetrics is in
`openmetrics`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick
from tputtui.recording.run_header import Mark
from tputtui.recording.run_table import COLUMNS, RunRow, service_rows
from tputtui.recording.value_codec import to_plain

_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")


def escape_cell(text: str) -> str:
    """Escape a text as a CSV cell, so that a spreadsheet does not evaluate it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_PREFIXES) else text


def to_csv(run: Run, service: str | None) -> Iterator[str]:
    """Generate the CSV lines that `compare` reads.

    With several services and none named, the first column names them.
    """
    tables = [(name, rows) for name, rows in service_rows(run) if service in (None, name)]
    if not tables:
        held = ", ".join(name for name, _ in service_rows(run)) or "none"
        raise ValueError(
            f"no service {service!r} in it; it holds {held}" if service else "it holds no service"
        )
    named = len(tables) > 1
    yield _format_line([*(["service"] if named else []), *COLUMNS])
    for name, rows in tables:
        for row in rows:
            yield _format_line(
                [*([escape_cell(name)] if named else []), *map(_format_number, _values(row))]
            )


def _values(row: RunRow) -> list[float | None]:
    return [getattr(row, name) for name in COLUMNS]


def _format_number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.9g}"


def _format_line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def to_json(run: Run) -> Iterator[str]:
    """Generate JSON lines: the header, then each complete reading (names and values), with the
    marks.
    """
    yield _format_json({"run": to_plain(run.header)})
    for item in run.items():
        if isinstance(item, RecordedTick):
            yield _format_json({"reading": _reading_object(item)})
        elif isinstance(item, Mark):
            yield _format_json({"mark": to_plain(item)})
    end = run.end()
    if end is not None:
        yield _format_json({"end": to_plain(end)})


def _reading_object(tick: RecordedTick) -> dict[str, Any]:
    reading = tick.reading
    scrapes = []
    for scrape in reading.scrapes:
        said: dict[str, Any] = {
            "target": scrape.target,
            "time": scrape.time,
            "duration_s": scrape.duration_s,
        }
        if scrape.exposition is None:
            said["error"] = scrape.error
        else:
            said["samples"] = [
                {"name": series.name, "labels": dict(series.labels), "value": to_plain(value)}
                for series, value in scrape.exposition.samples.items()
            ]
        scrapes.append(said)
    found: dict[str, Any] = {"time": reading.time, "at": reading.at, "scrapes": scrapes}
    if reading.host is not None:
        found["host"] = to_plain(reading.host)
    if reading.processes is not None:
        found["processes"] = to_plain(reading.processes)
    return found


def _format_json(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n"
