"""A target with a late answer is slow, not down.

Its figures stay for one window; then their age is shown.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from columns import column_values
from test_pipeline import FAMILIES, requests

from tputtui.cli.snapshot_json import to_json
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Exposition, Reading, Scrape, Snapshot, Target
from tputtui.settings.expressions import parse_objective

RATE = 50.0


def good(
    at: float, target: str = "shop", took_s: float = 0.01, *, count_at: float | None = None
) -> Scrape:
    """Create an answer whose counter grows by `RATE` a second."""
    samples = requests(RATE * (at if count_at is None else count_at))
    exposition = Exposition(samples=samples, families=FAMILIES, series=len(samples))
    return Scrape(target, at, 1e9 + at, took_s, exposition, size=1000)


def late(at: float, target: str = "shop", took_s: float = 10.0) -> Scrape:
    return Scrape(target, at, 1e9 + at, took_s, error=f"no answer within {took_s:g} s", late=True)


def refused(at: float, target: str = "shop") -> Scrape:
    return Scrape(target, at, 1e9 + at, 0.0, error="connection refused")


class Watched:
    """Pipeline that is fed by hand, a tick a second."""

    def __init__(
        self, *targets: str, window_s: float = 10.0, objectives: tuple[str, ...] = ("p99<=600ms",)
    ) -> None:
        self.monitor = SnapshotPipeline(
            interval_s=1.0,
            window_s=window_s,
            quantiles=(0.5, 0.99),
            objectives=tuple(map(parse_objective, objectives)),
        )
        for name in targets or ("shop",):
            self.monitor.add_target(Target(name, f"http://{name}/metrics"))
        self.shown: list[Snapshot] = []

    def tick(self, at: float, *scrapes: Scrape, **waiting: float) -> Snapshot:
        self.shown.append(
            self.monitor.derive_snapshot(Reading(at, 1e9 + at, scrapes, waiting=waiting))
        )
        return self.shown[-1]

    def up(self, seconds: int, *targets: str) -> None:
        for at in range(seconds + 1):
            self.tick(float(at), *(good(float(at), name) for name in targets or ("shop",)))


def rps(snapshot: Snapshot, service: int = 0) -> float | None:
    traffic = snapshot.services[service].traffic
    return traffic.rps if traffic is not None else None


def of_json(snapshot: Snapshot) -> Any:
    return json.loads(json.dumps(to_json(snapshot), allow_nan=False))


def test_while_an_answer_is_late_the_target_is_slow_and_keeps_its_last_figures() -> None:
    watched = Watched()
    watched.up(20)
    snapshot = watched.tick(23.0, shop=2.5)
    (target,) = snapshot.targets
    assert (target.state, target.up, target.waiting_s, target.error) == ("slow", True, 2.5, None)
    assert rps(snapshot) == pytest.approx(RATE)
    assert snapshot.services[0].waiting_s == 2.5
    (status,) = snapshot.objectives
    assert (status.state, status.reason) == ("ok", "")


def test_beyond_a_window_figures_are_unknown_and_the_last_ones_are_kept_with_their_age() -> None:
    watched = Watched(objectives=("p99<=600ms", "errors<=1%", "rps>=10"))
    watched.up(20)
    snapshot = watched.tick(43.0, shop=22.5)
    document = of_json(snapshot)
    (target,) = document["targets"]
    (service,) = document["services"]
    assert (target["state"], target["up"], target["waiting_s"], target["age_s"]) == (
        "slow",
        True,
        22.5,
        23.0,
    )
    assert (target["bytes"], target["error"]) == (1000, None)
    traffic, errors, latency = (service[name] for name in ("traffic", "errors", "latency"))
    assert traffic["rps"] is None
    assert traffic["last"] == {"value": pytest.approx(RATE), "age_s": 23.0}
    assert errors["ratio"] is None
    assert errors["last"] == {"value": 0.0, "age_s": 23.0}
    assert set(latency["quantiles"].values()) == {None}
    assert latency["last"] == {"value": pytest.approx(0.46), "age_s": 23.0, "quantile": "0.99"}
    assert [
        (objective["state"], objective["reason"], objective["ok"])
        for objective in document["objectives"]
    ] == [("no_data", "slow", None)] * 3


@pytest.mark.parametrize("deadlines", [0, 2])
def test_when_the_answer_comes_the_rate_covers_the_time_that_really_passed(deadlines: int) -> None:
    """Of 25 s without an answer, within one request or with expired deadlines in between."""
    watched = Watched()
    watched.up(20)
    for number in range(1, deadlines + 1):
        watched.tick(20.5 + 10.0 * number, late(20.5 + 10.0 * number), shop=10.0 * number)
    asked = 20.5 + 10.0 * deadlines
    watched.tick(44.0, shop=23.5)
    snapshot = watched.tick(45.5, good(45.5, took_s=45.5 - asked))
    assert rps(snapshot) == pytest.approx(RATE)
    assert snapshot.services[0].covered_s == pytest.approx(25.5)
    assert snapshot.targets[0].state == "up"
    assert snapshot.services[0].resets == 0
    traffic = snapshot.services[0].traffic
    assert traffic is not None
    assert traffic.last is None
    assert traffic.total == pytest.approx(RATE * 45.5, rel=0.01)


def test_a_time_without_requests_is_still_a_gap() -> None:
    watched = Watched()
    watched.up(20)
    snapshot = watched.tick(60.0, good(60.0))
    assert rps(snapshot) is None
    snapshot = watched.tick(61.0, good(61.0))
    assert rps(snapshot) == pytest.approx(RATE)
    assert snapshot.services[0].covered_s == 1.0


def test_a_wait_in_which_tputtui_could_not_run_is_a_gap_too() -> None:
    """The answer waited for 30 s: its counter is of its arrival, not of the time of reading."""
    watched = Watched()
    watched.up(20)
    held = good(51.0, took_s=30.5, count_at=20.6)
    held = Scrape(
        held.target, held.at, held.time, held.duration_s, held.exposition, held.size, delayed_s=30.4
    )
    assert rps(watched.tick(51.0, held)) is None
    assert rps(watched.tick(52.0, good(52.0))) is None, "the time of the answer before is unknown"
    assert rps(watched.tick(53.0, good(53.0))) == pytest.approx(RATE)


def test_answers_that_take_three_seconds_have_a_rate_in_a_window_of_two() -> None:
    watched = Watched(window_s=2.0)
    for asked in (0.0, 4.0, 8.0, 12.0, 16.0):
        watched.tick(asked + 1.5, shop=1.5)
        watched.tick(asked + 2.5, shop=2.5)
        watched.tick(asked + 3.0, good(asked + 3.0, took_s=3.0))
    known = [rps(snapshot) for snapshot in watched.shown[5:]]  # from the second answer on
    assert known == pytest.approx([RATE] * len(known))


def test_a_target_that_always_takes_longer_than_the_interval_names_a_suitable_interval() -> None:
    watched = Watched()
    for at in range(0, 20, 2):
        watched.tick(at + 1.4, good(at + 1.4, took_s=1.4))
    snapshot = watched.tick(21.2, shop=1.2)
    assert snapshot.targets[0].warning == "slow: use --interval 5s (1.4 s a scrape)"
    assert not snapshot.targets[0].is_overdue
    assert snapshot.services[0].waiting_s is None
    assert not [event for event in snapshot.events if event.kind == "slow"]


def test_a_target_that_never_answered_is_slow_and_does_not_hold_up_the_stream() -> None:
    watched = Watched()
    assert not watched.tick(0.5).is_ready
    snapshot = watched.tick(1.5, shop=1.2)
    assert snapshot.is_ready
    (document,) = of_json(snapshot)["targets"]
    assert (document["state"], document["up"], document["waiting_s"], document["age_s"]) == (
        "slow",
        None,
        1.2,
        None,
    )
    snapshot = watched.tick(11.0, late(10.5), shop=10.7)
    assert (snapshot.targets[0].state, snapshot.targets[0].error) == (
        "slow",
        "no answer within 10 s",
    )
    assert [event.text for event in snapshot.events] == ["shop: no answer for 11 s"]


def test_a_refusal_ends_the_wait_and_the_log_has_slow_down_and_up_once_each() -> None:
    watched = Watched()
    watched.up(20)
    for at in range(22, 45):
        watched.tick(float(at), shop=at - 20.5)
    down = watched.tick(45.0, refused(45.0))
    assert (down.targets[0].state, down.targets[0].up, down.targets[0].waiting_s) == (
        "down",
        False,
        None,
    )
    assert down.services[0].traffic is not None
    assert down.services[0].traffic.last is None, "what is down has no figures, and no late ones"
    watched.tick(46.0, good(46.0))
    watched.tick(47.0, good(47.0))
    log = [(event.kind, event.text) for event in watched.shown[-1].events]
    assert log == [
        ("slow", "shop: no answer for 10 s"),
        ("down", "shop: connection refused"),
        ("up", "shop, after 1 s"),
    ]


def test_an_answer_after_a_wait_is_in_the_log_with_its_length() -> None:
    watched = Watched()
    watched.up(20)
    for at in range(22, 45):
        watched.tick(float(at), shop=at - 20.5)
    snapshot = watched.tick(45.0, good(45.0, took_s=24.5))
    assert [event.kind for event in snapshot.events][-2:] == ["slow", "up"]
    assert snapshot.events[-1].text == "shop, after 24 s"


def test_the_charts_have_a_gap_from_one_window_on() -> None:
    watched = Watched()
    watched.up(20)
    for at in range(21, 46):
        watched.tick(float(at), shop=at - 20.0)
    columns = column_values(watched.monitor.history, "traffic/shop", 45.0, 45.0, 45)
    assert set(columns[-12:]) == {None}
    assert None not in columns[-40:-20]


def test_an_objective_state_does_not_age_while_an_answer_is_late_and_continues_with_it() -> None:
    watched = Watched(objectives=("p99<=10ms",))
    watched.up(20)
    (before,) = watched.shown[-1].objectives
    assert before.state == "missed"
    (awaited,) = watched.tick(25.0, shop=4.5).objectives
    assert (awaited.state, awaited.for_s) == (before.state, before.for_s)
    (after,) = watched.tick(26.0, good(26.0, took_s=5.5)).objectives
    assert (after.state, after.for_s) == ("missed", (before.for_s or 0.0) + 6.0)


def test_a_late_replica_is_left_out_and_the_others_continue() -> None:
    watched = Watched("a", "b")
    watched.monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    for name in ("a", "b"):
        watched.monitor.add_target(Target(name, f"http://{name}/metrics", service="shop"))
    watched.up(20, "a", "b")
    assert rps(watched.shown[-1]) == pytest.approx(2 * RATE)
    for at in range(21, 34):
        snapshot = watched.tick(float(at), good(float(at), "a"), b=at - 20.5)
    assert rps(snapshot) == pytest.approx(RATE)
    assert snapshot.services[0].waiting_s is None
    assert [target.state for target in snapshot.targets] == ["up", "slow"]


def test_an_objective_on_all_services_is_not_met_while_a_service_does_not_answer() -> None:
    watched = Watched("a", "b", objectives=("p99<=600ms",))
    watched.up(20, "a", "b")
    for at in range(21, 34):
        snapshot = watched.tick(float(at), good(float(at), "a"), b=at - 20.5)
    assert [(objective.state, objective.reason) for objective in snapshot.objectives] == [
        ("no_data", "slow")
    ]


@pytest.mark.parametrize("stop_s", [5.0, 9.0, 13.0])
def test_a_suspension_of_tputtui_skews_neither_rate_nor_best_minute_and_loses_no_count(
    stop_s: float,
) -> None:
    watched, at = Watched(), 0.0
    for _ in range(25):
        watched.tick(at, good(at, took_s=3.0))
        at += 4.0
    best = rps(watched.shown[-1])
    at += stop_s
    held = good(at, took_s=3.0 + stop_s, count_at=at - stop_s)
    watched.tick(at, replace(held, delayed_s=stop_s))
    for _ in range(25):
        at += 4.0
        watched.tick(at, good(at, took_s=3.0))
    known = [rate for rate in map(rps, watched.shown) if rate is not None]
    assert known == pytest.approx([RATE] * len(known))
    traffic = watched.shown[-1].services[0].traffic
    assert traffic is not None
    assert traffic.best_60s == pytest.approx(RATE)
    assert traffic.mean_60s == pytest.approx(best)
    assert traffic.total == pytest.approx(RATE * at, rel=0.01)


def test_a_partial_answer_is_reported_as_incomplete_and_the_target_stays_slow() -> None:
    watched = Watched()
    watched.up(20)
    for at in range(22, 33):
        reading = Reading(float(at), 1e9 + at, waiting={"shop": at - 20.5}, partial={"shop": 100})
        snapshot = watched.monitor.derive_snapshot(reading)
    (target,) = snapshot.targets
    assert (target.state, target.partial) == ("slow", 100)
    assert of_json(snapshot)["targets"][0]["warning"] == "answer incomplete, 100 bytes in 12 s"
    assert [event.text for event in snapshot.events] == [
        "shop: answer incomplete, 100 bytes in 10 s"
    ]
    assert watched.tick(33.0, good(33.0, took_s=12.5)).targets[0].partial is None
