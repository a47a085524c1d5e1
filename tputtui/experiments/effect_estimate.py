"""Effect of a treatment against a control that answer at the same time, valid at every evaluation.

Pure, and without numpy. The arms are compared row by row, so that shocks common to both (a burst, a
slow database) cancel: the rest is evaluated by the confidence sequence of
`stats.confidence_sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tputtui.frozen import frozen
from tputtui.stats.confidence_sequence import ALPHA, FIRST_EVALUATION_S, evaluate_sequence
from tputtui.stats.mean_estimate import MIN_ROWS

MAX_FIGURES: Final = 5
"""Number of figures evaluated together: throughput, three quantiles, errors."""

ALPHA_PER_FIGURE: Final = ALPHA / MAX_FIGURES
"""Bonferroni: over all figures and evaluations, at most one watch in twenty claims an effect that
is not there.
"""

MIN_TAIL_REQUESTS: Final = 5.0
"""Requests beyond a quantile required per row on average: with fewer, it is merely the largest
observation.
"""

MIN_ERRORS: Final = 10.0
"""Errors required in both arms together: with fewer, a ratio is not meaningful."""


TOO_EARLY_PREFIX: Final = "first evaluation in"
"""Prefix of the reason that resolves itself with time."""


@frozen
class EffectEstimate:
    """Distance of the treatment from the control: a ratio (0.24 is 24 % more), or points of a ratio
    (0.01 is one).

    `low` and `high` hold over all evaluations. `is_confirmed`: they exclude "no difference" at two
    successive ones.
    """

    effect: float
    low: float
    high: float
    is_confirmed: bool

    @property
    def is_unconfirmed(self) -> bool:
        """Whether this evaluation excludes "no difference", and the previous one did not."""
        return not self.is_confirmed and (self.low > 0 or self.high < 0)


Value = float | None


def estimate_effect(
    control: Sequence[Value], treatment: Sequence[Value], row_s: float, *, is_absolute: bool = False
) -> EffectEstimate | str:
    """Estimate the effect from the arms' rows of `row_s` seconds since the watch began; else return
    why not yet.

    A gap in one arm is a gap. `is_absolute`: the difference itself (of ratios such as errors); else
    the ratio of the geometric means.
    """
    both = [
        (a, b) for a, b in zip(control, treatment, strict=True) if a is not None and b is not None
    ]
    if is_absolute:
        rows = [b - a for a, b in both]
    else:
        rows = [math.log(b / a) for a, b in both if a > 0 and b > 0]
    result = evaluate_sequence(0.0, 0.0, rows, row_s, ALPHA_PER_FIGURE)
    if result is None:
        needed = max(MIN_ROWS, math.ceil(FIRST_EVALUATION_S / row_s))
        return f"{TOO_EARLY_PREFIX} {(needed - len(rows)) * row_s:.0f} s"
    ends = (result.effect, result.effect - result.half_width, result.effect + result.half_width)
    effect, low, high = ends if is_absolute else map(_relative_change, ends)
    return EffectEstimate(effect, low, high, result.is_confirmed)


def _relative_change(log_ratio: float) -> float:
    return math.expm1(min(log_ratio, 50.0))


def describe_tail_shortage(rps: Sequence[Value], row_s: float, q: float) -> str:
    """Explain why a quantile is not evaluated: too few requests in an arm's rows; "" if enough."""
    mean = _mean(rps)
    needed = MIN_TAIL_REQUESTS / (1 - q)
    if mean is None or mean * row_s >= needed:
        return ""
    return f"needs {needed / row_s:.0f} req/s an arm"


def describe_error_shortage(
    arms: Sequence[tuple[Sequence[Value], Sequence[Value]]], row_s: float
) -> str:
    """Explain why errors are not evaluated: too few in both arms; "" if enough.

    Each arm is (req/s, error ratio).
    """
    counted = sum(
        rate * ratio * row_s
        for rps, ratios in arms
        for rate, ratio in zip(rps, ratios, strict=True)
        if rate is not None and ratio is not None
    )
    return "" if counted >= MIN_ERRORS else f"{counted:.0f} errors so far"


def _mean(values: Sequence[Value]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) / len(measured) if measured else None
