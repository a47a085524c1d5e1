from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from tputtui.demo import shop_routes
from tputtui.demo.connection_pool import ConnectionPool
from tputtui.demo.handlers import ShopHandlers
from tputtui.demo.http_server import Request
from tputtui.demo.shop_routes import ShopRoute

SERVED = [route for route in shop_routes.ROUTES if route is not shop_routes.STRAY]
every_route = pytest.mark.parametrize("route", SERVED, ids=lambda route: route.template)


class Times:
    """Seconds that a shop slept and held a connection, with the statuses it answered."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.held: list[float] = []
        self.statuses: list[int] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def query(self, hold_s: float) -> None:
        self.held.append(hold_s)


async def ask(
    route: ShopRoute,
    numbers: range,
    monkeypatch: pytest.MonkeyPatch,
    *,
    slowdown: float = 1.0,
    added_s: float = 0.0,
) -> Times:
    """Send requests for one route to a new shop with the same seed, without real sleeping."""
    times = Times()
    pool = ConnectionPool(1, 1.0, CollectorRegistry())
    shop = ShopHandlers(pool, slowdown, seed=1)
    shop.added_latency_s = added_s
    monkeypatch.setattr(pool, "query", times.query)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "sleep", times.sleep)
        for number in numbers:
            request = Request(
                route.method, route.template.replace("{id}", "5"), {"x-request-id": str(number)}
            )
            template, handler = shop.find_handler(request)
            assert template == route.template
            times.statuses.append((await handler(request, shop.request_rng(request))).status)
    return times


@every_route
async def test_slowdown_multiplies_the_time_of_each_handler(
    route: ShopRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    normal = await ask(route, range(20), monkeypatch)
    slow = await ask(route, range(20), monkeypatch, slowdown=2.5)
    assert slow.slept == pytest.approx([2.5 * seconds for seconds in normal.slept])
    assert slow.held == pytest.approx([2.5 * seconds for seconds in normal.held])
    assert slow.statuses == normal.statuses


def test_slowdown_multiplies_the_computation_too() -> None:
    sizes = [
        len(ShopHandlers(ConnectionPool(1, 1, CollectorRegistry()), slowdown, 1)._catalogue.items)
        for slowdown in (1, 2)
    ]
    assert sizes[1] == 2 * sizes[0]


@every_route
async def test_latency_is_added_once_to_each_request(
    route: ShopRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    normal = await ask(route, range(20), monkeypatch)
    late = await ask(route, range(20), monkeypatch, added_s=0.2)
    assert sum(late.slept) == pytest.approx(sum(normal.slept) + 20 * 0.2)
    assert late.held == normal.held


@every_route
async def test_a_numbers_times_do_not_depend_on_the_order(
    route: ShopRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    forth = await ask(route, range(20), monkeypatch)
    back = await ask(route, range(19, -1, -1), monkeypatch)
    assert back.slept == forth.slept[::-1]
    assert back.held == forth.held[::-1]


@every_route
async def test_the_pool_is_used_as_often_as_the_table_says(
    route: ShopRoute, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = range(5 if route is shop_routes.REPORT else 1500)  # a report computes
    times = await ask(route, numbers, monkeypatch)
    assert len(times.held) / len(numbers) == pytest.approx(route.pool_probability, abs=0.06)


async def test_connections_are_held_for_the_mean_that_erlang_c_assumes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = await ask(shop_routes.CART, range(4000), monkeypatch)
    assert sum(times.held) / 4000 == pytest.approx(shop_routes.MEAN_HOLD_S, rel=0.06)


async def test_some_payments_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    times = await ask(shop_routes.PAYMENT, range(4000), monkeypatch)
    assert times.statuses.count(502) / 4000 == pytest.approx(
        shop_routes.PAYMENT.error_probability, abs=0.01
    )
