"""Starlette with starlette_exporter, as its README sets it up."""

import sys

import shop
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette_exporter import PrometheusMiddleware, handle_metrics


async def serve(request: Request) -> JSONResponse:
    route = "/" + request.url.path.split("/")[1]
    item = int(request.path_params.get("item", 1))
    if request.method == "POST":
        item = (await request.json())["item"]
    try:
        return JSONResponse(await run_in_threadpool(shop.work, route, item))
    except shop.UnknownItemError:
        return JSONResponse({}, 404)


app = Starlette(
    routes=[
        Route("/items/{item:int}", serve),
        Route("/search", serve),
        Route("/slow", serve),
        Route("/fail", serve),
        Route("/orders", serve, methods=["POST"]),
        Route("/metrics", handle_metrics),
    ]
)
app.add_middleware(PrometheusMiddleware, app_name="shop")

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
