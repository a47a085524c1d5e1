"""Capacity of one process: CPU, memory, cadence and age at 10, 50 and 100 targets.

Run it as `python bench/scale.py`. The last case reads the same targets through a Prometheus server.
The targets are synthetic (500 series each: 20 routes with statuses and buckets, and the metrics of
a runtime), served on loopback by a separate process whose cost is not counted. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

SERIES, BIG_SERIES = 500, 100_000
BOUNDS = (
    "0.001",
    "0.0025",
    "0.005",
    "0.01",
    "0.025",
    "0.05",
    "0.1",
    "0.25",
    "0.5",
    "1",
    "2.5",
    "5",
    "10",
    "+Inf",
)
WARM_UP_S = 20.0


@lru_cache(maxsize=8)
def body(series: int, tenths: int) -> bytes:
    """Return an exposition of about this number of series, at 10 requests a second a route.

    Created once for all requests.
    """
    count = tenths + 1000
    lines = ["# TYPE http_requests_total counter", "# TYPE http_request_duration_seconds histogram"]
    for route in range(round(series / 25)):
        labels = f'method="GET",route="/r{route}"'
        lines += [
            f'http_requests_total{{{labels},status="{s}"}} {count * n}'
            for s, n in ((200, 9), (404, 1), (500, 1))
        ]
        lines += [
            f'http_request_duration_seconds_bucket{{{labels},le="{le}"}} {int(count * 11 * (number + 1) / len(BOUNDS))}'
            for number, le in enumerate(BOUNDS)
        ]
        lines += [
            f"http_request_duration_seconds_{part}{{{labels}}} {count * 11}"
            for part in ("sum", "count")
        ]
    lines += ["# TYPE http_requests_in_flight gauge", f"http_requests_in_flight {count % 30}"]
    rest = max(0, series - len(lines) + 3)
    lines += [
        "# TYPE runtime_pool_bytes gauge",
        *(f'runtime_pool_bytes{{pool="{n}"}} {n + count}' for n in range(rest)),
    ]
    return "\n".join([*lines, ""]).encode()


async def serve(sizes: Sequence[int]) -> None:
    """Serve each target on its own port, until the standard input ends.

    The ports are the only line of output.
    """
    began = time.monotonic()

    def answering(series: int) -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    text = body(
                        series,
                        int((time.monotonic() - began) * (10 if series < BIG_SERIES else 0.5)),
                    )
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(text)}\r\n\r\n"
                    writer.write(head.encode() + text)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        return answer

    servers = [await asyncio.start_server(answering(series), "127.0.0.1", 0) for series in sizes]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


def watch(ports: Sequence[int], server: str, seconds: float, limit: int) -> dict[str, Any]:
    """Run one engine without a screen; return its cost and the quality of its cadence."""
    from tputtui.engine.engine import Engine
    from tputtui.settings import Limits, Settings, TargetSettings

    targets = tuple(
        TargetSettings(name=f"t{n}", url=f"http://127.0.0.1:{port}/metrics")
        for n, port in enumerate(ports)
    )
    servers = (TargetSettings(name="server", prometheus=server),) if server else ()
    limits = Limits(
        body_bytes=64 * 2**20,
        series_per_target=limit,
        series_total=200_000 if limit <= 50_000 else limit * len(ports),
    )
    engine = Engine(Settings(targets=targets, servers=servers, discover=False, limits=limits))
    ages: list[float] = []
    gaps: list[float] = []
    ready: list[float] = []
    began = time.monotonic()
    snapshots: list[Any] = []
    done = threading.Event()

    def take(snapshot: Any) -> None:
        if measuring and snapshots:
            gaps.append(snapshot.at - snapshots[-1].at)
            ages.extend(
                target.age_s
                for target in snapshot.targets
                if target.age_s is not None and target.name != large
            )
        snapshots.append(snapshot)
        if not ready and snapshot.ready:
            ready.append(time.monotonic() - began)

    measuring = False
    large = f"t{len(ports) - 1}" if len(ports) == 11 else ""  # only the others are of interest
    engine.subscribe(take)
    engine.start()
    done.wait(WARM_UP_S + (10.0 if server else 0.0))
    measuring, cpu, wall, ticks = True, time.process_time(), time.monotonic(), len(snapshots)
    done.wait(seconds)
    cpu, wall, ticks = time.process_time() - cpu, time.monotonic() - wall, len(snapshots) - ticks
    last = snapshots[-1]
    engine.stop()
    ages.sort()
    return {
        "services": sum(
            service.traffic is not None and service.traffic.rps is not None
            for service in last.services
        ),
        "ready after s": ready[0] if ready else 0.0,
        "cpu % of a core": 100 * cpu / wall,
        "CPU ms a tick": 1000 * cpu / max(1, ticks),
        "RSS MiB": (last.self_.rss_bytes or 0) / 2**20,
        "longest tick s": max(gaps, default=0.0),
        "age p99 s": ages[int(0.99 * (len(ages) - 1))] if ages else 0.0,
        "missed": last.self_.missed_ticks,
    }


def measured(
    ports: Sequence[int], seconds: float, *, server: str = "", limit: int = 50_000
) -> dict[str, Any]:
    """Run `watch` in a process of its own, so that no memory of the run before counts."""
    arguments = [
        "--watch",
        json.dumps(list(ports)),
        "--server",
        server,
        "--seconds",
        str(seconds),
        "--limit",
        str(limit),
    ]
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    reply: dict[str, Any] = json.loads(done.stdout)
    return reply


def prometheus(ports: Sequence[int], folder: Path) -> tuple[subprocess.Popen[bytes], str] | None:
    """Start Prometheus on all of them as one job, every second.

    Yields once it has a minute of data.
    """
    program = shutil.which("prometheus")
    if program is None:
        return None
    config = folder / "prometheus.yml"
    targets = [f"127.0.0.1:{port}" for port in ports]
    job = {"job_name": "fleet", "static_configs": [{"targets": targets}]}
    config.write_text(
        json.dumps(
            {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
        )
    )
    address = "127.0.0.1:19399"
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}",
        f"--web.listen-address={address}",
    ]
    process = subprocess.Popen([*argv, "--log.level=error"])
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=1):
                break
        except OSError:
            time.sleep(0.1)
    time.sleep(20.0)
    return process, f"http://{address}"


def main() -> None:
    """Run all cases, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    parser.add_argument("--server", default="", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=50_000, help=argparse.SUPPRESS)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="measured of each case, after a warm-up"
    )
    parser.add_argument("--targets", type=int, nargs="*", default=[10, 50, 100])
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(json.loads(given.serve)))
        return
    if given.watch:
        print(json.dumps(watch(json.loads(given.watch), given.server, given.seconds, given.limit)))
        return
    most = max(given.targets)
    argv = [sys.executable, __file__, "--serve", json.dumps([SERIES] * most + [BIG_SERIES])]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        *ports, big = json.loads(service.stdout.readline())
        rows = [(f"{n} targets", measured(ports[:n], given.seconds)) for n in given.targets]
        rows.append(("10 and one of 100,000", measured([*ports[:10], big], given.seconds)))
        rows.append(
            (
                "the same, its limit raised",
                measured([*ports[:10], big], given.seconds, limit=2 * BIG_SERIES),
            )
        )
        with tempfile.TemporaryDirectory() as folder:
            there = prometheus(ports, Path(folder))
            if there is not None:
                rows.append(
                    (f"{most} through Prometheus", measured([], given.seconds, server=there[1]))
                )
                there[0].kill()
                there[0].wait()
        service.kill()
    heads = list(rows[0][1])
    print("| | " + " | ".join(heads) + " |\n|---|" + "---:|" * len(heads))
    for name, figures in rows:
        print(
            f"| {name} | "
            + " | ".join(f"{figures[head]:,.2f}".removesuffix(".00") for head in heads)
            + " |"
        )


if __name__ == "__main__":
    main()
