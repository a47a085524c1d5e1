"""Flask in several gunicorn workers, with prometheus_client in multiprocess mode."""

import time

from flask import Flask, Response, g, request
from flask_routes import add_routes
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

REQUESTS = Counter(
    "http_requests_total", "Requests by route and status", ["method", "endpoint", "status"]
)
DURATION = Histogram("http_request_duration_seconds", "Time of a request", ["method", "endpoint"])
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests under way", multiprocess_mode="livesum")

app = Flask("shop")
add_routes(app)


@app.before_request
def begin() -> None:
    g.begin = time.perf_counter()
    IN_PROGRESS.inc()


@app.after_request
def end(response: Response) -> Response:
    endpoint = request.endpoint or "unknown"
    DURATION.labels(request.method, endpoint).observe(time.perf_counter() - g.begin)
    REQUESTS.labels(request.method, endpoint, response.status_code).inc()
    IN_PROGRESS.dec()
    return response


@app.get("/metrics")
def metrics() -> Response:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
