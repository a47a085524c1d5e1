"""Treatment against control while both answer at the same time, looked at as often as one likes. Pure, and without numpy.

Row by row the arms are held against each other, so that what befalls both (a burst, a slow database) counts for neither:
what is left is judged by the confidence sequence of `experiments.sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tputtui.experiments.confidence_sequence import ALPHA, FIRST_EVALUATION_S, MIN_ROWS, evaluate_sequence
from tputtui.frozen import frozen

MAX_FIGURES: Final = 5
"""Figures that are judged beside one another: throughput, three quantiles, errors."""

ALPHA_PER_FIGURE: Final = ALPHA / MAX_FIGURES
"""So that of all figures at all looks together, one in twenty watches at most is sure of what is not there (Bonferroni)."""

MIN_TAIL_REQUESTS: Final = 5.0
"""Requests beyond a quantile that a row must hold on average: with fewer, it is the largest that happened to come."""

MIN_ERRORS: Final = 10.0
"""Errors of both arms together: with fewer, a ratio says nothing yet."""


TOO_EARLY_PREFIX: Final = "first look in"
"""How the reason begins that passes by itself."""


@frozen
class EffectEstimate:
    """How far the treatment is from the control: a ratio (0.24 is 24 % more), or points of a ratio (0.01 is one).

    `low` and `high` hold at all looks together. `sure`: they exclude "no difference" at two looks in a row.
    """

    effect: float
    low: float
    high: float
    is_confirmed: bool

    @property
    def is_unconfirmed(self) -> bool:
        """Whether this look excludes "no difference", and the one before did not."""
        return not self.is_confirmed and (self.low > 0 or self.high < 0)


Value = float | None


def estimate_effect(
    control: Sequence[Value], treatment: Sequence[Value], row_s: float, *, is_absolute: bool = False
) -> EffectEstimate | str:
    """The arms' rows since the watch began, each of `row_s` seconds; a gap in one arm is a gap. Else why not yet.

    `points`: the difference itself (of ratios such as errors); else the ratio of the geometric means.
    """
    both = [(a, b) for a, b in zip(control, treatment, strict=True) if a is not None and b is not None]
    rows = [b - a for a, b in both] if is_absolute else [math.log(b / a) for a, b in both if a > 0 and b > 0]
    found = evaluate_sequence(0.0, 0.0, rows, row_s, ALPHA_PER_FIGURE)
    if found is None:
        needed = max(MIN_ROWS, math.ceil(FIRST_EVALUATION_S / row_s))
        return f"{TOO_EARLY_PREFIX} {(needed - len(rows)) * row_s:.0f} s"
    ends = (found.effect, found.effect - found.half_width, found.effect + found.half_width)
    effect, low, high = ends if is_absolute else map(_relative_change, ends)
    return EffectEstimate(effect, low, high, found.is_confirmed)


def _relative_change(log_ratio: float) -> float:
    return math.expm1(min(log_ratio, 50.0))


def describe_tail_shortage(rps: Sequence[Value], row_s: float, q: float) -> str:
    """Why a quantile is not judged: an arm's rows hold too few requests; "" where they hold enough."""
    mean = _mean(rps)
    needed = MIN_TAIL_REQUESTS / (1 - q)
    if mean is None or mean * row_s >= needed:
        return ""
    return f"needs {needed / row_s:.0f} req/s an arm"


def describe_error_shortage(arms: Sequence[tuple[Sequence[Value], Sequence[Value]]], row_s: float) -> str:
    """Why errors are not judged: too few of them in both arms, of which each is (req/s, error ratio); "" with enough."""
    counted = sum(
        rate * ratio * row_s
        for rps, ratios in arms
        for rate, ratio in zip(rps, ratios, strict=True)
        if rate is not None and ratio is not None
    )
    return "" if counted >= MIN_ERRORS else f"{counted:.0f} errors so far"


def _mean(values: Sequence[Value]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
