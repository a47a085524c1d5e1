"""Required duration: for a verdict at the margin, and before an experiment (`compare --power`)."""

from __future__ import annotations

from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import PowerResult
from tputtui.experiments.statistics import effects, measures
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, to_arrays
from tputtui.experiments.statistics.long_run_variance import Estimate, t_quantile
from tputtui.experiments.statistics.steady_state import detect_incident_rows, detect_warm_up
from tputtui.experiments.statistics.verdicts import MIN_EFFECTIVE_ROWS
from tputtui.stats.mean_estimate import MIN_ROWS
from tputtui.text import format_duration

POWER_80_SE: Final = 2.8016
"""z.975 + z.80: an effect of this many standard errors is found four times out of five."""

MIN_ARM_S: Final = 60.0
MIN_PAIRED_RUN_S: Final = 120.0  # minimum duration of each run of an interleaved pair
_MAX_PAIRS: Final = 100
_MIN_HISTORY_RUNS: Final = 5  # runs required to know how much equal runs differ


def seconds_needed(
    estimate: Estimate | None, margin: float, is_absolute: bool, seconds: float
) -> float | None:
    """Return seconds per arm at which an effect equal to the margin is found in four cases of five.

    None if unknown, or if no length suffices: the part of the error between runs remains.
    """
    if estimate is None or estimate.within_variance <= 0:
        return None
    allowed = ((margin if is_absolute else float(np.log1p(margin))) / POWER_80_SE) ** 2 - (
        estimate.se**2 - estimate.within_variance
    )
    return seconds * estimate.within_variance / allowed if allowed > 0 else None


def steady_rows(rows: MetricRows) -> ArmArrays:
    """Return a run without its warm-up."""
    arm = to_arrays(rows)
    incident = detect_incident_rows(arm)
    warm_up = detect_warm_up(ArmPair(arm, arm, is_paired=False), (incident, incident))
    return arm.select(slice(warm_up.rows, None))


def history_values(rows: MetricRows) -> dict[str, float]:
    """Return the mean throughput and mean quantiles of a run of A/A history."""
    run = steady_rows(rows)
    out = {"throughput": float(run.rps.mean())}
    for name in ("p50", "p90", "p99"):
        values = run.columns.get(name)
        if values is not None and np.isfinite(values).any():
            out[name] = float(np.exp(np.nanmean(np.log(values))))
    return out


def estimate_power(
    pilot: MetricRows, target_effect: float, context: ComparisonContext
) -> PowerResult:
    """Estimate the duration and the number of pairs to detect `target_effect` on the primary
    metric.

    The primary is the throughput if none is named. Raises ValueError if the pilot is too short.
    """
    metric = context.primary or "throughput"
    arm = steady_rows(pilot)
    rows = len(arm.t)
    if rows < max(2 * MIN_ROWS, 30) or float(arm.rps.mean()) <= 0:
        raise ValueError("a pilot needs half a minute of steady traffic at the least")
    measured = measures.measure_all(
        ArmPair(arm, arm, is_paired=False), measures.between_run_variances(False, context)
    )[metric]
    estimate = measured.estimate
    if estimate is None or measured.baseline is None:
        raise ValueError(f"it says too little of {metric}: {measured.reason or 'too few errors'}")
    floor = max(MIN_ARM_S, MIN_EFFECTIVE_ROWS * arm.seconds / estimate.n_eff)
    error, assumed = effects.between_run_variance(False, context.history(metric), ())
    effect = _log_scaled(metric, target_effect)
    allowed = (effect / POWER_80_SE) ** 2 - (estimate.se**2 - estimate.within_variance)
    seconds = max(floor, estimate.within_variance * arm.seconds / allowed) if allowed > 0 else None
    pair_seconds = max(floor, MIN_PAIRED_RUN_S)
    return PowerResult(
        metric=metric,
        target_effect=target_effect,
        pilot_value=measured.baseline,
        pilot_rps=float(arm.rps.mean()),
        pilot_seconds=arm.seconds,
        seconds=None if seconds is None else float(np.ceil(seconds)),
        run_sd=error.se / float(np.sqrt(2)),
        is_run_sd_assumed=assumed,
        pair_seconds=float(np.ceil(pair_seconds)),
        pairs=pairs_needed(effect, _pair_variance(estimate, arm.seconds, pair_seconds)),
    )


def describe_next_design(
    estimate: Estimate | None, metric: str, margin: float, arms: ArmPair, context: ComparisonContext
) -> tuple[str, ...]:
    """Describe the designs that find an effect equal to the margin four times out of five.

    In order of preference: concurrent, interleaved pairs, one longer pair with history. One
    sentence; "" if nothing was measured.
    """
    measured_s = min(arms.baseline.seconds, arms.candidate.seconds)
    if estimate is None or estimate.within_variance <= 0 or measured_s <= 0:
        least = format_duration(max(300.0, MIN_ARM_S))
        return (f"Record at least {least} an arm: {metric} could not be estimated.",)
    floor = max(MIN_ARM_S, MIN_EFFECTIVE_ROWS * measured_s / max(estimate.n_eff, 1e-9))
    effect = _log_scaled(metric, margin)
    sought = f"{100 * margin:g} {'pp' if metric == 'error_ratio' else '%'} of {metric}"
    concurrent_s = max(floor, estimate.within_variance * measured_s / (effect / POWER_80_SE) ** 2)
    pair_seconds = _round_up(max(floor, MIN_PAIRED_RUN_S))
    pairs = pairs_needed(effect, _pair_variance(estimate, measured_s, pair_seconds))
    interleaved = ""
    if pairs is not None:
        interleaved = (
            f"{pairs} pairs of {format_duration(pair_seconds)} a run by turns (--pair, A B B A …; "
            f"{format_duration(2 * pairs * pair_seconds)} in all)"
        )
    needed = seconds_needed(estimate, margin, metric == "error_ratio", measured_s)
    longer = ""
    if needed is not None:
        longer = f"one pair of {format_duration(_round_up(max(floor, needed)))} an arm"
    if arms.is_paired:
        same = f"the same for {format_duration(_round_up(max(floor, needed or 0.0)))} an arm"
        designs = [same if longer else "", interleaved]
    else:
        if longer and len(context.history(metric)) < _MIN_HISTORY_RUNS:
            longer = f"{longer} and five runs of history (--history)"
        duration = format_duration(_round_up(concurrent_s))
        designs = [
            f"both at the same time behind one load balancer, {duration}",
            interleaved,
            longer,
        ]
    usable = [design for design in designs if design]
    if not usable:
        return (f"No affordable design finds {sought}: a wider margin, or a calmer machine.",)
    return (f"Next best, to find {sought} four times out of five: {'; else '.join(usable)}.",)


def pairs_needed(effect: float, variance: float) -> int | None:
    """Return the number of pairs of this error variance that find the effect in four cases of five.

    None: more than a hundred.
    """
    for pairs in range(2, _MAX_PAIRS + 1):
        t = t_quantile(0.975, pairs - 1) + t_quantile(0.80, pairs - 1)
        if effect >= t * float(np.sqrt(variance / pairs)):
            return pairs
    return None


def _pair_variance(estimate: Estimate, measured_s: float, seconds: float) -> float:
    """Return the variance of the effect of a pair of runs of `seconds`.

    It is the sum of a part that more seconds reduce and a part that they do not.
    """
    return estimate.within_variance * measured_s / seconds + (
        estimate.se**2 - estimate.within_variance
    )


def _log_scaled(metric: str, effect: float) -> float:
    """Convert an effect to the scale of its estimate: the logarithm of a ratio, except for
    errors.
    """
    return effect if metric == "error_ratio" else float(np.log1p(effect))


def _round_up(seconds: float) -> float:
    """Round up to tens of seconds, from ten minutes on to minutes, the precision of a forecast."""
    step = 10.0 if seconds < 600 else 60.0
    return float(np.ceil(seconds / step) * step)
