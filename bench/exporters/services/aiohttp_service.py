"""aiohttp server instrumented by a middleware with prometheus_client and prometheus-async."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import shop
from aiohttp import web
from prometheus_async.aio.web import server_stats
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "aiohttp_requests_total",
    "Total Request Count",
    ["app_name", "method", "endpoint", "http_status"],
)
LATENCY = Histogram("aiohttp_request_latency_seconds", "Request latency", ["app_name", "endpoint"])
IN_PROGRESS = Gauge(
    "aiohttp_requests_in_progress", "Requests in progress", ["app_name", "endpoint", "method"]
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    resource = request.match_info.route.resource
    endpoint = resource.canonical if resource else "unmatched"
    begin = time.perf_counter()
    status = 500
    with IN_PROGRESS.labels("shop", endpoint, request.method).track_inprogress():
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            LATENCY.labels("shop", endpoint).observe(time.perf_counter() - begin)
            REQUESTS.labels("shop", request.method, endpoint, status).inc()
    return response


async def serve(request: web.Request) -> web.Response:
    route = "/" + request.path.split("/")[1]
    item = int(request.match_info.get("item", 1))
    if request.method == "POST":
        item = (await request.json())["item"]
    await asyncio.sleep(shop.delay_s(route))
    try:
        return web.json_response(shop.answer(route, item))
    except shop.UnknownItemError as error:
        raise web.HTTPNotFound from error


app = web.Application(middlewares=[measure])
for path in ("/items/{item}", "/search", "/slow", "/fail"):
    app.router.add_get(path, serve)
app.router.add_post("/orders", serve)
app.router.add_get("/metrics", server_stats)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
