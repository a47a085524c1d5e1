"""Asymptotic confidence sequence of current values against a baseline, valid at every evaluation.

Pure, and without numpy. A fixed-sample interval evaluated every ten seconds is "significant" sooner
or later. This one holds over all evaluations: Robbins' normal mixture with an estimated variance
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences"). The variance is the cosine long-run variance (Lazarus, Lewis, Stock and
Watson, JBES 36(4), 2018), the same as in `experiments.statistics.long_run_variance`, for
autocorrelated values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from tputtui.frozen import frozen
from tputtui.profiling.analysis.share_variance import t95

ALPHA: Final = 0.05
FIRST_EVALUATION_S: Final = 120.0
MIN_ROWS: Final = 6
DEFAULT_RUN_SD: Final = 0.02
"""Assumed standard deviation between equal runs, as a ratio, without a history."""

_NARROWEST_AT_S: Final = 300.0  # time at which the sequence is narrowest
_NORMAL_95: Final = 1.959964
_MAX_COEFFICIENTS, _MIN_COEFFICIENTS, _SECONDS_PER_COEFFICIENT = 8, 4, 30.0


@frozen
class MeanEstimate:
    """Mean of rows.

    `deviation`: of independent rows whose mean varies as much; `df` of that estimate.
    """

    mean: float
    deviation: float
    df: int
    rows: int

    @property
    def half_width(self) -> float:
        """Return half of the 95 % interval of the mean, for a single evaluation."""
        return t95(self.df) * self.deviation / math.sqrt(self.rows)


@frozen
class SequenceResult:
    """Difference from the baseline, in the figure's unit.

    `is_confirmed`: at two successive evaluations, on the same side.
    """

    effect: float
    half_width: float
    is_confirmed: bool


def estimate_mean(values: Sequence[float], row_s: float) -> MeanEstimate:
    """Estimate the mean of rows of `row_s` seconds. Raises ValueError below MIN_ROWS."""
    rows = len(values)
    if rows < MIN_ROWS:
        raise ValueError(f"a variance needs {MIN_ROWS} rows")
    mean = fmean(values)
    apart = [value - mean for value in values]
    count = min(
        _MAX_COEFFICIENTS,
        max(_MIN_COEFFICIENTS, int(rows * row_s / _SECONDS_PER_COEFFICIENT)),
        rows - 1,
    )
    squares = [
        2
        / rows
        * sum(
            value * math.cos(math.pi * k * (2 * at + 1) / (2 * rows))
            for at, value in enumerate(apart)
        )
        ** 2
        for k in range(1, count + 1)
    ]
    spread = sum(value * value for value in apart) / (rows - 1)
    return MeanEstimate(mean, math.sqrt(max(fmean(squares), spread)), count, rows)


def half_width(estimate: MeanEstimate, row_s: float, alpha: float = ALPHA) -> float:
    """Return half of the sequence's width about the mean so far.

    σ·√(2(tρ²+1)/(t²ρ²)·log(√(tρ²+1)/α)), widened by Student's t.
    """
    told = -2 * math.log(alpha)
    rho2 = (told + math.log(told) + 1) * row_s / _NARROWEST_AT_S
    t = estimate.rows
    factor = 2 * (t * rho2 + 1) / (t * t * rho2) * math.log(math.sqrt(t * rho2 + 1) / alpha)
    return t95(estimate.df) / _NORMAL_95 * estimate.deviation * math.sqrt(factor)


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
    sure = before is not None and all(abs(effect) > half for effect, half in (newest, before))
    return SequenceResult(*newest, sure and before is not None and newest[0] * before[0] > 0)


def _evaluate_once(
    baseline: float, baseline_half_width: float, rows: Sequence[float], row_s: float, alpha: float
) -> tuple[float, float] | None:
    if len(rows) < MIN_ROWS or len(rows) * row_s < FIRST_EVALUATION_S:
        return None
    now = estimate_mean(rows, row_s)
    return now.mean - baseline, math.hypot(half_width(now, row_s, alpha), baseline_half_width)
