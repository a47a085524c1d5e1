"""The total since start never falls: not when series vanish, targets fail, or ticks are late."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_pipeline import FAMILIES, REQUESTS, Scene, of, requests, series

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
    found = (of(snapshot, "shop").traffic for snapshot in shown)
    return [traffic.total for traffic in found if traffic is not None and traffic.total is not None]


@settings(max_examples=60, deadline=None)
@given(ticks)
@example([[{}, {"a": 1.0}], [{}, {"a": 0.0}]])  # read in full again while its series are gone
def test_the_total_never_falls(told: list[list[Answer]]) -> None:
    scene, shown, at = Scene("shop", window_s=3.0), [], 0.0
    for scrapes in told:
        taken = []
        for answer in scrapes:
            at += 1.0
            taken.append(scrape(at, answer))
        shown.append(scene.monitor.derive_snapshot(Reading(at, 1e9 + at, tuple(taken))))
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))


def test_the_total_keeps_the_counts_of_removed_routes() -> None:
    scene, shown = Scene("shop", window_s=2.0), []
    for tick in range(40):
        taken = []
        for step in range(3):  # late ticks: several scrapes arrive at once
            at = float(3 * tick + step)
            routes = {f"r{tick}-{number}": 5.0 * (step + 1) for number in range(100)}
            taken.append(scrape(at, routes))
        shown.append(scene.monitor.derive_snapshot(Reading(at, 1e9 + at, tuple(taken))))
    told = totals(shown)
    assert all(later >= earlier for earlier, later in pairwise(told))
    assert told[-1] >= 39 * 100 * 10.0  # each route rose by 10, the first by its initial value too


def test_reading_a_target_in_full_does_not_restart_the_total() -> None:
    scene, shown = Scene("shop"), []
    for at in range(
        45
    ):  # no latency: the target is read in full at the 3rd, 5th, 10th, 20th and 40th scrape
        told: dict[Series, float] = {series(REQUESTS, route="/a", status="200"): 10.0 * at + at % 3}
        shown.append(scene.tick(float(at), shop=told))
    assert totals(shown)[-1] == 442.0
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))


def test_the_total_goes_on_where_another_signal_is_bound_later() -> None:
    scene, shown = Scene("shop"), []
    for at in range(12):
        told: dict[Series, float] = {series(REQUESTS, route="/a", status="200"): 10.0 * at}
        shown.append(scene.tick(float(at), shop=requests(10.0 * at) if at > 6 else told))
    assert shown[-1].services[0].latency is not None
    assert totals(shown)[-1] == 110.0
    assert all(later >= earlier for earlier, later in pairwise(totals(shown)))
