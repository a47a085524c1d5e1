"""When each target is scraped: a task each, spread over the interval, an overrun skipped and counted."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from tputtui.model import Scrape

LONGEST_DEADLINE_S = 10.0
FIRST_SPREAD_S = 0.3  # the first scrapes start within this time
SECOND_AFTER_S = 0.5  # the second scrape follows the first: rates begin early
_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples, modulo 1, lie evenly however many there are


class Scraped(Protocol):
    """What can be polled: `endpoint.Endpoint`, or anything that answers like one."""

    name: str

    async def scrape(self, deadline_s: float, wanted: frozenset[str] | None) -> Scrape:
        """One attempt; does not raise."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...


class Poller:
    """Scrapes targets at their own fixed points of the interval, at most one request in flight a target.

    `deliver` gets every scrape, on the poller's event loop; `wanted` says for a target which sample names to read. All
    methods are called on that loop, too.
    """

    def __init__(
        self,
        endpoints: Iterable[Scraped],
        interval_s: float,
        deliver: Callable[[Scrape], None],
        wanted: Callable[[str], frozenset[str] | None],
    ) -> None:
        self._interval_s = interval_s
        self._deliver = deliver
        self._wanted = wanted
        self._endpoints: dict[str, Scraped] = {}
        self._missed: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._started = 0  # targets started so far: the place of the next one in the interval
        for endpoint in endpoints:
            self.add(endpoint)

    @property
    def missed(self) -> Mapping[str, int]:
        """Scrapes that were skipped because the one before took too long, by target."""
        return MappingProxyType(self._missed)

    async def run(self) -> None:
        """Scrape until cancelled. An exception of `deliver` ends it, in an ExceptionGroup."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for endpoint in self._endpoints.values():
                    self._start(group, endpoint)
                await asyncio.Event().wait()
            finally:
                self._group = None
                self._tasks.clear()

    def add(self, endpoint: Scraped) -> None:
        """Scrape one more target from now on. Raises ValueError where one of that name is there."""
        if endpoint.name in self._endpoints:
            raise ValueError(f"a target named {endpoint.name!r} is scraped already")
        self._endpoints[endpoint.name] = endpoint
        self._missed.setdefault(endpoint.name, 0)
        if self._group is not None:
            self._start(self._group, endpoint)

    def remove(self, name: str) -> None:
        """Stop scraping a target; its connection is closed. A name that is not there is no error."""
        self._endpoints.pop(name, None)
        self._missed.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def _start(self, group: asyncio.TaskGroup, endpoint: Scraped) -> None:
        place = self._started * _GOLDEN % 1.0
        self._started += 1
        self._tasks[endpoint.name] = group.create_task(self._poll(endpoint, place), name=f"poll {endpoint.name}")

    async def _poll(self, endpoint: Scraped, place: float) -> None:
        interval = self._interval_s
        try:
            origin = time.monotonic() + place * interval  # a point of this target's grid
            await asyncio.sleep(place * min(FIRST_SPREAD_S, interval))
            started = time.monotonic()
            if await self._scrape(endpoint):
                # A target that is down gains nothing from being asked again so soon.
                # After the first answer, not after its start: the first one may have waited for the imports.
                await _sleep_until(time.monotonic() + min(SECOND_AFTER_S, interval))
                started = time.monotonic()
                await self._scrape(endpoint)
            due, _ = next_due(origin, started, time.monotonic(), interval)
            while True:
                await _sleep_until(due)
                started = time.monotonic()
                await self._scrape(endpoint)
                due, skipped = next_due(due, started, time.monotonic(), interval)
                if skipped and endpoint.name in self._missed:
                    self._missed[endpoint.name] += skipped
        finally:
            await endpoint.aclose()

    async def _scrape(self, endpoint: Scraped) -> bool:
        deadline = min(self._interval_s, LONGEST_DEADLINE_S)
        scrape = await endpoint.scrape(deadline, self._wanted(endpoint.name))
        self._deliver(scrape)
        return scrape.error is None


def next_due(due: float, started: float, now: float, interval: float) -> tuple[float, int]:
    """The next point of the grid `due` + k·`interval` to scrape at, and how many points before it are given up.

    Not sooner than half an interval after the last scrape `started` (no burst after a suspend), and not one that is past
    by more than a quarter: a target that uses up its whole deadline is still asked at every interval.
    """
    earliest = max(started + interval / 2, now - interval / 4)
    steps = max(1, math.ceil((earliest - due) / interval))
    return due + steps * interval, steps - 1


async def _sleep_until(moment: float) -> None:
    """Sleep to a moment of the monotonic clock; a moment that has passed costs one turn of the loop."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
