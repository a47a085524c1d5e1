"""How long to measure: for a verdict at the margin, and before an experiment (`compare --power`)."""

from __future__ import annotations

from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import PowerResult
from tputtui.experiments.statistics import effects, measures
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, arm
from tputtui.experiments.statistics.long_run_variance import FEWEST, Estimate, t_quantile
from tputtui.experiments.statistics.steady_state import incident_rows, warm_up
from tputtui.experiments.statistics.verdicts import FEWEST_EFFECTIVE
from tputtui.text import span

DETECTED: Final = 2.8016
"""z.975 + z.80: an effect of so many standard errors is found four times out of five."""

SHORTEST_S: Final = 60.0
PAIR_S: Final = 120.0  # of each run of an interleaved pair, at the least
_MOST_PAIRS: Final = 100
_HISTORY: Final = 5  # runs that say well enough how much equal runs differ


def seconds_needed(found: Estimate | None, margin: float, absolute: bool, seconds: float) -> float | None:
    """Seconds per arm after which an effect as large as the margin is found in four cases of five.

    None where that is unknown, or where no length would do: the part of the error that lies between runs stays.
    """
    if found is None or found.within <= 0:
        return None
    allowed = ((margin if absolute else float(np.log1p(margin))) / DETECTED) ** 2 - (found.se**2 - found.within)
    return seconds * found.within / allowed if allowed > 0 else None


def steady_part(rows: MetricRows) -> ArmArrays:
    """A run without its warm-up."""
    one = arm(rows)
    calm = incident_rows(one)
    found = warm_up(ArmPair(one, one, paired=False), (calm, calm))
    return one.take(slice(found.rows, None))


def figures(rows: MetricRows) -> dict[str, float]:
    """The mean throughput, and the mean quantiles, of a run of A/A history."""
    one = steady_part(rows)
    out = {"throughput": float(one.rps.mean())}
    for name in ("p50", "p90", "p99"):
        values = one.columns.get(name)
        if values is not None and np.isfinite(values).any():
            out[name] = float(np.exp(np.nanmean(np.log(values))))
    return out


def plan(pilot: MetricRows, detect: float, context: ComparisonContext) -> PowerResult:
    """How long, and how many pairs, for an effect of `detect` on the primary metric (the throughput, where none is
    named). Raises ValueError where the pilot says too little.
    """
    metric = context.primary or "throughput"
    one = steady_part(pilot)
    rows = len(one.t)
    if rows < max(2 * FEWEST, 30) or float(one.rps.mean()) <= 0:
        raise ValueError("a pilot needs half a minute of steady traffic at the least")
    measured = measures.every(ArmPair(one, one, paired=False), measures.between(False, context))[metric]
    found = measured.estimate
    if found is None or measured.baseline is None:
        raise ValueError(f"it says too little of {metric}: {measured.why or 'too few errors'}")
    floor = max(SHORTEST_S, FEWEST_EFFECTIVE * one.seconds / found.n_eff)
    error, assumed = effects.between(False, context.history(metric), ())
    effect = _scaled(metric, detect)
    allowed = (effect / DETECTED) ** 2 - (found.se**2 - found.within)
    seconds = max(floor, found.within * one.seconds / allowed) if allowed > 0 else None
    pair_seconds = max(floor, PAIR_S)
    return PowerResult(
        metric=metric,
        detect=detect,
        level=measured.baseline,
        rate=float(one.rps.mean()),
        seconds_piloted=one.seconds,
        seconds=None if seconds is None else float(np.ceil(seconds)),
        run_sd=error.se / float(np.sqrt(2)),
        run_sd_assumed=assumed,
        pair_seconds=float(np.ceil(pair_seconds)),
        pairs=pairs_needed(effect, _variance_of_a_pair(found, one.seconds, pair_seconds)),
    )


def next_design(
    found: Estimate | None, metric: str, margin: float, arms: ArmPair, context: ComparisonContext
) -> tuple[str, ...]:
    """The designs that would find an effect as large as the margin four times out of five, in the order of preference:
    at the same time, interleaved pairs, one longer pair with history. One sentence; none where nothing was measured.
    """
    lasted = min(arms.baseline.seconds, arms.candidate.seconds)
    if found is None or found.within <= 0 or lasted <= 0:
        return (f"Record at least {span(max(300.0, SHORTEST_S))} an arm: {metric} could not be told.",)
    floor = max(SHORTEST_S, FEWEST_EFFECTIVE * lasted / max(found.n_eff, 1e-9))
    effect = _scaled(metric, margin)
    sought = f"{100 * margin:g} {'pp' if metric == 'error_ratio' else '%'} of {metric}"
    together = max(floor, found.within * lasted / (effect / DETECTED) ** 2)
    pair_seconds = _rounded(max(floor, PAIR_S))
    pairs = pairs_needed(effect, _variance_of_a_pair(found, lasted, pair_seconds))
    by_turns = (
        ""
        if pairs is None
        else f"{pairs} pairs of {span(pair_seconds)} a run by turns (--pair, A B B A …; {span(2 * pairs * pair_seconds)} in all)"
    )
    needed = seconds_needed(found, margin, metric == "error_ratio", lasted)
    longer = "" if needed is None else f"one pair of {span(_rounded(max(floor, needed)))} an arm"
    if arms.paired:
        designs = [longer and f"the same for {span(_rounded(max(floor, needed or 0.0)))} an arm", by_turns]
    else:
        known = len(context.history(metric)) >= _HISTORY
        designs = [f"both at the same time behind one load balancer, {span(_rounded(together))}", by_turns]
        designs.append(longer if known or not longer else f"{longer} and five runs of history (--history)")
    told = [design for design in designs if design]
    if not told:
        return (f"No affordable design finds {sought}: a wider margin, or a calmer machine.",)
    return (f"Next best, to find {sought} four times out of five: {'; else '.join(told)}.",)


def pairs_needed(effect: float, variance: float) -> int | None:
    """Pairs of which each has an error of this variance, for the effect to be found in four cases of five; None: more
    than a hundred.
    """
    for pairs in range(2, _MOST_PAIRS + 1):
        t = t_quantile(0.975, pairs - 1) + t_quantile(0.80, pairs - 1)
        if effect >= t * float(np.sqrt(variance / pairs)):
            return pairs
    return None


def _variance_of_a_pair(found: Estimate, lasted: float, seconds: float) -> float:
    """Of the effect that a pair of runs of `seconds` would show: what more seconds make smaller, and what they do not."""
    return found.within * lasted / seconds + (found.se**2 - found.within)


def _scaled(metric: str, effect: float) -> float:
    """An effect on the scale of its estimate: the logarithm of a ratio, but for errors."""
    return effect if metric == "error_ratio" else float(np.log1p(effect))


def _rounded(seconds: float) -> float:
    """Up to whole tens of seconds, from ten minutes on to whole minutes: a forecast is no finer."""
    step = 10.0 if seconds < 600 else 60.0
    return float(np.ceil(seconds / step) * step)
