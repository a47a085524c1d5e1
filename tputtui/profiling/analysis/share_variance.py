"""Uncertainty of a share: the ± of a ratio from the variance between slices of time. Pure.

Samples of one profile are not independent: threads wait together, and a batch lasts longer than a
tick. An interval that assumes independence covers a third of what it claims. Slices of a second are
nearly independent, so their variance is used, with Student's t of slices - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_SLICES = 5

# Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom; above, the expansion of the
# normal's is used.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def t95(degrees: int) -> float:
    """Two-sided 95 % quantile of Student's t.

    Above 30 degrees: Abramowitz & Stegun 26.7.5 to the second term.
    """
    if degrees < 1:
        raise ValueError("Student's t needs at least one degree of freedom")
    if degrees <= len(_T95):
        return _T95[degrees - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def variance(parts: Sequence[float], wholes: Sequence[float]) -> tuple[float, int] | None:
    """Variance of Σparts / Σwholes, and its degrees of freedom. None below 5 non-empty slices.

    The ratio estimator over k slices (Cochran, Sampling Techniques, 6.4): k/(k-1) · Σ(part -
    p·whole)² / (Σwhole)².
    """
    pairs = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if whole > 0]
    slices = len(pairs)
    if slices < MIN_SLICES:
        return None
    total = sum(whole for _, whole in pairs)
    ratio = sum(part for part, _ in pairs) / total
    squares = sum((part - ratio * whole) ** 2 for part, whole in pairs)
    return (slices / (slices - 1) * squares / total**2, slices - 1)


def half_width(parts: Sequence[float], wholes: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of Σparts / Σwholes, as a ratio; None below 5 slices."""
    estimate = variance(parts, wholes)
    if estimate is None:
        return None
    return t95(estimate[1]) * math.sqrt(estimate[0])
