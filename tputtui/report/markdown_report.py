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
_ESCAPED = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]<>#|~"})


def markdown(comparison: Comparison, record: ReportInput) -> str:
    """The report, without an end of line at its end."""
    lines = [f"## {_plain(formatting.headline(comparison))}", "", formatting.MEANINGS[comparison.verdict], ""]
    lines += _block("Why", comparison.reasons)
    for head, body in record.sections():
        lines += [f"**{head}:** {_plain(body)}", ""]
    for head, body in report_tables.facts(comparison, record):
        lines.append(f"- {head.lower()}: {_code(body) if head.lower() in record.sides else _plain(body)}")
    lines += [""]
    lines += _block("What differs", [formatting.difference(one) for one in comparison.differences])
    lines += _block("Not as planned", record.deviations)
    if comparison.metrics:
        lines += _table(report_tables.metrics(comparison.metrics, comparison.primary, record.cores), "")
    for table in (report_tables.routes(comparison), report_tables.strata(comparison), report_tables.saturation(record)):
        lines += _table(table, f"### {table.caption}")
    lines += _block("What the profiles say", record.hot)
    lines += _block("Earlier results", [formatting.earlier(one) for one in record.earlier])
    lines += _block("Next", comparison.advice)
    if record.decision:
        lines += [f"**Decision:** {_plain(record.decision)}", ""]
    return "\n".join(lines).rstrip("\n")


def _block(head: str, sentences: Sequence[str]) -> list[str]:
    return [f"**{head}**", "", *(f"- {_plain(one)}" for one in sentences), ""] if sentences else []


def _table(table: ReportTable, heading: str) -> list[str]:
    """A table, the deciding row in bold and what is for information said to be so."""
    if not table.rows:
        return []
    lines = [heading, ""] if heading else []
    lines.append(f"| {' | '.join(table.heads)} |")
    lines.append(f"|{'|'.join('---' if at in table.words_at else '---:' for at in range(len(table.heads)))}|")
    for row in table.rows:
        cells = [_plain(cell) for cell in row.cells]
        cells[0] = f"**{cells[0]}**" if row.decides else cells[0]
        cells[-1] += "" if row.guards else " (for information)"
        lines.append(f"| {' | '.join(cells)} |")
    notes = (table.note if heading else "", table.missing)
    return [*lines, "", *(line for note in notes if note for line in (_plain(note), ""))]


def _plain(text: str) -> str:
    """Foreign text that stays text. An interval of ours is none, however it is bracketed."""
    return _INTERVAL.sub(r"[\1]", text.translate(_ESCAPED))


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
