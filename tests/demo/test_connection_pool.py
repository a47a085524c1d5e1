from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from tputtui.demo.connection_pool import ConnectionPool, PoolTimeoutError


def _pool(size: int, patience_s: float = 5.0) -> tuple[ConnectionPool, CollectorRegistry]:
    registry = CollectorRegistry()
    return ConnectionPool(size, patience_s, registry), registry


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_waiters_get_connections_in_the_order_of_arrival() -> None:
    pool, registry = _pool(1)
    acquired = await pool.acquire()
    served: list[str] = []

    async def want(name: str) -> None:
        connection = await pool.acquire()
        served.append(name)
        pool.release(connection)

    waiting = [asyncio.create_task(want(name)) for name in ("first", "second", "third")]
    await _turns()
    assert registry.get_sample_value("db_pool_waiting") == 3
    assert registry.get_sample_value("db_pool_in_use") == 1
    pool.release(acquired)
    await asyncio.gather(*waiting)
    assert served == ["first", "second", "third"]
    assert registry.get_sample_value("db_pool_waiting") == 0
    assert registry.get_sample_value("db_pool_in_use") == 0
    assert registry.get_sample_value("db_pool_acquire_seconds_count") == 4


async def test_a_wait_times_out_and_the_connection_is_not_lost() -> None:
    pool, registry = _pool(1, patience_s=0.01)
    connection = await pool.acquire()
    with pytest.raises(PoolTimeoutError):
        await pool.acquire()
    pool.release(connection)
    assert registry.get_sample_value("db_pool_waiting") == 0
    assert await pool.acquire() is connection


async def test_a_cancelled_waiter_does_not_leak_a_connection() -> None:
    pool, registry = _pool(1)
    connection = await pool.acquire()
    leaving = asyncio.create_task(pool.acquire())
    await _turns()
    pool.release(connection)  # its turn has come ...
    leaving.cancel()  # ... at the moment in which it is cancelled
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await pool.acquire() is connection
    assert registry.get_sample_value("db_pool_in_use") == 1


async def test_the_granularity_of_timers_costs_no_capacity() -> None:
    pool, _ = _pool(1)
    connection = pool._free[0]
    queries = [asyncio.create_task(pool.query(0.05)) for _ in range(5)]
    await _turns()
    first_is_due = connection.free_at
    await asyncio.gather(*queries)
    assert connection.free_at == pytest.approx(first_is_due + 4 * 0.05, abs=1e-9)
