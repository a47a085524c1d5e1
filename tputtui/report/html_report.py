"""HTML report of a comparison in one file, without scripts or network access.

Supports light and dark themes and printing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison
from tputtui.report import report_tables, svg_charts
from tputtui.report.report_input import ReportInput
from tputtui.report.report_tables import ReportTable, TableRow

_LEFT_CLASS: Final = ' class="left"'
_DIM_CLASS: Final = ' class="dim"'

_STYLE: Final = """\
:root{color-scheme:light dark;--bg:#fff;--fg:#1d1f23;--dim:#5c636e;--rule:#d9dce1;--band:#eef0f3;
--a:#5c636e;--b:#1666b8;--good:#1a7440;--bad:#b3261e;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#e3e5e8;--dim:#9aa1ab;--rule:#343941;--band:#22262c;
--a:#9aa1ab;--b:#6cb2f5;--good:#5fc88a;--bad:#ff8a80;--warn:#e0b050}}
*{box-sizing:border-box}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:0}
main{max-width:900px;margin:0 auto;padding:28px 20px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px;border-bottom:1px solid var(--rule)}
p{margin:4px 0}ul{margin:4px 0;padding-left:22px}.dim{color:var(--dim)}.scroll{overflow-x:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:20px 0 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
details caption{position:static;width:auto;height:auto;clip-path:none;text-align:left;padding:14px 8px 2px}
th,td{padding:4px 8px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap;font-weight:normal}
thead th{color:var(--dim)}th.left,td.left{text-align:left}
th:nth-child(1),td.left{white-space:normal;overflow-wrap:break-word;min-width:84px}
.improved{color:var(--good)}.regressed{color:var(--bad)}.inconclusive,.not_comparable{color:var(--warn)}
.key::before{content:"";display:inline-block;width:18px;border-top:2px solid;vertical-align:middle;margin-right:6px}
.key.a{color:var(--a)}.key.b{color:var(--b)}.key{margin-right:16px}
.chart{width:100%;min-width:600px;height:auto;display:block;margin:10px 0}.chart text{font:12px system-ui,sans-serif;fill:var(--dim)}
.chart .title,.chart .label{fill:var(--fg)}.end{text-anchor:end}.middle{text-anchor:middle}
.chart .grid{stroke:var(--rule)}.chart .zero{stroke:var(--dim)}.chart .margin{fill:var(--band)}
.chart polyline{fill:none;stroke-width:1.3}.chart .baseline{stroke:var(--a)}.chart .candidate{stroke:var(--b)}
.chart .ci{stroke:var(--dim);stroke-width:3}.chart .dot{fill:var(--dim)}
.chart .ci.improved{stroke:var(--good)}.chart .dot.improved{fill:var(--good)}
.chart .ci.regressed{stroke:var(--bad)}.chart .dot.regressed{fill:var(--bad)}
.flame{background:#fff;padding:4px;overflow-x:auto;width:min(1208px,calc(100vw - 40px));position:relative;left:50%;
transform:translateX(-50%)}.flame svg{display:block;min-width:1100px}
summary{cursor:pointer;margin:16px 0 4px}
pre{font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}
@media print{:root{--bg:#fff;--fg:#000;--dim:#444;--rule:#bbb;--band:#eee;--a:#666;--b:#0b4f94;--good:#0d5c2f;
--bad:#96150e;--warn:#6b4600}main{max-width:none;padding:0}.scroll{overflow:visible}h2{break-after:avoid}
tr,.chart{break-inside:avoid}.flame{width:auto;left:0;transform:none}.chart,.flame svg{min-width:0}details:not([open]){display:none}}
"""


def render_html(
    comparison: Comparison, report_input: ReportInput, document: Mapping[str, object]
) -> str:
    """Render the whole file. `document` is the JSON report: the raw figures at the end."""
    title = formatting.format_headline(comparison)
    body = [
        f'<h1 class="{comparison.verdict}">{escape(title)}</h1>',
        f'<p class="dim">{escape(formatting.MEANINGS[comparison.verdict])}</p>',
        *_render_list("Why", comparison.reasons),
        *_render_facts(comparison, report_input),
        *_render_list("Not as planned", report_input.deviations),
    ]
    if comparison.metrics:
        results = report_tables.metrics_table(
            comparison.metrics, comparison.primary, report_input.cores
        )
        body += [
            "<h2>Results</h2>",
            _render_chart(svg_charts.render_forest_plot(comparison.metrics)),
            _render_table(results),
        ]
    drawn = (
        svg_charts.render_time_charts(report_input.rows) if report_input.rows is not None else []
    )
    if drawn:
        keys = "".join(
            f'<span class="key {key}">{arm}</span>'
            for key, arm in (("a", "baseline"), ("b", "candidate"))
        )
        body += ["<h2>Over time</h2>", f"<p>{keys}</p>", *map(_render_chart, drawn)]
    for table in (report_tables.routes_table(comparison), report_tables.strata_table(comparison)):
        body += _render_section(table)
    if comparison.strata:
        body.append(
            _render_chart(
                svg_charts.render_strata_plot(
                    comparison.strata, comparison.strata_metric or comparison.primary
                )
            )
        )
    body += _render_all_routes(comparison)
    body += _render_section(report_tables.saturation_table(report_input))
    body += _render_list("What the profiles say", report_input.profile_changes)
    if report_input.flame_graph:
        body += [
            "<h2>Where the time goes: the difference</h2>",
            f'<div class="flame">{report_input.flame_graph}</div>',
        ]
    body += _render_section(report_tables.environments_table(comparison, report_input))
    body += _render_list(
        "Earlier results",
        [formatting.describe_earlier_result(one) for one in report_input.earlier_results],
    )
    body += _render_list("Next", comparison.advice)
    if report_input.decision:
        body += ["<h2>Decision</h2>", f"<p>{escape(report_input.decision)}</p>"]
    raw = escape(json.dumps(document, indent=1, allow_nan=False))
    body.append(f"<details><summary>Raw figures</summary><pre>{raw}</pre></details>")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n'
        f"<body><main>{''.join(body)}</main></body></html>"
    )


def _render_facts(comparison: Comparison, report_input: ReportInput) -> list[str]:
    """Render what was planned, what was compared, where and under which load."""
    rows = (*report_input.sections(), *report_tables.comparison_facts(comparison, report_input))
    inner = "".join(f"<dt>{escape(head)}</dt><dd>{escape(body)}</dd>" for head, body in rows)
    return [f"<dl>{inner}</dl>"]


def _render_chart(svg: str) -> str:
    """Render a chart whose text keeps its size on a narrow page."""
    return f'<div class="scroll">{svg}</div>' if svg else ""


def _render_section(table: ReportTable) -> list[str]:
    return [f"<h2>{escape(table.caption)}</h2>", _render_table(table)] if table.rows else []


def _render_table(table: ReportTable) -> str:
    """Render a table with its caption for screen readers, and its note."""
    heads = "".join(
        f'<th scope="col"{_LEFT_CLASS if at in table.text_columns else ""}>{escape(head)}</th>'
        for at, head in enumerate(table.headings)
    )
    rows = "".join(_render_row(row, table) for row in table.rows)
    note = ""
    if any(not row.is_guardrail for row in table.rows):
        note = "Dimmed: for information."
    elif table.note and "margin" not in table.headings:
        note = table.note
    said = "".join(f'<p class="dim">{escape(one)}</p>' for one in (note, table.missing_note) if one)
    caption = f"<caption>{escape(table.caption)}</caption>"
    return f'<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{said}'


def _render_row(row: TableRow, table: ReportTable) -> str:
    name = f"<b>{escape(row.cells[0])}</b>" if row.is_primary else escape(row.cells[0])
    out = [f'<th scope="row"{_LEFT_CLASS}>{name}</th>']
    last = len(row.cells) - 1
    for at, cell in enumerate(row.cells[1:], start=1):
        kinds = [
            *(["left"] if at in table.text_columns else []),
            *([row.verdict or ""] if at == last else []),
        ]
        told = f' class="{" ".join(kind for kind in kinds if kind)}"' if any(kinds) else ""
        out.append(f"<td{told}>{escape(cell)}</td>")
    return f"<tr{'' if row.is_guardrail else _DIM_CLASS}>{''.join(out)}</tr>"


def _render_all_routes(comparison: Comparison) -> list[str]:
    """Render all figures of all routes in a collapsed section."""
    if not comparison.routes:
        return []
    each = "".join(
        _render_table(
            replace(report_tables.metrics_table(one.metrics, "", (None, None)), caption=one.name)
        )
        for one in comparison.routes
    )
    return [f"<details><summary>Every figure of every route</summary>{each}</details>"]


def _render_list(heading: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return [f"<h2>{heading}</h2><ul>{items}</ul>"]
