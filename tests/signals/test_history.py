from __future__ import annotations

import math

import pytest
from columns import column_values
from hypothesis import given
from hypothesis import strategies as st

from tputtui.signals.rates.history import LEVELS, History, HistoryRing


def filled(interval_s: float, seconds: float, start: float = 1000.0) -> History:
    """Fill a history with values equal to their times."""
    history = History(interval_s)
    for tick in range(round(seconds / interval_s)):
        at = start + tick * interval_s
        history.append(at, {"x": at})
    return history


def test_a_column_is_the_mean_of_its_values() -> None:
    history = filled(1.0, 60.0)
    assert column_values(history, "x", 1059.0, 60.0, 6) == [
        1004.5,
        1014.5,
        1024.5,
        1034.5,
        1044.5,
        1054.5,
    ]


def test_a_chart_is_unchanged_until_a_whole_column_has_passed() -> None:
    history = filled(1.0, 60.0)
    pictures = [column_values(history, "x", 1050.0 + t, 40.0, 8) for t in range(10)]
    assert pictures[0] == pictures[4]
    assert pictures[5] == pictures[9]
    assert pictures[5][:-1] == pictures[0][1:]


def test_a_failed_tick_is_a_gap_and_not_a_zero() -> None:
    history = History()
    for at, value in enumerate([5.0, None, 7.0, math.nan, 9.0]):
        history.append(float(at), {"x": value})
    assert column_values(history, "x", 4.0, 5.0, 5) == [5.0, None, 7.0, None, 9.0]


def test_a_late_tick_is_not_a_gap() -> None:
    history = History()
    for at in (0.0, 0.999, 2.001, 3.0):
        history.append(at, {"x": at})
    assert None not in column_values(history, "x", 3.0, 4.0, 4)


def test_silence_is_a_gap_after_a_held_interval() -> None:
    history = History()
    history.append(0.0, {"x": 1.0})
    history.append(5.0, {"x": 2.0})
    assert column_values(history, "x", 5.0, 6.0, 6) == [1.0, 1.0, None, None, None, 2.0]


@pytest.mark.parametrize("interval_s", [0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0])
def test_steady_values_leave_no_gap_at_any_interval(interval_s: float) -> None:
    history = filled(interval_s, 1200.0)
    newest = 1000.0 + 1200.0 - interval_s
    for span_s, columns in ((60.0, 60), (300.0, 75), (600.0, 40)):
        assert None not in column_values(history, "x", newest, span_s, columns)


def test_long_spans_come_from_coarser_rings() -> None:
    history = filled(1.0, 4000.0, start=0.0)
    hour = column_values(history, "x", 3999.0, 3600.0, 60)
    assert hour[-1] == pytest.approx(3989.5, abs=10)
    assert None not in hour


def test_before_the_beginning_there_is_nothing() -> None:
    assert column_values(filled(1.0, 5.0), "x", 1004.0, 10.0, 10) == [None] * 5 + [
        1000.0,
        1001.0,
        1002.0,
        1003.0,
        1004.0,
    ]


def test_an_unknown_name_has_only_gaps() -> None:
    assert column_values(History(), "nobody", 10.0, 5.0, 5) == [None] * 5


def test_the_least_recently_used_name_is_dropped() -> None:
    history = History(max_names=2)
    history.append(0.0, {"a": 1.0, "b": 1.0})
    column_values(history, "a", 0.0, 1.0, 1)
    history.append(1.0, {"c": 1.0})
    assert history.names() == ("a", "c")


def test_values_that_left_the_finest_ring_are_in_the_next() -> None:
    history = filled(1.0, 2000.0, start=0.0)
    old = column_values(history, "x", 100.0, 60.0, 6)
    assert old == [pytest.approx(start + 4.5) for start in (50, 60, 70, 80, 90)] + [
        pytest.approx(104.5)
    ]


def test_a_value_older_than_the_ring_is_ignored() -> None:
    ring = HistoryRing(1.0, 10)
    ring.add(100.0, 1.0)
    ring.add(50.0, 2.0)
    copied = ring.copy_cells(50, 200)
    assert [copied.first + index for index, count in enumerate(copied.counts) if count] == [100]
    assert copied.means[100 - copied.first] == 1.0


def test_a_jump_over_the_whole_ring_clears_it() -> None:
    ring = HistoryRing(1.0, 10)
    for at in range(10):
        ring.add(float(at), 1.0)
    ring.add(10_005.0, 2.0)
    copied = ring.copy_cells(0, 10_010)
    assert [copied.first + index for index, count in enumerate(copied.counts) if count] == [10_005]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_every_level_agrees_on_the_mean(values: list[float]) -> None:
    rings = [HistoryRing(step, cells) for step, cells in LEVELS]
    for at, value in enumerate(values):
        for ring in rings:
            ring.add(float(at), value)
    mean = pytest.approx(math.fsum(values) / len(values), abs=1e-6)
    assert rings[-1].copy_cells(0, 0).means[0] == mean
    assert rings[0].copy_cells(0, 59).column_mean(0.0, 60.0, 0) == mean


def test_names_beyond_the_limit_do_not_evict_each_other() -> None:
    history = History(1.0, max_names=3)
    for second in range(5):
        history.append(float(second), dict.fromkeys("abcde", 1.0))
    assert set(history.names()) == {"a", "b", "c"}
    assert column_values(history, "a", 4.0, 5.0, 5) == [1.0] * 5
    assert column_values(history, "e", 4.0, 5.0, 5) == [None] * 5  # it is read
    for second in range(5, 8):
        history.append(float(second), dict.fromkeys("abcde", 1.0))
    assert column_values(history, "e", 7.0, 3.0, 3) == [1.0] * 3
    history.append(8.0, {"x": 1.0})
    assert "x" in history.names(), "what is written no longer gives way"
