"""Headroom: the limit of a simulated queue with a known limit, or a reason without enough data."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.demo import shop_routes
from tputtui.model import ErrorState, Headroom, LatencyState, Quantile, ServiceState, TrafficState
from tputtui.settings.expressions import parse_objective
from tputtui.signals.objectives.headroom import (
    LoadBlock,
    closed_loop_concurrency,
    estimate_headroom,
    isotonic_fit,
)
from tputtui.signals.objectives.headroom_tracker import HeadroomTracker

WINDOW_S = 10.0
LIMIT_S = 0.05
Blocks = list[tuple[float, float, float]]


def queue(
    seed: int, connections: int, hold_s: float, rate: Callable[[float], float], seconds: float
) -> Blocks:
    """Simulate an M/M/c queue under a varying load.

    Returns windows: (answers per second, answers, answers that waited too long).
    """
    draw = random.Random(seed)
    peak = max(rate(at) for at in range(int(seconds) + 1))
    free = [0.0] * connections
    windows = [[0.0, 0.0] for _ in range(int(seconds / WINDOW_S))]
    at = 0.0
    while True:
        at += draw.expovariate(peak)
        if at >= seconds:
            break
        if draw.random() * peak >= rate(at):
            continue
        start = max(at, free[0])
        done = start + draw.expovariate(1 / hold_s)
        heapq.heapreplace(free, done)
        if done < len(windows) * WINDOW_S:
            window = windows[int(done / WINDOW_S)]
            window[0] += 1
            window[1] += start - at > LIMIT_S
    return [(total / WINDOW_S, total, slow) for total, slow in windows]


def ramp(capacity: float, to: float, seconds: float) -> Callable[[float], float]:
    return lambda at: capacity * (0.2 + (to - 0.2) * at / seconds)


@pytest.mark.parametrize("connections", [4, 8, 16])
@pytest.mark.slow
def test_the_limit_of_a_ramp_is_that_of_erlang_s_formula(connections: int) -> None:
    hold_s = connections / 200
    truth = shop_routes.sustained_max(connections, hold_s, q=0.99, limit_s=LIMIT_S)
    ratios = []
    for seed in range(8):
        estimate = estimate_headroom(
            queue(seed, connections, hold_s, ramp(200, 1.1, 900), 900), 0.01
        )
        assert estimate.value is not None, estimate.reason
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high
        ratios.append(estimate.value / truth)
        assert estimate.low < truth * 1.05, (
            "the planning number does not promise what cannot be held"
        )
    print(f"{connections} connections: {[round(ratio, 3) for ratio in ratios]}")
    assert 0.95 <= sum(ratios) / len(ratios) <= 1.05
    assert all(0.9 <= ratio <= 1.1 for ratio in ratios)


def test_a_load_that_never_reached_the_limit_gives_a_lower_bound() -> None:
    for seed in range(8):
        estimate = estimate_headroom(queue(seed, 8, 0.04, ramp(200, 0.6, 600), 600), 0.01)
        assert estimate.high is None
        assert estimate.value is not None, estimate.reason
        assert 100 <= estimate.value <= 130


def test_a_load_that_is_always_too_high_has_no_measurable_limit() -> None:
    estimate = estimate_headroom(queue(1, 8, 0.04, lambda _: 195.0, 300), 0.01)
    assert estimate.value is None
    assert "the one level of load" in estimate.reason or "too few" in estimate.reason


def test_the_lowest_level_fails_already() -> None:
    blocks = [(rps, rps * 10, rps * 0.5) for rps in range(50, 80)]
    estimate = estimate_headroom(blocks, 0.01)
    assert estimate.value is None
    assert "at the lowest load" in estimate.reason


def test_an_incident_at_low_load_does_not_become_the_limit() -> None:
    calm = [(rps, rps * 10, 0.0) for rps in range(50, 150)]
    stray = [(60.0, 600.0, 90.0)] * 8
    estimate = estimate_headroom([*calm, *stray], 0.01)
    assert estimate.high is None
    assert estimate.value is not None
    assert estimate.value > 130


def test_misses_at_every_load_are_not_attributed_to_load() -> None:
    draw = random.Random(3)
    blocks = [
        (rps, rps * 10, 0.0 if rps > 120 or draw.random() < 0.4 else rps) for rps in range(50, 150)
    ]
    estimate = estimate_headroom(blocks, 0.01)
    assert estimate.value is None
    assert "not the load alone" in estimate.reason


@given(
    st.lists(
        st.tuples(st.floats(0.1, 1e6), st.floats(0, 1e6), st.floats(0, 1)).map(
            lambda b: (b[0], b[1], b[1] * b[2])
        ),
        max_size=60,
    ),
    st.floats(1e-6, 0.5),
)
def test_a_finding_is_a_number_within_its_bracket_or_a_reason(
    blocks: Blocks, allowed: float
) -> None:
    estimate = estimate_headroom(blocks, allowed)
    if estimate.value is None:
        assert estimate.reason
        return
    assert not estimate.reason
    assert estimate.low is not None
    assert (
        estimate.low <= estimate.value <= (estimate.high if estimate.high is not None else math.inf)
    )
    assert (
        min(block[0] for block in blocks) * 0.999
        <= estimate.value
        <= max(block[0] for block in blocks) * 1.001
    )


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.01, 1e3)), max_size=40))
def test_isotonic_never_falls_and_keeps_the_weighted_mean(pairs: list[tuple[float, float]]) -> None:
    values, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    fit = isotonic_fit(values, weights)
    assert all(before <= after + 1e-9 for before, after in pairwise(fit))
    total = sum(value * weight for value, weight in pairs)
    assert sum(value * weight for value, weight in zip(fit, weights, strict=True)) == pytest.approx(
        total, abs=1e-3
    )


def test_a_closed_loop_is_detected_and_an_open_one_is_not() -> None:
    closed = [
        LoadBlock(16 / mean, 16.0, (), mean) for mean in (0.01 + 0.001 * i for i in range(30))
    ]
    assert closed_loop_concurrency(closed) == 16
    opened = [
        LoadBlock(100.0, 100.0 * mean, (), mean) for mean in (0.01 + 0.001 * i for i in range(30))
    ]
    assert closed_loop_concurrency(opened) is None
    calm = [LoadBlock(100.0, 2.0, (), 0.02)] * 30
    assert closed_loop_concurrency(calm) is None, "where latency does not move nothing can be seen"


def service(rps: float, slow: float = 0.0, errors: float = 0.0, top: float = 1.0) -> ServiceState:
    """Create a service; `slow` is the share of requests between 0.25 s and `top`."""
    return ServiceState(
        "api",
        ("a:1",),
        traffic=TrafficState("t", rps),
        errors=ErrorState("t", "code", (), errors, errors * rps),
        latency=LatencyState(
            "h",
            "histogram",
            "s",
            (Quantile(0.99, 0.1),),
            mean=0.02,
            buckets=((0.25, rps * (1 - slow)), (top, rps * slow), (math.inf, 0.0)),
        ),
        covered_s=WINDOW_S,
    )


def test_the_tracker_adds_one_block_a_window_and_names_the_limiting_objective() -> None:
    tracker = HeadroomTracker(
        [parse_objective("p99<=250ms"), parse_objective("errors<=1%"), parse_objective("rps>=1")]
    )
    estimate: tuple[Headroom, ...] = ()
    for at in range(1800):
        rps = 50 + at / 10
        estimate = tracker.update(
            float(at), WINDOW_S, [service(rps, slow=0.2 if rps > 200 else 0.0)]
        )
    (limit,) = estimate
    assert (limit.kind, limit.objective, limit.service) == ("limit", "p99<=250ms", "api")
    assert limit.value == pytest.approx(200, rel=0.05)
    assert len(tracker._blocks["api"]) == 180


def test_a_window_with_a_changing_load_is_not_a_load_level() -> None:
    tracker = HeadroomTracker([parse_objective("errors<=1%")])
    total = 0.0
    for at in range(100):
        rps = 400.0 if (at + 5) % 20 < 10 else 20.0
        total += rps
        base = service(200.0)
        traffic = TrafficState("t", 200.0, total=total)
        tracker.update(at + 5.0, WINDOW_S, [replace(base, traffic=traffic)])
    assert len(tracker._blocks["api"]) <= 1, "every window is half of both"


def test_a_window_that_drains_a_queue_is_not_attributed_to_its_load() -> None:
    cycle = [(rps, rps * 10, 0.0) for rps in range(50, 200, 10)] + [
        (220.0, 2200.0, 900.0),
        (60.0, 600.0, 300.0),
    ]
    estimate = estimate_headroom(cycle * 6, 0.01)
    assert estimate.value is not None, estimate.reason
    assert 185 <= estimate.value <= 220


def test_a_gap_starts_a_new_window_so_that_no_block_spans_it() -> None:
    tracker = HeadroomTracker([parse_objective("errors<=1%")])
    for at in range(60):
        state = (
            service(100.0)
            if not 20 <= at < 30
            else ServiceState("api", ("a:1",), traffic=TrafficState("t", None))
        )
        tracker.update(float(at), WINDOW_S, [state])
    assert len(tracker._blocks["api"]) == 2 + 3


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("p99<=5s", "above the highest bucket"),
        ("p99<=250ms", "too early"),
        ("rps>=10", ""),
        ("api/pay:p99<=1s", ""),
    ],
)
def test_an_unknown_headroom_has_a_reason(expression: str, reason: str) -> None:
    tracker = HeadroomTracker([parse_objective(expression)])
    estimate = tracker.update(0.0, WINDOW_S, [service(100.0)])
    assert [headroom.value for headroom in estimate] == ([None] if reason else [])
    assert all(reason in headroom.reason for headroom in estimate)
