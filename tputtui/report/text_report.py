"""A comparison as plain text, for 80 columns and up: the answer and why, then the figures, then what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison
from tputtui.report import report_tables
from tputtui.report.report_input import ReportInput
from tputtui.report.report_tables import ReportTable, TableRow
from tputtui.text import cut, cut_left, left, right, width

_WIDE: Final = 79
_NAME: Final = 24  # of a route or a stratum
_HEAD: Final = 10


def text(comparison: Comparison, record: ReportInput) -> str:
    """The report, lines joined, without an end of line at its end."""
    lines = [*_wrapped(formatting.headline(comparison), "", "  "), formatting.MEANINGS[comparison.verdict], ""]
    lines += _block("why", comparison.reasons)
    for head, body in (*record.sections(), *report_tables.facts(comparison, record)):
        lines += _said(head.lower(), cut_left(body, _WIDE - _HEAD - 3) if head.lower() in record.sides else body)
    lines += [""]
    lines += _block("what differs", [formatting.difference(one) for one in comparison.differences])
    lines += _block("not as planned", record.deviations)
    if comparison.metrics:
        lines += _metrics(report_tables.metrics(comparison.metrics, comparison.primary, record.cores))
    for table in (report_tables.routes(comparison), report_tables.strata(comparison), report_tables.saturation(record)):
        lines += _table(table)
    lines += _block("what the profiles say", record.hot)
    lines += _block("earlier results", [formatting.earlier(one) for one in record.earlier])
    lines += _block("next", comparison.advice)
    if record.decision:
        lines += _said("decision", record.decision)
    return "\n".join(lines).rstrip("\n")


def _metrics(table: ReportTable) -> list[str]:
    """The table of metrics: which of them is the primary, and which are for information."""
    marked = [
        TableRow((f"{'*' if row.decides else ' ' if row.guards else '·'} {row.cells[0]}", *row.cells[1:]), row.verdict)
        for row in table.rows
    ]
    heads = ("", *table.heads[1:])
    lines = _columns([heads, *(row.cells for row in marked)], table)
    note = "* primary, · for information" if any(not row.guards for row in table.rows) else "* primary"
    missing = _wrapped(table.missing, "  ") if table.missing else []
    return [*lines, *_wrapped(f"{note}; {table.note}", "  "), *missing, ""]


def _table(table: ReportTable) -> list[str]:
    if not table.rows:
        return []
    lines = [f"  {line}" for line in _columns([table.heads, *(row.cells for row in table.rows)], table)]
    return [table.caption.lower(), *lines, *(_wrapped(table.note, "  ") if table.note else []), ""]


def _columns(rows: Sequence[Sequence[str]], table: ReportTable) -> list[str]:
    kept = [at for at in range(len(table.heads)) if at not in table.only_wide]
    cells = [[cut(row[at], _NAME) if at in table.words_at else row[at] for at in kept] for row in rows]
    widths = [max(width(row[place]) for row in cells) for place in range(len(kept))]
    out = []
    for row in cells:
        drawn = [
            left(cell, widths[place]) if kept[place] in table.words_at else right(cell, widths[place])
            for place, cell in enumerate(row)
        ]
        out.append("  ".join(drawn).rstrip())
    return out


def _said(head: str, body: str) -> list[str]:
    """`head  body`, the body in lines of its own column."""
    if not body:
        return []
    return _wrapped(body, f"  {left(head, _HEAD)} ", " " * (_HEAD + 3))


def _block(head: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    lines = [head]
    for sentence in sentences:
        lines += _wrapped(sentence, "  - ", "    ")
    return [*lines, ""]


def _wrapped(body: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        body, _WIDE, initial_indent=first, subsequent_indent=first if rest is None else rest, break_on_hyphens=False
    )
