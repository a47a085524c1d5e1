"""Each rule of the guardrail, tick by tick.

When a release is rolled back, and when it must not be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from tputtui.experiments.guard_arm import TickObservation
from tputtui.experiments.guardrail import CONFIRMING_TICKS, ObjectiveGuard, RollbackDecision
from tputtui.settings.expressions import parse_objective

P99, ERRORS, FLOOR = "p99<=250ms", "errors<=1%", "rps>=500"
Ticks = Sequence[tuple[TickObservation, TickObservation | None]]
START = 1_790_000_000.0
GONE = TickObservation()


def errors(
    ratio: float = 0.0, rps: float = 200.0, requests: float | None = None
) -> TickObservation:
    return TickObservation(ratio if rps else None, rps, ratio * rps, rps, requests, 0.1)


def slow(p99: float = 0.1, share: float = 0.0, rps: float = 200.0) -> TickObservation:
    """Create a tick in which `share` of the requests are slower than the level."""
    return TickObservation(p99, rps, share * rps, rps, None, p99)


def play(
    expression: str, ticks: Ticks, fail_after_s: float = 0.0, **more: object
) -> tuple[RollbackDecision | None, list[str]]:
    """Return the decision, and the alarms as they change."""
    control = "old" if any(other is not None for _, other in ticks) else None
    guard = ObjectiveGuard(
        parse_objective(expression),
        "new",
        control,
        fail_after_s=fail_after_s,
        **more,  # type: ignore[arg-type]
    )
    alarms: list[str] = []
    for second, (own, other) in enumerate(ticks):
        state = guard.evaluate(float(second), START + second, own, other)
        if state.alarm and state.alarm not in alarms:
            alarms.append(state.alarm)
        if state.decision is not None:
            return state.decision, alarms
    return None, alarms


def beside(own: Sequence[TickObservation], other: TickObservation) -> Ticks:
    return [(tick, other) for tick in own]


def alone(own: Sequence[TickObservation]) -> Ticks:
    return [(tick, None) for tick in own]


WELL, FAILING = errors(), errors(1.0)


# ------------------------------------------------------------------------------------ the objective


@pytest.mark.parametrize("control", [None, WELL])
def test_a_fast_burn_of_the_treatment_alone_ends_it(control: TickObservation | None) -> None:
    decision, alarms = play(ERRORS, [(item, control) for item in [WELL] * 300 + [FAILING] * 20])
    assert decision is not None
    assert (decision.trigger, decision.threshold, decision.value) == ("fast_burn", 0.01, 1.0)
    assert decision.treatment.burn_long is not None
    assert decision.treatment.burn_long >= 14.4
    assert START + 300 < decision.since <= START + 310
    assert (decision.control is None) == (control is None)
    assert "new: errors<=1% is missed" in decision.reason
    assert not alarms


@pytest.mark.parametrize(
    ("own", "other", "alarm"),
    [
        (FAILING, FAILING, "shared incident: old does not meet it, either"),
        (FAILING, errors(0.02), "shared incident: old does not meet it, either"),
        (FAILING, errors(rps=0.0), "no data of old"),
        (FAILING, GONE, "no data of old"),
        (GONE, WELL, "no data of new"),
        (errors(1.0, rps=1.0), WELL, ""),  # 60 requests a minute are too few
    ],
)
def test_the_recording_goes_on(own: TickObservation, other: TickObservation, alarm: str) -> None:
    decision, alarms = play(ERRORS, beside([own] * 60, other))
    assert decision is None
    assert [shown.startswith(alarm) for shown in alarms] == ([True] if alarm else [])


def test_one_request_a_second_is_judged_after_a_hundred_requests_and_not_after_a_minute() -> None:
    few = [errors(0.05, rps=1.0)] * 99
    assert play(ERRORS, alone(few))[0] is None
    decision, _ = play(ERRORS, alone(few * 2))
    assert decision is not None
    assert decision.trigger == "missed"
    assert decision.treatment.requests == pytest.approx(100, abs=1)


def test_an_incident_that_reaches_the_control_a_tick_later_is_a_shared_one() -> None:
    """The alarm comes at the first failing tick: after hours without errors a minute burns fast."""
    storm = errors(1.0, rps=50_000.0)
    before = beside([WELL] * 300, WELL)
    ticks = [*before, *beside([storm] * (CONFIRMING_TICKS - 1), WELL), *beside([storm] * 60, storm)]
    decision, alarms = play(ERRORS, ticks)
    assert decision is None
    assert len(alarms) == 1
    assert play(ERRORS, [*before, *beside([storm] * CONFIRMING_TICKS, WELL)])[0] is not None


def test_the_duration_of_a_miss_starts_over_after_a_recovery() -> None:
    sick = slow(0.3, 0.02)
    decision, _ = play(P99, alone([slow()] * 40 + [sick] * 90), fail_after_s=30.0)
    assert decision is not None
    assert (decision.trigger, decision.for_s) == ("missed", 30.0)
    assert (
        play(P99, alone([slow()] * 40 + [sick] * 25 + [slow()] * 60), fail_after_s=30.0)[0] is None
    )


def test_a_throughput_floor_needs_no_requests_and_is_compared_with_the_control() -> None:
    low, high = errors(rps=1.0), errors(rps=900.0)
    floor = [TickObservation(item.rps, rps=item.rps) for item in (low, high)]
    decision, _ = play(FLOOR, alone([floor[0]] * 20))
    assert decision is not None
    assert decision.trigger == "missed"
    assert play(FLOOR, beside([floor[0]] * 60, floor[0]))[0] is None
    assert play(FLOOR, beside([floor[0]] * 60, floor[1]))[0] is not None


def test_one_error_among_the_first_thousand_requests_does_not_end_it() -> None:
    """Ten times 0.01 % for ten seconds is no evidence."""
    tick = [errors(0.001, rps=100.0)] * 10
    assert play("errors<=0.01%", alone([*tick, *[errors(rps=100.0)] * 60]))[0] is None
    assert play("errors<=0.01%", alone(tick * 6))[0] is not None


def test_a_latency_without_buckets_is_judged_by_its_level() -> None:
    decision, _ = play(P99, alone([TickObservation(0.4, rps=100.0, quantile=0.4)] * 20))
    assert decision is not None
    assert (decision.trigger, round(decision.treatment.requests)) == ("missed", 500)


def test_it_decides_once() -> None:
    guard = ObjectiveGuard(parse_objective(ERRORS), "new")
    decisions = [guard.evaluate(float(at), START + at, FAILING).decision for at in range(60)]
    assert sum(decision is not None for decision in decisions) == 1


def test_briefly_missing_data_is_neither_an_alarm_nor_a_decision() -> None:
    decision, alarms = play(ERRORS, alone(([WELL] * 20 + [GONE] * 8) * 5))
    assert (decision, alarms) == (None, [])
    assert play(ERRORS, alone([WELL] * 20 + [GONE] * 100))[1] == [
        "no data of new: errors<=1% is not judged"
    ]


# --------------------------------------------------------------------------------------------- dead


def counted(rps: float, seconds: int) -> list[TickObservation]:
    return [errors(rps=rps, requests=rps * (at + 1)) for at in range(seconds)]


def silent(requests: float, seconds: int, rps: float = 200.0) -> list[TickObservation]:
    """Create ticks without requests.

    The rate over a window of ten seconds falls to zero in as many.
    """
    return [errors(rps=rps * max(0, 9 - at) / 10, requests=requests) for at in range(seconds)]


def test_a_treatment_that_answers_and_serves_nothing_is_dead_after_ten_seconds() -> None:
    decision, _ = play(ERRORS, beside(counted(200.0, 60) + silent(12_000.0, 20), WELL))
    assert decision is not None
    assert (decision.trigger, decision.value, decision.threshold) == ("dead", 0.0, None)
    assert (decision.since, decision.for_s) == (START + 59, 9 + CONFIRMING_TICKS)
    assert "no request for 12 s" in decision.reason
    assert "old has 200.0 req/s" in decision.reason


NEVER_SERVED = [errors(rps=0.0, requests=0.0)] * 60


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (NEVER_SERVED, [WELL] * 60),
        (counted(1.0, 60) + silent(60.0, 30, 1.0), [WELL] * 90),
        (counted(200.0, 60) + silent(12_000.0, 30), [WELL] * 60 + [errors(rps=0.0)] * 30),
        (counted(200.0, 60) + silent(12_000.0, 30), [WELL] * 60 + [errors(rps=20.0)] * 30),
        (counted(200.0, 60) + [GONE] * 30, [WELL] * 90),
        (counted(200.0, 60) + silent(12_000.0, 30), [WELL] * 60 + [GONE] * 30),
        ((counted(200.0, 60) + silent(12_000.0, 8) + [GONE]) * 3, [WELL] * 207),
        (counted(200.0, 60) + silent(12_000.0, 9), [WELL] * 69),
    ],
    ids=[
        "never",
        "little",
        "control-none",
        "control-little",
        "unread",
        "control-unread",
        "between",
        "nine-seconds",
    ],
)
def test_silence_is_not_death(
    own: Sequence[TickObservation], other: Sequence[TickObservation]
) -> None:
    assert play(ERRORS, list(zip(own, other, strict=True)))[0] is None


def test_without_a_control_silence_may_be_missing_load() -> None:
    assert play(ERRORS, alone(counted(200.0, 60) + silent(12_000.0, 60)))[0] is None


# --------------------------------------------------------------------------- worse than the control


def noisy(seconds: int, own: Callable[[int], TickObservation], seed: int = 1) -> Ticks:
    """Simulate arms with a large common and a small separate variation, like two replicas."""
    draw = random.Random(seed)
    ticks = []
    for at in range(seconds):
        shared, apart, other = (draw.lognormvariate(0, 0.03) for _ in range(3))
        tick = own(at)
        ticks.append((scaled(tick, shared * apart), scaled(slow(0.1, rps=400.0), shared * other)))
    return ticks


def scaled(tick: TickObservation, by: float) -> TickObservation:
    rps, quantile = (tick.rps or 0.0) * by, (tick.quantile or 0.0) * by
    return TickObservation(quantile, rps, tick.bad * by, rps, tick.requests, quantile)


def test_a_quantile_beyond_the_margin_ends_it_though_the_objective_holds() -> None:
    decision, _ = play(P99, noisy(300, lambda _: slow(0.14, rps=400.0)))
    assert decision is not None
    assert decision.effect is not None
    assert (decision.trigger, decision.effect.metric, decision.evaluations) == (
        "worse_than_control",
        "p99",
        2,
    )
    assert decision.effect.low > 10
    assert decision.effect.percent == pytest.approx(40, abs=4)
    assert decision.threshold is not None
    assert decision.value is not None
    assert decision.value > decision.threshold
    assert "p99" in decision.reason


def test_a_fall_of_the_throughput_beyond_the_margin_ends_it() -> None:
    decision, _ = play(P99, noisy(600, lambda at: slow(rps=40.0 if at < 100 else 30.0)))
    assert decision is not None
    assert decision.effect is not None
    assert decision.effect.metric == "throughput"
    assert decision.effect.high < -2
    assert decision.effect.percent == pytest.approx(-25, abs=6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "own",
    [
        lambda _: slow(rps=400.0),
        lambda _: slow(0.107, rps=400.0),  # within the margin of 10 %
        lambda _: slow(rps=20.0),  # a canary: a twentieth of the traffic is not a regression
        lambda at: slow(rps=20.0 if at < 100 else 100.0),  # and gets more of it
        lambda _: slow(0.3, rps=5.0),  # 50 requests in a row have no p99
        lambda at: slow(0.1 if at < 121 or at > 129 else 0.2, rps=400.0),  # one evaluation
    ],
    ids=["equal", "within", "canary", "more", "few", "one-look"],
)
def test_a_treatment_that_is_not_worse_goes_on(
    own: Callable[[int], TickObservation], seed: int
) -> None:
    assert play("p99<=60s", noisy(600, own, seed))[0] is None


def test_worse_at_a_single_evaluation_is_not_enough() -> None:
    sick = noisy(131, lambda _: slow(0.2, rps=400.0))
    assert play(P99, sick)[0] is None  # the first evaluation is at 120 s
    assert play(P99, [*sick, *noisy(10, lambda _: slow(0.2, rps=400.0), 2)])[0] is not None


def test_a_requested_margin_is_used() -> None:
    ticks = noisy(300, lambda _: slow(0.14, rps=400.0))
    assert play(P99, ticks, margins={"p99": 0.5})[0] is None


def test_worse_is_not_reported_while_the_control_misses_it_too() -> None:
    ticks = [
        (own, TickObservation(0.4, 400.0, 200.0, 400.0, None, 0.1))
        for own, _ in noisy(300, lambda _: slow(0.2, rps=400.0))
    ]
    decision, alarms = play(P99, ticks)
    assert decision is None
    assert len(alarms) == 1
    assert alarms[0].startswith("shared incident")


def test_rows_with_a_gap_are_skipped() -> None:
    ticks = noisy(300, lambda _: slow(0.2, rps=400.0))
    assert (
        play(P99, [(GONE if at % 9 == 0 else own, other) for at, (own, other) in enumerate(ticks)])[
            0
        ]
        is None
    )
