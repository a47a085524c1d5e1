"""Time limits that exclude the time in which this program itself was kept from running.

On a starved machine the event loop wakes late: an answer in the socket is read only after its
deadline. `LoopDelay` measures how late the loop wakes while an answer is awaited; `TimeLimit` is
`asyncio.timeout` without that time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

CHECK_INTERVAL_S = 0.1
"""Interval of the measurement. Of each delay, up to this much is missed."""


class LoopDelay:
    """Total time for which an event loop was kept from running, while anything is awaited."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._waiter_count = 0
        self._delayed_s = 0.0
        self._due_at = 0.0  # when the timer should fire
        self._timer: asyncio.TimerHandle | None = None

    @property
    def total_s(self) -> float:
        """Seconds up to now; a timer that is overdue counts already."""
        overdue = self._clock() - self._due_at if self._timer is not None else 0.0
        return self._delayed_s + max(0.0, overdue)

    def start(self) -> None:
        """Measure from now on. Each `start` has its `stop`."""
        self._waiter_count += 1
        if self._timer is None:
            self._schedule()

    def stop(self) -> None:
        """Stop measuring for one caller."""
        self._waiter_count -= 1
        if self._waiter_count == 0 and self._timer is not None:
            self._delayed_s = self.total_s
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._due_at = self._clock() + CHECK_INTERVAL_S
        self._timer = self._loop.call_later(CHECK_INTERVAL_S, self._on_timer)

    def _on_timer(self) -> None:
        self._delayed_s = self.total_s
        self._schedule()


_DELAYS: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopDelay] = WeakKeyDictionary()


def loop_delay() -> LoopDelay:
    """Return the delay of the running event loop."""
    loop = asyncio.get_running_loop()
    delay = _DELAYS.get(loop)
    if delay is None:
        delay = _DELAYS[loop] = LoopDelay(loop)
    return delay


class TimeLimit:
    """Like `asyncio.timeout`, without the loop's own delay.

    Raises TimeoutError once the block has taken `seconds`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.TimerHandle | None = None

    @property
    def delayed_s(self) -> float:
        """Seconds since the block was entered in which the loop was kept from running."""
        return self._delay.total_s - self._delay_before_s

    async def __aenter__(self) -> Self:
        """Start the limit."""
        self._loop = asyncio.get_running_loop()
        self._delay = loop_delay()
        self._delay.start()
        self._delay_before_s = self._delay.total_s
        await self._timeout.__aenter__()
        self._began_at = self._loop.time()
        self._timer = self._loop.call_later(self._seconds, self._check)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the limit. Raises TimeoutError if it has passed."""
        if self._timer is not None:
            self._timer.cancel()
        self._delay.stop()
        await self._timeout.__aexit__(kind, error, trace)

    def _check(self) -> None:
        now = self._loop.time()
        left = self._began_at + self._seconds + self.delayed_s - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            # In the next turn of the loop, after what has arrived by now is handled.
            self._timeout.reschedule(now)


class AnswerWait:
    """Time for which a target has owed an answer: since the first request without one."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._delayed_s = 0.0  # delay of the loop at that time
        self._has_timed_out = False
        self._partial = 0

    def start(self) -> None:
        """Start the wait with a request; if an earlier one is not answered, the wait goes on."""
        if self._asked_at is None:
            self._asked_at, self._delayed_s = time.monotonic(), loop_delay().total_s

    def stop(self, *, is_late: bool) -> None:
        """End the attempt by an answer or a refusal, or (`is_late`) by its deadline.

        The wait does not end with a deadline.
        """
        self._has_timed_out = is_late
        if not is_late:
            self._asked_at, self._partial = None, 0

    def note(self, partial: int) -> int:
        """Note the bytes of the current attempt; return those of the newest attempt that received
        any.
        """
        self._partial = partial or self._partial
        return self._partial

    def late_s(self, interval_s: float, *, is_connected: bool) -> float | None:
        """Return the seconds of the wait if it is longer than an interval or than a deadline.

        Time in which this program was kept from running is excluded. None: the answer is not late,
        or no connection is established yet.
        """
        if self._asked_at is None or not (is_connected or self._has_timed_out):
            return None
        waited = time.monotonic() - self._asked_at - (loop_delay().total_s - self._delayed_s)
        return max(0.0, waited) if self._has_timed_out or waited > interval_s else None
