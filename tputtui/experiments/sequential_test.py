"""Treatment against a control that answers at the same time, valid at every evaluation.

`estimate_effect` is the effect that a screen shows, `SequentialTest` the decision of a guardrail.
Pure, and without numpy. The arms are compared row by row, so that shocks common to both (a burst, a
slow database) cancel: the rest is evaluated by the confidence sequence of
`stats.confidence_sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from tputtui.frozen import frozen
from tputtui.stats.confidence_sequence import ALPHA, FIRST_EVALUATION_S, evaluate_sequence
from tputtui.stats.mean_estimate import MIN_ROWS, estimate_mean

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

TEST_ALPHA: Final = 0.01
"""Level of the sequential test."""

MAX_ROWS: Final = 180
"""Limit after which a sequence starts over (half an hour at 10 s): a late regression would be lost
in the mean of hours.
"""

_CI_99_FACTOR: Final = (
    # From the 95 % level of the sequence to the required 99 %; at the fewest rows, so a lower bound
    1.66
)
_TOLERANCE: Final = 0.05  # of a row: ticks are never exactly on time


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


@frozen
class PercentEffect:
    """Difference of a treatment's figure from the control's in percent.

    `low` to `high` is the confidence sequence.
    """

    metric: str  # name of the metric as in `compare`: throughput, p99
    percent: float
    low: float
    high: float
    margin: float  # percent
    evaluations: int


class BlockedRows:
    """Grouping of ticks into rows. A row with an unknown value is dropped."""

    def __init__(self, row_s: float) -> None:
        self.row_s = row_s
        self._row_start: float | None = None

    def add_tick(self, at: float, is_known: bool) -> bool:
        """Return whether a complete row ends with the tick at `at` (monotonic seconds)."""
        if not is_known or self._row_start is None:
            self._row_start = at if is_known else None
            return False
        if at - self._row_start < self.row_s * (1 - _TOLERANCE):
            return False
        self._row_start = at
        return True


class SequentialTest:
    """Test of one figure of the treatment against the control's, row by row.

    Both are read at the same times: a row is the logarithm of their ratio. Worse means that the
    whole sequence (at alpha = .01) lies beyond the margin in two successive evaluations. The split
    of the traffic is a user decision: a throughput is compared with the share that the treatment
    had in the first minute, and has to have fallen in absolute terms, too.
    """

    def __init__(self, metric: str, margin: float, row_s: float, *, by_share: bool = False) -> None:
        """`margin`: a ratio. `by_share`: more is better, relative to the initial share."""
        self.metric = metric
        self.margin = margin
        self._row_s = row_s
        self._by_share = by_share
        # Logarithms of (ratio, own value) in the first minute
        self._reference: list[tuple[float, float]] = []
        self._rows: list[tuple[float, float]] = []
        self.evaluations = 0

    def add(self, treatment: float | None, control: float | None) -> PercentEffect | None:
        """Add a row of both arms; return the effect if the treatment is worse.

        A value that is not positive makes no row.
        """
        if (
            treatment is None
            or control is None
            or not (0 < treatment < math.inf and 0 < control < math.inf)
        ):
            return None
        row = (math.log(treatment / control), math.log(treatment))
        if self._by_share and len(self._reference) < MIN_ROWS:
            self._reference.append(row)
            return None
        if len(self._rows) >= MAX_ROWS:
            self._rows.clear()
        self._rows.append(row)
        return self._evaluate()

    def _evaluate(self) -> PercentEffect | None:
        base = half = 0.0
        if self._by_share:
            reference = estimate_mean([ratio for ratio, _ in self._reference], self._row_s)
            base, half = reference.mean, _CI_99_FACTOR * reference.half_width
        edge = base + math.log1p(-self.margin if self._by_share else self.margin)
        result = evaluate_sequence(
            edge, half, [ratio for ratio, _ in self._rows], self._row_s, TEST_ALPHA
        )
        if result is None:
            return None
        self.evaluations += 1
        is_worse = result.effect < 0 and self._has_fallen() if self._by_share else result.effect > 0
        if not (result.is_confirmed and is_worse):
            return None
        effect = result.effect + edge - base
        low, middle, high = (
            100 * math.expm1(log_ratio)
            for log_ratio in (effect - result.half_width, effect, effect + result.half_width)
        )
        return PercentEffect(self.metric, middle, low, high, 100 * self.margin, self.evaluations)

    def _has_fallen(self) -> bool:
        before, since = (fmean(own for _, own in rows) for rows in (self._reference, self._rows))
        return since - before < math.log1p(-self.margin)
