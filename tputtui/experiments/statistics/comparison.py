"""Comparison of two sides: checks in order, then effects, then the verdict, with a reason for
each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tputtui.experiments import formatting
from tputtui.experiments.comparison_context import ComparisonContext, environment_differences
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import (
    Comparison,
    Flag,
    MeasuredSeconds,
    MetricResult,
    RouteResult,
    Verdict,
)
from tputtui.experiments.statistics import effects, measures, validity_checks
from tputtui.experiments.statistics.arms import ArmPair, to_arrays
from tputtui.experiments.statistics.effects import MeasuredEffect
from tputtui.experiments.statistics.long_run_variance import Estimate
from tputtui.experiments.statistics.power_analysis import describe_next_design, seconds_needed
from tputtui.experiments.statistics.route_effects import compare_routes
from tputtui.experiments.statistics.steady_state import autocorrelation
from tputtui.experiments.statistics.validity_checks import CheckNotes
from tputtui.experiments.statistics.verdicts import (
    MIN_EFFECTIVE_ROWS,
    evaluate_metrics,
    guardrail_p_values,
    overall_verdict,
)
from tputtui.text import format_number

_STRONG_AUTOCORRELATION: Final = 0.6  # correlation of neighbouring five-row means

_ROUTES_NAMED: Final = 10  # maximum named in the reasons; the report's table has all

_SELDOM: Final = (
    "A few bursts say little of how often they come: record longer, or several pairs by turns (--pair), until there are "
    "more of them."
)

_DISQUALIFYING_FLAGS: Final[Mapping[Flag, str]] = {
    "incident": "the incident",
    "drift": "the drift",
    "warm-up": "the endless warm-up",
}
"""Flags that rule out any verdict."""


def compare(
    baseline: MetricRows,
    candidate: MetricRows,
    context: ComparisonContext,
    *,
    has_absolute_times: bool = False,
) -> Comparison:
    """Compare two sides; a question that the data cannot answer is inconclusive, with the reason.

    `has_absolute_times`: both sides' `t` are unix time, so that the design can be derived from
    their overlap.
    """
    notes = CheckNotes()
    answer = Comparison(
        verdict="not_comparable",
        design=validity_checks.choose_design(context, baseline, candidate, has_absolute_times),
        primary=context.primary or "throughput",
        seconds=MeasuredSeconds(baseline.seconds, candidate.seconds),
        differences=environment_differences(
            context.baseline_env, context.candidate_env, context.declared_change
        ),
    )
    validity_checks.check_environment(answer.differences, notes)
    a, b = to_arrays(baseline), to_arrays(candidate)
    dead = validity_checks.check_dead_arm(a, b)
    if dead is not None:
        notes.add(None, dead[1])
        verdict: Verdict = "not_comparable" if notes.is_barred else dead[0]
        means = float(a.rps.mean()), float(b.rps.mean())
        effect = means[1] / means[0] - 1 if means[0] > 0 else None
        served = MetricResult(
            "throughput", *means, effect, margin=context.margin("throughput"), verdict=verdict
        )
        return _with_notes(replace(answer, verdict=verdict, metrics=(served,)), notes)
    arms = validity_checks.align_arms(a, b, answer.design, notes)
    if not len(arms.baseline.t):
        return _with_notes(answer, notes)
    arms, trimmed = validity_checks.trim_warm_up(arms, notes)
    validity_checks.check_length(arms, notes)
    arms, strata, excluded = validity_checks.exclude_incidents(arms, notes)
    limited = validity_checks.is_load_limited(arms, context)
    primary = answer.primary
    if limited:
        primary = "p99" if primary == "throughput" else primary
        notes.add(
            "load-limited",
            f"The load was limited, so throughput cannot show an improvement: {primary} decides.",
        )
    error, assumed = effects.between_run_variance(
        arms.is_paired, context.aa_history_rps, context.pair_history
    )
    validity_checks.check_history(arms, context, error, assumed, notes)
    errors_between = measures.between_run_variances(arms.is_paired, context)
    measured = measures.measure_all(arms, errors_between)
    validity_checks.check_drift(arms, measured["throughput"], context, notes)
    metrics = evaluate_metrics(measured, context, primary)
    if limited:
        metrics = tuple(validity_checks.without_improvement(metric) for metric in metrics)
    beside = guardrail_p_values(measured, context, primary)
    routes, shifts = compare_routes(baseline, candidate, arms, context, errors_between, beside)
    shifted = validity_checks.check_route_mix(shifts, notes)
    of_total: Verdict = (
        "inconclusive" if shifted or notes.is_capped else overall_verdict(metrics, primary)
    )
    verdict = of_total if notes.is_capped else apply_route_verdicts(of_total, routes)
    seconds = replace(answer.seconds, trimmed=trimmed, excluded=excluded)
    if not notes.is_barred:
        if not shifted:
            explain_total(verdict, metrics, notes)
        explain_routes(of_total, verdict, routes, notes)
        _explain(verdict, metrics, primary, arms, notes)
    if verdict == "inconclusive" and not notes.is_barred:
        unsure = next(
            (row.verdict == "inconclusive" for row in metrics if row.name == primary), False
        )
        needed = _needed_seconds(measured[primary], context.margin(primary), primary, arms, notes)
        seconds = replace(seconds, needed=needed if unsure or notes.needed_s is not None else None)
        if unsure and error.components and needed is None:
            notes.add(
                "noise-floor",
                "Equal runs differ by more than the margin: more pairs help, more seconds do not.",
            )
    if notes.is_barred:
        verdict = "not_comparable"
        metrics = tuple(replace(row, verdict=verdict if row.verdict else None) for row in metrics)
        routes = tuple(replace(row, verdict=verdict) for row in routes)
    answer = replace(
        answer, verdict=verdict, primary=primary, seconds=seconds, metrics=metrics, strata=strata
    )
    answer = replace(answer, routes=routes, has_traffic_shift=shifted)
    return _with_notes(
        replace(answer, advice=_advice(answer, measured[primary].estimate, arms, context, notes)),
        notes,
    )


def apply_route_verdicts(of_total: Verdict, routes: Sequence[RouteResult]) -> Verdict:
    """Return the verdict of the total and its routes.

    A route that surely regressed makes the comparison a regression, whatever the total's verdict.
    """
    return "regressed" if any(route.verdict == "regressed" for route in routes) else of_total


def explain_total(verdict: Verdict, metrics: Sequence[MetricResult], notes: CheckNotes) -> None:
    """Explain the total's verdict with the figures of the metrics that decided it."""
    for metric in metrics:
        if (
            verdict in ("improved", "regressed")
            and metric.is_guardrail
            and metric.verdict == verdict
        ):
            notes.add(
                None,
                f"{formatting.describe_metric(metric)} {verdict}: {formatting.change(metric)}.",
            )


def explain_routes(
    of_total: Verdict, verdict: Verdict, routes: Sequence[RouteResult], notes: CheckNotes
) -> None:
    """Name the regressed routes with their figures.

    Where no verdict is allowed, say that they would have regressed.
    """
    worse = [route for route in routes if route.verdict == "regressed"]
    if verdict == "regressed":
        ending = "" if of_total == "regressed" else ", whatever the total says"
    else:
        ending = " by itself, which is no verdict here"
    for route in worse[:_ROUTES_NAMED]:
        figures = ", ".join(
            f"{formatting.format_figure(metric)}, p = {format_number(metric.p_value, 2)}"
            for metric in route.regressed
        )
        share = f"{100 * route.candidate_share:.0f} % of requests"
        notes.add(None, f"{route.name} regressed ({figures}; {share}){ending}.")
    if len(worse) > _ROUTES_NAMED:
        notes.add(None, f"{len(worse) - _ROUTES_NAMED} more routes regressed{ending}.")
    if worse and of_total == "improved":
        notes.add("trade-off")
    burst = [
        f"errors of {route.name}: {metric.reason}."
        for route in routes
        for metric in route.metrics
        if metric.is_guardrail and metric.note and metric.has_unproven_harm
    ]
    for sentence in burst[:_ROUTES_NAMED]:
        notes.add(None, sentence)


def _with_notes(answer: Comparison, notes: CheckNotes) -> Comparison:
    return replace(
        answer, flags=tuple(notes.flags), reasons=tuple(notes.reasons), is_capped=notes.is_capped
    )


def _advice(
    answer: Comparison,
    estimate: Estimate | None,
    arms: ArmPair,
    context: ComparisonContext,
    notes: CheckNotes,
) -> tuple[str, ...]:
    """Return one sentence on the next design that would make this verdict surer."""
    if answer.verdict == "not_comparable":
        return (
            "Run both where these fields are the same, or declare what was changed on purpose (declared_change).",
        )
    spoiled = [
        _DISQUALIFYING_FLAGS[flag]
        for flag in dict.fromkeys(notes.capping_flags)
        if flag in _DISQUALIFYING_FLAGS
    ]
    if answer.verdict == "inconclusive" and spoiled:
        return (
            f"Run it again without {' or '.join(spoiled)}: that allows no verdict however long the runs are.",
        )
    if answer.has_traffic_shift:
        return ("Run both under the same mix of routes.",)
    if answer.verdict == "inconclusive" and _only_bursts_are_open(answer):
        return (_SELDOM,)
    if answer.verdict == "inconclusive":
        margin = context.margin(answer.primary)
        return describe_next_design(estimate, answer.primary, margin, arms, context)
    if "provisional" in notes.flags:
        return (
            "To be sure of what equal runs differ by: five runs of the unchanged code (--history), or pairs by turns.",
        )
    if answer.verdict == "improved":
        return ("To verify it: the same at three load levels and through one outage (--stratum).",)
    return ()


def _only_bursts_are_open(answer: Comparison) -> bool:
    """Return whether every guardrail is settled except errors that came in bursts."""
    unsure = [
        metric
        for metric in answer.metrics
        if metric.is_guardrail and metric.verdict == "inconclusive"
    ]
    return bool(unsure) and all(metric.note for metric in unsure)


def _needed_seconds(
    measured: MeasuredEffect, margin: float, primary: str, arms: ArmPair, notes: CheckNotes
) -> float | None:
    """Return seconds per arm for a sure verdict; None: unknown, or no length suffices."""
    measured_s = min(arms.baseline.seconds, arms.candidate.seconds)
    needed = seconds_needed(measured.estimate, margin, primary == "error_ratio", measured_s)
    if needed is None:
        return None
    estimate = measured.estimate
    if estimate is not None and estimate.n_eff < MIN_EFFECTIVE_ROWS:
        needed = max(needed, measured_s * MIN_EFFECTIVE_ROWS / estimate.n_eff)
    return float(np.ceil(max(needed, notes.needed_s or 0.0, validity_checks.MIN_ROWS)))


def _explain(
    verdict: Verdict,
    metrics: Sequence[MetricResult],
    primary: str,
    arms: ArmPair,
    notes: CheckNotes,
) -> None:
    """Return the sentences that explain the verdict."""
    first = next((metric for metric in metrics if metric.name == primary), None)
    worse = [
        formatting.describe_metric(metric)
        for metric in metrics
        if metric.is_guardrail and metric.verdict == "regressed"
    ]
    better = [
        formatting.describe_metric(metric)
        for metric in metrics
        if metric.is_guardrail and metric.verdict == "improved"
    ]
    if worse and better:
        notes.add(
            "trade-off", f"A trade-off: {', '.join(better)} improved, {', '.join(worse)} regressed."
        )
    if verdict == "inconclusive" and not notes.is_capped:
        harmed = [
            formatting.describe_metric(metric)
            for metric in metrics
            if metric.is_guardrail and metric.has_unproven_harm
        ]
        if first is not None and first.verdict == "improved" and harmed:
            notes.add(
                None,
                f"{', '.join(harmed)} may be worse by more than the margin; that is not proven.",
            )
        for metric in metrics:
            if metric.is_guardrail and metric.verdict in ("inconclusive", None) and metric.reason:
                notes.add(None, f"{formatting.describe_metric(metric)}: {metric.reason}.")
    if autocorrelation(arms.baseline.rps) > _STRONG_AUTOCORRELATION and arms.baseline.seconds < 600:
        notes.add(None, "Neighbouring seconds are strongly autocorrelated: run longer.")
    hint = first.companions.get("median_ratio") if first is not None else None
    if first is not None and first.effect is not None and hint is not None:
        median = hint - 1
        if median * first.effect < 0 and min(abs(median), abs(first.effect)) > first.margin:
            notes.add(
                None,
                f"The mean is driven by outlier seconds: the medians differ by {100 * median:+.1f} %.",
            )
