"""Flask with prometheus_flask_exporter in one process of gunicorn."""

from flask import Flask
from flask_routes import add_routes
from prometheus_flask_exporter import PrometheusMetrics

app = Flask("shop")
PrometheusMetrics(app).info("app_info", "Application", version="1.0")
add_routes(app)
