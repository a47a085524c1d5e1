"""Asymptotic confidence sequence of current values against a baseline, valid at every evaluation.

A fixed-sample interval evaluated every ten seconds is "significant" sooner
or later. This one holds over all evaluations: Robbins' normal mixture with an estimated variance
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences"). The variance is the long-run variance of `stats.mean_estimate`, for
autocorrelated values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tputtui.frozen import frozen
from tputtui.stats.mean_estimate import MIN_ROWS, MeanEstimate, estimate_mean
from tputtui.stats.significance import NORMAL_95, t95

ALPHA: Final = 0.05
FIRST_EVALUATION_S: Final = 120.0

_NARROWEST_AT_S: Final = 300.0  # time at which the sequence is narrowest


@frozen
class SequenceResult:
    """Difference from the baseline, in the figure's unit.

    `is_confirmed`: at two successive evaluations, on the same side.
    """

    effect: float
    half_width: float
    is_confirmed: bool


def half_width(estimate: MeanEstimate, row_s: float, alpha: float = ALPHA) -> float:
    """Return half of the sequence's width about the mean so far.

    σ·√(2(tρ²+1)/(t²ρ²)·log(√(tρ²+1)/α)), widened by Student's t.
    """
    log_level = -2 * math.log(alpha)
    rho2 = (log_level + math.log(log_level) + 1) * row_s / _NARROWEST_AT_S
    t = estimate.rows
    factor = 2 * (t * rho2 + 1) / (t * t * rho2) * math.log(math.sqrt(t * rho2 + 1) / alpha)
    return t95(estimate.df) / NORMAL_95 * estimate.deviation * math.sqrt(factor)


def evaluate_sequence(
    baseline: float,
    baseline_half_width: float,
    rows: Sequence[float],
    row_s: float,
    alpha: float = ALPHA,
) -> SequenceResult | None:
    """Evaluate all `rows` since the watch began against a level known to ± `baseline_half_width`.

    None before the first evaluation.
    """
    newest = _evaluate_once(baseline, baseline_half_width, rows, row_s, alpha)
    if newest is None:
        return None
    before = _evaluate_once(baseline, baseline_half_width, rows[:-1], row_s, alpha)
    return SequenceResult(*newest, before is not None and _is_confirmed(newest, before))


def _is_confirmed(newest: tuple[float, float], before: tuple[float, float]) -> bool:
    """Whether two (effect, half width) are beyond their width, on the same side."""
    is_beyond = all(abs(effect) > half for effect, half in (newest, before))
    return is_beyond and newest[0] * before[0] > 0


def _evaluate_once(
    baseline: float, baseline_half_width: float, rows: Sequence[float], row_s: float, alpha: float
) -> tuple[float, float] | None:
    if len(rows) < MIN_ROWS or len(rows) * row_s < FIRST_EVALUATION_S:
        return None
    current = estimate_mean(rows, row_s)
    width = math.hypot(half_width(current, row_s, alpha), baseline_half_width)
    return current.mean - baseline, width
