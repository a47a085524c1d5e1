"""Debian's exporters, each beside the server it asks: how both are started and loaded."""

from __future__ import annotations

import contextlib
import subprocess

import traffic
from debian_servers import LOOPBACK, WEB_PATHS, as_user
from program import Program, Running
from sandbox import Sandbox


def nginx(sandbox: Sandbox) -> Running:
    backend, port, metrics_port = sandbox.port(), sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write(
        "nginx.conf",
        f"daemon off; pid {sandbox.folder}/nginx.pid; error_log {sandbox.folder}/error.log;\n"
        "events {}\nhttp { access_log off;\n"
        f"server {{ listen {LOOPBACK}:{port};\n location /status {{ stub_status; }}\n"
        f" location / {{ proxy_pass http://{LOOPBACK}:{backend}; }} }} }}\n",
    )
    sandbox.start("nginx", "-c", config, "-p", str(sandbox.folder), port=port)
    base = f"http://{LOOPBACK}:{port}"
    sandbox.start(
        "prometheus-nginx-exporter",
        f"-nginx.scrape-uri={base}/status",
        f"-web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
    )
    load = traffic.http_round(base, WEB_PATHS)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def apache(sandbox: Sandbox) -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "authz_host", "status", "dir", "alias")
    )
    pages = sandbox.directory("pages")
    sandbox.write("pages/index.html", "example")
    config = sandbox.write(
        "apache.conf",
        f"{modules}ServerName example\nListen {LOOPBACK}:{port}\nDocumentRoot {pages}\n"
        f"PidFile {sandbox.folder}/pid\nErrorLog {sandbox.folder}/error.log\n"
        "User www-data\nGroup www-data\nExtendedStatus On\nMutex posixsem\n"
        "Redirect 503 /fail\n<Location /server-status>\nSetHandler server-status\n</Location>\n",
    )
    sandbox.start("apache2", "-f", config, "-DFOREGROUND", port=port)
    base = f"http://{LOOPBACK}:{port}"
    sandbox.start(
        "prometheus-apache-exporter",
        f"--scrape_uri={base}/server-status?auto",
        f"--telemetry.address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
    )
    load = traffic.http_round(base, ("/", "/index.html", "/missing", "/", "/fail", "/") * 3)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def start_redis(sandbox: Sandbox) -> int:
    """Start a Redis server that keeps nothing; return its port."""
    port = sandbox.port()
    sandbox.start("redis-server", "--port", str(port), "--bind", LOOPBACK, "--save", "", port=port)
    return port


def redis(sandbox: Sandbox) -> Running:
    port, metrics_port = start_redis(sandbox), sandbox.port()
    sandbox.start(
        "prometheus-redis-exporter",
        f"-redis.addr=redis://{LOOPBACK}:{port}",
        f"-web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
    )
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", traffic.redis_round(port))


def start_postgres(sandbox: Sandbox) -> int:
    """Initialize and start a PostgreSQL server of its own user; return its port."""
    port = sandbox.port()
    data = sandbox.directory("data", owner="postgres")
    versions = sandbox.run("sh", "-c", "ls -d /usr/lib/postgresql/*/bin").split()
    binaries = versions[-1]
    initdb = as_user("postgres", f"{binaries}/initdb", "-D", data, "-A", "trust", "--no-sync")
    sandbox.run(*initdb)
    options = ["-k", data, "-h", LOOPBACK, "-p", str(port), "-c", "fsync=off"]
    options += ["-c", "track_io_timing=on"]
    sandbox.start(*as_user("postgres", f"{binaries}/postgres", "-D", data, *options), port=port)
    return port


POSTGRES_ROUND = """
INSERT INTO orders (item) SELECT generate_series(1, 5);
SELECT count(*) FROM orders WHERE item = 3;
UPDATE orders SET item = 4 WHERE item = 3;
BEGIN; DELETE FROM orders; ROLLBACK;
SELECT * FROM absent;
SELECT pg_sleep(0.2);
"""


def postgres(sandbox: Sandbox) -> Running:
    port, metrics_port = start_postgres(sandbox), sandbox.port()
    psql = ("psql", "-h", LOOPBACK, "-p", str(port), "-U", "postgres", "-q", "postgres")
    sandbox.run(*psql, user_input="CREATE TABLE orders (id serial, item int);")
    sandbox.start(
        "prometheus-postgres-exporter",
        f"--web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
        DATA_SOURCE_NAME=f"postgresql://postgres@{LOOPBACK}:{port}/postgres?sslmode=disable",
    )
    return Running(
        f"http://{LOOPBACK}:{metrics_port}/metrics",
        lambda: _ignore_output(sandbox, *psql, user_input=POSTGRES_ROUND),
    )


MARIADB_ROUND = """
INSERT INTO shop.orders (item) VALUES (1), (2), (3);
SELECT COUNT(*) FROM shop.orders WHERE item = 2;
UPDATE shop.orders SET item = 4 WHERE item = 3;
SELECT * FROM shop.absent;
SELECT SLEEP(0.2);
"""


def mariadb(sandbox: Sandbox) -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    data = sandbox.directory("data", owner="mysql")
    sandbox.run(
        "mariadb-install-db",
        "--no-defaults",
        "--user=mysql",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    )
    sandbox.start(
        "mariadbd",
        "--no-defaults",
        "--user=mysql",
        f"--datadir={data}",
        f"--socket={data}/socket",
        f"--bind-address={LOOPBACK}",
        f"--port={port}",
        "--long-query-time=0.1",
        port=port,
    )
    client = ("mariadb", "--no-defaults", "-h", LOOPBACK, "-P", str(port), "-u", "root", "-f")
    sandbox.run(
        *client,
        user_input="CREATE DATABASE shop; CREATE TABLE shop.orders (item INT);"
        f"CREATE USER exporter@'{LOOPBACK}' IDENTIFIED BY 'example';"
        f"GRANT ALL ON *.* TO exporter@'{LOOPBACK}';",
    )
    sandbox.start(
        "prometheus-mysqld-exporter",
        f"--web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
        DATA_SOURCE_NAME=f"exporter:example@({LOOPBACK}:{port})/",
    )
    return Running(
        f"http://{LOOPBACK}:{metrics_port}/metrics",
        lambda: _ignore_output(sandbox, *client, user_input=MARIADB_ROUND),
    )


def memcached(sandbox: Sandbox) -> Running:
    port, metrics_port = sandbox.port(), sandbox.port()
    sandbox.start(
        "memcached", "-u", "nobody", "-l", LOOPBACK, "-p", str(port), "-m", "16", port=port
    )
    config = sandbox.write(
        "collectd.conf",
        f'Hostname "example"\nFQDNLookup false\nInterval 2\nBaseDir "{sandbox.folder}"\n'
        f'PIDFile "{sandbox.folder}/collectd.pid"\nTypesDB "/usr/share/collectd/types.db"\n'
        "LoadPlugin memcached\nLoadPlugin write_prometheus\n"
        f'<Plugin memcached>\n<Instance "cache">\nAddress "{LOOPBACK}"\nPort "{port}"\n'
        "</Instance>\n</Plugin>\n"
        f'<Plugin write_prometheus>\nHost "{LOOPBACK}"\nPort "{metrics_port}"\n</Plugin>\n',
    )
    sandbox.start("collectd", "-f", "-C", config, port=metrics_port)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", traffic.memcached_round(port))


def varnish(sandbox: Sandbox) -> Running:
    backend, port, metrics_port = sandbox.port(), sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    sandbox.start(
        "varnishd",
        "-F",
        *("-n", sandbox.directory("varnish"), "-a", f"{LOOPBACK}:{port}"),
        *("-b", f"{LOOPBACK}:{backend}", "-s", "malloc,16m"),
        port=port,
    )
    sandbox.start(
        "prometheus-varnish-exporter",
        *("-n", sandbox.directory("varnish")),
        f"-web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
    )
    load = traffic.http_round(f"http://{LOOPBACK}:{port}", WEB_PATHS)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def squid(sandbox: Sandbox) -> Running:
    backend, port, metrics_port = sandbox.port(), sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write(
        "squid.conf",
        f"http_port {LOOPBACK}:{port}\nvisible_hostname example\nhttp_access allow localhost\n"
        f"pid_filename {sandbox.folder}/squid.pid\naccess_log none\n"
        f"cache_log {sandbox.folder}/cache.log\ncoredump_dir {sandbox.folder}\n"
        "cache_mem 16 MB\nforward_timeout 2 seconds\nconnect_timeout 1 second\n",
    )
    sandbox.start("squid", "-N", "-f", config, port=port)
    sandbox.start(
        "prometheus-squid-exporter",
        *("-squid-hostname", LOOPBACK, "-squid-port", str(port)),
        *("-listen", f"{LOOPBACK}:{metrics_port}"),
        port=metrics_port,
    )
    load = traffic.proxy_round(port, f"http://{LOOPBACK}:{backend}", WEB_PATHS)
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def bind(sandbox: Sandbox) -> Running:
    port, statistics, metrics_port = sandbox.port(), sandbox.port(), sandbox.port()
    zone = sandbox.write(
        "shop.test.zone",
        "$TTL 60\n@ IN SOA ns a 1 60 60 60 60\n@ IN NS ns\n"
        f"ns IN A {LOOPBACK}\nwww IN A {LOOPBACK}\nmail IN A {LOOPBACK}\n",
    )
    config = sandbox.write(
        "named.conf",
        f'options {{ directory "{sandbox.folder}"; pid-file "{sandbox.folder}/named.pid";'
        f" listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }};"
        f' session-keyfile "{sandbox.folder}/key"; dnssec-validation no;'
        f" forwarders {{ {LOOPBACK} port 1; }}; forward only; }};\n"
        "controls { };\n"
        f"statistics-channels {{ inet {LOOPBACK} port {statistics}; }};\n"
        f'zone "shop.test" {{ type primary; file "{zone}"; }};\n',
    )
    sandbox.start("named", "-f", "-c", config, port=port)
    sandbox.start(
        "prometheus-bind-exporter",
        f"--bind.stats-url=http://{LOOPBACK}:{statistics}/",
        f"--bind.pid-file={sandbox.folder}/named.pid",
        f"--web.listen-address={LOOPBACK}:{metrics_port}",
        port=metrics_port,
    )
    load = traffic.dns_round(port, "shop.test")
    return Running(f"http://{LOOPBACK}:{metrics_port}/metrics", load)


def start_blackbox(sandbox: Sandbox) -> tuple[str, str]:
    """Start a blackbox exporter and a backend; return the bases of both."""
    backend, port = sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write("blackbox.yml", "modules:\n  http_2xx: {prober: http, timeout: 3s}\n")
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    sandbox.start("prometheus-blackbox-exporter", f"--config.file={config}", listen, port=port)
    return f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{backend}"


def blackbox(sandbox: Sandbox) -> Running:
    base, backend = start_blackbox(sandbox)
    probes = tuple(
        f"/probe?module={module}&target={backend}{path}"
        for module, path in (("http_2xx", "/items/1"), ("http_2xx", "/fail"), ("absent", "/"))
    )
    return Running(base + "/metrics", traffic.http_round(base, (*probes, "/", "/missing")))


def blackbox_probe(sandbox: Sandbox) -> Running:
    base, backend = start_blackbox(sandbox)
    probe = f"{base}/probe?module=http_2xx&target={backend}/slow"
    return Running(probe, traffic.http_round(backend, ("/items/1",)))


def process_exporter(sandbox: Sandbox) -> Running:
    backend, port = sandbox.port(), sandbox.port()
    sandbox.start_python("plain_backend.py", str(backend), port=backend)
    config = sandbox.write(
        "processes.yml",
        "process_names:\n- name: backend\n  cmdline: ['plain_backend']\n"
        "- name: exporter\n  cmdline: ['prometheus-process-exporter']\n",
    )
    sandbox.start(
        "prometheus-process-exporter",
        *("-config.path", config, "-web.listen-address", f"{LOOPBACK}:{port}"),
        port=port,
    )
    load = traffic.http_round(f"http://{LOOPBACK}:{backend}", WEB_PATHS)
    return Running(f"http://{LOOPBACK}:{port}/metrics", load)


def _ignore_output(sandbox: Sandbox, *command: str, user_input: str) -> None:
    """Run a client whose statements partly fail: an error status is part of the load."""
    with contextlib.suppress(subprocess.CalledProcessError):
        sandbox.run(*command, user_input=user_input)


MIXED = "a mix of routes over a backend, with 404, 500 and slow ones"

PROGRAMS = [
    Program("nginx", "proxy", ("apt:nginx-light", "apt:prometheus-nginx-exporter"), MIXED, nginx),
    Program(
        "apache",
        "proxy",
        ("apt:apache2", "apt:prometheus-apache-exporter"),
        "pages, a missing one, one that answers 503",
        apache,
    ),
    Program(
        "redis",
        "db",
        ("apt:redis-server", "apt:prometheus-redis-exporter"),
        "sets, hits, misses, list operations, one error of type a round",
        redis,
    ),
    Program(
        "postgres",
        "db",
        ("apt:postgresql", "apt:prometheus-postgres-exporter"),
        "inserts, reads, updates, a rolled-back delete, a missing table, a slow statement",
        postgres,
    ),
    Program(
        "mariadb",
        "db",
        ("apt:mariadb-server", "apt:prometheus-mysqld-exporter"),
        "inserts, reads, updates, a missing table, a slow statement",
        mariadb,
    ),
    Program(
        "memcached_collectd",
        "db",
        (
            "apt:memcached",
            "apt:collectd-core",
            "apt:libmemcached11",
            "apt:libmicrohttpd12",
            "apt:libprotobuf-c1",
        ),
        "sets, hits, misses, increments of an absent key; read through collectd",
        memcached,
    ),
    Program(
        "varnish",
        "proxy",
        ("apt:varnish", "apt:prometheus-varnish-exporter"),
        MIXED + "; some are cached",
        varnish,
    ),
    Program(
        "squid",
        "proxy",
        ("apt:squid", "apt:prometheus-squid-exporter"),
        MIXED + "; some are cached",
        squid,
    ),
    Program(
        "bind",
        "dns",
        ("apt:bind9", "apt:prometheus-bind-exporter"),
        "names that exist, do not exist, and cannot be resolved",
        bind,
    ),
    Program(
        "blackbox",
        "probe",
        ("apt:prometheus-blackbox-exporter",),
        "probes: one succeeds, one fails, one names an unknown module",
        blackbox,
    ),
    Program(
        "blackbox_probe",
        "probe",
        ("apt:prometheus-blackbox-exporter",),
        "the answer to a probe of a slow page",
        blackbox_probe,
    ),
    Program(
        "process_exporter",
        "host",
        ("apt:prometheus-process-exporter",),
        MIXED + ", which is one of the two watched processes",
        process_exporter,
    ),
]
