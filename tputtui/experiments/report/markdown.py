"""A comparison as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui.experiments.outcome import Comparison, Metric
from tputtui.experiments.report import words
from tputtui.experiments.report.record import Record
from tputtui.text import span

_ESCAPED = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]<>#|~"})


def markdown(comparison: Comparison, record: Record) -> str:
    """The report, without an end of line at its end."""
    lines = [f"## {_plain(words.headline(comparison))}", "", words.MEANINGS[comparison.verdict], ""]
    for head, body in record.sections():
        lines += [f"**{head}** {_plain(body)}", ""]
    lines += [*(f"- {arm}: {_code(name)}" for arm, name in record.sides.items())]
    lines += [f"- measured: {_plain(words.measured(comparison))}", ""]
    if comparison.metrics:
        lines += [*_table(comparison.metrics, comparison.primary), ""]
    if comparison.reasons:
        lines += ["**Why**", "", *(f"- {_plain(reason)}" for reason in comparison.reasons), ""]
    for route in comparison.routes:
        share = f"{route.baseline_share:.0%} → {route.candidate_share:.0%} of requests"
        lines += [f"### {_plain(route.name)}: {words.verdict(route.verdict)} ({share})", ""]
        lines += [*_table(route.metrics, ""), ""]
    if comparison.strata:
        lines += ["| stratum | measured | throughput | errors | verdict |", "|---|---:|---:|---:|---|"]
        for one in comparison.strata:
            effect = "–" if one.effect is None else f"{one.effect:+.1%}"
            errors = "–" if one.error_points is None else f"{one.error_points * 100:+.2f} pp"
            cells = (_plain(one.name), span(one.seconds), effect, errors, words.verdict(one.verdict))
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    if comparison.differences:
        lines += ["**What differs**", "", *(f"- {_plain(words.difference(one))}" for one in comparison.differences), ""]
    if record.hot:
        lines += ["**What the profiles say**", "", *(f"- {_plain(one)}" for one in record.hot), ""]
    if comparison.advice:
        lines += ["**Next**", "", *(f"- {_plain(advice)}" for advice in comparison.advice), ""]
    if record.decision:
        lines += [f"**Decision** {_plain(record.decision)}", ""]
    return "\n".join(lines).rstrip("\n")


def _table(metrics: Sequence[Metric], primary: str) -> list[str]:
    lines = ["| metric | baseline | candidate | effect | 95 % interval | margin | verdict |"]
    lines.append("|---|---:|---:|---:|---:|---:|---|")
    for one in metrics:
        if one.baseline is None and one.candidate is None:
            continue
        name = words.metric_name(one)
        cells = (
            f"**{name}**" if one.name == primary else name,
            words.value(one, one.baseline),
            words.value(one, one.candidate),
            words.effect(one),
            words.interval(one) or "–",
            words.margin(one),
            words.verdict(one.verdict) + ("" if one.guards else " (for information)"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _plain(text: str) -> str:
    """Foreign text that stays text."""
    return text.translate(_ESCAPED)


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
