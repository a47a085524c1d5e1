"""The total since start never falls: not when series vanish, targets fail, or ticks are late."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_pipeline import FAMILIES, REQUESTS, PipelineFixture, of, requests, series

from tputtui.model import Exposition, Reading, Scrape, Series, Snapshot

Answer = dict[str, float] | None
"""route -> what it has counted; None: the scrape failed."""

answers = st.one_of(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1e6), max_size=8),
    st.none(),
)
ticks = st.lists(st.lists(answers, max_size=4), min_size=1, max_size=40)


def scrape(at: float, answer: Answer) -> Scrape:
    if answer is None:
        return Scrape("shop", at, 1e9 + at, 0.01, error="connection refused")
    samples = {
        series(REQUESTS, route=route, status="200"): count for route, count in answer.items()
    }
    return Scrape("shop", at, 1e9 + at, 0.01, Exposition(samples, FAMILIES, len(samples)), 1000)


def totals(shown: list[Snapshot]) -> list[float]:
    traffics = (of(snapshot, "shop").traffic for snapshot in shown)
    return [
        traffic.total for traffic in traffics if traffic is not None and traffic.total is not None
    ]


@settings(max_examples=60, deadline=None)
@given(ticks)
@example([[{}, {"a": 1.0}], [{}, {"a": 0.0}]])  # read in full again while its series are gone
def test_the_total_never_falls(answers: list[list[Answer]]) -> None:
    fixture, shown, at = PipelineFixture("shop", window_s=3.0), [], 0.0
    for scrapes in answers:
        arrived = []
        for answer in scrapes:
            at += 1.0
            arrived.append(scrape(at, answer))
        shown.append(fixture.monitor.derive_snapshot(Reading(at, 1e9 + at, tuple(arrived))))
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))


def test_the_total_keeps_the_counts_of_removed_routes() -> None:
    fixture, shown = PipelineFixture("shop", window_s=2.0), []
    for tick in range(40):
        scrapes = []
        for step in range(3):  # late ticks: several scrapes arrive at once
            at = float(3 * tick + step)
            routes = {f"r{tick}-{number}": 5.0 * (step + 1) for number in range(100)}
            scrapes.append(scrape(at, routes))
        shown.append(fixture.monitor.derive_snapshot(Reading(at, 1e9 + at, tuple(scrapes))))
    shown_totals = totals(shown)
    assert all(later >= earlier for earlier, later in pairwise(shown_totals))
    assert (
        shown_totals[-1] >= 39 * 100 * 10.0
    )  # each route rose by 10, the first by its initial value too


def test_reading_a_target_in_full_does_not_restart_the_total() -> None:
    fixture, shown = PipelineFixture("shop"), []
    for at in range(
        45
    ):  # no latency: the target is read in full at the 3rd, 5th, 10th, 20th and 40th scrape
        samples: dict[Series, float] = {
            series(REQUESTS, route="/a", status="200"): 10.0 * at + at % 3
        }
        shown.append(fixture.tick(float(at), shop=samples))
    assert totals(shown)[-1] == 442.0
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))


def test_the_total_goes_on_where_another_signal_is_bound_later() -> None:
    fixture, shown = PipelineFixture("shop"), []
    for at in range(12):
        samples: dict[Series, float] = {series(REQUESTS, route="/a", status="200"): 10.0 * at}
        shown.append(fixture.tick(float(at), shop=requests(10.0 * at) if at > 6 else samples))
    assert shown[-1].services[0].latency is not None
    assert totals(shown)[-1] == 110.0
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))
