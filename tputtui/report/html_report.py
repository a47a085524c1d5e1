"""HTML report of a comparison in one file, without scripts or network access.

Supports light and dark themes and printing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Final

from tputtui.report import svg_charts
from tputtui.report.comparison_document import build_document
from tputtui.report.document import (
    Block,
    Document,
    EffectPlot,
    FactList,
    FlameGraph,
    Paragraph,
    ReportTable,
    Section,
    Sentences,
    TableGroup,
    TableRow,
    TimeCharts,
)
from tputtui.report.json_report import build_json
from tputtui.report.report_input import ComparisonReport

_LEFT_CLASS: Final = ' class="left"'
_DIM_CLASS: Final = ' class="dim"'


def render_html(report: ComparisonReport) -> str:
    """Render the whole file, with the figures of the JSON report at its end."""
    document = build_document(report)
    raw = escape(json.dumps(build_json(report), indent=1, allow_nan=False))
    body = (
        f"{_render_document(document)}"
        f"<details><summary>Raw figures</summary><pre>{raw}</pre></details>"
    )
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.headline)}</title>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{read_style()}</style></head>\n'
        f"<body><main>{body}</main></body></html>"
    )


def read_style() -> str:
    """Read the style sheet, a file of the package."""
    from importlib.resources import files  # imported lazily: only this format needs it

    return files("tputtui.report").joinpath("report.css").read_text("utf-8")


def _render_document(document: Document) -> str:
    parts = [
        f'<h1 class="{document.verdict}">{escape(document.headline)}</h1>',
        f'<p class="dim">{escape(document.meaning)}</p>',
    ]
    parts += [
        _render_section(section) for section in document.sections if section.medium != "lines"
    ]
    return "".join(parts)


def _render_section(section: Section) -> str:
    body = "".join(map(_render_block, section.blocks))
    if not body or not section.heading:
        return body
    return f"<h2>{escape(section.heading)}</h2>{body}"


def _render_block(block: Block) -> str:
    match block:
        case FactList():
            return _render_facts(block)
        case Sentences():
            items = "".join(f"<li>{escape(sentence)}</li>" for sentence in block.sentences)
            return f"<ul>{items}</ul>"
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case ReportTable():
            return _render_table(block)
        case TableGroup():
            tables = "".join(map(_render_table, block.tables))
            return f"<details><summary>{escape(block.summary)}</summary>{tables}</details>"
        case EffectPlot():
            return _render_chart(svg_charts.render_effect_plot(block))
        case TimeCharts():
            return _render_time_charts(block)
        case FlameGraph():
            return f'<div class="flame">{block.svg}</div>'


def _render_facts(block: FactList) -> str:
    rows = [f"<dt>{escape(fact.heading)}</dt><dd>{escape(fact.text)}</dd>" for fact in block.facts]
    return f"<dl>{''.join(rows)}</dl>"


def _render_time_charts(block: TimeCharts) -> str:
    charts = svg_charts.render_time_charts(block.rows)
    if not charts:
        return ""
    keys = '<span class="key a">baseline</span><span class="key b">candidate</span>'
    return f"<p>{keys}</p>{''.join(map(_render_chart, charts))}"


def _render_chart(svg: str) -> str:
    """Render a chart whose text keeps its size on a narrow page."""
    return f'<div class="scroll">{svg}</div>' if svg else ""


def _render_table(table: ReportTable) -> str:
    """Render a table with its caption for screen readers, and its notes."""
    headings = "".join(
        f'<th scope="col"{_LEFT_CLASS if at in table.text_columns else ""}>{escape(heading)}</th>'
        for at, heading in enumerate(table.headings)
    )
    rows = "".join(_render_row(row, table) for row in table.rows)
    notes = "".join(f'<p class="dim">{escape(note)}</p>' for note in _table_notes(table))
    return (
        f'<div class="scroll"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>{notes}"
    )


def _table_notes(table: ReportTable) -> Sequence[str]:
    if any(not row.is_guardrail for row in table.rows):
        note = "Dimmed: for information."
    else:
        note = "" if table.is_of_metrics else table.note
    return [text for text in (note, table.missing_note) if text]


def _render_row(row: TableRow, table: ReportTable) -> str:
    name = escape(row.cells[0])
    if row.is_primary:
        name = f"<b>{name}</b>"
    cells = [f'<th scope="row"{_LEFT_CLASS}>{name}</th>']
    last = len(row.cells) - 1
    for at, cell in enumerate(row.cells[1:], start=1):
        classes = ["left"] if at in table.text_columns else []
        if at == last and row.verdict is not None:
            classes.append(row.verdict)
        attribute = f' class="{" ".join(classes)}"' if classes else ""
        cells.append(f"<td{attribute}>{escape(cell)}</td>")
    return f"<tr{'' if row.is_guardrail else _DIM_CLASS}>{''.join(cells)}</tr>"
