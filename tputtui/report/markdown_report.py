"""A comparison as Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison
from tputtui.report import report_tables
from tputtui.report.report_input import ReportInput
from tputtui.report.report_tables import ReportTable

_INTERVAL = re.compile(r"\\\[((?:[-+][\d.]+|beyond), (?:[-+][\d.]+|beyond))\\\]")
_ESCAPES = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]<>#|~"})


def render_markdown(comparison: Comparison, report_input: ReportInput) -> str:
    """Render the report without a final newline."""
    lines = [
        f"## {_escape(formatting.format_headline(comparison))}",
        "",
        formatting.MEANINGS[comparison.verdict],
        "",
    ]
    lines += _render_list("Why", comparison.reasons)
    for head, body in report_input.sections():
        lines += [f"**{head}:** {_escape(body)}", ""]
    for head, body in report_tables.comparison_facts(comparison, report_input):
        lines.append(
            f"- {head.lower()}: {_render_code(body) if head.lower() in report_input.sides else _escape(body)}"
        )
    lines += [""]
    lines += _render_list(
        "What differs", [formatting.describe_difference(one) for one in comparison.differences]
    )
    lines += _render_list("Not as planned", report_input.deviations)
    if comparison.metrics:
        lines += _render_table(
            report_tables.metrics_table(comparison.metrics, comparison.primary, report_input.cores),
            "",
        )
    for table in (
        report_tables.routes_table(comparison),
        report_tables.strata_table(comparison),
        report_tables.saturation_table(report_input),
    ):
        lines += _render_table(table, f"### {table.caption}")
    lines += _render_list("What the profiles say", report_input.profile_changes)
    lines += _render_list(
        "Earlier results",
        [formatting.describe_earlier_result(one) for one in report_input.earlier_results],
    )
    lines += _render_list("Next", comparison.advice)
    if report_input.decision:
        lines += [f"**Decision:** {_escape(report_input.decision)}", ""]
    return "\n".join(lines).rstrip("\n")


def _render_list(heading: str, sentences: Sequence[str]) -> list[str]:
    return (
        [f"**{heading}**", "", *(f"- {_escape(one)}" for one in sentences), ""] if sentences else []
    )


def _render_table(table: ReportTable, heading: str) -> list[str]:
    """Render a table with the deciding row in bold and informational rows marked."""
    if not table.rows:
        return []
    lines = [heading, ""] if heading else []
    lines.append(f"| {' | '.join(table.headings)} |")
    lines.append(
        f"|{'|'.join('---' if at in table.text_columns else '---:' for at in range(len(table.headings)))}|"
    )
    for row in table.rows:
        cells = [_escape(cell) for cell in row.cells]
        cells[0] = f"**{cells[0]}**" if row.is_primary else cells[0]
        cells[-1] += "" if row.is_guardrail else " (for information)"
        lines.append(f"| {' | '.join(cells)} |")
    notes = (table.note if heading else "", table.missing_note)
    return [*lines, "", *(line for note in notes if note for line in (_escape(note), ""))]


def _escape(text: str) -> str:
    """Escape foreign text so that Markdown shows it as text.

    An interval of this program's is not a link, despite its brackets.
    """
    return _INTERVAL.sub(r"[\1]", text.translate(_ESCAPES))


def _render_code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
