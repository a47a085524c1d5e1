"""Simulated workers behind one port, each with its own counters.

The shown figures are the truth, or null with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_pipeline import REQUESTS, PipelineFixture, event_texts, of, pool, requests, series

from tputtui.cli.snapshot_json import to_json
from tputtui.model import Series, Snapshot, TrafficState
from tputtui.signals.rates.exposed_times import START_TIME

EPOCH = 1e9
IN_TURN = "processes answer in turn"


class Worker(NamedTuple):
    """Process that had counted `base` at `since`, and counts `rate` a second from then on."""

    base: float
    rate: float
    start: float | None
    since: float = 0.0

    def page(self, at: float, *, histogram: bool = False) -> dict[Series, float]:
        count = self.base + self.rate * (at - self.since)
        exposed = {} if self.start is None else {series(START_TIME): self.start}
        plain = {series(REQUESTS, route="/a", status="200"): count}
        return {**(requests(count) if histogram else plain), **exposed}


class World(NamedTuple):
    """Workers, the order of their answers (worker numbers), and their restarts."""

    workers: list[Worker]
    order: list[int]
    restarts: list[tuple[float, int]]  # (seconds, worker)
    histogram: bool = False


class Tick(NamedTuple):
    """Shown figures beside the true ones."""

    shown: TrafficState
    truth: float
    heard_s: float  # seconds since all workers had answered at least twice; below 0: not all have
    fell: bool  # some answer so far was lower than its predecessor
    snapshot: Snapshot


def run(world: World) -> list[Tick]:
    fixture, ticks = PipelineFixture("shop"), []
    workers, due = list(world.workers), sorted(world.restarts)
    answers = [0] * len(workers)
    heard_at: float | None = None
    before, fell = -1.0, False
    for number, worker_number in enumerate(world.order):
        at = 0.5 if number == 1 else float(number)
        while due and due[0][0] <= at:
            moment, which = due.pop(0)
            start = None if workers[which].start is None else EPOCH + moment
            workers[which] = Worker(0.0, workers[which].rate, start, moment)
            answers[which], heard_at = 0, None
        answers[worker_number] += 1
        if heard_at is None and min(answers) >= 2:
            heard_at = at
        page = workers[worker_number].page(at, histogram=world.histogram)
        count = page[series(REQUESTS, route="/a", status="200")]
        fell |= count < before
        before = count
        snapshot = fixture.tick(at, shop=page)
        shown = of(snapshot, "shop").traffic
        assert shown is not None
        truth = sum(worker.rate for worker in workers)
        ticks.append(
            Tick(shown, truth, -1.0 if heard_at is None else at - heard_at, fell, snapshot)
        )
    return ticks


def in_rounds(orders: Sequence[Sequence[int]]) -> list[int]:
    """Let every worker answer once in each round, in a random order."""
    return [worker_number for order in orders for worker_number in order]


rates = st.floats(1.0, 500.0)


@st.composite
def worlds(draw: st.DrawFn, starts: str, *, fair: bool = True, apart: float = 0.0) -> World:
    """Generate 1 to 8 workers.

    `starts`: "distinct", "forks" of one server in steps of 10 ms, "equal", or "none" exposed.
    """
    size = draw(st.integers(1, 8))
    first = EPOCH - draw(st.floats(100, 1e6))
    starts_of: dict[str, list[float | None]] = {
        "distinct": [first + 7.3 * number for number in range(size)],
        "forks": [round(first, 2) + 0.01 * number for number in range(size)],
        "equal": [first] * size,
        "none": [None] * size,
    }
    exposed = starts_of[starts]
    bases = draw(st.lists(st.floats(0, 1e5), min_size=size, max_size=size))
    if apart:
        # No value so far below the others that it would look like a reset.
        places = draw(st.permutations(range(1, size + 1)))
        bases = [base / 1e5 + apart * place for base, place in zip(bases, places, strict=True)]
    workers = [Worker(base, draw(rates), start) for base, start in zip(bases, exposed, strict=True)]
    if fair:
        rounds = st.permutations(range(size))
        order = in_rounds(
            draw(st.lists(rounds, min_size=max(2, 40 // size), max_size=max(2, 100 // size)))
        )
    else:
        order = draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=100))
    moments = st.floats(20, 60)
    restart = st.tuples(moments, st.integers(0, size - 1))
    restarts = (
        draw(st.lists(restart, max_size=2, unique_by=lambda item: round(item[0], 1)))
        if exposed[0] is not None
        else []
    )
    return World(workers, order, restarts, draw(st.booleans()))


# A worker that restarts within the same moment as its last answer: the start time of the new
# process is no later than that answer.
RESTART_AT_AN_ANSWER = World(
    [Worker(0.0, 1.0, EPOCH - 100 + 7.3 * number) for number in range(7)],
    [*in_rounds([range(7)] * 2), 0, 1, 3, 4, 5, 6, 2, *in_rounds([range(7)] * 4)],
    [(20.000000000000004, 2)],
)

# The process that is replaced has the highest rate of the three that it may have been.
FASTEST_IS_REPLACED = World(
    [
        Worker(0.0, rate, EPOCH - 100 + 7.3 * number)
        for number, rate in enumerate([97.0, 46.0, 113.0, 152.0, 184.0, 1.0, 156.0, 322.0])
    ],
    [*in_rounds([range(8)] * 4), 2, 6, 3, 4, 5, 7, 2, 6, 0, 3, 4, 5, 1, 7],
    [(33.0, 6)],
)


def is_null_with_a_reason(tick: Tick) -> bool:
    return tick.shown.rps is None and bool(tick.shown.reason)


@settings(max_examples=60, deadline=None)
@example(RESTART_AT_AN_ANSWER)
@example(FASTEST_IS_REPLACED)
@given(st.one_of(worlds("distinct"), worlds("forks")))
def test_workers_with_start_times_are_summed_within_five_percent_or_nothing_is_shown(
    world: World,
) -> None:
    for tick in run(world):
        if is_null_with_a_reason(tick):
            continue
        assert tick.shown.rps is not None
        assert tick.shown.rps <= 1.05 * tick.truth
        if tick.heard_s >= 0:
            assert tick.shown.rps >= 0.95 * tick.truth


@settings(max_examples=60, deadline=None)
@given(st.one_of(worlds("distinct", fair=False), worlds("forks", fair=False)))
def test_in_any_order_of_answers_the_rate_is_never_overstated(world: World) -> None:
    for tick in run(world):
        assert is_null_with_a_reason(tick) or (tick.shown.rps or 0.0) <= 1.05 * tick.truth


@settings(max_examples=60, deadline=None)
@given(st.one_of(worlds("equal", apart=1e5), worlds("none", apart=1e5)))
def test_workers_distinguished_by_values_alone_are_never_overstated(
    world: World,
) -> None:
    """Until an answer is lower than the one before it, there is no evidence of several workers."""
    for tick in run(world):
        if tick.fell and tick.shown.rps is not None:
            assert tick.shown.rps <= 1.5 * tick.truth


@settings(max_examples=20, deadline=None)
@given(
    st.one_of(worlds("distinct"), worlds("forks"), worlds("equal", apart=1e5)), st.integers(2, 4)
)
def test_the_best_minute_is_never_better_than_the_truth(world: World, repeats: int) -> None:
    longer = world._replace(order=world.order * repeats)
    for tick in run(longer):
        best = tick.shown.best_60s
        assert best is None or best <= 1.001 * tick.truth


# ------------------------------------------------------------------------------------- single cases


def workers(*bases: float, rate: float = 10.0, step: float = 3.0) -> list[Worker]:
    return [Worker(base, rate, EPOCH - 5000 + step * place) for place, base in enumerate(bases)]


FOUR = (100_000.0, 103_000.0, 98_000.0, 101_500.0)


def test_four_workers_in_turn_do_forty_requests_without_a_reported_restart() -> None:
    ticks = run(World(workers(*FOUR), [0, 1, 2, 3] * 30, []))
    figures = [tick.shown.rps for tick in ticks]
    assert all(figure is None or figure == pytest.approx(40.0, rel=0.01) for figure in figures)
    assert figures[8:].count(None) == 0
    last = ticks[-1]
    assert last.shown.best_60s == pytest.approx(40.0, rel=0.01)
    assert of(last.snapshot, "shop").resets == 0
    assert event_texts(last.snapshot) == [
        ("warning", "shop: processes answer in turn: no multi-process mode")
    ]
    target = to_json(last.snapshot)["targets"][0]
    assert target["processes"] == 4
    assert IN_TURN in target["warning"]
    assert "ulti-process mode" in target["warning"]


def test_while_the_rate_of_each_worker_is_unknown_the_reason_says_so() -> None:
    ticks = run(World(workers(*FOUR), [0, 1, 2, 3, 0], []))
    assert [tick.shown.rps for tick in ticks] == [None] * 5
    assert ticks[-1].shown.reason == "4 processes in turn, 3 answered only once so far"
    assert of(ticks[-1].snapshot, "shop").why_unknown == ticks[-1].shown.reason


def test_the_latency_of_all_workers_is_shown() -> None:
    ticks = run(World(workers(*FOUR), [0, 1, 2, 3] * 5, [], histogram=True))
    latency = of(ticks[-1].snapshot, "shop").latency
    assert latency is not None
    assert [quantile.value for quantile in latency.quantiles][:1] == [
        pytest.approx(0.1 * 0.5 / 0.9)
    ]
    assert latency.buckets[0][1] == pytest.approx(0.9 * 40.0, rel=0.01)


def test_a_process_that_restarts_is_one_process_and_a_restart() -> None:
    ticks = run(World(workers(5000.0), [0] * 30, [(12.4, 0)]))
    assert all(tick.shown.rps == pytest.approx(10.0) for tick in ticks[1:])
    last = ticks[-1].snapshot
    assert of(last, "shop").resets == 1
    assert event_texts(last) == [("reset", "shop restarted: its start time moved forward")]
    assert to_json(last)["targets"][0]["processes"] == 1


def test_a_restarted_worker_replaces_its_predecessor() -> None:
    ticks = run(World(workers(*FOUR), [0, 1, 2, 3] * 20, [(30.5, 2)]))
    shown = [tick.shown.rps for tick in ticks[8:]]
    assert all(figure is None or figure == pytest.approx(40.0, rel=0.05) for figure in shown)
    assert shown[-1] == pytest.approx(40.0)
    last = ticks[-1].snapshot
    assert of(last, "shop").resets == 1
    assert ("reset", "shop has a new process behind it: 1 of 4 was replaced") in event_texts(last)
    assert to_json(last)["targets"][0]["processes"] == 4


def test_workers_recycled_one_after_the_other_are_still_four() -> None:
    restarts = [(30.5 + 12 * number, number % 4) for number in range(8)]
    ticks = run(World(workers(*FOUR), [0, 2, 1, 3] * 40, restarts))
    assert all(
        is_null_with_a_reason(tick) or tick.shown.rps == pytest.approx(40.0, rel=0.05)
        for tick in ticks
    )
    assert sum(tick.shown.rps is None for tick in ticks[8:]) < 40
    assert to_json(ticks[-1].snapshot)["targets"][0]["processes"] == 4


def test_two_replicas_behind_one_address_are_summed() -> None:
    ticks = run(World(workers(7.0, 9e6, rate=120.0, step=86_400.0), [0, 1] * 10, []))
    assert ticks[-1].shown.rps == pytest.approx(240.0)


def test_a_connection_that_stays_with_one_worker_shows_that_worker() -> None:
    ticks = run(World(workers(*FOUR), [1] * 20, []))
    assert [tick.shown.rps for tick in ticks[1:]] == [pytest.approx(10.0)] * 19
    assert ticks[-1].snapshot.targets[0].warning is None


def test_requests_in_flight_are_those_of_all_workers() -> None:
    fixture = PipelineFixture("shop")
    for at in range(16):
        page = workers(*FOUR)[at % 4].page(float(at))
        snapshot = fixture.tick(float(at), shop={**page, **pool(1.0 + at % 4)})
    levels = {row.name: (row.value, row.limit) for row in of(snapshot, "shop").saturation}
    assert levels["db pool"] == (10.0, 32.0)


def test_the_total_does_not_fall_when_a_worker_is_forgotten() -> None:
    ticks = run(World(workers(*FOUR), [0, 1, 2, 3] * 10 + [0, 1, 2] * 90, []))
    totals = [tick.shown.total for tick in ticks if tick.shown.total is not None]
    assert totals == sorted(totals)
    assert to_json(ticks[-1].snapshot)["targets"][0]["processes"] == 3
    assert ticks[-1].shown.rps == pytest.approx(30.0)


def test_a_replacement_is_unclear_by_its_share_of_the_true_total_not_of_the_shown_one() -> None:
    """A worker of 129 req/s restarts while one of 44 is late: 854.5 of 812 req/s is 5.2 %."""
    answer_rates = (1.0, 1.0, 44.0, 1.0, 1.0, 129.0, 144.0, 491.0)
    started = [EPOCH - 100 + 7.3 * place for place in range(8)]
    in_order = [*range(8)] * 5
    late = [0, 1, 3, 4, 5, 2, 6, 7]
    world = World(
        [Worker(0.0, rate, start) for rate, start in zip(answer_rates, started, strict=True)],
        [*in_order, *late],
        [(35.0, 5)],
    )
    ticks = run(world)
    assert all((tick.shown.rps or 0.0) <= 1.05 * tick.truth for tick in ticks)
    assert "which did it replace" in (ticks[44].shown.reason or "")
    assert ticks[45].shown.rps == 812.0
