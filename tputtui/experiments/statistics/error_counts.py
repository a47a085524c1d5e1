"""Errors that come in bursts: how many independent ones they are worth, and what two such counts can tell.

A dependency that is away for a moment fails thirty requests at once; that is one event, not thirty. How much more the
errors of neighbouring rows vary than independent ones would is the overdispersion factor: a count of errors divided by it
is the number of independent events. Without bursts the factor is 1 and the limits are those of two Poisson counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy.special import chdtri

from tputtui.experiments.statistics.longrun import Array
from tputtui.frozen import frozen

_CHANCE: Final = 0.05
"""Share of windows' variances of independent errors that lie above the level from which on one is believed."""

_STEPS: Final = 30  # of the bisection for p: to 1e-9


@frozen
class ErrorCount:
    """The errors of one arm, row by row, in shares of all its requests."""

    errors: float
    requests: float
    residuals: Array  # each row's errors less its due
    expected: Array  # the variance of each, were all errors independent

    @property
    def ratio(self) -> float:
        """Errors per request."""
        return self.errors / self.requests


def count(failed: Array, requests: Array) -> ErrorCount:
    """One arm from the errors and the requests of each row."""
    total = float(requests.sum())
    share = float(failed.sum()) / total
    return ErrorCount(
        float(failed.sum()), total, (failed - share * requests) / total, share * (1 - share) * requests / total**2
    )


def overdispersion(arms: Sequence[ErrorCount], paired: bool) -> float:
    """By how much the variance of the difference exceeds that of independent errors; never below 1.

    Errors are summed over sliding windows of 1, 2, 4, ... rows up to half of the run, so that a burst of any length up to
    that falls into one. The largest ratio counts, of those that independent errors exceed in 5 % of all cases only. Of
    paired arms the difference of the rows is taken: a burst that both arms share evenly is in neither's disfavour.
    """
    series = [(one.residuals, one.expected) for one in arms]
    if paired:
        before, after = arms
        series = [(after.residuals - before.residuals, before.expected + after.expected)]
    due = [float(expected.sum()) for _, expected in series]
    if sum(due) <= 0:
        return 1.0
    factor = 1.0
    for width in _widths(min(len(residuals) for residuals, _ in series)):
        variance = sum(_variance(residuals, width) for residuals, _ in series)
        below = sum(part**2 / (len(residuals) / width - 1) for part, (residuals, _) in zip(due, series, strict=True))
        freedom = sum(due) ** 2 / below
        ratio = variance / sum(due)
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
    """The variance of the sum of all rows, from that of sliding windows; their mean was taken out, which is made up for."""
    sums = np.concatenate(([0.0], np.cumsum(residuals)))
    windows = sums[width:] - sums[:-width]
    rows = len(residuals)
    return float(np.mean(windows**2)) * rows / width / (1 - width / rows)


def interval(before: ErrorCount, after: ErrorCount, factor: float, level: float, *, exact: bool = False) -> tuple[float, float]:
    """Limits of the difference of two error ratios: MOVER (Zou and Donner, 2008) of each arm's own limits.

    Of independent errors those are Jeffreys', which come nearest to the level; the larger the bursts, the nearer to
    Garwood's exact ones, for the size of a burst is estimated, too. `exact`: always Garwood's, to show that a difference
    is small.
    """
    shape = 1.0 if exact else 1.0 - 0.5 / factor
    (low_a, high_a), (low_b, high_b) = (_limits(one, factor, level, shape) for one in (before, after))
    a, b = before.ratio, after.ratio
    low = b - a - float(np.hypot(b - low_b, high_a - a))
    high = b - a + float(np.hypot(high_b - b, a - low_a))
    return max(-1.0, low), min(1.0, high)


def _limits(one: ErrorCount, factor: float, level: float, shape: float) -> tuple[float, float]:
    tail, events = (1 - level) / 2, one.errors / factor
    low = float(chdtri(2 * (events + 1 - shape), 1 - tail)) / 2 if events > 0 else 0.0
    high = float(chdtri(2 * (events + shape), tail)) / 2
    return low * factor / one.requests, high * factor / one.requests


def p_value(before: ErrorCount, after: ErrorCount, factor: float) -> float:
    """Two-sided: one less the level at which the interval just reaches no difference."""
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
