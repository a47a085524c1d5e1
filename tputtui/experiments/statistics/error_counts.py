"""Comparison of two error counts whose errors come in bursts.

A dependency that is down for a moment fails thirty requests at once: that is one event, not thirty.
The overdispersion factor is the variance of the errors of neighbouring rows over the variance of
independent errors. An error count divided by it is a number of independent events, and those are
compared as Poisson counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy.special import chdtri

from tputtui.experiments.statistics.long_run_variance import Array
from tputtui.frozen import frozen

_CHANCE: Final = 0.05
"""Share of runs with independent errors in which overdispersion at one window width is accepted."""

_STEPS: Final = 30  # of the bisection for p: to 1e-9


@frozen
class ErrorCount:
    """Errors of one arm, row by row, as shares of all its requests."""

    errors: float
    requests: float
    residuals: Array  # errors of each row minus their expectation
    expected: Array  # variance of each residual if all errors were independent

    @property
    def ratio(self) -> float:
        """Errors per request."""
        return self.errors / self.requests


def count(failed: Array, requests: Array) -> ErrorCount:
    """Build the count of one arm from the errors and the requests of each row."""
    total = float(requests.sum())
    share = float(failed.sum()) / total
    return ErrorCount(
        float(failed.sum()),
        total,
        (failed - share * requests) / total,
        share * (1 - share) * requests / total**2,
    )


def overdispersion(arms: Sequence[ErrorCount], paired: bool) -> float:
    """Return the variance of the difference over that of independent errors; never below 1.

    Residuals are summed over sliding windows of 1, 2, 4, ... rows, up to half of the run, so that
    a burst of any length up to that fits into one. The result is the largest ratio of those that
    independent errors exceed in 5 % of runs (chi-squared). Paired arms are subtracted row by row
    first: a burst that both share evenly cancels out.
    """
    series = [(arm.residuals, arm.expected) for arm in arms]
    if paired:
        before, after = arms
        series = [(after.residuals - before.residuals, before.expected + after.expected)]
    independent = [float(expected.sum()) for _, expected in series]
    total = sum(independent)
    if total <= 0:
        return 1.0
    factor = 1.0
    for width in _widths(min(len(residuals) for residuals, _ in series)):
        variance = sum(_variance(residuals, width) for residuals, _ in series)
        # degrees of freedom after Satterthwaite: an arm without errors adds none
        spread = sum(
            part**2 / (len(residuals) / width - 1)
            for part, (residuals, _) in zip(independent, series, strict=True)
        )
        freedom = total**2 / spread
        ratio = variance / total
        if ratio >= chdtri(freedom, _CHANCE) / freedom:
            factor = max(factor, ratio)
    return factor


def _widths(rows: int) -> Iterator[int]:
    width = 1
    while 2 * width < rows:
        yield width
        width *= 2
    if rows >= 2:
        yield rows // 2


def _variance(residuals: Array, width: int) -> float:
    """Return the variance of the sum of all rows, estimated from windows of one width.

    The last factor corrects for the mean, which the residuals have lost.
    """
    sums = np.concatenate(([0.0], np.cumsum(residuals)))
    windows = sums[width:] - sums[:-width]
    rows = len(residuals)
    return float(np.mean(windows**2)) * rows / width / (1 - width / rows)


def interval(
    before: ErrorCount, after: ErrorCount, factor: float, level: float, *, exact: bool = False
) -> tuple[float, float]:
    """Return the confidence limits of the difference of two error ratios.

    MOVER (Zou and Donner, 2008) joins the limits of both arms. For independent errors (factor 1)
    those are Jeffreys', whose coverage is nearest to `level`. With growing bursts they approach
    Garwood's exact limits, because the size of a burst is itself an estimate. `exact` asks for
    Garwood's limits always: a claim that the difference is small must not be optimistic.
    """
    shape = 1.0 if exact else 1.0 - 0.5 / factor
    (low_a, high_a), (low_b, high_b) = (
        _limits(arm, factor, level, shape) for arm in (before, after)
    )
    a, b = before.ratio, after.ratio
    low = b - a - float(np.hypot(b - low_b, high_a - a))
    high = b - a + float(np.hypot(high_b - b, a - low_a))
    return max(-1.0, low), min(1.0, high)


def _limits(arm: ErrorCount, factor: float, level: float, shape: float) -> tuple[float, float]:
    tail, events = (1 - level) / 2, arm.errors / factor
    low = float(chdtri(2 * (events + 1 - shape), 1 - tail)) / 2 if events > 0 else 0.0
    high = float(chdtri(2 * (events + shape), tail)) / 2
    return low * factor / arm.requests, high * factor / arm.requests


def p_value(before: ErrorCount, after: ErrorCount, factor: float) -> float:
    """Return the two-sided p: 1 minus the level at which the interval just reaches 0."""
    if before.ratio == after.ratio:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        level = (low + high) / 2
        ends = interval(before, after, factor, level)
        if ends[0] <= 0 <= ends[1]:
            high = level
        else:
            low = level
    return 1 - low
