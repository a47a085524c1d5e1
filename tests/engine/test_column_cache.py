"""The column cache equals the history for any values and any requests."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tputtui.engine.column_cache import MAX_CACHED, MIN_COLUMN_S, ColumnCache
from tputtui.signals.rates.history import History

INTERVAL_S = 1.0
Tick = tuple[float, float | None, bool]
"""Seconds since the tick before, the value, and whether the figure is written at all."""


def ticks(least_s: float) -> st.SearchStrategy[list[Tick]]:
    steps = st.one_of(st.just(1.0), st.floats(least_s, 3.0), st.floats(3.0, 400.0))
    return st.lists(
        st.tuples(steps, st.none() | st.floats(-1e6, 1e6), st.booleans()), min_size=1, max_size=60
    )


def asked(history: History, newest: float, columns: int, span_s: float) -> list[float | None]:
    """Return the expected columns: the history's own, none narrower than two seconds."""
    grain = max(1, min(columns, int(span_s / MIN_COLUMN_S)))
    values = history.column_values("x", newest, span_s, grain)
    return [values[at * grain // columns] for at in range(columns)]


def close(left: list[float | None], right: list[float | None]) -> bool:
    return all(
        (value is None) == (other is None)
        and (value is None or other is None or math.isclose(value, other, abs_tol=1e-9))
        for value, other in zip(left, right, strict=True)
    )


def follow(ticks: list[Tick], columns: int, span_s: float, every: int) -> None:
    history = History(INTERVAL_S)
    cache = ColumnCache(history, INTERVAL_S)
    at = 1000.3
    for number, (step, value, written) in enumerate(ticks):
        at += step
        if written:
            history.append(at, {"x": value})
        cache.newest_at = at
        if number % every == 0:
            shown = cache.column_values("x", columns, span_s, None)
            assert close(shown, asked(history, at, columns, span_s)), (number, at)


SHORT = st.sampled_from([60.0, 120.0, 300.0, 600.0])
LONG = st.sampled_from([1800.0, 3600.0, 10800.0, 43200.0, 86400.0])


@given(ticks(1.0), st.integers(1, 130), SHORT, st.integers(1, 3))
def test_it_equals_the_history(
    history_ticks: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(history_ticks, columns, span_s, every)


@example([(4.9, None, False), (0.5, 1.0, True)], 57, 300.0, 1)
@given(ticks(0.1), st.integers(1, 130), SHORT, st.integers(1, 3))
def test_it_equals_the_history_at_a_fast_pace(
    history_ticks: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(history_ticks, columns, span_s, every)


@example([(339.0, None, False), (3.0, 0.0, True)], 47, 1800.0, 1)
@given(ticks(1.0), st.integers(1, 130), LONG, st.integers(1, 3))
def test_it_equals_the_history_over_a_long_span(
    history_ticks: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(history_ticks, columns, span_s, every)


def test_columns_do_not_move_until_a_whole_column_has_passed() -> None:
    history = History(INTERVAL_S)
    cache = ColumnCache(history, INTERVAL_S)
    shown = []
    for at in range(100, 110):
        history.append(float(at), {"x": float(at)})
        cache.newest_at = float(at)
        shown.append(cache.column_values("x", 6, 30.0, None)[:-1])
    assert shown[:5] == [shown[0]] * 5
    assert shown[5:] == [shown[5]] * 5
    assert shown[5][:-1] == shown[0][1:]


def test_columns_of_the_past_come_from_the_history() -> None:
    history = History(INTERVAL_S)
    cache = ColumnCache(history, INTERVAL_S)
    for at in range(100, 200):
        history.append(float(at), {"x": float(at)})
    cache.newest_at = 199.0
    assert cache.column_values("x", 5, 10.0, 149.0) == history.column_values("x", 149.0, 10.0, 5)


@pytest.mark.parametrize("columns", [-1, 0, 4])
def test_before_the_first_tick_there_are_only_gaps(columns: int) -> None:
    assert ColumnCache(History(INTERVAL_S), INTERVAL_S).column_values("x", columns, 60.0, None) == [
        None
    ] * max(0, columns)


def test_it_remembers_a_bounded_number_of_figures() -> None:
    history = History(INTERVAL_S)
    cache = ColumnCache(history, INTERVAL_S)
    cache.newest_at = 100.0
    for number in range(3 * MAX_CACHED):
        cache.column_values(f"x{number}", 4, 60.0, None)
    assert len(cache._cached) == MAX_CACHED
