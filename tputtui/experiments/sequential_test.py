"""Sequential test of treatment against control: worse than a margin in two successive evaluations.

Pure, and without numpy. Both are read at the same times: a row is the logarithm of their ratio, in
which shocks common to both arms cancel. It may be evaluated after every row
(`stats.confidence_sequence`, at alpha = .01), and worse means that the whole sequence lies
beyond the margin. The split of the traffic is a user decision: a throughput is compared with the
share that the treatment had in the first minute, and has to have fallen in absolute terms, too.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import Final

from tputtui.frozen import frozen
from tputtui.stats.confidence_sequence import evaluate_sequence
from tputtui.stats.mean_estimate import MIN_ROWS, estimate_mean

ALPHA: Final = 0.01

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
    """Test of one figure of the treatment against the control's, row by row."""

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
            edge, half, [ratio for ratio, _ in self._rows], self._row_s, ALPHA
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
