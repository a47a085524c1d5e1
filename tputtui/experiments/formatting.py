"""Text formatting of a comparison's figures, shared by every report format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from tputtui.experiments.result import (
    Comparison,
    DecidingRow,
    EnvironmentDifference,
    Interval,
    MetricResult,
    Stratum,
    Verdict,
    is_unbounded,
)
from tputtui.experiments.result_log import LoggedResult
from tputtui.text import UNKNOWN, clean, format_duration, format_number, format_seconds

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

METRIC_WORDS: Final[Mapping[str, str]] = {"error_ratio": "errors", "cpu_per_request": "CPU/request"}


def describe_metric(metric: MetricResult) -> str:
    """Return the display name of a metric."""
    return METRIC_WORDS.get(metric.name, metric.name)


def format_verdict(verdict: Verdict | None) -> str:
    """Format a verdict; a dash without data."""
    return UNKNOWN if verdict is None else VERDICT_WORDS[verdict]


def format_headline(comparison: Comparison) -> str:
    """Format the verdict with its deciding row as one line; without one, with the primary's
    figure.
    """
    word = VERDICT_WORDS[comparison.verdict]
    provisional = (
        " (provisional)"
        if "provisional" in comparison.flags and comparison.verdict != "inconclusive"
        else ""
    )
    verified = ", verified" if "verified" in comparison.flags else ""
    row = comparison.leading
    if row is None or row.metric.effect is None or comparison.verdict == "not_comparable":
        return f"{word}{verified}{provisional}"
    return f"{word}{verified}{provisional}: {row_figure(row)}"


def row_name(row: DecidingRow) -> str:
    """Name a row: "p99", "errors of GET /items/{id}", or "p99 at load 70"."""
    route = f" of {row.route}" if row.route else ""
    stratum_ = f" at {row.stratum}" if row.stratum else ""
    return f"{describe_metric(row.metric)}{route}{stratum_}"


def row_figure(row: DecidingRow) -> str:
    """Format a row: "errors of GET /items/{id} +0.390 pp [+0.210, +0.610]"."""
    return f"{row_name(row)} {format_effect(row.metric)} {format_interval(row.metric)}".rstrip()


def format_effect(metric: MetricResult) -> str:
    """Format an effect: +5.5 %, or +0.12 pp."""
    if metric.effect is None:
        return UNKNOWN
    return f"{_format_signed_effect(metric.effect * 100, metric)} {_effect_unit(metric)}"


def format_interval(metric: MetricResult) -> str:
    """Format an interval in the unit of the effect: [+3.8, +7.3]."""
    return "" if metric.ci is None else format_bounds(metric.ci, metric)


def format_bounds(ci: Interval, metric: MetricResult) -> str:
    """Format the bounds of a metric's effect."""
    if is_unbounded(ci, metric.is_absolute):
        return "unbounded"
    low, high = (_format_signed_effect(end * 100, metric) for end in (ci.low, ci.high))
    return f"[{low}, {high}]"


def format_margin(metric: MetricResult) -> str:
    """Format a margin: 2 %, or 0.1 pp."""
    return f"{metric.margin * 100:g} {_effect_unit(metric)}"


def format_value(metric: MetricResult, figure: float | None, cores: float | None = None) -> str:
    """Format a metric's value with its unit.

    CPU per request is a time if the number of cores is known.
    """
    if figure is None:
        return UNKNOWN
    if metric.is_absolute:
        return f"{format_number(figure * 100)} %"
    # Without the number of cores only a share of the machine's time is known
    if metric.name == "cpu_per_request" and cores:
        return " ".join(format_seconds(figure / 100 * cores))
    if metric.name == "cpu_per_request":
        return f"{format_number(figure)} %·s"
    return f"{format_number(figure)} {metric.unit}"


def describe_difference(difference: EnvironmentDifference) -> str:
    """Describe a difference: "software: svc 4.2.0 → svc 4.3.0 (the declared change)"."""
    before, after = map(format_environment_value, (difference.baseline, difference.candidate))
    text = f"{clean(difference.field, 60)}: {before} → {after}"
    if difference.is_declared:
        return f"{text} (the declared change)"
    return f"{text} (invalidates the comparison)" if difference.is_invalidating else text


def format_environment_value(value: object) -> str:
    """Format a value of an environment."""
    return "unknown" if value is None else clean(str(value), 80)


def describe_earlier_result(result: LoggedResult) -> str:
    """Describe a result: "2026-11-25 22:10: inconclusive, p99 +2.0 % [-3.0, +7.4]"."""
    figure = f", {result.figure}" if result.figure else ""
    return f"{result.date:%Y-%m-%d %H:%M}: {result.verdict_text}{figure}"


def format_figure(metric: MetricResult) -> str:
    """Format a figure: "p99 -19.6 % [-29.1, -7.3]"."""
    return f"{describe_metric(metric)} {format_effect(metric)} {format_interval(metric)}".rstrip()


def change(metric: MetricResult) -> str:
    """Format a change: "70.0 ms → 91.2 ms, +30.3 % [+22.0, +39.1], margin 10 %"."""
    values = " → ".join(
        format_value(metric, figure) for figure in (metric.baseline, metric.candidate)
    )
    effect = f"{format_effect(metric)} {format_interval(metric)}"
    return f"{values}, {effect}, margin {format_margin(metric)}"


def format_metric(metric: MetricResult) -> str:
    """Format a metric with all its figures, for the experiment's file."""
    return f"{metric.name}: {change(metric)}: {format_verdict(metric.verdict)}"


def describe_stratum(stratum: Stratum, primary: str) -> str:
    """Describe a stratum: "load 500: p99 -23.8 % [-29.7, -17.6], improved"."""
    metric = stratum.metric(primary)
    figure = format_figure(metric) if metric is not None else UNKNOWN
    return f"{stratum.name}: {figure}, {format_verdict(stratum.verdict)}"


def describe_duration(comparison: Comparison) -> str:
    """Describe the measured duration and the parts excluded from it."""
    seconds = comparison.seconds
    pairs = sum(stratum.kind == "pair" for stratum in comparison.strata)
    several = f" in {pairs} pairs" if pairs else ""
    arms = (
        f"{format_duration(seconds.baseline)} baseline, "
        f"{format_duration(seconds.candidate)} candidate{several}"
    )
    parts = [f"{arms}, {comparison.design}"]
    if seconds.trimmed:
        parts.append(f"{format_duration(seconds.trimmed)} of warm-up left out")
    if seconds.excluded:
        parts.append(f"{format_duration(seconds.excluded)} of a shared incident judged by itself")
    if seconds.needed is not None:
        parts.append(f"about {format_duration(seconds.needed)} an arm would be needed")
    return "; ".join(parts)


def _effect_unit(metric: MetricResult) -> str:
    return "pp" if metric.is_absolute else "%"


def _format_signed_effect(percent: float, metric: MetricResult) -> str:
    if math.isinf(percent):
        return "beyond"  # beyond every bucket
    decimals = 3 if metric.is_absolute else 1
    if abs(percent) >= 1000:
        decimals = 0
    return format_signed(percent, decimals)


def format_signed(figure: float, decimals: int) -> str:
    """Format a figure with its sign; zero is +0, whichever side it was rounded from."""
    return f"{round(figure, decimals) + 0.0:+.{decimals}f}"
