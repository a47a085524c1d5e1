from __future__ import annotations

from tputtui.model import SaturationState
from tputtui.signals.service.gauges import merge_queues


def test_a_pool_and_its_queue_are_one_row() -> None:
    pool = SaturationState("db pool", "db_pool_in_use", 8, 8, 1.0)
    queue = SaturationState("db pool waiting", "db_pool_waiting", 4, waiting=4)
    (row,) = merge_queues([pool, queue])
    assert (row.name, row.family, row.ratio, row.waiting) == ("db pool", "db_pool_in_use", 1.0, 4)


def test_a_queue_without_a_pool_stays_a_row_of_its_own() -> None:
    queue = SaturationState("executor queue", "executor_queued_tasks", 2, waiting=2)
    other = SaturationState("db pool", "db_pool_in_use", 1, 8, 0.125)
    assert merge_queues([queue, other]) == [queue, other]
