"""Uncertainty of a share: the ± of a ratio from the variance between slices of time. Pure.

Samples of one profile are not independent: threads wait together, and a batch lasts longer than a
tick. An interval that assumes independence covers a third of what it claims. Slices of a second are
nearly independent, so their variance is used, with Student's t of slices - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tputtui.stats.significance import t95

MIN_SLICES = 5


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
