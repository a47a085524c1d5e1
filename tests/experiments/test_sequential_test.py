"""Treatment against control, row by row.

Common shocks cancel, and repeated evaluation does not raise the error rate.
"""

from __future__ import annotations

import math
import random

import pytest
from repeated_tests import first_apart

from tputtui.experiments.sequential_test import (
    TOO_EARLY_PREFIX,
    EffectEstimate,
    describe_error_shortage,
    describe_tail_shortage,
    estimate_effect,
)

ROW_S = 10.0


def arms(
    seed: int, rows: int, slower: float = 1.0, shared: float = 0.0
) -> tuple[list[float], list[float]]:
    """Simulate two arms with noise of their own and common bursts of `shared`.

    The noise is 4 %, autocorrelated.
    """
    draw = random.Random(seed)
    levels: tuple[list[float], list[float]] = ([], [])
    own = [0.0, 0.0]
    for row in range(rows):
        both = 1 + (shared if row % 7 in (3, 4) else 0.0)
        for at, level in enumerate((0.100, 0.100 * slower)):
            own[at] = 0.5 * own[at] + draw.gauss(0, 0.035)
            levels[at].append(level * both * math.exp(own[at]))
    return levels


def judged(control: list[float], treatment: list[float]) -> EffectEstimate:
    estimate = estimate_effect(control, treatment, ROW_S)
    assert isinstance(estimate, EffectEstimate)
    return estimate


def test_before_two_minutes_it_says_when_the_first_evaluation_is() -> None:
    control, treatment = arms(1, 11)
    assert estimate_effect(control, treatment, ROW_S) == f"{TOO_EARLY_PREFIX} 10 s"
    assert isinstance(estimate_effect(*arms(1, 12), ROW_S), EffectEstimate)


def test_a_slower_treatment_is_detected_and_the_interval_covers_the_truth() -> None:
    estimate = judged(*arms(2, 30, slower=1.2))
    assert estimate.is_confirmed
    assert estimate.low < 0.2 < estimate.high
    assert estimate.low > 0


def test_a_burst_in_both_arms_counts_for_neither() -> None:
    quiet, bursts = judged(*arms(3, 30)), judged(*arms(3, 30, shared=1.5))
    assert bursts.effect == pytest.approx(quiet.effect)
    assert bursts.high - bursts.low == pytest.approx(quiet.high - quiet.low)
    assert not bursts.is_confirmed


def test_a_gap_in_one_arm_is_a_gap_and_not_zero() -> None:
    control, treatment = arms(4, 30)
    with_gaps: list[float | None] = list(treatment)
    with_gaps[5:9] = [None] * 4
    estimate = estimate_effect(control, with_gaps, ROW_S)
    assert isinstance(estimate, EffectEstimate)
    assert not estimate.is_confirmed


def test_errors_differ_by_points() -> None:
    draw = random.Random(5)
    control = [0.001 + draw.random() * 0.001 for _ in range(30)]
    treatment = [0.021 + draw.random() * 0.001 for _ in range(30)]
    estimate = estimate_effect(control, treatment, ROW_S, is_absolute=True)
    assert isinstance(estimate, EffectEstimate)
    assert estimate.is_confirmed
    assert estimate.effect == pytest.approx(0.02, abs=0.001)
    assert estimate.low < 0.02 < estimate.high


@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_equal_arms_evaluated_at_every_row_for_ten_minutes_are_rarely_called_different(
    phi: float,
) -> None:
    ever = [seed for seed in range(60) if first_apart(seed, phi) is not None]
    assert len(ever) <= 3, "each figure alone is wrong in about one of a hundred watches"


def test_a_treatment_that_is_a_tenth_slower_is_detected_within_minutes() -> None:
    times = [first_apart(seed, 0.5, 0.10) for seed in range(20)]
    assert sum(time is not None and time <= 240 for time in times) >= 19


def test_a_tail_with_too_few_requests_a_row_is_not_judged() -> None:
    assert describe_tail_shortage([20.0] * 12, ROW_S, 0.99) == "needs 50 req/s an arm"
    assert describe_tail_shortage([60.0] * 12, ROW_S, 0.99) == ""
    assert describe_tail_shortage([20.0] * 12, ROW_S, 0.5) == ""
    assert describe_tail_shortage([None], ROW_S, 0.99) == ""


def test_a_handful_of_errors_is_counted_not_judged() -> None:
    rps = [10.0] * 12
    assert (
        describe_error_shortage([(rps, [0.001] * 12), (rps, [0.0, None] * 6)], ROW_S)
        == "1 errors so far"
    )
    assert describe_error_shortage([(rps, [0.01] * 12), (rps, [0.01] * 12)], ROW_S) == ""
