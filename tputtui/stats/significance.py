"""Significance: Student's t distribution, and Holm's correction for the number of tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

NORMAL_95: Final = 1.959964
"""Two-sided 95 % quantile of the normal distribution, to which Student's t tends."""

# Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom; above, the expansion of the
# normal's is used.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip

_MAX_FRACTION_TERMS = 400
_FRACTION_TOLERANCE = 1e-12


def t95(degrees: int) -> float:
    """Two-sided 95 % quantile of Student's t.

    Above 30 degrees: Abramowitz & Stegun 26.7.5 to the second term. Raises ValueError below one
    degree of freedom.
    """
    if degrees < 1:
        raise ValueError("Student's t needs at least one degree of freedom")
    if degrees <= len(_T95):
        return _T95[degrees - 1]
    z = NORMAL_95
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def student_p(t: float, degrees: float) -> float:
    """Two-sided tail probability of Student's t.

    The regularised incomplete beta function by its continued fraction: Numerical Recipes 6.4, after
    Lentz; relative error below 1e-10.
    """
    if not math.isfinite(t):
        return 0.0
    a, b = degrees / 2, 0.5
    x = degrees / (degrees + t * t)
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function."""
    numerator = 1.0
    denominator = 1 / _nonzero(1 - (a + b) * x / (a + 1))
    fraction = denominator
    for m in range(1, _MAX_FRACTION_TERMS):
        even_term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd_term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even_term, odd_term):
            denominator = 1 / _nonzero(1 + term * denominator)
            numerator = _nonzero(1 + term / numerator)
            fraction *= denominator * numerator
        if abs(denominator * numerator - 1) < _FRACTION_TOLERANCE:
            break
    return fraction


def _nonzero(value: float) -> float:
    """Replace a value at which the fraction would divide by zero."""
    tiny = 1e-300
    return value if abs(value) > tiny else tiny


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values by Holm's step-down method; None (no test) stays None."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[index] = largest
    return adjusted
