"""Schedule of the engine's thread: times of the ticks, and calls from other threads between them.

Ticks are on a fixed grid, just after the scrapes of each interval. A call never runs during a tick.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import TYPE_CHECKING

from tputtui.model import Snapshot

if TYPE_CHECKING:
    from tputtui.scrape.poller import Poller


EARLY_TICK_S = 0.25
"""Seconds between ticks until every target has two scrapes or has failed, so that the screen fills
early.
"""

EARLY_FOR_S = 3.0
"""Seconds after which ticks are on the grid even if a target has neither."""

TICK_WAIT = 0.1
"""Share of an interval for which a tick waits for a scrape under way whose target usually answers
promptly.
"""

MAX_SHIFT = 0.02
"""Share of an interval by which a tick may shift the grid, to follow the scrapes after targets came
or went.
"""

TOLERANCE = 0.05
"""Share of an interval: closer than this to its preferred position, the grid is not shifted."""


class Cadence:
    """Grid of the ticks.

    All times are monotonic seconds; `preferred_at` is any time at which a tick would suit.
    """

    def __init__(self, interval_s: float, now: float, preferred_at: float | None) -> None:
        """Start after a tick at `now`, at least half an interval later."""
        self._interval_s = interval_s
        # due ticks that were not made: reported, and never made up by a burst
        self.missed_ticks = 0
        self.due = now + interval_s
        if preferred_at is not None:
            self.due = (
                preferred_at + ceil((now + interval_s / 2 - preferred_at) / interval_s) * interval_s
            )

    def on_tick(self, now: float, preferred_at: float | None) -> None:
        """Update the grid after a tick made at `now`."""
        interval = self._interval_s
        late = max(0, int((now - self.due) / interval))
        self.missed_ticks += late
        self.due += (late + 1) * interval
        if preferred_at is None:
            return
        off = (preferred_at - self.due + interval / 2) % interval - interval / 2
        if abs(off) > TOLERANCE * interval:
            self.due += max(-MAX_SHIFT * interval, min(MAX_SHIFT * interval, off))


class TickLoop:
    """Loop that makes the ticks at their times: early ones at first, then those of the grid."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self.last_tick_at: float | None = None  # when to make the last tick, in monotonic seconds

    async def run(self, poller: Poller, make_tick: Callable[[int], Awaitable[Snapshot]]) -> None:
        """Make ticks until cancelled, or until the last one is made.

        They follow the scrapes of the poller. `make_tick` gets the number of ticks missed so far.
        """
        interval = self._interval_s
        began = time.monotonic()
        snapshot = await make_tick(0)
        while not snapshot.is_ready and time.monotonic() - began < EARLY_FOR_S:
            await asyncio.sleep(min(EARLY_TICK_S, interval))
            snapshot = await make_tick(0)
        cadence = Cadence(interval, time.monotonic(), poller.preferred_tick_time())
        while True:
            last = self.last_tick_at
            # skip a tick just before the last one: it would cover too short a span
            if last is not None and cadence.due > last - interval / 2:
                await asyncio.sleep(max(0.0, last - time.monotonic()))
                await make_tick(cadence.missed_ticks)
                return
            await asyncio.sleep(max(0.0, cadence.due - time.monotonic()))
            await poller.wait_for_answers(TICK_WAIT * interval)
            await make_tick(cadence.missed_ticks)
            cadence.on_tick(time.monotonic(), poller.preferred_tick_time())


class CallQueue:
    """Calls that need the pipeline: deferred while a tick is derived, because its worker owns it.

    Before `open`, calls are deferred until the end of the first tick.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_deferring = False
        self._deferred: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the engine's loop has started; stays true after its end."""
        return self._loop is not None

    @property
    def is_closed(self) -> bool:
        """Whether the engine's loop has ended."""
        return self._loop is not None and self._loop.is_closed()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run calls on this loop from now on."""
        self._loop = loop

    def call_soon(self, action: Callable[[], None]) -> None:
        """Call `action` on the engine's thread. After the loop's end nothing happens."""
        loop = self._loop
        if loop is None:
            self._deferred.append(action)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._call_or_defer, action)

    def _call_or_defer(self, action: Callable[[], None]) -> None:
        if self._is_deferring:
            self._deferred.append(action)
        else:
            action()

    def begin_tick(self) -> None:
        """Defer calls from now on."""
        self._is_deferring = True

    def end_tick(self) -> None:
        """Stop deferring; the deferred calls are made by `run_deferred`."""
        self._is_deferring = False

    def run_deferred(self) -> None:
        """Make the deferred calls, in order."""
        while self._deferred:
            self._deferred.pop(0)()
