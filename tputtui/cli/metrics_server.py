"""Metrics server of `--listen ADDR`: derived values as /metrics, through prometheus-client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tputtui.cli.parser import UsageError
from tputtui.model import Snapshot
from tputtui.text import clean


class MetricsServer:
    """Server of the newest snapshot. Nothing is computed before a request."""

    def __init__(self, address: str) -> None:
        """Listen on "127.0.0.1:9464", ":9464" (this machine only) or "[::1]:9464". Raises
        UsageError.
        """
        host, _, port = address.rpartition(":")
        host = host.strip("[]") or "127.0.0.1"
        shown = clean(address, 100)
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise UsageError(f"--listen {shown}: HOST:PORT, such as 127.0.0.1:9464")
        self._collector = _Collector()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._collector)
        kind = _IPv6Server if ":" in host else WSGIServer
        try:
            self._server = make_server(
                host, int(port), make_wsgi_app(registry), kind, handler_class=_Handler
            )
        except OSError as error:
            raise UsageError(
                f"--listen {shown}: {(error.strerror or str(error)).lower()}"
            ) from None
        self.port = self._server.server_port
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="listen", daemon=True
        )
        self._thread.start()

    def update(self, snapshot: Snapshot) -> None:
        """Serve this snapshot from now on."""
        self._collector.snapshot = snapshot

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)


class _Handler(WSGIRequestHandler):
    timeout = 5.0  # seconds; an idle connection must not block others for ever

    def log_message(self, *_: Any) -> None:
        """Discard log messages: stderr is reserved for the program's own."""


class _IPv6Server(WSGIServer):
    address_family = socket.AF_INET6


class _Collector(Collector):
    """Collector of the newest snapshot; unknown values have no sample."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None

    def collect(self) -> Iterator[Metric]:
        snapshot = self.snapshot
        traffic = GaugeMetricFamily(
            "tputtui_service_traffic",
            "Throughput over the window, in the unit of its traffic",
            labels=["service"],
        )
        latency = GaugeMetricFamily(
            "tputtui_service_latency_seconds",
            "Quantiles of the latency over the window",
            labels=["service", "quantile"],
        )
        errors = GaugeMetricFamily(
            "tputtui_service_error_ratio", "Share of requests that failed", labels=["service"]
        )
        objective = GaugeMetricFamily(
            "tputtui_objective_ok", "1: not missed, 0: missed", labels=["expression"]
        )
        for service in snapshot.services if snapshot is not None else ():
            name = clean(service.name)
            if service.traffic is not None and service.traffic.rps is not None:
                traffic.add_metric([name], service.traffic.rps)
            if service.errors is not None and service.errors.ratio is not None:
                errors.add_metric([name], service.errors.ratio)
            if service.latency is not None and service.latency.unit == "s":
                for quantile in service.latency.quantiles:
                    if quantile.value is not None:
                        latency.add_metric([name, f"{quantile.q:g}"], quantile.value)
        for status in snapshot.objectives if snapshot is not None else ():
            if status.state != "no_data":
                objective.add_metric([status.expression], float(status.state != "missed"))
        yield from (traffic, latency, errors, objective)
        cost = snapshot.self_usage.cpu_percent if snapshot is not None else None
        own = GaugeMetricFamily("tputtui_self_cpu_ratio", "What tputtui costs, in cores")
        if cost is not None:
            own.add_metric([], cost / 100)
        yield own
