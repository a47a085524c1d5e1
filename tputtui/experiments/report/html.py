"""A comparison as one HTML file: no script, no network; light, dark, and on paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from tputtui.experiments.outcome import Comparison, Metric
from tputtui.experiments.report import charts, words
from tputtui.experiments.report.record import Record
from tputtui.text import span

_STYLE: Final = """\
:root{color-scheme:light dark;--bg:#fff;--fg:#1d1f23;--dim:#5c636e;--rule:#d9dce1;--band:#eef0f3;
--a:#5c636e;--b:#1666b8;--good:#1a7440;--bad:#b3261e;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#e3e5e8;--dim:#9aa1ab;--rule:#343941;--band:#22262c;
--a:#9aa1ab;--b:#6cb2f5;--good:#5fc88a;--bad:#ff8a80;--warn:#e0b050}}
*{box-sizing:border-box}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:0 auto;padding:28px 20px}
h1{font-size:24px;line-height:1.25;margin:0 0 4px}h2{font-size:15px;margin:28px 0 8px;border-bottom:1px solid var(--rule)}
p{margin:4px 0}.dim{color:var(--dim)}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:4px 8px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--dim);font-weight:normal}
th:first-child,td:first-child,td:last-child,th:last-child{text-align:left}td.free{white-space:normal;text-align:left}
.improved{color:var(--good)}.regressed{color:var(--bad)}.inconclusive,.not_comparable{color:var(--warn)}
.key::before{content:"";display:inline-block;width:18px;border-top:2px solid;vertical-align:middle;margin-right:6px}
.key.a{color:var(--a)}.key.b{color:var(--b)}.key{margin-right:16px}
svg{width:100%;height:auto;display:block;margin:10px 0}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
svg .title,svg .label{fill:var(--fg)}.end{text-anchor:end}.middle{text-anchor:middle}
svg .grid{stroke:var(--rule)}svg .zero{stroke:var(--dim)}svg .margin{fill:var(--band)}
svg polyline{fill:none;stroke-width:1.3}svg .baseline{stroke:var(--a)}svg .candidate{stroke:var(--b)}
svg .ci{stroke:var(--dim);stroke-width:3}svg .dot{fill:var(--dim)}
svg .ci.improved{stroke:var(--good)}svg .dot.improved{fill:var(--good)}
svg .ci.regressed{stroke:var(--bad)}svg .dot.regressed{fill:var(--bad)}
pre{font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}
@media print{:root{--bg:#fff;--fg:#000;--dim:#444;--rule:#bbb;--band:#eee;--a:#777;--b:#0b4f94;--good:#0d5c2f;
--bad:#96150e;--warn:#6b4600}body{max-width:none;padding:0}h2,tr,svg{break-inside:avoid}details:not([open]){display:none}}
"""


def html(comparison: Comparison, record: Record, document: Mapping[str, object]) -> str:
    """The whole file. `document` is the JSON report: the raw figures at the end."""
    title = words.headline(comparison)
    body = [
        f'<h1 class="{comparison.verdict}">{escape(title)}</h1>',
        f'<p class="dim">{escape(words.MEANINGS[comparison.verdict])}</p>',
        *(f"<p><b>{head}</b> {escape(text)}</p>" for head, text in record.sections()),
        *_reasons("Why", comparison.reasons),
    ]
    keys = zip(("a", "b"), record.sides.items(), strict=False)
    body.append(
        "<p>"
        + "".join(f'<span class="key {key}">{arm}: {escape(name)}</span>' for key, (arm, name) in keys)
        + f'</p><p class="dim">{escape(words.measured(comparison))}</p>'
    )
    if comparison.metrics:
        body += ["<h2>Results</h2>", charts.forest(comparison.metrics), _table(comparison.metrics, comparison.primary)]
    if record.rows is not None:
        drawn = [
            charts.over_time(record.rows, column, title, unit)
            for column, title, unit in (
                ("rps", "Throughput", "req/s"),
                ("p99", "p99", "ms"),
                ("err_ratio", "Errors", "ratio"),
                ("cpu", "CPU", "%"),
            )
        ]
        body += ["<h2>Over time</h2>", *drawn] if any(drawn) else []
    for route in comparison.routes:
        share = f"{route.baseline_share:.0%} → {route.candidate_share:.0%} of requests"
        body.append(
            f'<h2>{escape(route.name)}: <span class="{route.verdict}">{words.verdict(route.verdict)}</span>, {share}</h2>'
        )
        body.append(_table(route.metrics, ""))
    body += _strata(comparison)
    body += _reasons("What the profiles say", record.hot)
    if record.flame:
        body += ["<h2>Where the time goes: the difference</h2>", record.flame]
    body += _environments(comparison, record)
    body += _reasons("Next", comparison.advice)
    if record.decision:
        body += ["<h2>Decision</h2>", f"<p>{escape(record.decision)}</p>"]
    raw = escape(json.dumps(document, indent=1, allow_nan=False))
    body.append(f"<details><summary>Raw figures</summary><pre>{raw}</pre></details>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>{"".join(body)}</body></html>'


def _table(metrics: Sequence[Metric], primary: str) -> str:
    heads = ("", "baseline", "candidate", "effect", "95 % interval", "margin", "verdict")
    rows = ["<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
    for one in metrics:
        if one.baseline is None and one.candidate is None:
            continue
        name = escape(words.metric_name(one))
        cells = (
            words.value(one, one.baseline),
            words.value(one, one.candidate),
            words.effect(one),
            words.interval(one) or "–",
            words.margin(one),
        )
        information = "" if one.guards else ' <span class="dim">(for information)</span>'
        rows.append(
            f"<tr><td>{f'<b>{name}</b>' if one.name == primary else name}</td>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + f'<td class="{one.verdict or ""}">{words.verdict(one.verdict)}{information}</td></tr>'
        )
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>'


def _strata(comparison: Comparison) -> list[str]:
    if not comparison.strata:
        return []
    rows = []
    for one in comparison.strata:
        effect = "–" if one.effect is None else f"{one.effect:+.1%}"
        errors = "–" if one.error_points is None else f"{one.error_points * 100:+.2f} pp"
        cells = (escape(one.name), span(one.seconds), effect, errors)
        inner = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr>{inner}<td class="{one.verdict or ""}">{words.verdict(one.verdict)}</td></tr>')
    heads = "".join(f"<th>{head}</th>" for head in ("stratum", "measured", "throughput", "errors", "verdict"))
    out = ["<h2>Strata</h2>", f"<table><tr>{heads}</tr>{''.join(rows)}</table>"]
    if comparison.heterogeneity_p is not None:
        out.append(f"<p class='dim'>Alike in all of them: p = {comparison.heterogeneity_p:.2g} (Cochran's Q)</p>")
    return out


def _environments(comparison: Comparison, record: Record) -> list[str]:
    before, after = record.environments
    differing = {one.field: one for one in comparison.differences}
    names = [*differing, *(name for name in dict.fromkeys((*before, *after)) if name not in differing)]
    if not names:
        return []
    rows = []
    for name in names:
        one = differing.get(name)
        word = "" if one is None else "the change" if one.declared else "invalidates" if one.hard else "differs"
        kind = "not_comparable" if one is not None and one.hard else ""
        values = (one.baseline, one.candidate) if one is not None else (before.get(name), after.get(name))
        inner = "".join(f'<td class="free">{escape(words.shown(value))}</td>' for value in values)
        rows.append(f'<tr><td>{escape(words.shown(name))}</td>{inner}<td class="{kind}">{word}</td></tr>')
    heads = "<tr><th></th><th>baseline</th><th>candidate</th><th></th></tr>"
    return ["<h2>Environments</h2>", f'<div class="scroll"><table>{heads}{"".join(rows)}</table></div>']


def _reasons(head: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return [f"<h2>{head}</h2><ul>{items}</ul>"]
