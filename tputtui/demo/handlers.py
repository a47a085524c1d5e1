"""Request handlers of the demo: each route's service time, its use of the pool, its errors.

A request with ``X-Request-Id: N`` draws from the seed and N alone: its times are reproducible in
whatever order the requests arrive. The ranking of the shop's items is the only computation in the
demo, so a profiler finds it hot.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from tputtui.demo import shop_routes
from tputtui.demo.connection_pool import ConnectionPool
from tputtui.demo.http_server import Request, Response
from tputtui.demo.shop_routes import ShopRoute
from tputtui.frozen import frozen

_TAGS = (
    "red",
    "blue",
    "green",
    "small",
    "large",
    "warm",
    "cold",
    "old",
    "new",
    "fast",
    "slow",
    "wool",
    "iron",
    "oak",
)


@frozen
class _CatalogueItem:
    """One item for sale."""

    name: str
    tags: frozenset[str]
    price: float
    sold: int


class _Catalogue:
    """_Catalogue of `size` items, the same each time."""

    def __init__(self, size: int) -> None:
        draw = random.Random(7)
        self.items = [
            _CatalogueItem(
                f"item-{number}",
                frozenset(draw.sample(_TAGS, 4)),
                draw.uniform(1, 200),
                draw.randrange(1000),
            )
            for number in range(size)
        ]

    def random_query(self, rng: random.Random) -> frozenset[str]:
        """Return three random words as a search query."""
        return frozenset(rng.sample(_TAGS, 3))

    def rank(
        self, query: frozenset[str], limit: int | None = None, count: int = 5
    ) -> list[_CatalogueItem]:
        """Return the best `count` of the first `limit` items (None: all) for the words of
        `query`.
        """
        return sorted(self.items[:limit], key=lambda item: score(item, query), reverse=True)[:count]


def score(item: _CatalogueItem, query: frozenset[str]) -> float:
    """Score an item: shared words first, then popularity, then a low price."""
    shared = len(item.tags & query) / len(query)
    popular = item.sold / (item.sold + 100)
    cheap = 1 / (1 + item.price / 20)
    return 10 * shared + 2 * popular + _similarity(item.name, item.tags) + cheap


def _similarity(name: str, tags: frozenset[str]) -> float:
    """Return the share of a name's letters that occur in the item's words."""
    letters = set().union(*tags)
    return sum(letter in letters for letter in name) / len(name)


_REPORT_ITEMS = 2500
_SEARCH_ITEMS = 60

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
        self._catalogue = _Catalogue(int(_REPORT_ITEMS * slowdown))
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
        items = self._catalogue.rank(self._catalogue.random_query(rng), limit=_SEARCH_ITEMS)
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
