"""Effect of each metric with its standard error.

Relative effects are logarithms; the effect on errors is a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Final

import numpy as np

from tputtui.experiments.statistics import error_counts
from tputtui.experiments.statistics.arms import ArmPair
from tputtui.experiments.statistics.error_counts import ErrorCount
from tputtui.experiments.statistics.long_run_variance import (
    Array,
    Estimate,
    LongRunVariance,
    VarianceComponent,
    combine_variances,
    estimate_long_run_variance,
)
from tputtui.frozen import frozen
from tputtui.stats.mean_estimate import MIN_ROWS

MIN_P99_RPS: Final = 30.0
"""Requests a second below which a per-second p99 is a maximum that depends on their number."""

RARE_ERRORS: Final = 30
"""Errors in both arms below which they are too few for a long-run variance."""

BURSTY: Final = 1.5
"""Overdispersion factor above which a report says that errors came in bursts."""

ASSUMED_RUN_SD: Final = 0.02
"""Assumed standard deviation between equal runs without an A/A history.

A guess, reported as such.
"""


@frozen
class BetweenRunVariance:
    """Difference between runs (or between the two targets) without any change."""

    components: tuple[VarianceComponent, ...] = ()
    log_offset: float = 0.0  # logarithm of the ratio between equal arms

    @property
    def se(self) -> float:
        """Standard error that longer measurement does not reduce."""
        return float(np.sqrt(sum(part.variance for part in self.components)))


def between_run_variance(
    is_paired: bool, aa_history: Sequence[float], pair_history: Sequence[float]
) -> tuple[BetweenRunVariance, bool]:
    """Return the error between runs, and whether it had to be assumed.

    Sequential arms: twice the variance of A/A runs' log throughput, from three runs on. Concurrent
    arms: the offset of A/A windows on the same two targets and its variance.
    """
    if is_paired:
        if len(pair_history) < 3:
            return BetweenRunVariance(), False
        logs = np.log(pair_history)
        variance = float(np.var(logs, ddof=1)) * (1 + 1 / len(logs))
        return BetweenRunVariance(
            (VarianceComponent(variance, len(logs) - 1.0),), float(logs.mean())
        ), False
    if len(aa_history) < 3:
        return BetweenRunVariance((VarianceComponent(2 * ASSUMED_RUN_SD**2, 1e6),)), True
    logs = np.log(aa_history)
    return BetweenRunVariance(
        (VarianceComponent(2 * float(np.var(logs, ddof=1)), len(logs) - 1.0),)
    ), False


@frozen
class MeasuredEffect:
    """Both figures of a metric and its effect; without an effect, `why` names what is missing."""

    baseline: float | None = None
    candidate: float | None = None
    estimate: Estimate | None = None
    ci_95: tuple[float, float] | None = None  # exact 95 % interval, where it is not the estimate's
    ci_90: tuple[float, float] | None = None
    exact_p_value: float | None = None  # likewise
    # Relative effect to which the limits belong; None: the difference of the two figures
    effect: float | None = None
    reason: str = ""
    note: str = ""  # reason for an unusually wide interval
    companions: dict[str, float] = field(default_factory=dict)


def measure_throughput(arms: ArmPair, between_runs: BetweenRunVariance) -> MeasuredEffect:
    """Measure log(candidate's mean / baseline's mean), the ratio of total work done."""
    a, b = arms.baseline.rps, arms.candidate.rps
    means = float(a.mean()), float(b.mean())
    if min(means) <= 0 or min(len(a), len(b)) < MIN_ROWS:
        return MeasuredEffect(*means, reason="too few rows")
    effect = float(np.log(means[1] / means[0]))
    estimate = _relative_effect(a / means[0], b / means[1], effect, arms.is_paired, between_runs)
    return MeasuredEffect(*means, estimate, companions=_companions(a, b))


def measure_quantile(arms: ArmPair, name: str, between_runs: BetweenRunVariance) -> MeasuredEffect:
    """Measure the difference of the mean logarithms of a per-second quantile."""
    columns = arms.column(name)
    if columns is None:
        return MeasuredEffect(reason=f"no {name} was measured")
    a, b = columns
    if min(len(a), len(b)) < MIN_ROWS:
        return MeasuredEffect(reason=f"too few rows have a {name}")
    logs = np.log(a), np.log(b)
    figures = float(np.exp(logs[0].mean())), float(np.exp(logs[1].mean()))
    if (
        name == "p99"
        and min(float(np.median(arms.baseline.rps)), float(np.median(arms.candidate.rps)))
        < MIN_P99_RPS
    ):
        return MeasuredEffect(
            *figures,
            reason=f"below {MIN_P99_RPS:.0f} req/s a second's p99 is its slowest request: buckets are needed",
        )
    effect = float(logs[1].mean() - logs[0].mean())
    return MeasuredEffect(*figures, _relative_effect(*logs, effect, arms.is_paired, between_runs))


def measure_cpu_per_request(arms: ArmPair, between_runs: BetweenRunVariance) -> MeasuredEffect:
    """Measure the log ratio of CPU per request, from the residuals of the ratio in each arm."""
    columns = arms.column("cpu")
    if columns is None or len(columns[0]) < MIN_ROWS:
        return MeasuredEffect(reason="no CPU was measured")
    residuals, figures = [], []
    for arm in (arms.baseline, arms.candidate):
        is_known = np.isfinite(arm.columns["cpu"])
        if arms.is_paired:
            is_known = np.isfinite(arms.baseline.columns["cpu"]) & np.isfinite(
                arms.candidate.columns["cpu"]
            )
        cpu, rps = arm.columns["cpu"][is_known], arm.rps[is_known]
        if cpu.sum() <= 0 or rps.sum() <= 0 or len(cpu) < MIN_ROWS:
            return MeasuredEffect(reason="no CPU was measured")
        share = float(cpu.sum() / rps.sum())
        figures.append(share)
        residuals.append((cpu - share * rps) / float(cpu.mean()))
    estimate = _relative_effect(
        residuals[0],
        residuals[1],
        float(np.log(figures[1] / figures[0])),
        arms.is_paired,
        between_runs,
    )
    return MeasuredEffect(figures[0], figures[1], estimate)


def measure_errors(arms: ArmPair) -> MeasuredEffect:
    """Measure the difference of the error ratios, with an interval that allows for bursts
    (`error_counts`).

    From RARE_ERRORS on, the long-run variance of the per-second residuals is estimated as well, and
    the wider interval and the larger p of the two are used.
    """
    columns = arms.column("err_ratio")
    if columns is None:
        return MeasuredEffect(reason="no errors were measured")
    known_in_both = None
    if arms.is_paired:
        known_in_both = np.isfinite(arms.baseline.columns["err_ratio"]) & np.isfinite(
            arms.candidate.columns["err_ratio"]
        )
    counted = []
    for arm in (arms.baseline, arms.candidate):
        ratios = arm.columns["err_ratio"]
        is_known = np.isfinite(ratios) if known_in_both is None else known_in_both
        requests = arm.rps[is_known] * arm.step_s
        if float(requests.sum()) <= 0 or len(requests) < MIN_ROWS:
            return MeasuredEffect(reason="too few requests")
        counted.append(error_counts.count(ratios[is_known] * requests, requests))
    before, after = counted
    factor = error_counts.overdispersion(counted, arms.is_paired)
    limits_90 = error_counts.interval(before, after, factor, 0.90, exact=True)
    # for very few errors the exact limits are the wider ones even at the lower level
    limits = _wider(error_counts.interval(before, after, factor, 0.95), limits_90)
    p = error_counts.p_value(before, after, factor)
    estimate = None
    if before.errors + after.errors >= RARE_ERRORS:
        estimate = _long_run_errors(before, after, factor, arms.is_paired)
        limits, limits_90 = (
            _wider(limits, estimate.interval()),
            _wider(limits_90, estimate.interval(0.90)),
        )
        p = max(p, estimate.p_value())
    return MeasuredEffect(
        before.ratio,
        after.ratio,
        estimate,
        limits,
        limits_90,
        p,
        note=_burst_note(before.errors + after.errors, factor),
    )


def _long_run_errors(
    before: ErrorCount, after: ErrorCount, factor: float, paired: bool
) -> Estimate:
    """Estimate the effect from per-second residuals, with at least the variance of the bursts."""
    a, b = (count.residuals * len(count.residuals) for count in (before, after))
    effect = after.ratio - before.ratio
    estimate = _difference_effect(a, b, effect, paired)
    floor = factor * float(before.expected.sum() + after.expected.sum())
    if estimate.se**2 >= floor:
        return estimate
    return Estimate(effect, float(np.sqrt(floor)), estimate.df, estimate.n_eff, floor)


def _wider(ends: tuple[float, float], others: tuple[float, float]) -> tuple[float, float]:
    return max(-1.0, min(ends[0], others[0])), min(1.0, max(ends[1], others[1]))


def _burst_note(errors: float, factor: float) -> str:
    """Describe how many independent errors a bursty count is worth; "" if it makes no
    difference.
    """
    if factor < BURSTY:
        return ""
    events = max(1, round(errors / factor))
    noun = "ones" if events > 1 else "one"
    return f"{errors:,.0f} errors came in bursts and count as about {events:,} independent {noun}"


def _relative_effect(
    a: Array, b: Array, effect: float, is_paired: bool, between_runs: BetweenRunVariance
) -> Estimate:
    """Estimate a log effect from each arm's relative values and the variance between runs."""
    inner = _difference_effect(a, b, effect - between_runs.log_offset, is_paired)
    if not between_runs.components:
        return inner
    rows = [LongRunVariance(inner.se**2, inner.df, inner.n_eff)]
    return combine_variances(inner.effect, [*rows, *between_runs.components], inner.n_eff)


def _difference_effect(a: Array, b: Array, effect: float, is_paired: bool) -> Estimate:
    if is_paired:
        run = estimate_long_run_variance(b - a)
        return combine_variances(effect, [run], run.n_eff)
    parts = [estimate_long_run_variance(a), estimate_long_run_variance(b)]
    return combine_variances(effect, parts, min(part.n_eff for part in parts))


def _companions(a: Array, b: Array) -> dict[str, float]:
    """Return robust statistics for display only, from every k-th row of long runs."""
    thin_a, thin_b = a[:: max(1, len(a) // 1000)], b[:: max(1, len(b) // 1000)]
    out: dict[str, float] = {}
    if float(np.median(a)) > 0:
        out["median_ratio"] = float(np.median(b) / np.median(a))
    if thin_a.min() > 0 and thin_b.min() > 0:
        out["hodges_lehmann"] = float(
            np.exp(np.median(np.subtract.outer(np.log(thin_b), np.log(thin_a))))
        )
    difference = np.subtract.outer(thin_b, thin_a)
    out["a12"] = float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))
    return out
