"""Confidence sequence of a change from a baseline: its error rate over all evaluations."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repeated_tests import ROW_S, first_sure

from tputtui.stats.confidence_sequence import FIRST_EVALUATION_S, evaluate_sequence, half_width
from tputtui.stats.mean_estimate import MeanEstimate


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_equal_series_are_rarely_called_different_at_any_evaluation(phi: float) -> None:
    series = 120
    wrong = sum(first_sure(seed, phi) is not None for seed in range(series))
    assert wrong / series <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / series)


@pytest.mark.parametrize(("phi", "within_s"), [(0.5, 130.0), (0.8, 260.0)])
def test_ten_percent_is_detected_in_minutes(phi: float, within_s: float) -> None:
    times = [first_sure(seed, phi, change=0.10) for seed in range(40)]
    assert sum(time is not None and time <= within_s for time in times) >= 36


def test_there_is_no_result_before_the_first_evaluation_and_none_confirmed_at_the_first() -> None:
    rows = [200.0, 201.0] * 10
    results = [evaluate_sequence(100.0, 1.0, rows[:count], ROW_S) for count in range(len(rows) + 1)]
    first = int(FIRST_EVALUATION_S / ROW_S)
    assert results[:first] == [None] * first
    first_result, two = results[first : first + 2]
    assert first_result is not None
    assert two is not None
    assert (first_result.is_confirmed, two.is_confirmed) == (False, True)


def test_a_change_of_sign_does_not_confirm_a_difference() -> None:
    result = evaluate_sequence(0.0, 0.0, [1.0] * 12 + [-1e9], ROW_S)
    assert result is not None
    assert not result.is_confirmed


@given(st.floats(0.01, 1e6), st.integers(12, 900), st.floats(0.001, 0.2))
def test_it_is_wider_than_a_fixed_interval_and_narrows_with_rows(
    deviation: float, rows: int, alpha: float
) -> None:
    now, later = MeanEstimate(0.0, deviation, 8, rows), MeanEstimate(0.0, deviation, 8, rows + 1)
    assert half_width(later, ROW_S, alpha) < half_width(now, ROW_S, alpha)
    assert half_width(now, ROW_S) > now.half_width


@given(st.lists(st.floats(0, 1e6), min_size=14, max_size=60), st.floats(0.001, 1000))
def test_the_unit_does_not_matter(rows: list[float], scale: float) -> None:
    plain, scaled = (
        evaluate_sequence(500.0, 10.0, rows, ROW_S),
        evaluate_sequence(500.0 * scale, 10.0 * scale, [x * scale for x in rows], ROW_S),
    )
    assert plain is not None
    assert scaled is not None
    assert math.isclose(plain.effect * scale, scaled.effect, rel_tol=1e-6, abs_tol=1e-6 * scale)
    assert math.isclose(plain.half_width * scale, scaled.half_width, rel_tol=1e-6)
