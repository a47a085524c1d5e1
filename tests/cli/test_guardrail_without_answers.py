"""Guardrail with a service that does not answer.

A release that hangs is rolled back; a treatment that cannot be read never counts as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tputtui.cli.rollback_evidence import evidence_document
from tputtui.cli.rollback_guard import RollbackGuard, with_control
from tputtui.experiments.guard_arm import UNRESPONSIVE_S
from tputtui.model import (
    ErrorState,
    ServiceState,
    Snapshot,
    TargetState,
    TargetStatus,
    TrafficState,
)
from tputtui.settings import Settings, TargetSettings

How = str  # "well", "idle", "hangs", "refused" or "503"
Pair = tuple[How, How]
STATES: dict[How, TargetState] = {
    "well": "up",
    "idle": "up",
    "hangs": "slow",
    "refused": "down",
    "503": "down",
}
ERRORS: dict[How, str] = {"refused": "connection refused", "503": "HTTP 503 Service Unavailable"}


def guarding(control: str | None = "old", objective: str = "errors<=1%") -> RollbackGuard:
    targets = tuple(TargetSettings(name=name, url=f"http://{name}:1") for name in ("new", "old"))
    settings = Settings(targets=targets, objectives=(objective,))
    return RollbackGuard(
        with_control(settings, control) if control else settings,
        control=control,
        prints_alarms=False,
    )


def service(name: str, how: How, *, waited_s: float, requests: float, never: bool) -> ServiceState:
    if never:
        return ServiceState(
            name, (name,), waiting_s=waited_s if how == "hangs" else None, overdue=waited_s > 10
        )
    known = how in ("well", "idle") or (how == "hangs" and waited_s <= 10)
    return ServiceState(
        name,
        (name,),
        TrafficState(
            "http_requests_total",
            (0.0 if how == "idle" else 100.0) if known else None,
            total=requests,
        ),
        ErrorState(
            "http_requests_total", "code", ("500",), 0.0 if known else None, 0.0 if known else None
        ),
        waiting_s=waited_s if how == "hangs" else None,
        overdue=how == "hangs" and waited_s > 10,
    )


def target(name: str, how: How, waited_s: float) -> TargetStatus:
    return TargetStatus(
        name,
        f"http://{name}:1",
        STATES[how],
        ERRORS.get(how),
        waiting_s=waited_s if how == "hangs" else None,
        silent=how == "refused",
        was_up=how == "hangs",
        scrape_s=0.01,
    )


def watch(
    guard: RollbackGuard, ways: Sequence[Pair], *, step_s: float = 1.0, never: bool = False
) -> list[float]:
    """Play the answers of (new, old), one pair a tick; return the seconds until the decision."""
    waits = {"new": 0.0, "old": 0.0}
    counts = {"new": 0.0, "old": 0.0}
    for at, pair in enumerate(ways):
        services, targets = [], []
        for name, how in zip(("new", "old"), pair, strict=True):
            waits[name] = waits[name] + step_s if how == "hangs" else 0.0
            counts[name] += 100 * step_s if how == "well" else 0.0
            is_new = never and name == "new"
            services.append(
                service(name, how, waited_s=waits[name], requests=counts[name], never=is_new)
            )
            targets.append(target(name, how, waits[name]))
        moment = 1000.0 + at * step_s
        guard.on_snapshot(
            Snapshot(moment, moment, 1.0, 10.0, tuple(targets), tuple(services), is_ready=True)
        )
        if guard.decision is not None:
            return [at * step_s]
    return []


@pytest.mark.parametrize("how", ["hangs", "refused"])
@pytest.mark.parametrize("never", [False, True], ids=["after it answered", "from the start"])
def test_a_treatment_that_does_not_answer_for_30_s_while_the_control_does_is_rolled_back(
    how: How, never: bool
) -> None:
    guard = guarding()
    ways: list[Pair] = [] if never else [("well", "well")] * 100
    (ended,) = watch(guard, [*ways, *[(how, "well")] * 60], never=never)
    answered = max(0, len(ways) - 1)  # the last tick in which it did
    assert UNRESPONSIVE_S <= ended - answered <= UNRESPONSIVE_S + 2
    decision = guard.decision
    assert decision is not None
    assert (decision.trigger, decision.treatment.service) == ("unresponsive", "new")
    assert decision.reason.startswith("new: no answer for 30 s, while old answers")
    assert decision.control is not None
    assert decision.control.rps == 100.0
    document = evidence_document(
        decision, is_ok=False, reason="", alarms=guard.alarms, path=Path(__file__)
    )
    assert (document["trigger"], document["threshold"], document["service"]) == (
        "unresponsive",
        UNRESPONSIVE_S,
        "new",
    )


HARMLESS: dict[str, list[Pair]] = {
    "it answers again in time": [("hangs", "well")] * 28
    + [("well", "well")] * 3
    + [("hangs", "well")] * 28,
    "the control does not answer either": [("hangs", "hangs")] * 90,
    "the control is refused": [("hangs", "refused")] * 90,
    "it answers, but with no figures": [("503", "well")] * 90,
    "the control hangs": [("well", "hangs")] * 90,
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_silence_that_is_not_of_the_treatment_alone_ends_nothing(kind: str) -> None:
    guard = guarding()
    assert not watch(guard, [("well", "well")] * 100 + HARMLESS[kind])
    assert guard.decision is None


def test_time_in_which_tputtui_could_not_run_counts_for_neither_arm() -> None:
    """Ticks come 40 s apart: the silence between them is not that of the treatment alone."""
    guard = guarding()
    ways: list[Pair] = [("well", "well")] * 5 + [("hangs", "well")] * 3
    assert not watch(guard, ways, step_s=40.0)


def test_a_late_answer_is_not_a_loss_of_traffic() -> None:
    """For one window the last figures stay: "dead" would be a claim without evidence."""
    guard = guarding()
    ways: list[Pair] = [("well", "well")] * 100 + [("hangs", "well")] * 20 + [("well", "well")] * 40
    assert not watch(guard, ways)


def test_a_treatment_without_traffic_beside_a_control_with_traffic_is_still_dead() -> None:
    guard = guarding()
    watch(guard, [("well", "well")] * 100 + [("idle", "well")] * 60)
    assert guard.decision is not None
    assert guard.decision.trigger == "dead"


@pytest.mark.parametrize("how", ["hangs", "refused", "503"])
def test_without_a_control_an_unreadable_treatment_ends_nothing_and_is_inconclusive(
    how: How,
) -> None:
    guard = guarding(control=None, objective="new:errors<=1%")
    ways: list[Pair] = [("well", "well")] * 20 + [(how, "well")] * 40
    assert not watch(guard, ways)
    reasons = {
        "hangs": "no answer for 40 s",
        "refused": "connection refused",
        "503": "HTTP 503 Service Unavailable",
    }
    assert guard.unjudged == f"inconclusive: new could not be read: {reasons[how]}"


def test_a_treatment_that_never_answered_is_inconclusive_however_short_the_recording() -> None:
    guard = guarding(control=None)
    watch(guard, [("hangs", "well")] * 4, never=True)
    assert guard.unjudged == "inconclusive: new could not be read: no answer for 4 s"


def test_an_occasional_failed_scrape_does_not_make_the_result_inconclusive() -> None:
    guard = guarding(control=None)
    watch(guard, ([("well", "well")] * 20 + [("refused", "well")]) * 5)
    assert guard.unjudged == ""


def test_a_slow_treatment_is_reported_as_not_judged_with_the_reason() -> None:
    guard = guarding()
    watch(guard, [("well", "well")] * 100 + [("hangs", "well")] * 15)
    assert guard.alarms == ["no_data: slow: new does not answer: errors<=1% is not judged"]
