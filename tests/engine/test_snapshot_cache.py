"""Snapshot cache: packed snapshots, thinned with age, within a bound."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import snapshot

from tputtui.engine.snapshot_cache import LEVELS, SnapshotLog
from tputtui.model import Snapshot


def filled(times: list[float]) -> SnapshotLog:
    log = SnapshotLog()
    for at in times:
        log.add(Snapshot(time=1e9 + at, at=at, interval_s=1.0, window_s=10.0))
    return log


def result(log: SnapshotLog, at: float) -> float | None:
    kept = log.snapshot_at(at)
    return kept.at if kept is not None else None


def test_snapshots_come_back_as_they_were_stored() -> None:
    log = SnapshotLog()
    log.add(snapshot(at=5000.0))
    log.add(snapshot(at=5001.0, processes=None, first_to_saturate=None))
    assert log.snapshot_at(5000.0) == snapshot(at=5000.0)
    assert log.snapshot_at(5001.0) == snapshot(at=5001.0, processes=None, first_to_saturate=None)


def test_before_the_first_snapshot_there_is_none_and_after_the_last_the_last() -> None:
    log = filled([10.0, 11.0, 12.0])
    assert SnapshotLog().snapshot_at(1.0) is None
    assert result(log, 9.99) is None
    assert result(log, 1e6) == 12.0


@given(st.lists(st.floats(0.95, 40.0), min_size=1, max_size=60), st.floats(0.0, 2500.0))
def test_a_moment_gives_the_newest_snapshot_that_is_not_later(
    steps: list[float], at: float
) -> None:
    times = [sum(steps[: count + 1]) for count in range(len(steps))]
    before = times[: bisect_right(times, at)]
    assert result(filled(times), at) == (before[-1] if before else None)


def test_it_thins_with_age_to_ten_seconds_and_to_a_minute() -> None:
    last = 4 * 3600
    log = filled([float(at) for at in range(last + 1)])
    for age, step in ((600.0, 1.0), (1800.0, 10.0), (3.5 * 3600, 60.0)):
        moments = [last - age + offset for offset in range(180)]
        shown = [result(log, moment) for moment in moments]
        assert all(
            at is not None and 0 <= moment - at < step
            for moment, at in zip(moments, shown, strict=True)
        )
        assert 180 / step <= len(set(shown)) <= 1.2 * 180 / step + 1


@pytest.mark.parametrize("level", [1, 2])
def test_a_level_reaches_back_as_far_as_declared(level: int) -> None:
    step, cells = LEVELS[level]
    span = step * cells
    every = step / 10
    times = [count * every for count in range(int(span * 1.02 / every))]
    moment = times[-1] - span + 2 * step
    kept = result(filled(times), moment)
    assert kept is not None
    assert 0 <= moment - kept < step


def test_faster_ticks_are_stored_about_once_a_second() -> None:
    log = filled([at / 10 for at in range(200)])
    kept = {result(log, at / 10) for at in range(200)}
    assert 20 <= len(kept) <= 23


def test_it_is_bounded() -> None:
    minutes = 3 * 24 * 60
    log = filled([60.0 * at for at in range(minutes)])
    assert [len(level) for level in log._levels] == [cells for _, cells in LEVELS]
    assert result(log, 60.0 * (minutes - 1) - 25 * 3600) is None
    assert result(log, 60.0 * (minutes - 1) - 23 * 3600) is not None
