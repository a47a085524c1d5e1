from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import counters

from tputtui.signals.service.family_table import counter_rise

VALUES = st.lists(st.floats(0, 1e9), min_size=2, max_size=30)


def at_seconds(values: list[float]) -> list[counters.Point]:
    return [(float(at), value) for at, value in enumerate(values)]


def test_a_reset_counts_from_zero() -> None:
    assert counters.increase(at_seconds([1000.0, 1500.0, 20.0, 220.0])) == 500 + 20 + 200


def test_a_step_back_gains_nothing() -> None:
    assert counters.increase(at_seconds([103_000.0, 98_000.0, 98_010.0])) == 10.0
    assert counters.increase(at_seconds([2e6, 2e6 - 1, 2e6 + 100])) == 101.0


def test_one_point_gives_no_rate() -> None:
    assert counters.rate([(0.0, 5.0)]) is None
    assert counters.increase([(0.0, 5.0)]) is None


def test_the_rate_is_over_the_time_that_really_passed() -> None:
    assert counters.rate([(0.0, 0.0), (1.25, 50.0), (2.5, 100.0)]) == 40.0


def test_without_elapsed_time_there_is_no_rate() -> None:
    assert counters.rate([(1.0, 0.0), (1.0, 50.0)]) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_a_number_never_counts(value: float) -> None:
    assert counters.increase(at_seconds([100.0, value, 110.0])) == 10.0
    assert counter_rise(5.0, value) == 0.0
    assert counter_rise(value, 5.0) == 0.0


def test_a_negative_counter_never_gains_below_zero() -> None:
    assert counters.increase(at_seconds([5.0, -3.0, -1.0])) == 2.0


@given(VALUES)
def test_an_increase_is_never_negative(values: list[float]) -> None:
    gained = counters.increase(at_seconds(values))
    assert gained is not None
    assert gained >= 0


@given(VALUES)
def test_without_a_fall_only_the_ends_matter(values: list[float]) -> None:
    rising = sorted(values)
    assert counters.increase(at_seconds(rising)) == pytest.approx(rising[-1] - rising[0], abs=1e-5)
    assert counters.count_resets(at_seconds(rising)) == 0
