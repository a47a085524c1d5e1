"""A comparison as Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tputtui.report.comparison_document import build_document
from tputtui.report.document import (
    Block,
    Document,
    Fact,
    FactList,
    Paragraph,
    ReportTable,
    Sentences,
    TableRow,
)
from tputtui.report.report_input import ComparisonReport

_INTERVAL = re.compile(r"\\\[((?:[-+][\d.]+|beyond), (?:[-+][\d.]+|beyond))\\\]")
_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|~"})


def render_markdown(report: ComparisonReport) -> str:
    """Render the report without a final newline."""
    return "\n".join(_render_document(build_document(report))).rstrip("\n")


def _render_document(document: Document) -> list[str]:
    lines = [f"## {_escape(document.headline)}", "", document.meaning, ""]
    for section in document.sections:
        if section.medium != "page":
            for block in section.blocks:
                lines += _render_block(block, section.heading)
    return lines


def _render_block(block: Block, heading: str) -> list[str]:
    match block:
        case FactList():
            return _render_facts(block)
        case Sentences():
            return _render_list(heading, block.sentences)
        case Paragraph():
            return [f"**{heading}:** {_escape(block.text)}", ""]
        case ReportTable():
            return _render_table(heading, block)
        case _:  # charts
            return []


def _render_facts(block: FactList) -> list[str]:
    prose = [fact for fact in block.facts if fact.kind == "prose"]
    others = [fact for fact in block.facts if fact.kind != "prose"]
    lines: list[str] = []
    for fact in prose:
        lines += [f"**{fact.heading}:** {_escape(fact.text)}", ""]
    return [*lines, *map(_render_fact, others), ""]


def _render_fact(fact: Fact) -> str:
    text = _render_code(fact.text) if fact.kind == "side" else _escape(fact.text)
    return f"- {fact.heading.lower()}: {text}"


def _render_list(heading: str, sentences: Sequence[str]) -> list[str]:
    return [f"**{heading}**", "", *(f"- {_escape(sentence)}" for sentence in sentences), ""]


def _render_table(heading: str, table: ReportTable) -> list[str]:
    """Render a table with the deciding row in bold and informational rows marked.

    The table of metrics needs no heading, and no note, because it has a column of margins.
    """
    if not table.rows:
        return []
    rules = ["---" if at in table.text_columns else "---:" for at in range(len(table.headings))]
    lines = [] if table.is_of_metrics else [f"### {heading}", ""]
    lines += [f"| {' | '.join(table.headings)} |", f"|{'|'.join(rules)}|"]
    lines += [_render_row(row) for row in table.rows]
    lines.append("")
    if table.note and not table.is_of_metrics:
        lines += [_escape(table.note), ""]
    if table.missing_note:
        lines += [_escape(table.missing_note), ""]
    return lines


def _render_row(row: TableRow) -> str:
    cells = [_escape(cell) for cell in row.cells]
    cells[0] = f"**{cells[0]}**" if row.is_primary else cells[0]
    cells[-1] += "" if row.is_guardrail else " (for information)"
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Escape foreign text so that Markdown shows it as text.

    An interval of this program's is not a link, despite its brackets.
    """
    return _INTERVAL.sub(r"[\1]", text.translate(_ESCAPES))


def _render_code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
