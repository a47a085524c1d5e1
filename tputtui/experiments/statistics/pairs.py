"""Interleaved pairs: each pair is one observation, so the error includes the variance between runs.

At 2 % between runs and strongly autocorrelated seconds (0.8), five pairs of 120 s find +5 % in 42 %
of all cases, one pair of 600 s with five runs of history in 24 %: the same time (`python
bench/compare.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import (
    METRIC_UNITS,
    Comparison,
    Flag,
    MeasuredSeconds,
    MetricResult,
    RouteResult,
    Stratum,
    StratumKind,
)
from tputtui.experiments.statistics import route_effects, validity_checks
from tputtui.experiments.statistics.comparison import (
    apply_route_verdicts,
    compare,
    explain_routes,
    explain_total,
)
from tputtui.experiments.statistics.effects import MeasuredEffect
from tputtui.experiments.statistics.long_run_variance import Estimate, to_array
from tputtui.experiments.statistics.power_analysis import pairs_needed
from tputtui.experiments.statistics.validity_checks import CheckNotes
from tputtui.experiments.statistics.verdicts import (
    evaluate_metrics,
    guardrail_p_values,
    overall_verdict,
)
from tputtui.frozen import frozen

RECOMMENDED_PAIRS: Final = 5

_SINGLE_PAIR_FLAGS: Final[tuple[Flag, ...]] = (
    "no-aa-history",
    "provisional",
    "noise-floor",
    "trade-off",
)
"""Flags that apply to a single pair only."""


@frozen
class RunPair:
    """One baseline and one candidate, with the context of this pair."""

    baseline: MetricRows
    candidate: MetricRows
    context: ComparisonContext
    has_absolute_times: bool = False


def compare_pairs(pairs: Sequence[RunPair]) -> Comparison:
    """Compare two or more pairs by Student's t test on each metric's effects, pairs - 1 degrees of
    freedom.

    A pair that fails a check (an incident in one arm, drift, no steady state) is left out and
    reported. If one pair is not comparable, the whole comparison is not.
    """
    context = pairs[0].context
    comparisons = [
        compare(
            comparison.baseline,
            comparison.candidate,
            comparison.context,
            has_absolute_times=comparison.has_absolute_times,
        )
        for comparison in pairs
    ]
    for number, comparison in enumerate(comparisons, start=1):
        if comparison.verdict == "not_comparable":
            return replace(
                comparison, reasons=(f"Pair {number} is not comparable.", *comparison.reasons)
            )
    usable = [comparison for comparison in comparisons if _is_sound(comparison)]
    notes = CheckNotes(
        list(
            dict.fromkeys(
                flag
                for comparison in comparisons
                for flag in comparison.flags
                if flag not in _SINGLE_PAIR_FLAGS
            )
        )
    )
    for number, comparison in enumerate(comparisons, start=1):
        if not _is_sound(comparison):
            why = comparison.reasons[0] if comparison.reasons else "no verdict is possible on it."
            notes.add(None, f"Pair {number} is left out: {why}")
    first = usable[0] if usable else comparisons[0]
    primary = first.primary
    metrics: tuple[MetricResult, ...] = ()
    by_route: tuple[RouteResult, ...] = ()
    if len(usable) >= 2:
        measured = {
            name: _measure_over_pairs([comparison.metric(name) for comparison in usable])
            for name in METRIC_UNITS
        }
        metrics = evaluate_metrics(measured, context, primary, min_effective_rows=0.0)
        if "load-limited" in notes.flags:
            metrics = tuple(validity_checks.without_improvement(metric) for metric in metrics)
        by_route = _compare_routes(usable, context, guardrail_p_values(measured, context, primary))
        notes.add(
            None,
            f"{len(usable)} pairs, each of them one observation ({len(usable) - 1} degrees of freedom).",
        )
    else:
        notes.add(None, "Fewer than two pairs are left.")
    if {"improved", "regressed"} <= {
        comparison.verdict for comparison in metrics if comparison.is_guardrail
    }:
        notes.add("trade-off")
    of_total = overall_verdict(metrics, primary)
    verdict = apply_route_verdicts(of_total, by_route)
    explain_total(verdict, metrics, notes)
    explain_routes(of_total, verdict, by_route, notes)
    return replace(
        first,
        verdict=verdict,
        primary=primary,
        reasons=tuple(notes.reasons),
        flags=tuple(notes.flags),
        metrics=metrics,
        routes=by_route,
        strata=tuple(
            build_stratum(f"pair {number}", comparison, "pair")
            for number, comparison in enumerate(comparisons, start=1)
        ),
        seconds=MeasuredSeconds(
            sum(comparison.seconds.baseline for comparison in comparisons),
            sum(comparison.seconds.candidate for comparison in comparisons),
            sum(comparison.seconds.trimmed for comparison in comparisons),
            sum(comparison.seconds.excluded for comparison in comparisons),
        ),
        advice=_advice(usable, primary, context) if verdict == "inconclusive" else (),
        is_capped=False,
        has_traffic_shift=False,
    )


def _is_sound(comparison: Comparison) -> bool:
    if comparison.has_traffic_shift:
        return False
    return not comparison.is_capped or set(comparison.flags) <= {"too-short", *_SINGLE_PAIR_FLAGS}


def _advice(
    usable: Sequence[Comparison], primary: str, context: ComparisonContext
) -> tuple[str, ...]:
    """Return how many pairs the margin requires, from the variance of the existing pairs."""
    few = f"Five pairs or more find small effects: {len(usable)} could be used here."
    estimate = _measure_over_pairs([comparison.metric(primary) for comparison in usable]).estimate
    if estimate is None or len(usable) < 2:
        return (few,)
    margin = context.margin(primary)
    effect = margin if primary == "error_ratio" else float(np.log1p(margin))
    needed = pairs_needed(effect, estimate.se**2 * len(usable))
    if needed is None:
        return (
            f"More than a hundred pairs like these would be needed for {primary} to be sure at its margin.",
        )
    if needed > len(usable):
        return (
            f"Next best: {needed} pairs like these in all, which is {needed - len(usable)} more.",
        )
    return (few,) if len(usable) < RECOMMENDED_PAIRS else ()


def _compare_routes(
    usable: Sequence[Comparison], context: ComparisonContext, beside: Sequence[float]
) -> tuple[RouteResult, ...]:
    """Compare the routes present in two or more pairs, each pair being one observation."""
    results_by_route: dict[str, list[RouteResult]] = {}
    for comparison in usable:
        for route in comparison.routes:
            results_by_route.setdefault(route.name, []).append(route)
    several = {name: results for name, results in results_by_route.items() if len(results) >= 2}
    metrics = [
        {
            name: _measure_over_pairs([route.metric(name) for route in results])
            for name in route_effects.ROUTE_METRICS
        }
        for results in several.values()
    ]
    evaluations = route_effects.evaluate_routes(metrics, context, beside, min_effective_rows=0.0)
    return tuple(
        RouteResult(
            name,
            float(np.mean([route.baseline_share for route in results])),
            float(np.mean([route.candidate_share for route in results])),
            *evaluation,
        )
        for (name, results), evaluation in zip(several.items(), evaluations, strict=True)
    )


def _measure_over_pairs(results: Sequence[MetricResult | None]) -> MeasuredEffect:
    """Measure one metric over the pairs that have an effect of it."""
    measured = [metric for metric in results if metric is not None and metric.effect is not None]
    if len(measured) < 2:
        return MeasuredEffect(
            reason=next((metric.reason for metric in results if metric is not None), "")
            or "not measured"
        )
    absolute = measured[0].is_absolute
    effects = to_array([metric.effect for metric in measured])
    values = effects if absolute else np.log1p(effects)
    before, after = (
        to_array([getattr(metric, arm) for metric in measured]) for arm in ("baseline", "candidate")
    )
    mean = np.mean if absolute else _geometric_mean
    se = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    if absolute:  # never narrower than the error counts allow
        widths = to_array(
            [metric.ci.high - metric.ci.low for metric in measured if metric.ci is not None]
        ) / (2 * 1.96)
        se = max(se, float(np.sqrt(np.sum(widths**2))) / len(values))
    estimate = Estimate(float(values.mean()), se, len(values) - 1.0, float(len(values)))
    return MeasuredEffect(float(mean(before)), float(mean(after)), estimate)


def _geometric_mean(values: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-12)))))


def build_stratum(name: str, comparison: Comparison, kind: StratumKind) -> Stratum:
    """Build a stratum of a larger comparison from one comparison."""
    throughput, errors = comparison.metric("throughput"), comparison.metric("error_ratio")
    return Stratum(
        name,
        (comparison.seconds.baseline + comparison.seconds.candidate) / 2,
        throughput.effect if throughput is not None else None,
        throughput.ci if throughput is not None else None,
        errors.effect if errors is not None else None,
        comparison.verdict,
        kind,
        comparison.metrics,
        comparison.reasons[0]
        if comparison.reasons
        and comparison.verdict in ("inconclusive", "not_comparable", "regressed")
        else "",
        comparison.decided_by,
        tuple(route for route in comparison.routes if route.verdict == "regressed"),
    )
