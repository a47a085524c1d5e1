"""Connection pool with a first-come, first-served queue.

The demo's bottleneck, an M/M/c queue by construction.
"""

from __future__ import annotations

import asyncio
from collections import deque

from prometheus_client import CollectorRegistry, Gauge, Histogram

ACQUIRE_BUCKETS = (
    0.0001,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.2,
    0.3,
    0.5,
    0.75,
    1,
    1.5,
)


class PoolTimeoutError(Exception):
    """No connection came free before the timeout."""


class PooledConnection:
    """One connection. `free_at` (seconds of the loop) is when its last query was due to end."""

    __slots__ = ("free_at",)

    def __init__(self) -> None:
        self.free_at = 0.0


class ConnectionPool:
    """Pool of `size` connections; a request waits in line for at most `timeout_s` seconds."""

    def __init__(self, size: int, timeout_s: float, registry: CollectorRegistry) -> None:
        self._free = [PooledConnection() for _ in range(size)]
        self._queue: deque[asyncio.Future[PooledConnection]] = deque()
        self._timeout_s = timeout_s
        self._in_use = Gauge("db_pool_in_use", "Connections in use.", registry=registry)
        self._waiting = Gauge(
            "db_pool_waiting", "Requests that wait for a connection.", registry=registry
        )
        self._acquire = Histogram(
            "db_pool_acquire_seconds",
            "Time to get a connection.",
            buckets=ACQUIRE_BUCKETS,
            registry=registry,
        )
        Gauge("db_pool_size", "Connections in the pool.", registry=registry).set(size)

    async def query(self, hold_s: float) -> None:
        """Hold a connection for `hold_s` seconds.

        Raises PoolTimeoutError if none comes free in time.
        """
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        connection = await self.acquire()
        # A query that waited begins when the one before it was due to end, not when the timer
        # fired, so that the pool's capacity is connections / hold whatever the granularity of the
        # timers.
        connection.free_at = max(arrived, connection.free_at) + hold_s
        try:
            await asyncio.sleep(max(0.0, connection.free_at - loop.time()))
        finally:
            self.release(connection)

    async def acquire(self) -> PooledConnection:
        """Return a connection, at once or in turn. Raises PoolTimeoutError."""
        loop = asyncio.get_running_loop()
        if self._free:
            self._in_use.inc()
            self._acquire.observe(0.0)
            return self._free.pop()
        arrived = loop.time()
        turn: asyncio.Future[PooledConnection] = loop.create_future()
        self._queue.append(turn)
        self._waiting.inc()
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await turn
        except (TimeoutError, asyncio.CancelledError) as gone:
            if turn.done() and not turn.cancelled():
                # The connection was assigned at the moment of the timeout
                self.release(turn.result())
            if isinstance(gone, TimeoutError):
                raise PoolTimeoutError from None
            raise
        finally:
            self._waiting.dec()
            self._acquire.observe(loop.time() - arrived)
        return connection

    def release(self, connection: PooledConnection) -> None:
        """Pass the connection to the first in line, or put it back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self._in_use.dec()
        self._free.append(connection)
