"""Variance of a mean of autocorrelated values, with t intervals and effective sample sizes.

The estimate of `stats.mean_estimate`, which has the source, for rows of a second. A transform
replaces its sums over cosines: a comparison estimates many variances of thousands of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import stdtr, stdtrit

from tputtui.frozen import frozen
from tputtui.stats.mean_estimate import coefficient_count, require_rows

Array = NDArray[np.float64]


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
    require_rows(rows)
    count = coefficient_count(rows)
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
