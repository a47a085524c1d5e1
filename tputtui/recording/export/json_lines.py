"""Export a run as JSON lines: its header, each reading, and the marks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tputtui.model import Scrape
from tputtui.recording.reader import Run
from tputtui.recording.records import Mark, RecordedTick
from tputtui.recording.value_codec import to_plain


def to_json(run: Run) -> Iterator[str]:
    """Generate the header, then each complete reading (names and values), with the marks."""
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
    content: dict[str, Any] = {
        "time": reading.time,
        "at": reading.at,
        "scrapes": [_scrape_object(scrape) for scrape in reading.scrapes],
    }
    if reading.host is not None:
        content["host"] = to_plain(reading.host)
    if reading.processes is not None:
        content["processes"] = to_plain(reading.processes)
    return content


def _scrape_object(scrape: Scrape) -> dict[str, Any]:
    content: dict[str, Any] = {
        "target": scrape.target,
        "time": scrape.time,
        "duration_s": scrape.duration_s,
    }
    if scrape.exposition is None:
        content["error"] = scrape.error
    else:
        content["samples"] = [
            {"name": series.name, "labels": dict(series.labels), "value": to_plain(value)}
            for series, value in scrape.exposition.samples.items()
        ]
    return content


def _format_json(content: dict[str, Any]) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n"
