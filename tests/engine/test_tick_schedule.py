"""Schedule of ticks: a fixed grid behind the scrapes; late ticks are counted and not repeated."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.engine.tick_schedule import MAX_SHIFT, TOLERANCE, Cadence


@given(st.floats(0.1, 60), st.floats(0, 1000), st.floats(0, 1000))
def test_the_first_tick_suits_the_scrapes_and_comes_after_half_an_interval(
    interval: float, now: float, wish: float
) -> None:
    due = Cadence(interval, now, wish).due
    assert interval / 2 * 0.999 <= due - now <= interval * 1.501
    assert abs((due - wish) / interval - round((due - wish) / interval)) < 1e-6


def test_ticks_on_time_keep_the_grid() -> None:
    cadence = Cadence(1.0, 100.0, 100.3)
    dues = []
    for _ in range(5):
        dues.append(cadence.due)
        cadence.on_tick(cadence.due + 0.4, 100.3)
    assert dues == pytest.approx([101.3, 102.3, 103.3, 104.3, 105.3])
    assert cadence.missed_ticks == 0


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30), st.floats(0.1, 10))
def test_late_ticks_are_counted_and_there_is_never_a_burst(
    lates: list[float], interval: float
) -> None:
    cadence = Cadence(interval, 0.0, None)
    first, ticks = cadence.due, 0
    for late in lates:
        ticks += 1
        started = cadence.due + late
        cadence.on_tick(started, None)
        assert started - 1e-6 <= cadence.due <= started + interval + 1e-6
    assert cadence.due == pytest.approx(first + (ticks + cadence.missed_ticks) * interval)


def test_it_moves_behind_the_scrapes_in_small_steps() -> None:
    cadence = Cadence(1.0, 100.0, 100.0)
    dues = [cadence.due]
    for _ in range(60):
        cadence.on_tick(
            cadence.due + 0.01, 100.4
        )  # other targets were added: the scrapes end at another time
        dues.append(cadence.due)
    steps = [later - earlier for earlier, later in pairwise(dues)]
    assert min(steps) >= 1.0 - MAX_SHIFT - 1e-9
    assert max(steps) <= 1.0 + MAX_SHIFT + 1e-9
    assert (
        abs((dues[-1] - 100.4) % 1.0) <= TOLERANCE + 1e-6
        or abs((dues[-1] - 100.4) % 1.0 - 1.0) <= TOLERANCE + 1e-6
    )


def test_without_a_target_it_is_an_interval_from_tick_to_tick() -> None:
    cadence = Cadence(2.0, 100.0, None)
    cadence.on_tick(102.0, None)
    assert cadence.due == 104.0
