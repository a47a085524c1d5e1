"""Report formats of a comparison: one file each, and this list.

Text, Markdown and HTML render one document (`comparison_document`); JSON has a schema of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui.frozen import frozen
from tputtui.report.html_report import render_html
from tputtui.report.json_report import render_json
from tputtui.report.markdown_report import render_markdown
from tputtui.report.report_input import ComparisonReport
from tputtui.report.text_report import render_text


@frozen
class ReportFormat:
    """Format of a report. `render` returns it without a final newline."""

    name: str
    render: Callable[[ComparisonReport], str]
    is_for_terminal: bool = False  # characters that the terminal cannot show are replaced


_ENTRIES = (
    ReportFormat("text", render_text, is_for_terminal=True),
    ReportFormat("markdown", render_markdown),
    ReportFormat("json", render_json),
    ReportFormat("html", render_html),
)

FORMATS: Mapping[str, ReportFormat] = {entry.name: entry for entry in _ENTRIES}
"""Formats by name, in the order of the help; the first is the default."""
