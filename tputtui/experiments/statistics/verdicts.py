"""Verdict of each metric against its margin, Holm's correction, and the overall verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.result import Interval, MetricResult, Verdict, is_unbounded
from tputtui.experiments.statistics.effects import MeasuredEffect
from tputtui.frozen import frozen
from tputtui.stats.significance import holm

ALPHA: Final = 0.05
MIN_EFFECTIVE_ROWS: Final = 15.0
"""Effective rows below which no metric is called improved or regressed."""


@frozen
class _Test:
    p: float
    effect: float  # relative, or a difference of ratios
    ci: tuple[float, float]
    ci_90: tuple[float, float]


def evaluate_metrics(
    measured: Mapping[str, MeasuredEffect],
    context: ComparisonContext,
    primary: str,
    min_effective_rows: float = MIN_EFFECTIVE_ROWS,
) -> tuple[MetricResult, ...]:
    """Evaluate all metrics: the primary at the full level, the others after Holm's correction.

    The correction covers the metrics that count towards the verdict; informational metrics are
    corrected over all. Below `min_effective_rows` effective rows no change is claimed.
    """
    tests = _tests(measured)
    guarding = {name for name in measured if context.is_guardrail(name) or name == primary}
    adjusted = _adjusted(tests) | _adjusted(
        {name: test for name, test in tests.items() if name in guarding}
    )
    if primary in tests:
        adjusted[primary] = tests[primary].p
    return tuple(
        _metric(
            name,
            effect,
            tests.get(name),
            adjusted.get(name, 1.0),
            context,
            name in guarding,
            min_effective_rows,
        )
        for name, effect in measured.items()
    )


def guardrail_p_values(
    measured: Mapping[str, MeasuredEffect], context: ComparisonContext, primary: str
) -> list[float]:
    """Return the uncorrected p of each metric that counts towards the verdict."""
    return [
        test.p
        for name, test in _tests(measured).items()
        if context.is_guardrail(name) or name == primary
    ]


def evaluate_groups(
    each: Sequence[Mapping[str, MeasuredEffect]],
    guarding: Sequence[Collection[str]],
    context: ComparisonContext,
    beside: Sequence[float],
    min_effective_rows: float = MIN_EFFECTIVE_ROWS,
) -> list[tuple[MetricResult, ...]]:
    """Evaluate the metrics of many groups (routes), each with the names that count towards its
    verdict.

    Holm's correction is over those metrics in all groups and over the tests `beside` them (those of
    the total), so that a thousand groups make no more false claims than one.
    """
    tests = [_tests(measured) for measured in each]
    places = [
        (group, name)
        for group, names in enumerate(guarding)
        for name in names
        if name in tests[group]
    ]
    ps = [tests[group][name].p for group, name in places]
    family = dict(zip(places, _adjusted_p_values([*ps, *beside])[: len(ps)], strict=True))
    out = []
    for group, measured in enumerate(each):
        informational = _adjusted(tests[group])
        metrics = []
        for name, effect in measured.items():
            p = family.get((group, name), informational.get(name, 1.0))
            guards = name in guarding[group]
            metrics.append(
                _metric(
                    name, effect, tests[group].get(name), p, context, guards, min_effective_rows
                )
            )
        out.append(tuple(metrics))
    return out


def _tests(measured: Mapping[str, MeasuredEffect]) -> dict[str, _Test]:
    return {
        name: test
        for name, effect in measured.items()
        if (test := _effect_test(name, effect)) is not None
    }


def _adjusted(tests: Mapping[str, _Test]) -> dict[str, float]:
    return dict(zip(tests, _adjusted_p_values([test.p for test in tests.values()]), strict=True))


def _metric(
    name: str,
    measured: MeasuredEffect,
    test: _Test | None,
    p: float,
    context: ComparisonContext,
    guards: bool,
    min_effective_rows: float,
) -> MetricResult:
    """Evaluate one metric; `p` is corrected."""
    margin = context.margin(name)
    if test is None:
        return MetricResult(
            name,
            measured.baseline,
            measured.candidate,
            margin=margin,
            is_guardrail=guards,
            reason=measured.reason,
        )
    n_eff = measured.estimate.n_eff if measured.estimate is not None else None
    verdict, reason = _verdict_and_reason(name, test, p, margin, n_eff, min_effective_rows)
    if verdict == "inconclusive" and measured.note:
        reason = f"{measured.note}; {reason}"
    return MetricResult(
        name=name,
        baseline=measured.baseline,
        candidate=measured.candidate,
        effect=test.effect,
        ci=Interval(*test.ci),
        p_value=p,
        n_eff=n_eff,
        margin=margin,
        verdict=verdict,
        is_guardrail=guards,
        reason=reason,
        note=measured.note,
        companions=measured.companions,
    )


def _adjusted_p_values(p_values: Sequence[float]) -> list[float]:
    return [1.0 if p is None else p for p in holm(p_values)]


def _effect_test(name: str, measured: MeasuredEffect) -> _Test | None:
    if (
        measured.ci_95 is not None
        and measured.ci_90 is not None
        and measured.exact_p_value is not None
    ):
        effect = measured.effect
        if effect is None:
            effect = (measured.candidate or 0.0) - (measured.baseline or 0.0)
        return _Test(measured.exact_p_value, effect, measured.ci_95, measured.ci_90)
    if measured.estimate is None:
        return None
    estimate = measured.estimate
    if name == "error_ratio":
        return _Test(
            estimate.p_value(), estimate.effect, estimate.interval(), estimate.interval(0.90)
        )
    ends, ends_90 = (
        (_relative_change(low), _relative_change(high))
        for low, high in (estimate.interval(), estimate.interval(0.90))
    )
    return _Test(estimate.p_value(), _relative_change(estimate.effect), ends, ends_90)


def _relative_change(log_ratio: float) -> float:
    return float(np.expm1(min(log_ratio, 50.0)))


def _verdict_and_reason(
    name: str,
    test: _Test,
    p_value: float,
    margin: float,
    n_eff: float | None,
    min_effective_rows: float,
) -> tuple[Verdict, str]:
    if n_eff is not None and n_eff < min_effective_rows:
        return (
            "inconclusive",
            f"only {n_eff:.0f} effective rows of the {min_effective_rows:.0f} that a verdict needs",
        )
    if p_value < ALPHA and abs(test.effect) >= margin:
        return ("improved" if (test.effect > 0) == (name == "throughput") else "regressed"), ""
    if -margin <= test.ci_90[0] and test.ci_90[1] <= margin:
        return "equivalent", ""
    return "inconclusive", _why_not_sure(name, test, p_value, margin)


def _why_not_sure(name: str, test: _Test, p: float, margin: float) -> str:
    if p < ALPHA:
        return "there is an effect; whether it reaches the margin is not sure"
    if test.p < ALPHA and abs(test.effect) >= margin:
        return "an effect by itself, but not after the correction for the number of tests"
    if is_unbounded(Interval(*test.ci), absolute=name == "error_ratio"):
        return "the difference cannot be bounded with this much data"
    low, high = (_share(end, name) for end in test.ci_90)
    size = _size(margin, name)
    return f"could be anything from {low} to {high}: not narrow enough to decide at a {size} margin"


def _share(ratio: float, name: str) -> str:
    """Format a change: +7.3 %, or for an error ratio +0.120 pp."""
    return f"{100 * ratio:+.3f} pp" if name == "error_ratio" else f"{100 * ratio:+.1f} %"


def _size(margin: float, name: str) -> str:
    return f"{100 * margin:g} {'pp' if name == 'error_ratio' else '%'}"


def overall_verdict(metrics: Sequence[MetricResult], primary: str) -> Verdict:
    """Return the verdict of all metrics that count, before any check limits it."""
    guards = [metric for metric in metrics if metric.is_guardrail]
    first = next((metric for metric in metrics if metric.name == primary), None)
    if any(metric.verdict == "regressed" for metric in guards):
        return "regressed"
    if first is None or first.verdict is None:
        return "inconclusive"
    p99_better = any(metric.name == "p99" and metric.verdict == "improved" for metric in guards)
    if first.verdict == "improved" or (first.verdict == "equivalent" and p99_better):
        return "inconclusive" if any(metric.has_unproven_harm for metric in guards) else "improved"
    settled = all(metric.verdict in (None, "equivalent", "improved") for metric in guards)
    return "equivalent" if first.verdict == "equivalent" and settled else "inconclusive"
