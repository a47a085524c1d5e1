"""Debian's programs that expose /metrics themselves: how each is started and loaded."""

from __future__ import annotations

import contextlib
import itertools
import os

import traffic
from program import Program, Running
from sandbox import Sandbox

LOOPBACK = "127.0.0.1"
# Paths of the backend of proxies: found, slow, missing, failing.
WEB_PATHS = traffic.SHOP_ROUND


def prometheus(sandbox: Sandbox) -> Running:
    port = sandbox.port()
    config = sandbox.write(
        "prometheus.yml",
        "global: {scrape_interval: 2s, evaluation_interval: 2s}\n"
        "scrape_configs:\n"
        f"- job_name: self\n  static_configs: [{{targets: ['{LOOPBACK}:{port}']}}]\n"
        f"- job_name: absent\n  static_configs: [{{targets: ['{LOOPBACK}:1']}}]\n",
    )
    storage = f"--storage.tsdb.path={sandbox.directory('data')}"
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    sandbox.start("prometheus", f"--config.file={config}", storage, listen, port=port)
    base = f"http://{LOOPBACK}:{port}"
    paths = (
        "/api/v1/query?query=up",
        "/api/v1/query?query=rate(prometheus_http_requests_total[1m])",
        "/api/v1/query?query=sum(",
        "/api/v1/labels",
        "/api/v1/query_range?query=up&start=0&end=1&step=1",
        "/absent",
        "/-/healthy",
    )
    return Running(base + "/metrics", traffic.http_round(base, paths * 2))


def node_exporter(sandbox: Sandbox) -> Running:
    port = sandbox.port()
    # Mount points and devices of the machine stay out of the capture.
    sandbox.start(
        "prometheus-node-exporter",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--collector.filesystem.mount-points-exclude=^/.+",
        "--no-collector.textfile",
        "--no-collector.dmi",
        port=port,
    )
    base = f"http://{LOOPBACK}:{port}"
    return Running(base + "/metrics", traffic.http_round(base, ("/metrics", "/", "/absent")))


def alertmanager(sandbox: Sandbox) -> Running:
    hook, port = sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(hook), port=hook)
    config = sandbox.write(
        "alertmanager.yml",
        "route: {receiver: hook, group_wait: 1s, group_interval: 2s, repeat_interval: 3s}\n"
        "receivers:\n- name: hook\n  webhook_configs:\n"
        f"  - url: http://{LOOPBACK}:1/absent\n  - url: http://{LOOPBACK}:{hook}/hook\n",
    )
    sandbox.start(
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={sandbox.directory('data')}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
        port=port,
    )
    base = f"http://{LOOPBACK}:{port}"
    numbers = itertools.count()
    read = traffic.http_round(base, ("/api/v2/alerts", "/api/v2/status", "/api/v2/silences", "/no"))

    def send() -> None:
        alert = {"labels": {"alertname": "Load", "number": str(next(numbers))}}
        traffic.request_json(base + "/api/v2/alerts", [alert])
        traffic.request_json(base + "/api/v2/alerts", [{"labels": {}}])
        read()

    return Running(base + "/metrics", send)


def pushgateway(sandbox: Sandbox) -> Running:
    port = sandbox.port()
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    sandbox.start("prometheus-pushgateway", listen, port=port)
    base = f"http://{LOOPBACK}:{port}"
    runs = itertools.count()

    def send() -> None:
        for job in ("backup", "import"):
            body = f"# TYPE rows_total counter\nrows_total {next(runs)}\nlast_run_seconds 4.2\n"
            traffic.request(f"{base}/metrics/job/{job}", "PUT", body.encode())
        traffic.request(f"{base}/metrics/job/broken", "POST", b"no exposition\n")
        traffic.http_round(base, ("/", "/api/v1/metrics", "/absent"))()

    return Running(base + "/metrics", send)


def haproxy(sandbox: Sandbox) -> Running:
    backend, port, metrics_port = sandbox.port(), sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write(
        "haproxy.cfg",
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n"
        f"frontend web\n  bind {LOOPBACK}:{port}\n  default_backend app\n"
        f"backend app\n  server one {LOOPBACK}:{backend} check\n  server two {LOOPBACK}:1 check\n"
        f"frontend stats\n  bind {LOOPBACK}:{metrics_port}\n"
        "  http-request use-service prometheus-exporter if { path /metrics }\n",
    )
    sandbox.start("haproxy", "-f", config, "-db", port=port)
    load = traffic.http_round(f"http://{LOOPBACK}:{port}", WEB_PATHS)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def caddy(sandbox: Sandbox) -> Running:
    backend, port, admin = sandbox.port(), sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write(
        "Caddyfile",
        f"{{\n  admin {LOOPBACK}:{admin}\n  auto_https off\n  servers {{\n    metrics\n  }}\n}}\n"
        f"http://{LOOPBACK}:{port} {{\n  respond /static 200\n"
        f"  reverse_proxy {LOOPBACK}:{backend}\n}}\n",
    )
    sandbox.start("caddy", "run", "--config", config, "--adapter", "caddyfile", port=port)
    load = traffic.http_round(f"http://{LOOPBACK}:{port}", (*WEB_PATHS, "/static"))
    return Running(f"http://{LOOPBACK}:{admin}/metrics", load)


def rabbitmq(sandbox: Sandbox) -> Running:
    amqp, metrics_port, api, distribution, names = (sandbox.port() for _ in range(5))
    # Started here, because the one that rabbitmq-server starts would outlive it.
    sandbox.start("epmd", "-address", LOOPBACK, "-port", str(names), port=names)
    home = sandbox.directory("rabbit")
    config = sandbox.write(
        "rabbitmq.conf",
        f"listeners.tcp.1 = {LOOPBACK}:{amqp}\n"
        f"prometheus.tcp.ip = {LOOPBACK}\nprometheus.tcp.port = {metrics_port}\n"
        f"management.tcp.ip = {LOOPBACK}\nmanagement.tcp.port = {api}\n",
    )
    plugins = sandbox.write("plugins", "[rabbitmq_management,rabbitmq_prometheus].\n")
    sandbox.start(
        "/usr/lib/rabbitmq/bin/rabbitmq-server",
        port=metrics_port,
        RABBITMQ_NODENAME="example@localhost",
        RABBITMQ_CONFIG_FILE=config.removesuffix(".conf"),
        RABBITMQ_ENABLED_PLUGINS_FILE=plugins,
        RABBITMQ_MNESIA_BASE=home,
        RABBITMQ_LOG_BASE=home,
        RABBITMQ_DIST_PORT=str(distribution),
        ERL_EPMD_ADDRESS=LOOPBACK,
        ERL_EPMD_PORT=str(names),
    )
    sandbox.wait_for_page(f"http://{LOOPBACK}:{metrics_port}/metrics")
    queues = f"http://{LOOPBACK}:{api}/api/queues/%2f/orders"
    publish = f"http://{LOOPBACK}:{api}/api/exchanges/%2f/amq.default/publish"
    message = {"properties": {}, "payload": "order", "payload_encoding": "string"}
    traffic.request_json(queues, {"durable": True}, "PUT", "guest:guest")

    def send() -> None:
        for key in ("orders", "orders", "orders", "nowhere"):
            traffic.request_json(publish, message | {"routing_key": key}, user="guest:guest")
        get = {"count": 2, "ackmode": "ack_requeue_false", "encoding": "auto"}
        traffic.request_json(queues + "/get", get, user="guest:guest")
        requeued = {"count": 1, "ackmode": "reject_requeue_true", "encoding": "auto"}
        traffic.request_json(queues + "/get", requeued, user="guest:guest")

    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", send)


def etcd(sandbox: Sandbox) -> Running:
    client, peer = sandbox.port(), sandbox.port()
    base = f"http://{LOOPBACK}:{client}"
    sandbox.start(
        "etcd",
        f"--data-dir={sandbox.directory('data')}",
        f"--listen-client-urls={base}",
        f"--advertise-client-urls={base}",
        f"--listen-peer-urls=http://{LOOPBACK}:{peer}",
        f"--initial-advertise-peer-urls=http://{LOOPBACK}:{peer}",
        f"--initial-cluster=default=http://{LOOPBACK}:{peer}",
        port=client,
    )
    numbers = itertools.count()

    def send() -> None:
        for _ in range(4):
            key = f"key{next(numbers) % 30}"
            for action, value in (("put", "dmFsdWU="), ("range", None), ("range", None)):
                message = {"key": key} | ({"value": value} if value else {})
                with contextlib.suppress(ValueError):
                    traffic.request_json(f"{base}/v3/kv/{action}", message)
        with contextlib.suppress(ValueError):
            traffic.request_json(f"{base}/v3/kv/put", {"key": ""})
            traffic.request_json(f"{base}/v3/kv/deleterange", {"key": "key1"})

    return Running(base + "/metrics", send)


def docker_registry(sandbox: Sandbox) -> Running:
    port, debug = sandbox.port(), sandbox.port()
    config = sandbox.write(
        "registry.yml",
        "version: 0.1\nlog: {level: error}\n"
        f"storage:\n  filesystem: {{rootdirectory: {sandbox.directory('data')}}}\n"
        f"http:\n  addr: {LOOPBACK}:{port}\n"
        f"  debug: {{addr: '{LOOPBACK}:{debug}', prometheus: {{enabled: true}}}}\n",
    )
    sandbox.start("docker-registry", "serve", config, port=port)
    base = f"http://{LOOPBACK}:{port}"
    paths = ("/v2/", "/v2/_catalog", "/v2/shop/tags/list", "/v2/shop/manifests/latest", "/absent")
    read = traffic.http_round(base, paths)

    def send() -> None:
        read()
        traffic.request(base + "/v2/shop/blobs/uploads/", "POST", b"")

    return Running(f"http://{LOOPBACK}:{debug}/metrics", send)


def pdns_recursor(sandbox: Sandbox) -> Running:
    port, web = sandbox.port(), sandbox.port()
    sandbox.write(
        "shop.test.zone",
        "$ORIGIN shop.test.\n@ 60 IN SOA ns a 1 60 60 60 60\n@ 60 IN NS ns\n"
        f"ns 60 IN A {LOOPBACK}\nwww 60 IN A {LOOPBACK}\nmail 60 IN A {LOOPBACK}\n",
    )
    sandbox.start(
        "pdns_recursor",
        f"--config-dir={sandbox.folder}",
        f"--socket-dir={sandbox.folder}",
        f"--local-address={LOOPBACK}",
        f"--local-port={port}",
        "--daemon=no",
        "--webserver=yes",
        f"--webserver-address={LOOPBACK}",
        f"--webserver-port={web}",
        f"--auth-zones=shop.test={sandbox.folder}/shop.test.zone",
        # Names elsewhere go to a port where nothing answers, so they fail.
        f"--forward-zones-recurse=.={LOOPBACK}:1",
        port=web,
    )
    load = traffic.dns_round(port, "shop.test")
    return Running(f"http://{LOOPBACK}:{web}/metrics", load)


def as_user(name: str, *command: str) -> tuple[str, ...]:
    """Return the command as another user runs it, where we are root."""
    if os.geteuid() != 0:
        return command
    return ("setpriv", f"--reuid={name}", f"--regid={name}", "--clear-groups", *command)


PROGRAMS = [
    Program(
        "prometheus",
        "monitoring",
        ("apt:prometheus",),
        "queries over HTTP, some malformed, a missing page; two scraped targets, one absent",
        prometheus,
    ),
    Program(
        "node_exporter",
        "host",
        ("apt:prometheus-node-exporter",),
        "no load but scrapes of itself",
        node_exporter,
    ),
    Program(
        "alertmanager",
        "monitoring",
        ("apt:prometheus-alertmanager",),
        "alerts posted, one in two malformed; two webhooks, one refuses connections",
        alertmanager,
    ),
    Program(
        "pushgateway",
        "monitoring",
        ("apt:prometheus-pushgateway",),
        "two jobs push, one pushes what cannot be read",
        pushgateway,
    ),
    Program(
        "haproxy",
        "proxy",
        ("apt:haproxy",),
        "a mix of routes over one backend server, with 404, 500 and slow ones; a second is down",
        haproxy,
    ),
    Program(
        "caddy",
        "proxy",
        ("apt:caddy",),
        "a mix of routes over a backend, with 404, 500 and slow ones",
        caddy,
    ),
    Program(
        "rabbitmq",
        "broker",
        ("apt:rabbitmq-server",),
        "messages published and fetched over HTTP; some cannot be routed, some are requeued",
        rabbitmq,
    ),
    Program(
        "etcd",
        "db",
        ("apt:etcd-server",),
        "puts and ranges through the JSON gateway, one put without a key",
        etcd,
    ),
    Program(
        "docker_registry",
        "app",
        ("apt:docker-registry",),
        "catalogue, missing tags and manifests, uploads begun",
        docker_registry,
    ),
    Program(
        "pdns_recursor",
        "dns",
        ("apt:pdns-recursor",),
        "names that exist, do not exist, and cannot be resolved",
        pdns_recursor,
    ),
]
