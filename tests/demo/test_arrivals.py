from __future__ import annotations

import itertools
import random

import pytest

from tputtui.demo import load, shop_routes
from tputtui.demo.load import LoadPhase


def _first(profile: load.LoadProfile, seed: int, seconds: float) -> list[load.Arrival]:
    return list(
        itertools.takewhile(
            lambda arrival: arrival.at < seconds, load.generate_arrivals(profile, seed)
        )
    )


def test_a_seed_gives_one_schedule() -> None:
    profile = load.wave_profile(400)
    assert _first(profile, 5, 30) == _first(profile, 5, 30)
    assert _first(profile, 5, 30) != _first(profile, 6, 30)


def test_the_nth_request_is_the_same_at_any_load() -> None:
    slow, fast = (
        _first(load.constant_profile(20), 5, 30),
        _first(load.constant_profile(200), 5, 3),
    )
    both = min(len(slow), len(fast))
    assert both > 300
    assert [arrival.path for arrival in slow[:both]] == [arrival.path for arrival in fast[:both]]


def test_constant_arrivals_are_poisson() -> None:
    times = [arrival.at for arrival in _first(load.constant_profile(200), 1, 100)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    spread = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert len(times) == pytest.approx(20_000, rel=0.03)
    assert spread / mean**2 == pytest.approx(1, rel=0.05)  # exponential gaps: deviation equals mean


def test_the_rate_follows_the_profile_and_begins_again() -> None:
    profile = (LoadPhase(10, 0, 100), LoadPhase(5, 50, 50))
    assert load.rate_at(profile, 0) == 0
    assert load.rate_at(profile, 5) == 50
    assert load.rate_at(profile, 12) == 50
    assert load.rate_at(profile, 15 + 2.5) == 25


def test_as_many_arrive_in_a_phase_as_its_rate_says() -> None:
    times = [
        arrival.at for arrival in _first((LoadPhase(100, 0, 200), LoadPhase(100, 300, 300)), 3, 200)
    ]
    assert sum(at < 100 for at in times) == pytest.approx(10_000, rel=0.04)
    assert sum(at >= 100 for at in times) == pytest.approx(30_000, rel=0.04)


def test_the_waves_exceed_the_sustained_maximum_of_the_pool() -> None:
    sustained = shop_routes.sustained_max_rps()
    profile = load.wave_profile(sustained)
    capacity = shop_routes.POOL_SIZE / shop_routes.MEAN_HOLD_S / shop_routes.pooled_share()
    assert profile[0].start_rps < 0.5 * sustained < sustained < profile[0].end_rps
    assert max(phase.start_rps for phase in profile) > capacity


def test_routes_come_by_their_shares() -> None:
    asked = _first(load.constant_profile(1000), 4, 20)
    payments = sum(arrival.path == "/payment" for arrival in asked)
    assert payments / len(asked) == pytest.approx(shop_routes.PAYMENT.share, rel=0.1)
    assert {arrival.method for arrival in asked if arrival.path == "/payment"} == {"POST"}


def test_service_times_follow_their_distribution() -> None:
    draw = random.Random(1)
    times = sorted(shop_routes.CHECKOUT.own_time(draw) for _ in range(4001))
    assert times[2000] == pytest.approx(shop_routes.CHECKOUT.median_s, rel=0.06)
    assert times[3960] / times[2000] == pytest.approx(8.1, rel=0.25)  # exp(2.33 sigma) at p99
    assert times[-1] <= 2.0
