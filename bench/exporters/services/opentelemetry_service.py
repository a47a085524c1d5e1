"""Flask instrumented by OpenTelemetry, read through its Prometheus exporter."""

import sys

from flask import Flask
from flask_routes import add_routes
from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import start_http_server

resource = Resource.create({"service.name": "shop"})
metrics.set_meter_provider(
    MeterProvider(metric_readers=[PrometheusMetricReader()], resource=resource)
)
meter = metrics.get_meter("shop")
orders = meter.create_counter("shop.orders", unit="{order}", description="Orders taken")

app = Flask("shop")
FlaskInstrumentor().instrument_app(app)
add_routes(app)


@app.before_request
def count_order() -> None:
    from flask import request

    if request.method == "POST":
        orders.add(1)


if __name__ == "__main__":
    start_http_server(int(sys.argv[2]), "127.0.0.1")
    app.run(port=int(sys.argv[1]), threaded=True)
