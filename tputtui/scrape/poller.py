"""Schedule the scrapes: one task a target, spread over the interval; overruns are skipped, counted.

A target never has two requests under way. The deadline of an answer is the target's own, not the
interval: while an answer is late the target is slow (`waiting_by_target`), and the slots that pass
are skipped.

All targets share one grid, anchored at the first target's second scrape, and each has a slot on it.
A few targets have neighbouring slots, so that a tick just after the last of them finds all scrapes
fresh; many fill the interval.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from tputtui.model import Scrape
from tputtui.scrape.time_limit import AnswerWait

FIRST_SPREAD_S = 0.3  # the first scrapes start within this time
SECOND_AFTER_S = 0.5  # the second scrape follows the first: rates begin early
SLOTS = 32
SPREAD = 0.75
"""Part of the interval with slots; the rest is left for the tick. More targets share the slots."""

PROMPT_SHARE = 0.25
"""Part of the interval; for a target that usually answers within it, a tick may wait a moment."""

_GOLDEN = (math.sqrt(5) - 1) / 2  # any number of its multiples, modulo 1, is evenly spread


def slot_position(number: int) -> float:
    """Return the position of the n-th target's slot in the interval, from 0 to `SPREAD`."""
    round_, slot = divmod(number, SLOTS)
    return (slot + round_ * _GOLDEN % 1.0) / SLOTS * SPREAD


class PollableEndpoint(Protocol):
    """Endpoint that can be polled, such as `endpoint.Endpoint`."""

    name: str

    @property
    def timeout_s(self) -> float:
        """Seconds that one scrape may take."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the connection is established, so that only the answer is missing."""
        ...

    @property
    def partial(self) -> int:
        """Bytes received of the answer under way, or of the one whose deadline passed."""
        ...

    async def scrape(self, deadline_s: float, wanted: frozenset[str] | None) -> Scrape:
        """Make one attempt; never raises."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class Poller:
    """Scrapes targets at fixed points of the interval, with one request under way for each target.

    `deliver` gets every scrape, on the poller's event loop; `wanted` returns the sample names to
    read for a target. All methods are called on that loop, too.
    """

    def __init__(
        self,
        endpoints: Iterable[PollableEndpoint],
        interval_s: float,
        deliver: Callable[[Scrape], None],
        wanted: Callable[[str], frozenset[str] | None],
    ) -> None:
        self._interval_s = interval_s
        self._deliver = deliver
        self._wanted = wanted
        self._endpoints: dict[str, PollableEndpoint] = {}
        self._missed_scrapes: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._started_count = 0  # targets started so far: the place of the next one in the interval
        self._anchor: float | None = None  # a point of the grid
        # Slot that a target waits for, or whose scrape is under way
        self._due: dict[str, float] = {}
        # Usual seconds of a good scrape, if the newest was good
        self._usual_s: dict[str, float] = {}
        # Usually prompt targets with a request under way
        self._pending_prompt: set[str] = set()
        self._answered = asyncio.Event()
        self._waits: dict[str, AnswerWait] = {}
        for endpoint in endpoints:
            self.add(endpoint)

    @property
    def missed_scrapes(self) -> Mapping[str, int]:
        """Number of scrapes skipped because the one before took too long, by target."""
        return MappingProxyType(self._missed_scrapes)

    def waiting_by_target(self) -> Mapping[str, float]:
        """Seconds by which the answer of each slow target is late. To be called on the poller's
        loop.

        Slow: connected, asked, and not answered for longer than an interval, or beyond a deadline.
        """
        waiting: dict[str, float] = {}
        for name, wait in self._waits.items():
            late_s = wait.late_s(self._interval_s, is_connected=self._endpoints[name].is_connected)
            if late_s is not None:
                waiting[name] = late_s
        return waiting

    def partial(self) -> Mapping[str, int]:
        """Bytes received of each incomplete late answer. To be called on the poller's loop."""
        counts = {
            name: self._waits[name].note(self._endpoints[name].partial)
            for name in self.waiting_by_target()
        }
        return {name: count for name, count in counts.items() if count}

    # --------------------------------------------------------------------------------------- ticks

    def preferred_tick_time(self) -> float | None:
        """Time (monotonic) just after the last slot of an interval, to start the ticks from.

        The last slot is the one before the longest pause between slots. Time for prompt answers is
        added; slow targets do not count. None: there is no target yet.
        """
        interval = self._interval_s
        slots = sorted(due % interval for due in self._due.values())
        if not slots:
            return None
        pauses = [
            later - slot
            for slot, later in zip(slots, [*slots[1:], slots[0] + interval], strict=True)
        ]
        last = slots[pauses.index(max(pauses))]
        prompt = [took for took in self._usual_s.values() if took < PROMPT_SHARE * interval]
        share = max(0.1, 1.5 * max(prompt, default=0.0) / interval)
        return last + min(PROMPT_SHARE, share) * interval

    async def wait_for_answers(self, max_wait_s: float) -> None:
        """Wait until no usually prompt target has a request under way, at most `max_wait_s`
        seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max_wait_s):
                while self._pending_prompt:
                    self._answered.clear()
                    await self._answered.wait()

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

    def add(self, endpoint: PollableEndpoint) -> None:
        """Scrape one more target from now on. Raises ValueError if the name is taken."""
        if endpoint.name in self._endpoints:
            raise ValueError(f"a target named {endpoint.name!r} is scraped already")
        self._endpoints[endpoint.name] = endpoint
        self._missed_scrapes.setdefault(endpoint.name, 0)
        if self._group is not None:
            self._start(self._group, endpoint)

    def remove(self, name: str) -> None:
        """Stop scraping a target and close its connection. An unknown name is no error."""
        self._endpoints.pop(name, None)
        self._missed_scrapes.pop(name, None)
        self._due.pop(name, None)
        self._usual_s.pop(name, None)
        self._waits.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def _start(self, group: asyncio.TaskGroup, endpoint: PollableEndpoint) -> None:
        position = slot_position(self._started_count)
        self._started_count += 1
        self._tasks[endpoint.name] = group.create_task(
            self._poll(endpoint, position), name=f"poll {endpoint.name}"
        )

    async def _poll(self, endpoint: PollableEndpoint, position: float) -> None:
        interval, name = self._interval_s, endpoint.name
        try:
            await asyncio.sleep(position * min(FIRST_SPREAD_S, interval))
            started = time.monotonic()
            if await self._scrape(endpoint):
                # Only if it is up; after the first answer and not after its start, because the
                # first scrape may have waited for imports.
                await _sleep_until(time.monotonic() + min(SECOND_AFTER_S, interval))
                started = time.monotonic()
                await self._scrape(endpoint)
            else:  # the grid begins where the second scrape would have been
                started += min(SECOND_AFTER_S, interval)
            if self._anchor is None:
                self._anchor = started - position * interval
            due, _ = next_due(
                self._anchor + position * interval, started, time.monotonic(), interval
            )
            while True:
                self._due[name] = due
                await _sleep_until(due)
                started = time.monotonic()
                await self._scrape(endpoint)
                due, skipped = next_due(due, started, time.monotonic(), interval)
                if skipped and name in self._missed_scrapes:
                    self._missed_scrapes[name] += skipped
        finally:
            self._due.pop(name, None)
            await endpoint.aclose()

    async def _scrape(self, endpoint: PollableEndpoint) -> bool:
        interval, name = self._interval_s, endpoint.name
        if self._usual_s.get(name, interval) < PROMPT_SHARE * interval:
            self._pending_prompt.add(name)
        started = time.monotonic()
        wait = self._waits.setdefault(name, AnswerWait())
        wait.start()
        try:
            scrape = await endpoint.scrape(endpoint.timeout_s, self._wanted(name))
        finally:
            self._pending_prompt.discard(name)
            self._answered.set()
        if scrape.late:
            wait.note(endpoint.partial)
        wait.stop(is_late=scrape.late)
        if scrape.error is None:
            took = time.monotonic() - started
            # The minimum, because the first may have waited for imports, one for a busy moment
            usual = min(took, self._usual_s.get(name, took))
            self._usual_s[name] = usual + 0.3 * (took - usual)
        else:
            self._usual_s.pop(name, None)
        self._deliver(scrape)
        return scrape.error is None


def next_due(due: float, started: float, now: float, interval: float) -> tuple[float, int]:
    """Return the next point of the grid `due` + k·`interval` to scrape at, and how many are
    skipped.

    Not sooner than half an interval after the last scrape `started` (no burst after a suspend), and
    not one that is past by more than a quarter: a target that needs exactly an interval is still
    asked at every one.
    """
    earliest = max(started + interval / 2, now - interval / 4)
    steps = max(1, math.ceil((earliest - due) / interval))
    return due + steps * interval, steps - 1


async def _sleep_until(time_at: float) -> None:
    """Sleep until a time of the monotonic clock; a past one costs one turn of the loop."""
    await asyncio.sleep(max(0.0, time_at - time.monotonic()))
