"""Columns taken over from frame to frame are those of the history, whatever comes and is drawn."""

from __future__ import annotations

import math
import pickle

import pytest
from columns import column_values
from hypothesis import example, given
from hypothesis import strategies as st

from tputtui.signals.rates.history import History
from tputtui.signals.rates.past import MIN_COLUMN_S, MadeColumns, Past, TimeAxis

INTERVAL_S = 1.0
Tick = tuple[float, float | None, bool]
"""Seconds since the tick before, the value, and whether the figure is written at all."""


def ticks(least_s: float) -> st.SearchStrategy[list[Tick]]:
    steps = st.one_of(st.just(1.0), st.floats(least_s, 3.0), st.floats(3.0, 400.0))
    return st.lists(
        st.tuples(steps, st.none() | st.floats(-1e6, 1e6), st.booleans()), min_size=1, max_size=60
    )


def read(history: History, end_at: float, span_s: float, version: int = 1) -> Past:
    """What a frame gets of the past of "x"."""
    axis = TimeAxis(end_at, span_s, INTERVAL_S, version)
    return Past(history.copy_cells(["x"], axis.copy_range(1)), axis=axis)


def expected(history: History, newest: float, columns: int, span_s: float) -> list[float | None]:
    """The history's own columns, none narrower than two seconds."""
    grain = max(1, min(columns, int(span_s / MIN_COLUMN_S)))
    values = column_values(history, "x", newest, span_s, grain)
    return [values[at * grain // columns] for at in range(columns)]


def is_close(left: list[float | None], right: list[float | None]) -> bool:
    return all(
        (value is None) == (other is None)
        and (value is None or other is None or math.isclose(value, other, abs_tol=1e-9))
        for value, other in zip(left, right, strict=True)
    )


def follow(
    written: list[Tick], columns: int, span_s: float, every: int, history: History | None = None
) -> None:
    history = history or History(INTERVAL_S)
    made = MadeColumns()
    at = 1000.3
    for number, (step, value, is_written) in enumerate(written):
        at += step
        if is_written:
            history.append(at, {"x": value})
        if number % every == 0:
            past = read(history, at, span_s).reuse(made)
            shown = list(past.columns("x", columns))
            assert is_close(shown, expected(history, at, columns, span_s)), (number, at)
            made = past.made


SHORT = st.sampled_from([60.0, 120.0, 300.0, 600.0])
LONG = st.sampled_from([1800.0, 3600.0, 10800.0, 43200.0, 86400.0])
SILENCE: list[Tick] = [(300.0, None, False)] * 4
"""Ticks without the figure, so that a finer ring reaches back to the begin of the axis."""


@given(ticks(1.0), st.integers(1, 130), SHORT, st.integers(1, 3))
def test_they_equal_the_history(
    written: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(written, columns, span_s, every)


@example([(4.9, None, False), (0.5, 1.0, True)], 57, 300.0, 1)
@given(ticks(0.1), st.integers(1, 130), SHORT, st.integers(1, 3))
def test_they_equal_the_history_at_a_fast_pace(
    written: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(written, columns, span_s, every)


@example([(339.0, None, False), (3.0, 0.0, True)], 47, 1800.0, 1)
@example([(12.0, 1.0, True), (1.0, 2.0, True), *SILENCE], 130, 1800.0, 1)
@given(ticks(1.0), st.integers(1, 250), LONG, st.integers(1, 3))
def test_they_equal_the_history_over_a_long_span(
    written: list[Tick], columns: int, span_s: float, every: int
) -> None:
    follow(written, columns, span_s, every)


@given(
    ticks(1.0),
    st.integers(4, 130),
    SHORT | LONG,
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8),
)
def test_they_equal_the_history_while_looking_back_and_forth(
    written: list[Tick], columns: int, span_s: float, moments: list[float]
) -> None:
    history = History(INTERVAL_S)
    begin = at = 1000.3
    for step, value, is_written in written:
        at += step
        if is_written:
            history.append(at, {"x": value})
    made = MadeColumns()
    for moment in moments:
        end_at = begin + moment * (at - begin)
        past = read(history, end_at, span_s).reuse(made)
        shown = list(past.columns("x", columns))
        assert is_close(shown, expected(history, end_at, columns, span_s)), end_at
        made = past.made


@example([(10.0, 1.0, True)] * 35, 61, 610.0)
@given(ticks(1.0), st.integers(1, 130), st.sampled_from([300.0, 590.0, 600.0, 610.0]))
def test_they_equal_the_history_where_the_oldest_cells_are_overwritten(
    written: list[Tick], columns: int, span_s: float
) -> None:
    short = History(INTERVAL_S, levels=((1.0, 60), (10.0, 60)))
    follow([(1.0, 1.0, True)] * 30 + written * 2, columns, span_s, 1, short)


def test_columns_do_not_move_until_a_whole_one_has_passed() -> None:
    history = History(INTERVAL_S)
    shown = []
    for at in range(100, 110):
        history.append(float(at), {"x": float(at)})
        shown.append(read(history, at, 30.0).columns("x", 6)[:-1])
    assert shown[:5] == [shown[0]] * 5
    assert shown[5:] == [shown[5]] * 5
    assert shown[5][:-1] == shown[0][1:]


def test_only_the_newest_columns_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History(INTERVAL_S)
    for at in range(100, 400):
        history.append(float(at), {"x": float(at)})
    past = read(history, 399.0, 300.0)
    past.columns("x", 60)
    made = []
    real = type(past.figures["x"].rings[0]).column_mean  # type: ignore[union-attr]

    def count(ring: object, begin: float, width: float, hold: int) -> float | None:
        made.append(begin)
        return real(ring, begin, width, hold)  # type: ignore[arg-type]

    monkeypatch.setattr("tputtui.signals.rates.history.RingCells.column_mean", count)
    history.append(400.0, {"x": 400.0})
    later = read(history, 400.0, 300.0).reuse(past.made)
    for _ in range(3):
        later.columns("x", 60)
    assert made == [390.0, 395.0, 400.0], "one is new, one may hold the end of a cell, once a frame"


def test_a_past_that_was_filled_in_is_made_anew() -> None:
    history = History(INTERVAL_S)
    history.append(160.0, {"x": 1.0})
    before = read(history, 160.0, 60.0)
    assert before.columns("x", 6)[0] is None
    history.append(115.0, {"x": 7.0})
    assert read(history, 160.0, 60.0).reuse(before.made).columns("x", 6)[0] is None
    assert read(history, 160.0, 60.0, version=2).reuse(before.made).columns("x", 6)[0] == 7.0


@pytest.mark.parametrize("columns", [-1, 0, 4])
def test_before_the_first_tick_there_are_only_gaps(columns: int) -> None:
    assert Past().columns("x", columns) == (None,) * max(0, columns)
    assert Past().heatmap("x", columns) is None


def test_columns_that_are_drawn_no_longer_are_not_kept() -> None:
    history = History(INTERVAL_S)
    history.append(100.0, {"x": 1.0})
    made = MadeColumns()
    for columns in range(4, 30):
        past = read(history, 100.0, 60.0).reuse(made)
        past.columns("x", columns)
        made = past.made
        assert len(made.figures) == 1


def test_it_is_a_value_that_can_be_sent_to_another_process() -> None:
    history = History(INTERVAL_S)
    for at in range(100, 200):
        history.append(float(at), {"x": float(at)})
    past = read(history, 199.0, 60.0)
    sent = pickle.loads(pickle.dumps(past))  # noqa: S301  # our own
    assert sent.columns("x", 20) == past.columns("x", 20)
    assert sent.columns("x", 5) == past.columns("x", 5)
