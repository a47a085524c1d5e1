"""Hold tputtui's figures beside the load generator's own and those of a real Prometheus.

Run `python bench/exporters/side_by_side.py --install`. Four services of `language_services.py` are
started one after the other, each under a load whose every request is timed here. The same minute
is scraped by a Prometheus and by `tputtui stream`; the last 30 s of it are printed by route:
requests a second, share of errors, p50 and p99. Needs Debian's prometheus.

The load generator's times include the connection and the client, so they are above the service's
own; quantiles of histograms are as coarse as their buckets.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import installation
import language_services
import traffic
from program import Program
from sandbox import Sandbox

WINDOW_S = 30
THREADS = 8
PAUSE_S = 0.05
LOOPBACK = "127.0.0.1"
UNKNOWN_ROUTES = ("", "none", "unknown", "unmatched")  # how frameworks label what has no route
REQUEST_BODIES = {"/orders": json.dumps({"item": 1}).encode()}


class Timing(NamedTuple):
    """One request of the load generator. `at`: unix seconds of its end."""

    at: float
    route: str
    is_error: bool
    seconds: float | None


class Figures(NamedTuple):
    """Figures of one route: rate per second, ratio of errors, quantiles in seconds."""

    rate: float
    errors: float | None
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Service:
    """A program, its route label, and the PromQL selectors of its series."""

    program: str
    label: str
    traffic: str
    errors: str
    histogram: str


SERVICES = [
    Service(
        "fastapi",
        "handler",
        'http_requests_total{handler!="/metrics"}',
        'http_requests_total{handler!="/metrics",status="5xx"}',
        'http_request_duration_seconds_bucket{handler!="/metrics"}',
    ),
    Service(
        "starlette",
        "path",
        'starlette_requests_total{path!="/metrics"}',
        'starlette_requests_total{path!="/metrics",status_code=~"5.."}',
        'starlette_request_duration_seconds_bucket{path!="/metrics"}',
    ),
    Service(
        "flask_multiprocess",
        "endpoint",
        'http_requests_total{endpoint!="metrics"}',
        'http_requests_total{endpoint!="metrics",status=~"5.."}',
        'http_request_duration_seconds_bucket{endpoint!="metrics"}',
    ),
    Service(
        "celery_flower",
        "task",
        'flower_events_total{type="task-received"}',
        'flower_events_total{type="task-failed"}',
        "flower_task_runtime_seconds_bucket",
    ),
]


def route_word(value: str) -> str:
    """Reduce a route, an endpoint or a task to its word: `/items/{item}` and `shop.items`."""
    words = re.findall(r"[a-z]+", value.removeprefix("shop."))
    word = words[0] if words else value
    return "missing" if word in UNKNOWN_ROUTES else word


# ------------------------------------------------------------------------------ load generator


def request_paths() -> Iterator[str]:
    """Yield paths for ever, most of them fast."""
    while True:
        yield from traffic.SHOP_ROUND
        yield "/orders"


def load_over_http(address: str, ended: threading.Event, timings: list[Timing]) -> None:
    """Send requests over one connection until ended; every request is timed."""
    paths = request_paths()
    connection = http.client.HTTPConnection(address, timeout=10)
    while not ended.wait(PAUSE_S):
        path = next(paths)
        body = REQUEST_BODIES.get(path)
        started = time.perf_counter()
        try:
            connection.request(
                "POST" if body else "GET", path, body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            continue
        seconds = time.perf_counter() - started
        route = route_word(urllib.parse.urlsplit(path).path)
        timings.append(Timing(time.time(), route, answer.status >= 500, seconds))


def read_sent_tasks(log: Path) -> list[Timing]:
    """Read what the load of the task queue wrote: one line a task, its time and its name."""
    timings = []
    for line in log.read_text().splitlines():
        at, name = line.split()
        timings.append(Timing(float(at), route_word(name), name == "shop.refund", None))
    return timings


def summarise(timings: Iterable[Timing]) -> dict[str, Figures]:
    """Summarise requests by route over `WINDOW_S` seconds."""
    routes: dict[str, list[Timing]] = defaultdict(list)
    for timing in timings:
        routes[timing.route].append(timing)
    return {
        route: Figures(
            len(found) / WINDOW_S,
            sum(timing.is_error for timing in found) / len(found),
            _quantile(found, 0.5),
            _quantile(found, 0.99),
        )
        for route, found in routes.items()
    }


def _quantile(timings: list[Timing], rank: float) -> float | None:
    values = sorted(timing.seconds for timing in timings if timing.seconds is not None)
    return values[min(len(values) - 1, int(rank * len(values)))] if values else None


# ---------------------------------------------------------------------------------- Prometheus


def start_prometheus(sandbox: Sandbox, metrics_url: str) -> str:
    """Start a Prometheus that scrapes the service every second; return its base address."""
    target = urllib.parse.urlsplit(metrics_url)
    config = (
        "scrape_configs: [{job_name: service, scrape_interval: 1s, scrape_timeout: 1s, "
        f"static_configs: [{{targets: ['{target.netloc}']}}]}}]\n"
    )
    port = sandbox.port()
    sandbox.start(
        "prometheus",
        f"--config.file={sandbox.write('prometheus.yml', config)}",
        f"--storage.tsdb.path={sandbox.directory('tsdb')}",
        f"--web.listen-address={LOOPBACK}:{port}",
        port=port,
    )
    return f"http://{LOOPBACK}:{port}"


def ask(base: str, expression: str, label: str, at: float) -> dict[str, float]:
    """Return the value of each route at a time; rows of one route word are added."""
    query = urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"})
    answer = json.loads(traffic.request(f"{base}/api/v1/query?{query}"))
    values: dict[str, float] = defaultdict(float)
    for row in answer["data"]["result"]:
        values[route_word(row["metric"].get(label, ""))] += float(row["value"][1])
    return dict(values)


def promql_figures(base: str, service: Service, at: float) -> dict[str, Figures]:
    """Ask for the same figures by PromQL."""
    window, label = f"[{WINDOW_S}s]", service.label
    rates = ask(base, f"sum by ({label}) (rate({service.traffic}{window}))", label, at)
    errors = ask(base, f"sum by ({label}) (rate({service.errors}{window}))", label, at)
    quantiles = {
        rank: ask(
            base,
            f"histogram_quantile({rank}, sum by (le, {label}) (rate({service.histogram}{window})))",
            label,
            at,
        )
        for rank in (0.5, 0.99)
    }
    return {
        route: Figures(
            rate,
            errors.get(route, 0.0) / rate if rate else None,
            quantiles[0.5].get(route),
            quantiles[0.99].get(route),
        )
        for route, rate in rates.items()
    }


# ------------------------------------------------------------------------------------- tputtui


def stream(metrics_url: str, label: str, seconds: int) -> dict[str, Any]:
    """Return the last object of `tputtui stream` after so many seconds."""
    command = [
        *(sys.executable, "-m", "tputtui", "stream", metrics_url, "-n", str(seconds)),
        *("--interval", "1s", "--window", f"{WINDOW_S}s", "--by", label),
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    snapshot: dict[str, Any] = json.loads(output.splitlines()[-1])
    return snapshot


def our_figures(snapshot: dict[str, Any], service: Service) -> dict[str, Figures]:
    """Read the rows of the breakdown."""
    figures = {}
    for row in snapshot["services"][0]["breakdown"]:
        route = route_word(row["labels"].get(service.label, ""))
        quantiles = row.get("quantiles") or {}
        figures[route] = Figures(
            row["rps"] or 0.0, row.get("error_ratio"), quantiles.get("0.5"), quantiles.get("0.99")
        )
    return figures


# ---------------------------------------------------------------------------------------- main


def compare(service: Service, program: Program, folder: Path, tools: installation.Tools) -> str:
    """Run one service and return its table."""
    sandbox = Sandbox(folder / program.name, tools.python, tools.node_modules)
    ended = threading.Event()
    timings: list[Timing] = []
    try:
        running = program.start(sandbox)
        sandbox.wait_for_page(running.metrics_url)
        prometheus = start_prometheus(sandbox, running.metrics_url)
        if service.program != "celery_flower":
            address = urllib.parse.urlsplit(running.metrics_url).netloc
            for _ in range(THREADS):
                load = partial(load_over_http, address, ended, timings)
                threading.Thread(target=load, daemon=True).start()
        snapshot = stream(running.metrics_url, service.label, 2 * WINDOW_S)
        at = snapshot["time"] - snapshot["targets"][0]["age_s"]
        ended.set()
        if service.program == "celery_flower":
            timings.extend(read_sent_tasks(newest_log(sandbox)))
        sent = [timing for timing in list(timings) if at - WINDOW_S < timing.at <= at]
        columns = {
            "load generator": summarise(sent),
            "PromQL": promql_figures(prometheus, service, at),
            "tputtui": our_figures(snapshot, service),
        }
        return table(service, snapshot, columns)
    finally:
        ended.set()
        sandbox.stop()


def newest_log(sandbox: Sandbox) -> Path:
    """Return the output of the program that sends the tasks: the last Python that was started."""
    return max(sandbox.folder.glob("python-*.log"), key=lambda path: path.stat().st_mtime)


def table(
    service: Service, snapshot: dict[str, Any], columns: dict[str, dict[str, Figures]]
) -> str:
    """Format one service as Markdown: a row a route and source."""
    bound = snapshot["services"][0]
    families = (
        f"{signal} `{bound[signal]['family']}`"
        for signal in ("traffic", "errors", "latency")
        if bound[signal]
    )
    lines = [
        f"**{service.program}**: {', '.join(families)}\n",
        "| route | source | req/s | errors | p50 | p99 |",
        "|---|---|---|---|---|---|",
    ]
    for route in sorted({route for figures in columns.values() for route in figures}):
        for source, figures in columns.items():
            lines.append(f"| {route} | {source} | {describe(figures.get(route))} |")
    return "\n".join(lines)


def describe(figures: Figures | None) -> str:
    """Format the figures of one row."""
    if figures is None:
        return "– | – | – | –"
    errors = "–" if figures.errors is None else f"{100 * figures.errors:.1f} %"
    p50, p99 = milliseconds(figures.p50), milliseconds(figures.p99)
    return f"{figures.rate:.2f} | {errors} | {p50} | {p99}"


def milliseconds(seconds: float | None) -> str:
    """Format a duration in milliseconds."""
    return "–" if seconds is None else f"{1000 * seconds:.1f} ms"


def main() -> None:
    """Run the services one after the other and print their tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("services", nargs="*", metavar="NAME", help="default: all four")
    parser.add_argument("--install", action="store_true", help="install what is missing first")
    parser.add_argument("--tools", type=Path, help="folder of the Python packages, kept")
    arguments = parser.parse_args()
    programs = {program.name: program for program in language_services.PROGRAMS}
    wanted = [s for s in SERVICES if not arguments.services or s.program in arguments.services]
    folder = Path(tempfile.mkdtemp(prefix="side-by-side-"))
    folder.chmod(0o755)
    try:
        tools = installation.prepare(
            [programs[service.program] for service in wanted],
            arguments.tools or folder,
            install=arguments.install,
        )
        for service in wanted:
            print(compare(service, programs[service.program], folder, tools), "\n", flush=True)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
