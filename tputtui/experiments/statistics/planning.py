"""How long to measure: for a verdict at the margin, and before an experiment (`compare --power`)."""

from __future__ import annotations

from typing import Final

import numpy as np

from tputtui.experiments.context import Context
from tputtui.experiments.outcome import Power
from tputtui.experiments.rows import Rows
from tputtui.experiments.statistics import effects
from tputtui.experiments.statistics.arms import Arm, Arms, arm
from tputtui.experiments.statistics.longrun import FEWEST, Estimate, long_run, t_quantile
from tputtui.experiments.statistics.steady import incident_rows, warm_up
from tputtui.experiments.statistics.verdicts import FEWEST_EFFECTIVE

DETECTED: Final = 2.8016
"""z.975 + z.80: an effect of so many standard errors is found four times out of five."""

SHORTEST_S: Final = 60.0
_MOST_PAIRS: Final = 100


def seconds_needed(found: Estimate | None, margin: float, absolute: bool, seconds: float) -> float | None:
    """Seconds per arm after which an effect as large as the margin is found in four cases of five.

    None where that is unknown, or where no length would do: the part of the error that lies between runs stays.
    """
    if found is None or found.within <= 0:
        return None
    allowed = ((margin if absolute else float(np.log1p(margin))) / DETECTED) ** 2 - (found.se**2 - found.within)
    return seconds * found.within / allowed if allowed > 0 else None


def steady_part(rows: Rows) -> Arm:
    """A run without its warm-up."""
    one = arm(rows)
    calm = incident_rows(one)
    found = warm_up(Arms(one, one, paired=False), (calm, calm))
    return one.take(slice(found.rows, None))


def figures(rows: Rows) -> dict[str, float]:
    """The mean throughput, and the mean quantiles, of a run of A/A history."""
    one = steady_part(rows)
    out = {"throughput": float(one.rps.mean())}
    for name in ("p50", "p90", "p99"):
        values = one.columns.get(name)
        if values is not None and np.isfinite(values).any():
            out[name] = float(np.exp(np.nanmean(np.log(values))))
    return out


def plan(pilot: Rows, detect: float, context: Context) -> Power:
    """How long, and how many pairs, for an effect of `detect`. Raises ValueError where the pilot says too little."""
    one = steady_part(pilot)
    rows = len(one.t)
    if rows < max(2 * FEWEST, 30) or float(one.rps.mean()) <= 0:
        raise ValueError("a pilot needs half a minute of steady traffic at the least")
    relative = one.rps / float(one.rps.mean())
    found = long_run(relative)
    a_second = found.variance * one.seconds  # the variance of the mean over one second, if it were that short
    floor = max(SHORTEST_S, FEWEST_EFFECTIVE * one.seconds / found.n_eff)
    error, assumed = effects.between(False, context.aa_history_rps, ())
    effect = float(np.log1p(detect))
    allowed = (effect / DETECTED) ** 2 - error.se**2
    seconds = max(floor, 2 * a_second / allowed) if allowed > 0 else None
    pair_seconds = max(floor, 2 * SHORTEST_S)
    a_pair = 2 * a_second / pair_seconds + error.se**2
    return Power(
        detect=detect,
        rate=float(one.rps.mean()),
        seconds_piloted=one.seconds,
        seconds=None if seconds is None else float(np.ceil(seconds)),
        run_sd=error.se / float(np.sqrt(2)),
        run_sd_assumed=assumed,
        pair_seconds=float(np.ceil(pair_seconds)),
        pairs=_pairs(effect, a_pair),
    )


def _pairs(effect: float, variance: float) -> int | None:
    for pairs in range(2, _MOST_PAIRS + 1):
        t = t_quantile(0.975, pairs - 1) + t_quantile(0.80, pairs - 1)
        if effect >= t * float(np.sqrt(variance / pairs)):
            return pairs
    return None
