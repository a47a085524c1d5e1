"""Bounds of the caches of series under churn."""

from __future__ import annotations

from tputtui.model import Series
from tputtui.signals.rates.series_index import MEMO_LIMIT, SeriesMemo


def test_under_churn_the_cache_stays_within_the_limit() -> None:
    computed: list[Series] = []

    def compute(series: Series) -> bool:
        computed.append(series)
        return True

    memo = SeriesMemo(compute)
    for number in range(3 * MEMO_LIMIT):
        assert memo(Series("x", (("route", str(number)),)))
        assert len(memo._cache) <= MEMO_LIMIT


def test_series_that_are_all_present_are_computed_once() -> None:
    computed: list[Series] = []

    def compute(series: Series) -> bool:
        computed.append(series)
        return True

    memo, present = (
        SeriesMemo(compute),
        [Series("x", (("route", str(number)),)) for number in range(2 * MEMO_LIMIT)],
    )
    memo.reserve(len(present))
    for _ in range(3):
        assert all(map(memo, present))
    assert len(computed) == len(present)
