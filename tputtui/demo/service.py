"""Service of the demo: a process that serves HTTP on loopback and is instrumented like any service.

``python -m tputtui.demo.service`` prints one line, ``{"port": 40213, "pid": 4711}``, as soon as it
answers. It accepts two commands on its standard input: ``latency MS`` adds MS milliseconds to each
request from now on, ``stop`` ends it; so does the end of standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from tputtui import __version__
from tputtui.demo import child_process, shop_routes
from tputtui.demo.child_process import raise_file_limit
from tputtui.demo.connection_pool import ConnectionPool, PoolTimeoutError
from tputtui.demo.handlers import ShopHandlers
from tputtui.demo.http_server import Request, Response, serve_connection

# Dense in the range of the shop's requests (a few milliseconds to a second), for precise quantiles.
BUCKETS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.015,
    0.025,
    0.04,
    0.06,
    0.1,
    0.15,
    0.25,
    0.4,
    0.6,
    1,
    1.5,
    2.5,
    5,
    10,
)


class DemoService:
    """The shop behind HTTP, instrumented. A scrape of /metrics is not counted as a request."""

    def __init__(self, slowdown: float, seed: int) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        Info("demo_build", "What is running.", registry=self.registry).info(
            {"version": __version__, "service": "demo"}
        )
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "http_requests_in_flight", "Requests being answered.", registry=self.registry
        )
        self.shop = ShopHandlers(
            ConnectionPool(shop_routes.POOL_SIZE, shop_routes.ACQUIRE_TIMEOUT_S, self.registry),
            slowdown,
            seed,
        )

    async def handle_request(self, request: Request) -> Response:
        """Answer one request and count it."""
        if request.path == "/metrics":
            return self.render_metrics(request)
        route, handler = self.shop.find_handler(request)
        self._in_flight.inc()
        began = time.perf_counter()
        try:
            response = await handler(request, self.shop.request_rng(request))
        except PoolTimeoutError:
            response = Response(503, b'{"error": "no connection came free"}')
        finally:
            self._in_flight.dec()
        self._duration.labels(request.method, route).observe(time.perf_counter() - began)
        self._requests.labels(request.method, route, str(response.status)).inc()
        return response

    def render_metrics(self, request: Request) -> Response:
        """Render the exposition in the requested format."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(200, encode(self.registry), content_type)

    async def on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve the connection of one client."""
        await serve_connection(reader, writer, self.handle_request)

    def on_command(self, line: str) -> None:
        """Carry out a command of the parent."""
        word, _, argument = line.partition(" ")
        if word == "latency":
            self.shop.added_latency_s = float(argument) / 1000
        elif word == "stop":
            os._exit(0)  # a simulated outage is abrupt: pending requests get no answer


async def serve(port: int, slowdown: float, seed: int) -> None:
    """Serve on loopback until the process ends."""
    service = DemoService(slowdown, seed)
    server = await asyncio.start_server(service.on_connection, "127.0.0.1", port, backlog=1024)
    child_process.watch_parent(service.on_command)
    sys.stdout.write(
        json.dumps({"port": server.sockets[0].getsockname()[1], "pid": os.getpid()}) + "\n"
    )
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="tputtui.demo.service")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slowdown", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    raise_file_limit()
    asyncio.run(serve(options.port, options.slowdown, options.seed))


if __name__ == "__main__":
    main()
