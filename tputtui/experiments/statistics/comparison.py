"""The comparison: the gates in their order, then the effects, then the verdict, with a reason for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tputtui.experiments import formatting
from tputtui.experiments.comparability import differences
from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Comparison, Flag, MeasuredSeconds, MetricResult, RouteResult, Verdict
from tputtui.experiments.statistics import effects, measures, validity_checks
from tputtui.experiments.statistics.arms import ArmPair, arm
from tputtui.experiments.statistics.effects import MeasuredEffect
from tputtui.experiments.statistics.long_run_variance import Estimate
from tputtui.experiments.statistics.power_analysis import next_design, seconds_needed
from tputtui.experiments.statistics.route_effects import compare_routes
from tputtui.experiments.statistics.steady_state import autocorrelation
from tputtui.experiments.statistics.validity_checks import CheckNotes
from tputtui.experiments.statistics.verdicts import FEWEST_EFFECTIVE, guard_ps, judged, overall
from tputtui.text import number

_STRONG: Final = 0.6  # correlation of neighbouring five-row means

_ROUTES_NAMED: Final = 10  # in the reasons; the report's table has all

_SELDOM: Final = (
    "A few bursts say little of how often they come: record longer, or several pairs by turns (--pair), until there are "
    "more of them."
)

_SPOILERS: Final[Mapping[Flag, str]] = {
    "incident": "the incident",
    "drift": "the drift",
    "warm-up": "the endless warm-up",
}
"""What allows no verdict, whatever else is there."""


def compare(
    baseline: MetricRows, candidate: MetricRows, context: ComparisonContext, *, absolute_times: bool = False
) -> Comparison:
    """Compare two sides. A question that the data cannot answer is answered with inconclusive, and why.

    `absolute_times`: both sides' `t` are unix time, so that the design may be read from their overlap.
    """
    notes = CheckNotes()
    answer = Comparison(
        verdict="not_comparable",
        design=validity_checks.design_of(context, baseline, candidate, absolute_times),
        primary=context.primary or "throughput",
        seconds=MeasuredSeconds(baseline.seconds, candidate.seconds),
        differences=differences(context.env_a, context.env_b, context.declared_change),
    )
    validity_checks.environment(answer.differences, notes)
    a, b = arm(baseline), arm(candidate)
    gone = validity_checks.dead(a, b)
    if gone is not None:
        notes.say(None, gone[1])
        verdict: Verdict = "not_comparable" if notes.barred else gone[0]
        means = float(a.rps.mean()), float(b.rps.mean())
        effect = means[1] / means[0] - 1 if means[0] > 0 else None
        served = MetricResult("throughput", *means, effect, margin=context.margin("throughput"), verdict=verdict)
        return _closed(replace(answer, verdict=verdict, metrics=(served,)), notes)
    arms = validity_checks.align(a, b, answer.design, notes)
    if not len(arms.baseline.t):
        return _closed(answer, notes)
    arms, trimmed = validity_checks.steady(arms, notes)
    validity_checks.length(arms, notes)
    arms, strata, excluded = validity_checks.incidents(arms, notes)
    limited = validity_checks.load_limited(arms, context)
    primary = answer.primary
    if limited:
        primary = "p99" if primary == "throughput" else primary
        notes.say("load-limited", f"The load was limited, so throughput cannot show an improvement: {primary} decides.")
    error, assumed = effects.between(arms.paired, context.aa_history_rps, context.pair_history)
    validity_checks.history(arms, context, error, assumed, notes)
    errors_between = measures.between(arms.paired, context)
    measured = measures.every(arms, errors_between)
    validity_checks.drift(arms, measured["throughput"], context, notes)
    metrics = judged(measured, context, primary)
    if limited:
        metrics = tuple(validity_checks.without_uplift(metric) for metric in metrics)
    beside = guard_ps(measured, context, primary)
    routes, shifts = compare_routes(baseline, candidate, arms, context, errors_between, beside)
    shifted = validity_checks.mix(shifts, notes)
    of_total: Verdict = "inconclusive" if shifted or notes.cap else overall(metrics, primary)
    verdict = of_total if notes.cap else with_routes(of_total, routes)
    seconds = replace(answer.seconds, trimmed=trimmed, excluded=excluded)
    if not notes.barred:
        if not shifted:
            explain_total(verdict, metrics, notes)
        explain_routes(of_total, verdict, routes, notes)
        _explain(verdict, metrics, primary, arms, notes)
    if verdict == "inconclusive" and not notes.barred:
        unsure = next((one.verdict == "inconclusive" for one in metrics if one.name == primary), False)
        needed = _needed(measured[primary], context.margin(primary), primary, arms, notes)
        seconds = replace(seconds, needed=needed if unsure or notes.needed is not None else None)
        if unsure and error.parts and needed is None:
            notes.say("noise-floor", "Equal runs differ by more than the margin: more pairs help, more seconds do not.")
    if notes.barred:
        verdict = "not_comparable"
        metrics = tuple(replace(one, verdict=verdict if one.verdict else None) for one in metrics)
        routes = tuple(replace(one, verdict=verdict) for one in routes)
    answer = replace(answer, verdict=verdict, primary=primary, seconds=seconds, metrics=metrics, strata=strata)
    answer = replace(answer, routes=routes, shifted=shifted)
    return _closed(replace(answer, advice=_advice(answer, measured[primary].estimate, arms, context, notes)), notes)


def with_routes(of_total: Verdict, routes: Sequence[RouteResult]) -> Verdict:
    """The verdict of the total and its routes: one that is worse, and surely so, is worse whatever the total says."""
    return "regressed" if any(route.verdict == "regressed" for route in routes) else of_total


def explain_total(verdict: Verdict, metrics: Sequence[MetricResult], notes: CheckNotes) -> None:
    """The figures of the metrics of the total that made the verdict."""
    for metric in metrics:
        if verdict in ("improved", "regressed") and metric.guards and metric.verdict == verdict:
            notes.say(None, f"{formatting.metric_name(metric)} {verdict}: {formatting.change(metric)}.")


def explain_routes(of_total: Verdict, verdict: Verdict, routes: Sequence[RouteResult], notes: CheckNotes) -> None:
    """Name the routes that regressed, with their figures; where no verdict is allowed, that they would have."""
    worse = [route for route in routes if route.verdict == "regressed"]
    if verdict == "regressed":
        ending = "" if of_total == "regressed" else ", whatever the total says"
    else:
        ending = " by itself, which is no verdict here"
    for route in worse[:_ROUTES_NAMED]:
        figures = ", ".join(f"{formatting.figure(one)}, p = {number(one.p, 2)}" for one in route.regressed)
        share = f"{100 * route.candidate_share:.0f} % of requests"
        notes.say(None, f"{route.name} regressed ({figures}; {share}){ending}.")
    if len(worse) > _ROUTES_NAMED:
        notes.say(None, f"{len(worse) - _ROUTES_NAMED} more routes regressed{ending}.")
    if worse and of_total == "improved":
        notes.say("trade-off")
    burst = [
        f"errors of {route.name}: {one.why}."
        for route in routes
        for one in route.metrics
        if one.guards and one.note and one.unproven_harm
    ]
    for sentence in burst[:_ROUTES_NAMED]:
        notes.say(None, sentence)


def _closed(answer: Comparison, notes: CheckNotes) -> Comparison:
    return replace(answer, flags=tuple(notes.flags), reasons=tuple(notes.reasons), capped=notes.cap)


def _advice(
    answer: Comparison, found: Estimate | None, arms: ArmPair, context: ComparisonContext, notes: CheckNotes
) -> tuple[str, ...]:
    """The next best thing to do, one sentence: what would make this verdict surer."""
    if answer.verdict == "not_comparable":
        return ("Run both where these fields are the same, or declare what was changed on purpose (declared_change).",)
    spoiled = [_SPOILERS[flag] for flag in dict.fromkeys(notes.caps) if flag in _SPOILERS]
    if answer.verdict == "inconclusive" and spoiled:
        return (f"Run it again without {' or '.join(spoiled)}: that allows no verdict however long the runs are.",)
    if answer.shifted:
        return ("Run both under the same mix of routes.",)
    if answer.verdict == "inconclusive" and _only_bursts_are_open(answer):
        return (_SELDOM,)
    if answer.verdict == "inconclusive":
        margin = context.margin(answer.primary)
        return next_design(found, answer.primary, margin, arms, context)
    if "provisional" in notes.flags:
        return (
            "To be sure of what equal runs differ by: five runs of the unchanged code (--history), or pairs by turns.",
        )
    if answer.verdict == "improved":
        return ("To verify it: the same at three load levels and through one outage (--stratum).",)
    return ()


def _only_bursts_are_open(answer: Comparison) -> bool:
    """Whether all that guards is settled but errors that came in bursts."""
    unsure = [one for one in answer.metrics if one.guards and one.verdict == "inconclusive"]
    return bool(unsure) and all(one.note for one in unsure)


def _needed(measured: MeasuredEffect, margin: float, primary: str, arms: ArmPair, notes: CheckNotes) -> float | None:
    """Seconds per arm for a sure answer; None: not known, or no length will do."""
    lasted = min(arms.baseline.seconds, arms.candidate.seconds)
    needed = seconds_needed(measured.estimate, margin, primary == "error_ratio", lasted)
    if needed is None:
        return None
    found = measured.estimate
    if found is not None and found.n_eff < FEWEST_EFFECTIVE:
        needed = max(needed, lasted * FEWEST_EFFECTIVE / found.n_eff)
    return float(np.ceil(max(needed, notes.needed or 0.0, validity_checks.SHORTEST)))


def _explain(verdict: Verdict, metrics: Sequence[MetricResult], primary: str, arms: ArmPair, notes: CheckNotes) -> None:
    """The sentences that say why it is this verdict."""
    first = next((metric for metric in metrics if metric.name == primary), None)
    worse = [formatting.metric_name(metric) for metric in metrics if metric.guards and metric.verdict == "regressed"]
    better = [formatting.metric_name(metric) for metric in metrics if metric.guards and metric.verdict == "improved"]
    if worse and better:
        notes.say("trade-off", f"A trade-off: {', '.join(better)} improved, {', '.join(worse)} regressed.")
    if verdict == "inconclusive" and not notes.cap:
        harmed = [formatting.metric_name(metric) for metric in metrics if metric.guards and metric.unproven_harm]
        if first is not None and first.verdict == "improved" and harmed:
            notes.say(None, f"{', '.join(harmed)} may be worse by more than the margin; that is not proven.")
        for metric in metrics:
            if metric.guards and metric.verdict in ("inconclusive", None) and metric.why:
                notes.say(None, f"{formatting.metric_name(metric)}: {metric.why}.")
    if autocorrelation(arms.baseline.rps) > _STRONG and arms.baseline.seconds < 600:
        notes.say(None, "Neighbouring seconds are strongly alike: run longer to be sure.")
    hint = first.companions.get("median_ratio") if first is not None else None
    if first is not None and first.effect is not None and hint is not None:
        median = hint - 1
        if median * first.effect < 0 and min(abs(median), abs(first.effect)) > first.margin:
            notes.say(None, f"The mean is driven by outlier seconds: the medians differ by {100 * median:+.1f} %.")
