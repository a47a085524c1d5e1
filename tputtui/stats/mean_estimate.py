"""Mean of autocorrelated rows with its cosine long-run variance.

Equal-weighted cosine (EWC) long-run variance: Lazarus, Lewis, Stock and Watson, "HAR Inference:
Recommendations for Practice", JBES 36(4), 2018. We take 4 to 8 coefficients, one for 30 s, instead
of the paper's 0.4·T^⅔: its bias is about φπ²ν²/(3T²(1-φ)²), and per-second throughput has φ up to
0.9. `experiments.statistics.long_run_variance` is the same estimate for long runs, by numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from tputtui.frozen import frozen
from tputtui.stats.significance import t95

MIN_ROWS: Final = 6
"""Rows below which no variance is estimated."""

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


def require_rows(rows: int) -> None:
    """Raise ValueError if a variance cannot be estimated from that many rows."""
    if rows < MIN_ROWS:
        raise ValueError(f"a variance needs {MIN_ROWS} rows")


def coefficient_count(rows: int, row_s: float = 1.0) -> int:
    """Number of cosine coefficients for rows of `row_s` seconds: the degrees of freedom."""
    by_duration = max(_MIN_COEFFICIENTS, int(rows * row_s / _SECONDS_PER_COEFFICIENT))
    return min(_MAX_COEFFICIENTS, by_duration, rows - 1)


def estimate_mean(values: Sequence[float], row_s: float) -> MeanEstimate:
    """Estimate the mean of rows of `row_s` seconds. Raises ValueError below MIN_ROWS."""
    rows = len(values)
    require_rows(rows)
    mean = fmean(values)
    deviations = [value - mean for value in values]
    count = coefficient_count(rows, row_s)
    squares = [2 / rows * _cosine_sum(deviations, k) ** 2 for k in range(1, count + 1)]
    spread = sum(value * value for value in deviations) / (rows - 1)
    return MeanEstimate(mean, math.sqrt(max(fmean(squares), spread)), count, rows)


def _cosine_sum(deviations: Sequence[float], k: int) -> float:
    """Sum of deviations weighted by the k-th cosine over the rows."""
    rows = len(deviations)
    return sum(
        value * math.cos(math.pi * k * (2 * index + 1) / (2 * rows))
        for index, value in enumerate(deviations)
    )
