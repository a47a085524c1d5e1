"""Plain text report of a comparison for 80 columns and up: verdict and reasons, figures, next
steps.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison
from tputtui.report import report_tables
from tputtui.report.report_input import ReportInput
from tputtui.report.report_tables import ReportTable, TableRow
from tputtui.text import align_left, align_right, truncate, truncate_left, width

_WIDTH: Final = 79
_MAX_NAME_WIDTH: Final = 24  # of a route or a stratum
_HEADING_WIDTH: Final = 10


def render_text(comparison: Comparison, report_input: ReportInput) -> str:
    """Render the report as joined lines without a final newline."""
    lines = [
        *_wrap(formatting.format_headline(comparison), "", "  "),
        formatting.MEANINGS[comparison.verdict],
        "",
    ]
    lines += _render_list("why", comparison.reasons)
    for head, body in (
        *report_input.sections(),
        *report_tables.comparison_facts(comparison, report_input),
    ):
        lines += _render_field(
            head.lower(),
            truncate_left(body, _WIDTH - _HEADING_WIDTH - 3)
            if head.lower() in report_input.sides
            else body,
        )
    lines += [""]
    lines += _render_list(
        "what differs", [formatting.describe_difference(one) for one in comparison.differences]
    )
    lines += _render_list("not as planned", report_input.deviations)
    if comparison.metrics:
        lines += _render_metrics(
            report_tables.metrics_table(comparison.metrics, comparison.primary, report_input.cores)
        )
    for table in (
        report_tables.routes_table(comparison),
        report_tables.strata_table(comparison),
        report_tables.saturation_table(report_input),
    ):
        lines += _render_table(table)
    lines += _render_list("what the profiles say", report_input.profile_changes)
    lines += _render_list(
        "earlier results",
        [formatting.describe_earlier_result(one) for one in report_input.earlier_results],
    )
    lines += _render_list("next", comparison.advice)
    if report_input.decision:
        lines += _render_field("decision", report_input.decision)
    return "\n".join(lines).rstrip("\n")


def _render_metrics(table: ReportTable) -> list[str]:
    """Render the table of metrics, marking the primary and the informational ones."""
    marked = [
        TableRow(
            (
                f"{'*' if row.is_primary else ' ' if row.is_guardrail else '·'} {row.cells[0]}",
                *row.cells[1:],
            ),
            row.verdict,
        )
        for row in table.rows
    ]
    heads = ("", *table.headings[1:])
    lines = _render_columns([heads, *(row.cells for row in marked)], table)
    note = (
        "* primary, · for information"
        if any(not row.is_guardrail for row in table.rows)
        else "* primary"
    )
    missing = _wrap(table.missing_note, "  ") if table.missing_note else []
    return [*lines, *_wrap(f"{note}; {table.note}", "  "), *missing, ""]


def _render_table(table: ReportTable) -> list[str]:
    if not table.rows:
        return []
    lines = [
        f"  {line}"
        for line in _render_columns([table.headings, *(row.cells for row in table.rows)], table)
    ]
    return [table.caption.lower(), *lines, *(_wrap(table.note, "  ") if table.note else []), ""]


def _render_columns(rows: Sequence[Sequence[str]], table: ReportTable) -> list[str]:
    kept = [at for at in range(len(table.headings)) if at not in table.wide_only_columns]
    cells = [
        [truncate(row[at], _MAX_NAME_WIDTH) if at in table.text_columns else row[at] for at in kept]
        for row in rows
    ]
    widths = [max(width(row[place]) for row in cells) for place in range(len(kept))]
    out = []
    for row in cells:
        drawn = [
            align_left(cell, widths[place])
            if kept[place] in table.text_columns
            else align_right(cell, widths[place])
            for place, cell in enumerate(row)
        ]
        out.append("  ".join(drawn).rstrip())
    return out


def _render_field(heading: str, body: str) -> list[str]:
    """Render `heading  body`, with the body wrapped in its own column."""
    if not body:
        return []
    return _wrap(body, f"  {align_left(heading, _HEADING_WIDTH)} ", " " * (_HEADING_WIDTH + 3))


def _render_list(heading: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    lines = [heading]
    for sentence in sentences:
        lines += _wrap(sentence, "  - ", "    ")
    return [*lines, ""]


def _wrap(body: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        body,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_on_hyphens=False,
    )
