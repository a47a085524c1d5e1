"""Routes of the example service in Flask, without instrumentation."""

import shop
from flask import Flask, abort, request


def reply(route: str, item: int = 1) -> dict[str, object]:
    try:
        return shop.work(route, item)
    except shop.UnknownItemError:
        abort(404)


def add_routes(app: Flask) -> None:
    """Add the routes; /fail raises, as unhandled errors do."""
    app.add_url_rule("/items/<int:item>", "items", lambda item: reply("/items", item))
    app.add_url_rule("/search", "search", lambda: reply("/search"))
    app.add_url_rule("/slow", "slow", lambda: reply("/slow"))
    app.add_url_rule("/fail", "fail", lambda: reply("/fail"))
    app.add_url_rule(
        "/orders", "orders", lambda: reply("/orders", request.json["item"]), methods=["POST"]
    )
