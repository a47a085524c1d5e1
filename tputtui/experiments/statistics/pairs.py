"""Interleaved pairs: each is one observation, so what differs between runs is in the error where it belongs.

At 2 % between runs, five pairs of 120 s find +5 % in 65 % of all cases, one pair of 600 s in 27 %: the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tputtui.experiments.context import Context
from tputtui.experiments.outcome import UNITS, Comparison, Flag, Metric, Seconds, Stratum
from tputtui.experiments.rows import Rows
from tputtui.experiments.statistics.compare import compare
from tputtui.experiments.statistics.effects import Measured
from tputtui.experiments.statistics.longrun import Estimate, array
from tputtui.experiments.statistics.verdicts import judged, overall

ENOUGH: Final = 5

_OF_ONE_PAIR: Final[tuple[Flag, ...]] = ("no-aa-history", "provisional", "noise-floor", "trade-off")
"""What is said of a single pair and does not hold for several."""


def compare_pairs(pairs: Sequence[tuple[Rows, Rows]], context: Context) -> Comparison:
    """Two or more pairs as one comparison: the test of Student on each metric's effects, pairs - 1 degrees of freedom.

    A pair that a gate has spoiled (an incident in one arm, drift, no steady state) is left out, and that is said.
    """
    each = [compare(a, b, context) for a, b in pairs]
    barred = next((one for one in each if one.verdict == "not_comparable"), None)
    if barred is not None:
        return barred
    good = [one for one in each if not one.capped or set(one.flags) <= {"too-short", *_OF_ONE_PAIR}]
    reasons = [
        f"Pair {number} is left out: {one.reasons[0] if one.reasons else 'no verdict is possible on it.'}"
        for number, one in enumerate(each, start=1)
        if one not in good
    ]
    first = good[0] if good else each[0]
    primary = first.primary
    metrics: tuple[Metric, ...] = ()
    if len(good) >= 2:
        measured = {name: _measured(name, good) for name in UNITS}
        metrics = judged(measured, context, primary, fewest=0.0)
        reasons.append(f"{len(good)} pairs, each of them one observation ({len(good) - 1} degrees of freedom).")
    else:
        reasons.append("Fewer than two pairs are left.")
    advice = () if len(good) >= ENOUGH else (f"Five pairs or more find small effects: these are {len(good)}.",)
    flags = dict.fromkeys(flag for one in each for flag in one.flags if flag not in _OF_ONE_PAIR)
    verdict = overall(metrics, primary)
    guarding = {one.verdict for one in metrics if one.guards}
    if {"improved", "regressed"} <= guarding:
        flags["trade-off"] = None
    return replace(
        first,
        verdict=verdict,
        primary=primary,
        reasons=tuple(reasons),
        flags=tuple(flags),
        metrics=metrics,
        strata=tuple(stratum(f"pair {number}", one) for number, one in enumerate(each, start=1)),
        seconds=Seconds(
            sum(one.seconds.baseline for one in each),
            sum(one.seconds.candidate for one in each),
            sum(one.seconds.trimmed for one in each),
            sum(one.seconds.excluded for one in each),
        ),
        advice=advice if verdict == "inconclusive" else (),
        capped=False,
    )


def _measured(name: str, each: Sequence[Comparison]) -> Measured:
    found = [metric for one in each if (metric := one.metric(name)) is not None and metric.effect is not None]
    if len(found) < 2:
        return Measured(why=next((m.why for one in each if (m := one.metric(name)) is not None), "") or "not measured")
    absolute = name == "error_ratio"
    effects = array([metric.effect for metric in found])
    values = effects if absolute else np.log1p(effects)
    before, after = (array([getattr(metric, arm) for metric in found]) for arm in ("baseline", "candidate"))
    mean = np.mean if absolute else _geometric
    se = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    if absolute:  # never surer than counting the errors allows
        widths = array([metric.ci.high - metric.ci.low for metric in found if metric.ci is not None]) / (2 * 1.96)
        se = max(se, float(np.sqrt(np.sum(widths**2))) / len(values))
    estimate = Estimate(float(values.mean()), se, len(values) - 1.0, float(len(values)))
    return Measured(float(mean(before)), float(mean(after)), estimate)


def _geometric(values: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(values, 1e-12)))))


def stratum(name: str, one: Comparison) -> Stratum:
    """A comparison as one part of a larger one."""
    throughput, errors = one.metric("throughput"), one.metric("error_ratio")
    return Stratum(
        name,
        one.seconds.baseline + one.seconds.candidate,
        throughput.effect if throughput is not None else None,
        throughput.ci if throughput is not None else None,
        errors.effect if errors is not None else None,
        one.verdict,
    )
