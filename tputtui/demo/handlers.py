"""Request handlers of the demo: each route's service time, its use of the pool, its errors.

A request with ``X-Request-Id: N`` draws from the seed and N alone: its times are reproducible in
whatever order the requests arrive.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from tputtui.demo import shop_routes
from tputtui.demo.catalogue import Catalogue
from tputtui.demo.connection_pool import ConnectionPool
from tputtui.demo.http_server import Request, Response
from tputtui.demo.shop_routes import ShopRoute

REPORT_ITEMS = 2500
SEARCH_ITEMS = 60

Handler = Callable[[Request, random.Random], Awaitable[Response]]


class ShopHandlers:
    """Handlers with their shared state.

    `slowdown` multiplies the time of each; `added_latency_s` is added to each.
    """

    def __init__(self, pool: ConnectionPool, slowdown: float, seed: int) -> None:
        self.added_latency_s = 0.0
        self._pool = pool
        self._slowdown = slowdown
        self._seed = seed
        self._shared_rng = random.Random(seed)
        self._catalogue = Catalogue(int(REPORT_ITEMS * slowdown))
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="report")
        self._handlers: dict[tuple[str, str], tuple[ShopRoute, Handler]] = {
            (route.method, route.template.removesuffix("/{id}")): (route, handler)
            for route, handler in (
                (shop_routes.ITEM, self.item),
                (shop_routes.SEARCH, self.search),
                (shop_routes.CART, self.cart),
                (shop_routes.CHECKOUT, self.checkout),
                (shop_routes.PAYMENT, self.payment),
                (shop_routes.REPORT, self.report),
                (shop_routes.HEALTH, self.health),
            )
        }

    def find_handler(self, request: Request) -> tuple[str, Handler]:
        """Return the route's template and its handler; "other" for an unknown route."""
        path = request.path
        if path.startswith("/items/"):
            path = "/items"
        route, handler = self._handlers.get((request.method, path), (None, self.not_found))
        return (route.template if route else "other", handler)

    def request_rng(self, request: Request) -> random.Random:
        """Return the random number generator of one request."""
        number = request.headers.get("x-request-id", "")
        if number.isdecimal() and len(number) < 20:
            return random.Random(self._seed * 1_000_003 + int(number))
        return self._shared_rng

    async def item(self, request: Request, rng: random.Random) -> Response:
        """Return one item, or 404."""
        await self._simulate_work(shop_routes.ITEM, rng)
        if rng.random() < shop_routes.MISSING_ITEM_SHARE:
            return Response(404, b'{"error": "no such item"}')
        return _json_response(
            {"item": request.path.rpartition("/")[2], "price": round(rng.uniform(1, 200), 2)}
        )

    async def search(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Search: an immediate cache hit, else a database query and ranking."""
        if rng.random() >= shop_routes.SEARCH.pool_probability:
            await self._sleep(shop_routes.CACHE_HIT_S)
            return _json_response({"cached": True})
        await self._simulate_work(shop_routes.SEARCH, rng)
        items = self._catalogue.rank(self._catalogue.random_query(rng), limit=SEARCH_ITEMS)
        return _json_response({"cached": False, "found": [item.name for item in items]})

    async def cart(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Return the contents of the cart."""
        await self._simulate_work(shop_routes.CART, rng)
        return _json_response({"items": rng.randrange(9)})

    async def checkout(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Check out, sometimes slowly: its own time has a long tail."""
        await self._simulate_work(shop_routes.CHECKOUT, rng)
        return _json_response({"order": rng.randrange(10**6)})

    async def payment(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Call an external payment service that fails now and then."""
        await self._simulate_work(shop_routes.PAYMENT, rng)
        if rng.random() < shop_routes.PAYMENT.error_probability:
            return Response(502, b'{"error": "the bank does not answer"}')
        return _json_response({"paid": True})

    async def report(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Rank the whole catalogue in a thread."""
        wanted = self._catalogue.random_query(rng)
        best = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._catalogue.rank, wanted
        )
        await self._sleep(0.0)
        return _json_response({"best": [item.name for item in best]})

    async def health(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Report that the service is alive."""
        await self._sleep(0.0)
        return _json_response({"ok": True})

    async def not_found(self, request: Request, rng: random.Random) -> Response:  # noqa: ARG002
        """Answer 404 for an unknown route."""
        return Response(404, b'{"error": "not found"}')

    async def _simulate_work(self, route: ShopRoute, rng: random.Random) -> None:
        """Wait for the route's own time, then for the pool.

        All random numbers are drawn first, so that their order never changes.
        """
        own_s, hold_s = route.own_time(rng), rng.expovariate(1 / shop_routes.MEAN_HOLD_S)
        await self._sleep(own_s)
        await self._pool.query(hold_s * self._slowdown)

    async def _sleep(self, own_s: float) -> None:
        total = own_s * self._slowdown + self.added_latency_s
        if total > 0:
            await asyncio.sleep(total)


def _json_response(value: object) -> Response:
    return Response(200, json.dumps(value).encode())
