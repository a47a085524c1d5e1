"""The figures of a comparison as words: the same in every format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tputtui.experiments.outcome import Comparison, Difference, Interval, Metric, Verdict
from tputtui.text import UNKNOWN, clean, number, span

VERDICT_WORDS: Final[Mapping[Verdict, str]] = {
    "improved": "improved",
    "regressed": "regressed",
    "equivalent": "equivalent",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
}

MEANINGS: Final[Mapping[Verdict, str]] = {
    "improved": "The candidate is better by more than the margin.",
    "regressed": "The candidate is worse by more than the margin.",
    "equivalent": "The difference, if there is one, is smaller than the margin.",
    "inconclusive": "These data cannot say. That is not the same as no difference.",
    "not_comparable": "The arms differ in more than the change: no verdict holds.",
}

METRIC_WORDS: Final[Mapping[str, str]] = {"error_ratio": "errors", "cpu_per_request": "CPU per request"}


def metric_name(metric: Metric) -> str:
    """What a metric is called to people."""
    return METRIC_WORDS.get(metric.name, metric.name)


def verdict(word: Verdict | None) -> str:
    """A verdict to people; a dash where there are no data."""
    return UNKNOWN if word is None else VERDICT_WORDS[word]


def headline(comparison: Comparison) -> str:
    """The verdict with the figure that decides it, as one line."""
    word = VERDICT_WORDS[comparison.verdict]
    provisional = " (provisional)" if "provisional" in comparison.flags and comparison.verdict != "inconclusive" else ""
    verified = ", verified" if "verified" in comparison.flags else ""
    metric = deciding(comparison)
    if metric is None or metric.effect is None or comparison.verdict == "not_comparable":
        return f"{word}{verified}{provisional}"
    return f"{word}{verified}{provisional}: {metric_name(metric)} {effect(metric)} {interval(metric)}".rstrip()


def deciding(comparison: Comparison) -> Metric | None:
    """The metric that made the verdict: the worst of those that regressed, else the primary."""
    if comparison.verdict == "regressed":
        worse = [one for one in comparison.metrics if one.guards and one.verdict == "regressed"]
        if worse:
            return max(worse, key=lambda one: abs(one.effect or 0.0) / one.margin)
    return comparison.metric(comparison.primary)


def effect(metric: Metric) -> str:
    """+5.5 %, or +0.12 pp."""
    return UNKNOWN if metric.effect is None else f"{_signed(metric.effect * 100, metric)} {_unit(metric)}"


def interval(metric: Metric) -> str:
    """[+3.8, +7.3], in the unit of the effect."""
    return "" if metric.ci is None else bracket(metric.ci, metric)


def bracket(ci: Interval, metric: Metric) -> str:
    """An interval of a metric's effect."""
    return f"[{_signed(ci.low * 100, metric)}, {_signed(ci.high * 100, metric)}]"


def margin(metric: Metric) -> str:
    """2 %, or 0.1 pp."""
    return f"{metric.margin * 100:g} {_unit(metric)}"


def value(metric: Metric, figure: float | None) -> str:
    """A metric's own figure with its unit."""
    if figure is None:
        return UNKNOWN
    if metric.absolute:
        return f"{number(figure * 100)} %"
    return f"{number(figure)} {metric.unit}"


def difference(one: Difference) -> str:
    """software: svc 4.2.0 → svc 4.3.0 (the declared change)."""
    tail = " (the declared change)" if one.declared else " (invalidates the comparison)" if one.hard else ""
    return f"{clean(one.field, 60)}: {shown(one.baseline)} → {shown(one.candidate)}{tail}"


def shown(foreign: object) -> str:
    """A value of an environment."""
    return "unknown" if foreign is None else clean(str(foreign), 80)


def measured(comparison: Comparison) -> str:
    """How long was measured and what of it counts."""
    seconds = comparison.seconds
    parts = [f"{span(seconds.baseline)} baseline, {span(seconds.candidate)} candidate, {comparison.design}"]
    if seconds.trimmed:
        parts.append(f"{span(seconds.trimmed)} of warm-up left out")
    if seconds.excluded:
        parts.append(f"{span(seconds.excluded)} of a shared incident judged by itself")
    if seconds.needed is not None:
        parts.append(f"about {span(seconds.needed)} an arm would be needed")
    return "; ".join(parts)


def _unit(metric: Metric) -> str:
    return "pp" if metric.absolute else "%"


def _signed(percent: float, metric: Metric) -> str:
    decimals = 3 if metric.absolute else 1
    if abs(percent) >= 1000:
        decimals = 0
    return f"{percent:+.{decimals}f}"
