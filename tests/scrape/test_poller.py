"""Schedule of scrapes: spread, early twice, then on a grid; a slow target delays no other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.model import Scrape
from tputtui.scrape.poller import SPREAD, Poller, next_due, slot_position

PATIENCE_S = 20.0


@dataclass
class Fake:
    """Target without a network: each scrape takes `takes_s`, at most its deadline."""

    name: str
    takes_s: float = 0.0
    error: str | None = None
    late: bool = False
    is_connected: bool = True
    partial: int = 0
    timeout_s: float = 10.0
    starts: list[float] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    wanted: list[frozenset[str] | None] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    closed: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def scrape(self, deadline_s: float, wanted: frozenset[str] | None) -> Scrape:
        started = time.monotonic()
        self.starts.append(started)
        self.deadlines.append(deadline_s)
        self.wanted.append(wanted)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.changed.set()
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.running -= 1
        now = time.monotonic()
        return Scrape(self.name, now, time.time(), now - started, error=self.error, late=self.late)

    async def aclose(self) -> None:
        self.closed += 1

    async def scraped(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.starts) < times:
                self.changed.clear()
                await self.changed.wait()


@contextlib.asynccontextmanager
async def polling(
    fakes: list[Fake], interval_s: float, deliver: Callable[[Scrape], None] = lambda _: None
) -> AsyncIterator[Poller]:
    poller = Poller(fakes, interval_s, deliver, lambda name: frozenset({name}))
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(0)
    try:
        yield poller
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_every_scrape_is_delivered_with_its_wanted_families() -> None:
    delivered: list[Scrape] = []
    fakes = [Fake("a"), Fake("b", error="connection refused")]
    async with polling(fakes, 0.1, delivered.append):
        for fake in fakes:
            await fake.scraped(4)
    assert {scrape.target for scrape in delivered} == {"a", "b"}
    assert all(set(fake.wanted) == {frozenset({fake.name})} for fake in fakes)
    assert all(set(fake.deadlines) == {fake.timeout_s} for fake in fakes)
    assert [fake.closed for fake in fakes] == [1, 1]


@pytest.mark.parametrize("interval_s", [0.1, 60.0])
async def test_a_target_has_its_own_deadline_whatever_the_interval(interval_s: float) -> None:
    short, long = Fake("short", timeout_s=0.7), Fake("long", timeout_s=45.0)
    async with polling([short, long], interval_s):
        await short.scraped(1)
        await long.scraped(1)
    assert set(short.deadlines) == {0.7}
    assert set(long.deadlines) == {45.0}


async def test_a_late_answer_is_awaited_and_its_target_is_slow_meanwhile() -> None:
    delivered: list[Scrape] = []
    slow, honest = Fake("slow", takes_s=1.0), Fake("honest")
    async with polling([slow, honest], 0.2, delivered.append) as poller:
        await slow.scraped(1)
        assert poller.waiting_by_target() == {}, "it was asked just now"
        await asyncio.sleep(0.5)
        (name,) = poller.waiting_by_target()
        assert (name, 0.2 < poller.waiting_by_target()[name] < 1.0) == ("slow", True)
        await slow.scraped(2)  # the answer came
        assert poller.waiting_by_target() == {}
    assert all(scrape.error is None for scrape in delivered)
    assert slow.most_running == 1


async def test_a_deadline_that_passes_does_not_end_the_wait_and_a_refusal_does() -> None:
    fake = Fake("a", takes_s=0.3, error="no answer within 0.3 s", late=True)
    async with polling([fake], 0.2) as poller:
        await fake.scraped(4)
        first = fake.starts[0]
        waited = poller.waiting_by_target()["a"]
        assert waited == pytest.approx(time.monotonic() - first, abs=0.5)
        fake.error, fake.late, fake.takes_s = "connection refused", False, 0.0
        await fake.scraped(len(fake.starts) + 2)
        assert poller.waiting_by_target() == {}


async def test_the_outcome_of_a_late_answer_is_reported_until_one_is_complete() -> None:
    fake = Fake(
        "a", takes_s=0.3, error="answer incomplete, 100 bytes in 0.3 s", late=True, partial=100
    )
    async with polling([fake], 0.2) as poller:
        await fake.scraped(2)
        fake.partial = 0  # the next attempt has brought nothing yet
        assert poller.partial() == {"a": 100}
        fake.error, fake.late, fake.takes_s = None, False, 0.0
        await fake.scraped(len(fake.starts) + 2)
        assert poller.partial() == {}


async def test_first_scrapes_are_spread_and_near() -> None:
    fakes = [Fake(f"t{i}") for i in range(20)]
    async with polling(fakes, 60.0):
        for fake in fakes:
            await fake.scraped(1)
    starts = sorted(fake.starts[0] for fake in fakes)
    assert len({round(start, 3) for start in starts}) > 10
    assert starts[-1] - starts[0] < 5  # 0.3 s, and a busy machine


async def test_the_second_scrape_comes_early_where_the_first_was_good() -> None:
    up, down = Fake("up"), Fake("down", error="connection refused")
    async with polling([up, down], 60.0):
        await up.scraped(2)
        await asyncio.sleep(0.1)
    assert up.starts[1] - up.starts[0] >= 0.49
    assert len(down.starts) == 1


async def test_a_hanging_target_delays_no_other_and_has_one_request_at_a_time() -> None:
    hanging, honest = Fake("hanging", takes_s=3600), Fake("honest")
    async with polling([hanging, honest], 0.1):
        await honest.scraped(10)
    assert len(hanging.starts) == 1
    assert hanging.most_running == 1


async def test_an_overrun_is_skipped_and_counted() -> None:
    slow = Fake("slow", takes_s=0.5)
    async with polling([slow], 0.1) as poller:
        await slow.scraped(5)
        missed = poller.missed_scrapes["slow"]
    assert (
        missed >= 4
    )  # two of the five waited for the grid; each of the others overran four points
    assert slow.most_running == 1
    assert min(b - a for a, b in zip(slow.starts, slow.starts[1:], strict=False)) >= 0.49


async def test_targets_come_and_go_while_running() -> None:
    first, second = Fake("first"), Fake("second")
    async with polling([first], 0.1) as poller:
        await first.scraped(1)
        poller.add(second)
        await second.scraped(3)
        with pytest.raises(ValueError, match="'second' is scraped already"):
            poller.add(second)
        poller.remove("second")
        poller.remove("nobody")
        before = len(first.starts)
        await first.scraped(before + 3)
        assert second.closed == 1
        assert set(poller.missed_scrapes) == {"first"}
        count = len(second.starts)
        await first.scraped(before + 6)
        assert len(second.starts) == count


async def test_a_failing_callback_ends_the_poller() -> None:
    def deliver(_: Scrape) -> None:
        raise LookupError("defect")

    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(Poller([Fake("a")], 0.1, deliver, lambda _: None).run(), PATIENCE_S)


@pytest.mark.parametrize(
    ("started", "now", "due", "missed"),
    [
        (100.0, 100.1, 101.0, 0),  # on time
        (100.0, 101.01, 101.0, 0),  # exactly one interval used: the next point is still used
        (100.0, 101.5, 102.0, 1),  # an overrun
        (100.0, 104.9, 105.0, 4),
        (
            700.3,
            700.4,
            701.0,
            600,
        ),  # waking from a suspend of ten minutes: one scrape, then the grid
        (700.9, 700.95, 702.0, 601),  # … and not two in quick succession
    ],
)
def test_the_next_point_of_the_grid_is_never_in_the_past(
    started: float, now: float, due: float, missed: int
) -> None:
    assert next_due(100.0, started, now, 1.0) == (due, missed)


@given(st.floats(0.1, 60), st.floats(0, 1000), st.floats(0, 1000))
def test_the_grid_is_kept_and_there_is_never_a_burst(
    interval: float, late: float, took: float
) -> None:
    due, started = 50.0, 50.0 + late
    now = started + took
    following, missed = next_due(due, started, now, interval)
    assert (following - due) / interval == pytest.approx(missed + 1)
    assert following - started >= interval / 2 * 0.999
    assert following >= now - interval / 4 - 1e-6
    assert following <= max(now + interval, started + 1.5 * interval) + 1e-6


async def test_few_targets_are_scraped_close_together_and_a_tick_follows_right_after() -> None:
    delivered: list[Scrape] = []
    fakes = [Fake(f"t{i}", takes_s=0.01) for i in range(3)]
    async with polling(fakes, 1.0, delivered.append) as poller:
        assert poller.preferred_tick_time() is None
        for fake in fakes:
            await fake.scraped(2)
        await asyncio.sleep(0.1)
        moment = poller.preferred_tick_time()
        assert moment is not None
        for fake in fakes:
            await fake.scraped(4)
        await asyncio.sleep(0.05)
    for fake in fakes:
        ages = [(moment - start) % 1.0 for start in fake.starts[2:4]]
        assert all(0.02 < age < 0.29 for age in ages), ages


def test_many_targets_fill_the_interval_and_leave_time_for_the_tick() -> None:
    places = sorted(slot_position(number) for number in range(200))
    assert places[0] == 0.0
    assert places[-1] <= SPREAD
    assert max(later - earlier for earlier, later in pairwise(places)) < 0.02
    assert slot_position(2) < 0.05


async def test_a_tick_waits_for_a_prompt_target_only() -> None:
    slow, prompt = Fake("slow", takes_s=0.3), Fake("prompt", takes_s=0.01)
    async with polling([slow, prompt], 0.5) as poller:
        await prompt.scraped(3)
        await slow.scraped(3)
        await asyncio.sleep(0.1)  # the slow one has a request under way; it has never been prompt
        assert slow.running == 1
        started = time.monotonic()
        await poller.wait_for_answers(10.0)
        assert time.monotonic() - started < 5
        prompt.takes_s = 0.2
        starts = len(prompt.starts)
        await prompt.scraped(starts + 1)
        started = time.monotonic()
        await poller.wait_for_answers(10.0)  # it was prompt until now
        assert prompt.running == 0
        prompt.takes_s = 3600
        starts = len(prompt.starts)
        await prompt.scraped(starts + 1)
        await poller.wait_for_answers(0.05)
        assert prompt.running == 1  # the wait ends


async def test_the_grid_goes_on_an_interval_after_the_second_scrape() -> None:
    fake = Fake("a")
    async with polling([fake], 0.6):
        await fake.scraped(4)
    first, second, third, fourth = fake.starts[:4]
    assert second - first >= 0.49
    assert third - second == pytest.approx(0.6, abs=0.25)
    assert fourth - third == pytest.approx(0.6, abs=0.25)
