"""Litestar with its own Prometheus plugin."""

import sys

import shop
import uvicorn
from litestar import Litestar, get, post
from litestar.exceptions import NotFoundException
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController


def reply(route: str, item: int = 1) -> dict[str, object]:
    try:
        return shop.work(route, item)
    except shop.UnknownItemError as error:
        raise NotFoundException from error


@get("/items/{item:int}", sync_to_thread=True)
def read_item(item: int) -> dict[str, object]:
    return reply("/items", item)


@get("/search", sync_to_thread=True)
def search() -> dict[str, object]:
    return reply("/search")


@get("/slow", sync_to_thread=True)
def slow() -> dict[str, object]:
    return reply("/slow")


@get("/fail", sync_to_thread=True)
def fail() -> dict[str, object]:
    return reply("/fail")


@post("/orders", sync_to_thread=True)
def order(data: dict[str, int]) -> dict[str, object]:
    return reply("/orders", data["item"])


app = Litestar(
    route_handlers=[read_item, search, slow, fail, order, PrometheusController],
    middleware=[PrometheusConfig(group_path=True).middleware],
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
