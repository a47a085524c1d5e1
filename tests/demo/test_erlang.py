from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.demo import shop_routes


@pytest.mark.parametrize(
    ("connections", "offered", "waits"),
    [
        (1, 0.5, 0.5),  # M/M/1: the utilisation
        (1, 0.9, 0.9),
        (2, 1.0, 1 / 3),  # M/M/2: 2 r² / (1 + r) with r = 1/2
        (2, 1.6, 2 * 0.8**2 / 1.8),
        (10, 8.0, 0.4092),  # tables of Erlang C
        (5, 4.0, 0.5541),
        (8, 0.0, 0.0),
        (8, 8.0, 1.0),
        (8, 9.5, 1.0),
    ],
)
def test_the_probability_of_waiting_agrees_with_published_values(
    connections: int, offered: float, waits: float
) -> None:
    assert shop_routes.erlang_c(connections, offered) == pytest.approx(waits, abs=5e-5)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_the_recursion_equals_the_textbook_sum(connections: int, utilisation: float) -> None:
    offered = utilisation * connections
    full = offered**connections / math.factorial(connections) / (1 - utilisation)
    below = sum(offered**k / math.factorial(k) for k in range(connections))
    assert shop_routes.erlang_c(connections, offered) == pytest.approx(
        full / (below + full), rel=1e-9
    )


def test_a_single_connection_waits_as_in_m_m_1() -> None:
    # P(W > t) = r exp(-(1 - r) t / hold): the 99 % quantile at r = 0.5, hold = 1 s is ln(50) / 0.5
    assert shop_routes.waiting_quantile(0.99, 0.5, 1, 1.0) == pytest.approx(math.log(50) / 0.5)


def test_the_wait_of_an_overloaded_pool_is_infinite() -> None:
    assert shop_routes.waiting_quantile(0.99, 400, 8, 0.02) == math.inf


@given(st.integers(1, 40), st.floats(0.001, 1.0))
def test_at_the_sustained_maximum_the_waiting_time_equals_the_limit(
    connections: int, hold_s: float
) -> None:
    rate = shop_routes.sustained_max(connections, hold_s, limit_s=0.1)
    assert 0 < rate < connections / hold_s
    assert shop_routes.waiting_quantile(0.99, rate, connections, hold_s) == pytest.approx(
        0.1, rel=1e-3
    )


def test_the_shop_sustains_less_when_it_is_slower_and_more_with_more_replicas() -> None:
    alone = shop_routes.sustained_max_rps()
    assert shop_routes.sustained_max_rps(slowdown=1.2) < alone / 1.2
    assert shop_routes.sustained_max_rps(replicas=3) == pytest.approx(3 * alone)


def test_a_request_takes_250_ms_at_p99_at_the_pool_s_documented_maximum() -> None:
    draw = random.Random(1)
    rate = shop_routes.sustained_max_rps() * shop_routes.pooled_share()
    waits = shop_routes.erlang_c(shop_routes.POOL_SIZE, rate * shop_routes.MEAN_HOLD_S)
    spare = shop_routes.POOL_SIZE / shop_routes.MEAN_HOLD_S - rate
    times = []
    for route in shop_routes.ROUTES:
        for number in range(round(100_000 * route.share)):
            if number % 10 < 10 * route.pool_probability:
                wait = draw.expovariate(spare) if draw.random() < waits else 0.0
                times.append(
                    route.own_time(draw) + wait + draw.expovariate(1 / shop_routes.MEAN_HOLD_S)
                )
            else:
                times.append(shop_routes.CACHE_HIT_S)
    times.sort()
    assert times[len(times) * 99 // 100] == pytest.approx(0.25, rel=0.1)


def test_the_routes_shares_are_all_of_the_traffic() -> None:
    assert sum(route.share for route in shop_routes.ROUTES) == pytest.approx(1)
