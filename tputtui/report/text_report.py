"""Plain text report of a comparison for 80 columns and up: verdict and reasons, figures, next
steps.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from tputtui.report.comparison_document import build_document
from tputtui.report.document import (
    Block,
    Document,
    Fact,
    FactList,
    Paragraph,
    ReportTable,
    Section,
    Sentences,
    TableRow,
)
from tputtui.report.report_input import ComparisonReport
from tputtui.text import align_left, align_right, truncate, truncate_left, width

_WIDTH: Final = 79
_MAX_NAME_WIDTH: Final = 24  # of a route or a stratum
_HEADING_WIDTH: Final = 10


def render_text(report: ComparisonReport) -> str:
    """Render the report as joined lines without a final newline."""
    return "\n".join(_render_document(build_document(report))).rstrip("\n")


def _render_document(document: Document) -> list[str]:
    lines = [*_wrap(document.headline, "", "  "), document.meaning, ""]
    for section in document.sections:
        if section.medium != "page":
            lines += _render_section(section)
    return lines


def _render_section(section: Section) -> list[str]:
    heading = section.heading.lower()
    return [line for block in section.blocks for line in _render_block(block, heading)]


def _render_block(block: Block, heading: str) -> list[str]:
    match block:
        case FactList():
            return _render_facts(block)
        case Sentences():
            return _render_list(heading, block.sentences)
        case Paragraph():
            return _render_field(heading, block.text)
        case ReportTable(is_of_metrics=True):
            return _render_metrics(block)
        case ReportTable():
            return _render_table(heading, block)
        case _:  # charts
            return []


def _render_facts(block: FactList) -> list[str]:
    lines = [
        line
        for fact in block.facts
        for line in _render_field(fact.heading.lower(), _fact_text(fact))
    ]
    return [*lines, ""]


def _fact_text(fact: Fact) -> str:
    if fact.kind == "side":
        return truncate_left(fact.text, _WIDTH - _HEADING_WIDTH - 3)
    return fact.text


def _render_metrics(table: ReportTable) -> list[str]:
    """Render the table of metrics, marking the primary and the informational ones."""
    rows = [(f"{_row_mark(row)} {row.cells[0]}", *row.cells[1:]) for row in table.rows]
    lines = _render_columns([("", *table.headings[1:]), *rows], table)
    marks = "* primary"
    if any(not row.is_guardrail for row in table.rows):
        marks = "* primary, · for information"
    missing = _wrap(table.missing_note, "  ") if table.missing_note else []
    return [*lines, *_wrap(f"{marks}; {table.note}", "  "), *missing, ""]


def _row_mark(row: TableRow) -> str:
    if row.is_primary:
        return "*"
    return " " if row.is_guardrail else "·"


def _render_table(heading: str, table: ReportTable) -> list[str]:
    columns = _render_columns([table.headings, *(row.cells for row in table.rows)], table)
    note = _wrap(table.note, "  ") if table.note else []
    return [heading, *(f"  {line}" for line in columns), *note, ""]


def _render_columns(rows: Sequence[Sequence[str]], table: ReportTable) -> list[str]:
    shown = [at for at in range(len(table.headings)) if at not in table.wide_only_columns]
    columns = [_render_column([row[at] for row in rows], at in table.text_columns) for at in shown]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _render_column(cells: Sequence[str], is_text: bool) -> list[str]:
    """Pad the cells of a column to one width: text to the right, figures to the left."""
    if is_text:
        cells = [truncate(cell, _MAX_NAME_WIDTH) for cell in cells]
    column_width = max(map(width, cells))
    align = align_left if is_text else align_right
    return [align(cell, column_width) for cell in cells]


def _render_field(heading: str, body: str) -> list[str]:
    """Render `heading  body`, with the body wrapped in its own column."""
    if not body:
        return []
    return _wrap(body, f"  {align_left(heading, _HEADING_WIDTH)} ", " " * (_HEADING_WIDTH + 3))


def _render_list(heading: str, sentences: Sequence[str]) -> list[str]:
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
