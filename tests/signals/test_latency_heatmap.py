"""Latency heat map: few rows, shares that add up to one, the history's grid, bounded memory."""

from __future__ import annotations

import math

from columns import heatmap
from hypothesis import given
from hypothesis import strategies as st

from tputtui.signals.rates.latency_heatmap import MAX_ROWS, HeatmapRing, row_bounds

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)


def buckets(**at: float) -> list[tuple[float, float]]:
    """Return observations per second by the number of the bucket: b3=5.0."""
    return [(bound, at.get(f"b{number}", 0.0)) for number, bound in enumerate(BOUNDS)]


def test_all_buckets_below_the_first_request_are_one_row_and_the_last_is_open() -> None:
    assert row_bounds(buckets(b7=1.0)) == (1.0, 2.5, 5.0, 10.0, math.inf)
    rows = row_bounds(buckets(b0=1.0))
    assert len(rows) == MAX_ROWS
    assert (rows[0], rows[-2:]) == (0.005, (10.0, math.inf))


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60, unique=True), st.integers(0, 59))
def test_rows_are_few_ascending_and_open(bounds: list[float], first: int) -> None:
    densities = [
        (bound, float(number >= first)) for number, bound in enumerate([*sorted(bounds), math.inf])
    ]
    rows = row_bounds(densities)
    assert 1 <= len(rows) <= MAX_ROWS
    assert list(rows) == sorted(set(rows))
    assert rows[-1] == math.inf


def test_a_column_holds_the_shares_of_its_time() -> None:
    ring = HeatmapRing("x", (0.1, 0.5, math.inf), 1.0)
    for at in range(20):
        ring.add(
            100.0 + at, [(0.05, 3.0), (0.1, 3.0), (0.5, 2.0 if at < 10 else 0.0), (math.inf, 0.0)]
        )
    heat = heatmap(ring, 119.0, 20.0, 2)
    assert heat.bounds == (0.1, 0.5, math.inf)
    assert heat.columns == ((0.75, 0.25, 0.0), (1.0, 0.0, 0.0))


def test_a_gap_is_none_but_a_late_tick_is_not() -> None:
    ring = HeatmapRing("x", (0.1, math.inf), 1.0)
    ring.add(100.0, [(0.1, 1.0)])
    ring.add(102.0, [(0.1, 1.0)])
    ring.add(103.0, [])
    ring.add(106.0, [(0.1, 1.0)])
    columns = heatmap(ring, 106.0, 7.0, 7).columns
    assert [column is not None for column in columns] == [
        True,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


def test_a_column_without_observations_has_no_shares() -> None:
    ring = HeatmapRing("x", (0.1, math.inf), 1.0)
    ring.add(100.0, [(0.1, 0.0), (math.inf, 0.0)])
    assert heatmap(ring, 100.0, 1.0, 1).columns == (None,)


def test_the_last_day_is_kept_at_one_minute_and_yesterday_is_overwritten() -> None:
    ring = HeatmapRing("x", (0.1, math.inf), 1.0)
    for minute in range(1600):
        ring.add(60.0 * minute, [(0.1, 1.0)])
    day = heatmap(ring, 60.0 * 1599, 86400.0, 24).columns
    assert day == ((1.0, 0.0),) * 24
    assert heatmap(ring, 60.0 * 100, 60.0, 1).columns == (None,)
