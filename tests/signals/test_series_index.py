"""What is remembered of series is bounded, whatever comes and goes."""

from __future__ import annotations

from tputtui.model import Series
from tputtui.signals.rates.series_index import MEMO_LIMIT, SeriesMemo


def test_under_churn_no_more_is_remembered_than_the_limit() -> None:
    asked: list[Series] = []

    def work_out(series: Series) -> bool:
        asked.append(series)
        return True

    memo = SeriesMemo(work_out)
    for number in range(3 * MEMO_LIMIT):
        assert memo(Series("x", (("route", str(number)),)))
        assert len(memo._cache) <= MEMO_LIMIT


def test_series_that_are_all_there_are_worked_out_once() -> None:
    asked: list[Series] = []

    def work_out(series: Series) -> bool:
        asked.append(series)
        return True

    memo, present = (
        SeriesMemo(work_out),
        [Series("x", (("route", str(number)),)) for number in range(2 * MEMO_LIMIT)],
    )
    memo.reserve(len(present))
    for _ in range(3):
        assert all(map(memo, present))
    assert len(asked) == len(present)
