"""A comparison as plain text, 80 columns and up: the answer, then the figures, then why."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tputtui.experiments.outcome import Comparison, Metric
from tputtui.experiments.report import words
from tputtui.experiments.report.record import Record
from tputtui.text import cut_left, left, right, span, width

_WIDE = 96


def text(comparison: Comparison, record: Record) -> str:
    """The report, lines joined, without an end of line at its end."""
    lines = [words.headline(comparison), words.MEANINGS[comparison.verdict], ""]
    for head, body in record.sections():
        lines += textwrap.wrap(f"{head}: {body}", _WIDE, initial_indent="  ", subsequent_indent="    ")
    lines += [f"  {left(arm, 9)}  {cut_left(name, _WIDE - 14)}" for arm, name in record.sides.items()]
    lines += [f"  {'measured'}   {words.measured(comparison)}", ""]
    if comparison.differences:
        lines += ["what differs", *(f"  {words.difference(one)}" for one in comparison.differences), ""]
    if comparison.metrics:
        lines += [*_table(comparison.metrics, comparison.primary), ""]
    for route in comparison.routes:
        share = f"{route.baseline_share:.0%} → {route.candidate_share:.0%} of requests"
        lines += [f"{route.name}: {words.verdict(route.verdict)} ({share})", *_table(route.metrics, ""), ""]
    if comparison.strata:
        lines += ["strata", *_strata(comparison), ""]
    if comparison.reasons:
        lines += ["why", *_items(comparison.reasons), ""]
    if record.hot:
        lines += ["what the profiles say", *_items(record.hot), ""]
    if comparison.advice:
        lines += ["next", *_items(comparison.advice), ""]
    if record.decision:
        lines += [f"decision: {record.decision}"]
    return "\n".join(lines).rstrip("\n")


def _table(metrics: Sequence[Metric], primary: str) -> list[str]:
    heads = ("", "baseline", "candidate", "effect", "95 % interval", "margin", "verdict")
    rows = [
        (
            ("* " if one.name == primary else "  ") + words.metric_name(one),
            words.value(one, one.baseline),
            words.value(one, one.candidate),
            words.effect(one),
            words.interval(one),
            words.margin(one),
            words.verdict(one.verdict) + ("" if one.guards else " (for information)"),
        )
        for one in metrics
        if one.baseline is not None or one.candidate is not None
    ]
    widths = [max(width(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    out = []
    for row in (heads, *rows):
        cells = [left(row[0], widths[0]), *(right(row[at], widths[at]) for at in range(1, 6)), row[6]]
        out.append("  ".join(cells).rstrip())
    return out


def _strata(comparison: Comparison) -> list[str]:
    out = []
    for one in comparison.strata:
        effect = "" if one.effect is None else f"{one.effect:+.1%} throughput"
        errors = "" if one.error_points is None else f"{one.error_points * 100:+.2f} pp errors"
        parts = [part for part in (span(one.seconds), effect, errors, words.verdict(one.verdict)) if part]
        out.append(f"  {one.name}: {', '.join(parts)}")
    if comparison.heterogeneity_p is not None:
        out.append(f"  alike in all of them: p = {comparison.heterogeneity_p:.2g} (Cochran's Q)")
    return out


def _items(sentences: Sequence[str]) -> list[str]:
    out: list[str] = []
    for sentence in sentences:
        out += textwrap.wrap(sentence, _WIDE, initial_indent="  - ", subsequent_indent="    ")
    return out
