"""When each target is scraped: a task each, spread over the interval, an overrun skipped and counted.

A target is never asked twice at once, and how long an answer may take is the target's own limit, not the interval: while
an answer is late the target is slow (`waiting`), and the slots that pass meanwhile are skipped.

All targets share one grid, anchored at the first target's second scrape, and each has a slot on it. A few targets have
slots side by side, so that a tick just after the last of them finds all scrapes fresh; many fill the interval.
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
"""Slots side by side in this part of the interval; what is left of it belongs to the tick. Targets beyond share them evenly."""

PROMPT_SHARE = 0.25
"""A target that answers within this part of the interval is one that a tick may wait a moment for."""

_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples, modulo 1, lie evenly however many there are


def slot_position(number: int) -> float:
    """Where in the interval the n-th target's slot lies, 0 to `SPREAD`."""
    round_, slot = divmod(number, SLOTS)
    return (slot + round_ * _GOLDEN % 1.0) / SLOTS * SPREAD


class PollableEndpoint(Protocol):
    """What can be polled: `endpoint.Endpoint`, or anything that answers like one."""

    name: str

    @property
    def timeout_s(self) -> float:
        """How long one scrape may take."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, so that what is waited for is the answer."""
        ...

    @property
    def partial(self) -> int:
        """Bytes that have come of the answer under way, or of the one whose deadline passed."""
        ...

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
        self._due: dict[
            str, float
        ] = {}  # the slot that a target waits for, or whose scrape is under way
        self._usual_s: dict[
            str, float
        ] = {}  # seconds that a good scrape usually takes, where the newest was good
        self._pending_prompt: set[str] = (
            set()
        )  # targets that usually answer promptly, and have not yet
        self._answered = asyncio.Event()
        self._waits: dict[str, AnswerWait] = {}
        for endpoint in endpoints:
            self.add(endpoint)

    @property
    def missed_scrapes(self) -> Mapping[str, int]:
        """Scrapes that were skipped because the one before took too long, by target."""
        return MappingProxyType(self._missed_scrapes)

    def waiting_by_target(self) -> Mapping[str, float]:
        """For how many seconds the answer of each slow target has been late. To be called on the poller's loop.

        Slow: connected, asked and not answered yet for longer than an interval, or beyond a deadline.
        """
        found: dict[str, float] = {}
        for name, wait in self._waits.items():
            late_s = wait.late_s(self._interval_s, is_connected=self._endpoints[name].is_connected)
            if late_s is not None:
                found[name] = late_s
        return found

    def partial(self) -> Mapping[str, int]:
        """Of each slow target whose answer came in part: how many bytes. To be called on the poller's loop."""
        found = {
            name: self._waits[name].note(self._endpoints[name].partial)
            for name in self.waiting_by_target()
        }
        return {name: count for name, count in found.items() if count}

    # ------------------------------------------------------------------------------------------ when to look

    def preferred_tick_time(self) -> float | None:
        """A moment (monotonic) just after the last slot of one interval, from where the ticks go on; None: no target yet.

        The last slot is the one before the longest pause between slots. Prompt answers have their time, and a slow
        target has no say.
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
        usual = max(
            [
                0.1,
                *(
                    1.5 * took / interval
                    for took in self._usual_s.values()
                    if took < PROMPT_SHARE * interval
                ),
            ]
        )
        return last + min(PROMPT_SHARE, usual) * interval

    async def wait_for_answers(self, max_wait_s: float) -> None:
        """Wait until no target that usually answers promptly is being asked, at most `patience_s` seconds."""
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
        """Scrape one more target from now on. Raises ValueError where one of that name is there."""
        if endpoint.name in self._endpoints:
            raise ValueError(f"a target named {endpoint.name!r} is scraped already")
        self._endpoints[endpoint.name] = endpoint
        self._missed_scrapes.setdefault(endpoint.name, 0)
        if self._group is not None:
            self._start(self._group, endpoint)

    def remove(self, name: str) -> None:
        """Stop scraping a target; its connection is closed. A name that is not there is no error."""
        self._endpoints.pop(name, None)
        self._missed_scrapes.pop(name, None)
        self._due.pop(name, None)
        self._usual_s.pop(name, None)
        self._waits.pop(name, None)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def _start(self, group: asyncio.TaskGroup, endpoint: PollableEndpoint) -> None:
        place = slot_position(self._started_count)
        self._started_count += 1
        self._tasks[endpoint.name] = group.create_task(
            self._poll(endpoint, place), name=f"poll {endpoint.name}"
        )

    async def _poll(self, endpoint: PollableEndpoint, position: float) -> None:
        interval, name = self._interval_s, endpoint.name
        try:
            await asyncio.sleep(position * min(FIRST_SPREAD_S, interval))
            started = time.monotonic()
            if await self._scrape(endpoint):
                # A target that is down gains nothing from being asked again so soon.
                # After the first answer, not after its start: the first one may have waited for the imports.
                await _sleep_until(time.monotonic() + min(SECOND_AFTER_S, interval))
                started = time.monotonic()
                await self._scrape(endpoint)
            else:  # the grid begins where a target that is up would have been asked again
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
            usual = min(
                took, self._usual_s.get(name, took)
            )  # the first may have waited for imports, one for a busy moment
            self._usual_s[name] = usual + 0.3 * (took - usual)
        else:
            self._usual_s.pop(name, None)
        self._deliver(scrape)
        return scrape.error is None


def next_due(due: float, started: float, now: float, interval: float) -> tuple[float, int]:
    """The next point of the grid `due` + k·`interval` to scrape at, and how many points before it are given up.

    Not sooner than half an interval after the last scrape `started` (no burst after a suspend), and not one that is past
    by more than a quarter: a target that needs just an interval is still asked at every one.
    """
    earliest = max(started + interval / 2, now - interval / 4)
    steps = max(1, math.ceil((earliest - due) / interval))
    return due + steps * interval, steps - 1


async def _sleep_until(moment: float) -> None:
    """Sleep to a moment of the monotonic clock; a moment that has passed costs one turn of the loop."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
