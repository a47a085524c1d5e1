"""The example service (`services/shop.py`) in frameworks of Python and Node, and task queues."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import traffic
from debian_exporters import start_redis
from debian_servers import LOOPBACK
from program import Program, Running
from sandbox import SERVICES, Sandbox

SHOP_LOAD = "routes of the example service: of 19 requests 3 answer 404, 1 answers 500, 2 are slow"


def sleep_a_second() -> None:
    """Do nothing for a second: the load comes from a process of its own."""
    time.sleep(1)


def python_service(script: str, sandbox: Sandbox) -> Running:
    port = sandbox.port()
    sandbox.start_python(script, str(port), port=port)
    base = f"http://{LOOPBACK}:{port}"
    return Running(base + "/metrics", traffic.shop_round(base))


def gunicorn(application: str, workers: int, sandbox: Sandbox) -> Running:
    port = sandbox.port()
    sandbox.start(
        str(Path(sandbox.python).parent / "gunicorn"),
        *("-b", f"{LOOPBACK}:{port}", "-w", str(workers), "--threads", "2"),
        *("-c", str(SERVICES / "gunicorn_config.py"), application),
        port=port,
        PYTHONPATH=str(SERVICES),
        **({"PROMETHEUS_MULTIPROC_DIR": sandbox.directory("metrics")} if workers > 1 else {}),
    )
    base = f"http://{LOOPBACK}:{port}"
    return Running(base + "/metrics", traffic.shop_round(base))


def opentelemetry(sandbox: Sandbox, conventions: str = "") -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    script = "opentelemetry_service.py"
    environment = {"OTEL_SEMCONV_STABILITY_OPT_IN": conventions}
    sandbox.start_python(script, str(port), str(metrics_port), port=port, **environment)
    base = f"http://{LOOPBACK}:{port}"
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", traffic.shop_round(base))


def grpc(sandbox: Sandbox) -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    sandbox.start_python("grpc_service.py", str(port), str(metrics_port), port=port)
    sandbox.start_python("grpc_service.py", "load", str(port), port=None)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", sleep_a_second)


def celery_flower(sandbox: Sandbox) -> Running:
    redis_port, port = start_redis(sandbox), sandbox.port()
    common = {"BROKER": f"redis://{LOOPBACK}:{redis_port}/0", "PYTHONPATH": str(SERVICES)}
    celery = (sandbox.python, "-m", "celery", "-A", "celery_service")
    arguments = ("-c", "2", "-n", "worker@example", "-l", "WARNING")
    sandbox.start(*celery, "worker", *arguments, **common)
    flower = ("flower", f"--address={LOOPBACK}", f"--port={port}")
    sandbox.start(*celery, *flower, port=port, **common)
    sandbox.start_python("celery_service.py", "1000", port=None, **common)
    return Running(f"http://{LOOPBACK}:{port}/metrics", sleep_a_second)


def dramatiq(sandbox: Sandbox) -> Running:
    redis_port, port = start_redis(sandbox), sandbox.port()
    common = {
        "BROKER": f"redis://{LOOPBACK}:{redis_port}/0",
        "PYTHONPATH": str(SERVICES),
        "dramatiq_prom_port": str(port),
        "dramatiq_prom_host": LOOPBACK,
    }
    command = (sandbox.python, "-m", "dramatiq", "dramatiq_service", "-p", "1", "-t", "2")
    sandbox.start(*command, port=port, **common)
    sandbox.start_python("dramatiq_service.py", "1000", port=None, **common)
    return Running(f"http://{LOOPBACK}:{port}/metrics", sleep_a_second)


def self_loading(script: str, sandbox: Sandbox) -> Running:
    port = sandbox.port()
    sandbox.start_python(script, str(port), port=port)
    return Running(f"http://{LOOPBACK}:{port}/metrics", sleep_a_second)


def jupyter(sandbox: Sandbox) -> Running:
    port = sandbox.port()
    sandbox.write("notes.txt", "example")
    sandbox.start(
        *(sandbox.python, "-m", "jupyter_server", "--allow-root", "--no-browser"),
        *("--ServerApp.ip=" + LOOPBACK, f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.authenticate_prometheus=False"),
        port=port,
    )
    base = f"http://{LOOPBACK}:{port}"
    paths = (
        "/api/status",
        "/api/contents/notes.txt",
        "/api/kernels",
        "/api/contents/absent",
        "/no",
    )
    return Running(base + "/metrics", traffic.http_round(base, paths * 2))


def node_service(script: str, sandbox: Sandbox) -> Running:
    port = sandbox.port()
    sandbox.start_node(script, str(port), port=port)
    base = f"http://{LOOPBACK}:{port}"
    return Running(base + "/metrics", traffic.shop_round(base))


def opentelemetry_node(sandbox: Sandbox) -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    sandbox.start_node("opentelemetry_node.js", str(port), str(metrics_port), port=port)
    base = f"http://{LOOPBACK}:{port}"
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", traffic.shop_round(base))


PROGRAMS = [
    Program(
        "fastapi",
        "app",
        ("pypi:fastapi", "pypi:prometheus-fastapi-instrumentator"),
        SHOP_LOAD,
        partial(python_service, "fastapi_service.py"),
    ),
    Program(
        "starlette",
        "app",
        ("pypi:starlette", "pypi:starlette-exporter"),
        SHOP_LOAD,
        partial(python_service, "starlette_service.py"),
    ),
    Program(
        "flask_exporter",
        "app",
        ("pypi:flask", "pypi:gunicorn", "pypi:prometheus-flask-exporter"),
        SHOP_LOAD + "; one process",
        partial(gunicorn, "flask_exporter:app", 1),
    ),
    Program(
        "flask_exporter_multiprocess",
        "app",
        ("pypi:flask", "pypi:gunicorn", "pypi:prometheus-flask-exporter"),
        SHOP_LOAD + "; three workers",
        partial(gunicorn, "flask_exporter_rules:app", 3),
    ),
    Program(
        "flask_multiprocess",
        "app",
        ("pypi:flask", "pypi:gunicorn", "pypi:prometheus-client"),
        SHOP_LOAD + "; three workers",
        partial(gunicorn, "flask_multiprocess:app", 3),
    ),
    Program(
        "django",
        "app",
        ("pypi:django", "pypi:django-prometheus"),
        SHOP_LOAD + "; each with a look-up in SQLite and a cache",
        partial(python_service, "django_service.py"),
    ),
    Program(
        "aiohttp",
        "app",
        ("pypi:aiohttp", "pypi:prometheus-client", "pypi:prometheus-async"),
        SHOP_LOAD,
        partial(python_service, "aiohttp_service.py"),
    ),
    Program(
        "litestar",
        "app",
        ("pypi:litestar", "pypi:prometheus-client"),
        SHOP_LOAD,
        partial(python_service, "litestar_service.py"),
    ),
    Program(
        "opentelemetry_flask",
        "app",
        ("pypi:opentelemetry-exporter-prometheus", "pypi:opentelemetry-instrumentation-flask"),
        SHOP_LOAD,
        opentelemetry,
    ),
    Program(
        "opentelemetry_flask_stable",
        "app",
        ("pypi:opentelemetry-exporter-prometheus", "pypi:opentelemetry-instrumentation-flask"),
        SHOP_LOAD + "; with the stable semantic conventions",
        partial(opentelemetry, conventions="http"),
    ),
    Program(
        "grpc",
        "app",
        ("pypi:grpcio", "pypi:py-grpc-prometheus"),
        "four methods: some NOT_FOUND, one of six INTERNAL, one of six slow",
        grpc,
    ),
    Program(
        "celery_flower",
        "tasks",
        ("pypi:celery", "pypi:flower", "apt:redis-server"),
        "four tasks: one fails, one retries, one is slow",
        celery_flower,
    ),
    Program(
        "dramatiq",
        "tasks",
        ("pypi:dramatiq", "apt:redis-server"),
        "three actors: one fails and is retried, one is slow",
        dramatiq,
    ),
    Program(
        "dask",
        "tasks",
        ("pypi:distributed",),
        "tasks every 0.3 s, one of two fails",
        partial(self_loading, "dask_service.py"),
    ),
    Program(
        "consumer",
        "tasks",
        ("pypi:prometheus-client",),
        "an imagined queue: one message of ten fails, one of two topics is slow",
        partial(self_loading, "consumer_service.py"),
    ),
    Program(
        "jupyter",
        "app",
        ("pypi:jupyter-server",),
        "API requests, two of five for what is absent",
        jupyter,
    ),
    Program(
        "express_prom_client",
        "app",
        ("npm:express", "npm:prom-client"),
        SHOP_LOAD,
        partial(node_service, "express_prom_client.js"),
    ),
    Program(
        "express_bundle",
        "app",
        ("npm:express", "npm:express-prom-bundle"),
        SHOP_LOAD,
        partial(node_service, "express_bundle.js"),
    ),
    Program(
        "fastify",
        "app",
        ("npm:fastify", "npm:fastify-metrics"),
        SHOP_LOAD,
        partial(node_service, "fastify_service.js"),
    ),
    Program(
        "opentelemetry_node",
        "app",
        ("npm:@opentelemetry/exporter-prometheus", "npm:@opentelemetry/instrumentation-http"),
        SHOP_LOAD,
        opentelemetry_node,
    ),
]
