"""Export formats of a run for other programs: one file each, and this list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tputtui.frozen import frozen
from tputtui.recording.export.csv_table import to_csv
from tputtui.recording.export.json_lines import to_json
from tputtui.recording.export.openmetrics import to_openmetrics
from tputtui.recording.reader import Run


@frozen
class ExportFormat:
    """Format that a run can be written in.

    `generate` yields pieces of text, item by item, because a run may be larger than memory. It
    raises ValueError with a clause if the run has nothing for the format.
    """

    name: str
    generate: Callable[[Run], Iterator[str]]
    description: str  # a clause for the help of `tputtui export`
    # Generates one service, by its name; None: a file of this format holds every service
    generate_service: Callable[[Run, str], Iterator[str]] | None = None


_ENTRIES = (
    ExportFormat(
        "openmetrics",
        to_openmetrics,
        "for promtool tsdb create-blocks-from openmetrics",
    ),
    ExportFormat("csv", to_csv, "as compare reads it", to_csv),
    ExportFormat("json", to_json, "lines"),
)

FORMATS: Mapping[str, ExportFormat] = {entry.name: entry for entry in _ENTRIES}
"""Formats by name, in the order of the help."""
