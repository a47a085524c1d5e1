"""Variance of a mean of autocorrelated values, with t intervals and effective sample sizes.

Equal-weighted cosine (EWC) long-run variance: Lazarus, Lewis, Stock and Watson, "HAR Inference:
Recommendations for Practice", JBES 36(4), 2018. We take 4 to 8 coefficients, one for 30 rows,
instead of the paper's 0.4·T^⅔: its bias is about φπ²ν²/(3T²(1-φ)²), and per-second throughput has φ
up to 0.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import stdtr, stdtrit

from tputtui.frozen import frozen

Array = NDArray[np.float64]

MIN_ROWS: Final = 6
"""Rows below which no variance is estimated."""

_MAX_COEFFICIENTS: Final = 8
_ROWS_PER_COEFFICIENT: Final = 30


@frozen
class VarianceComponent:
    """Independent part of an estimate's variance, with its degrees of freedom."""

    variance: float
    df: float


@frozen
class LongRunVariance(VarianceComponent):
    """Variance of a mean over rows; `n_eff` independent rows would have the same."""

    n_eff: float


def estimate_long_run_variance(values: Array) -> LongRunVariance:
    """Estimate the variance of the mean of `values`. Raises ValueError below MIN_ROWS values."""
    rows = len(values)
    if rows < MIN_ROWS:
        raise ValueError(f"a variance needs {MIN_ROWS} rows")
    count = min(_MAX_COEFFICIENTS, max(4, rows // _ROWS_PER_COEFFICIENT))
    coefficients = dct(values - values.mean(), type=2, norm="ortho")[1 : count + 1]
    spread = float(np.var(values, ddof=1))
    density = max(float(np.mean(coefficients**2)), spread)
    return LongRunVariance(
        density / rows, float(count), rows * spread / density if density > 0 else float(rows)
    )


@frozen
class Estimate:
    """Effect with its standard error; relative effects are logarithms of ratios."""

    effect: float
    se: float
    df: float
    n_eff: float
    within_variance: float = 0.0  # the part of se² that more seconds reduce

    def p_value(self) -> float:
        """Two-sided p of no effect."""
        if self.se <= 0:
            return 1.0 if self.effect == 0 else 0.0
        return float(2 * stdtr(self.df, -abs(self.effect) / self.se))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the confidence interval at a level."""
        half = t_quantile(0.5 + level / 2, self.df) * self.se
        return self.effect - half, self.effect + half


def combine_variances(
    effect: float, components: Sequence[VarianceComponent], n_eff: float
) -> Estimate:
    """Combine independent variances; degrees of freedom by Welch and Satterthwaite."""
    variance = sum(part.variance for part in components)
    below = sum(part.variance**2 / part.df for part in components)
    within = sum(part.variance for part in components if isinstance(part, LongRunVariance))
    return Estimate(
        effect, float(np.sqrt(variance)), variance**2 / below if below > 0 else 1e6, n_eff, within
    )


def t_quantile(probability: float, df: float) -> float:
    """Return a quantile of Student's t distribution."""
    return float(stdtrit(df, probability))


def to_array(values: Any) -> Array:
    """Convert values to floats."""
    return np.asarray(values, dtype=np.float64)
