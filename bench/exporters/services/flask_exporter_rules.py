"""Flask with prometheus_flask_exporter grouped by URL rule, in several gunicorn workers."""

from flask import Flask
from flask_routes import add_routes
from prometheus_flask_exporter.multiprocess import GunicornInternalPrometheusMetrics

app = Flask("shop")
GunicornInternalPrometheusMetrics(app, group_by="url_rule")
add_routes(app)
