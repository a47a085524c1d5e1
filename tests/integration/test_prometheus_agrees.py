"""A real Prometheus server and tputtui agree on rates and quantiles of one service."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from external_resources import needs

from tputtui.demo.launch import Demo
from tputtui.demo.load_stats import LoadSummary
from tputtui.engine.engine import Engine
from tputtui.model import Snapshot
from tputtui.settings import Settings, TargetSettings

pytestmark = [pytest.mark.integration, pytest.mark.alone]

LOAD = 200.0
WINDOW_S = 10
QUANTILES = (0.5, 0.9, 0.99)
WARM_UP_S = 13.0  # the window is full, and none of it lies before the load
READINGS_S = 14.0
PATIENCE_S = 20.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(argv: Sequence[str], url: str) -> Iterator[str]:
    """Start a server and wait until `url` answers; end it with the block."""
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + PATIENCE_S
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    pytest.fail(
                        f"{argv[0]} does not answer: {process.communicate()[1].decode(errors='replace')}"
                    )
                time.sleep(0.05)
            yield url
        finally:
            process.kill()
            process.communicate()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def prometheus(folder: Path, *targets: str, port: int | None = None) -> Iterator[str]:
    """Start Debian's Prometheus, scraping `targets` (host:port) every second.

    Yields the address of its API.
    """
    port = port or free_port()
    config = folder / "prometheus.yml"
    jobs = (
        [{"job_name": "watched", "static_configs": [{"targets": list(targets)}]}] if targets else []
    )
    config.write_text(  # JSON is YAML
        json.dumps(
            {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        )
    )
    argv = [
        needs("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with running(argv, f"http://127.0.0.1:{port}/-/ready"):
        yield f"http://127.0.0.1:{port}"


def ask(api: str, query: str, at: float) -> float:
    """Send an instant query that returns one number."""
    parameters = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{api}/api/v1/query?{parameters}", timeout=10) as answer:
        result = json.load(answer)["data"]["result"]
    assert len(result) == 1, f"{query} at {at}: {result}"
    return float(result[0]["value"][1])


class Watch:
    """Snapshots of the engine, and the count of the load."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.readings: list[Snapshot] = []  # at constant load, the window full
        self.summary: LoadSummary | None = None

    def until(self, message: str, begin: float, seconds: float) -> None:
        """Wait for a condition, and fail where no snapshot arrives."""
        while time.time() < begin + seconds:
            time.sleep(0.1)
        assert self.snapshots[-1].time > begin + seconds - 3, f"no snapshots while {message}"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watch, str]]:
    """Run the demo under constant load, seen by both.

    Yields once the load has ended and its last request was scraped.
    """
    watch = Watch()
    with Demo(load=LOAD, seed=20) as demo:
        (url,) = demo.start()
        engine = Engine(
            Settings(
                targets=(TargetSettings(name="demo", url=url),),
                window_s=WINDOW_S,
                quantiles=QUANTILES,
                discover=False,
            )
        )
        engine.subscribe(watch.snapshots.append)
        with prometheus(
            tmp_path_factory.mktemp("prometheus"), urllib.parse.urlsplit(url).netloc
        ) as api:
            engine.start()
            try:
                end = time.monotonic() + PATIENCE_S
                while not (watch.snapshots and watch.snapshots[-1].is_ready):
                    assert time.monotonic() < end, "never ready"
                    time.sleep(0.05)
                demo.start_load()
                began = time.time()
                watch.until("the window fills", began, WARM_UP_S)
                watch.until("both are read", began, WARM_UP_S + READINGS_S)
                watch.readings = [s for s in list(watch.snapshots) if s.time > began + WARM_UP_S]
                watch.summary = demo.stop_load()
                watch.until("the last request is scraped", time.time(), 3.0)
            finally:
                engine.stop()
            yield watch, api


def median_ratio(watch: Watch, api: str, query: str, ours: list[float | None]) -> float:
    """Return our figures over theirs, each at the time of the snapshot's newest scrape."""
    assert len(watch.readings) >= 8
    ratios = []
    for snapshot, value in zip(watch.readings, ours, strict=True):
        assert value is not None
        ratios.append(value / ask(api, query, snapshot.time))
    return statistics.median(ratios)


@pytest.mark.parametrize("q", QUANTILES)
def test_quantiles_are_within_five_percent(watched: tuple[Watch, str], q: float) -> None:
    watch, api = watched
    ours = []
    for snapshot in watch.readings:
        latency = snapshot.services[0].latency
        assert latency is not None
        assert latency.family == "http_request_duration_seconds"
        ours.append(next(quantile.value for quantile in latency.quantiles if quantile.q == q))
    rate = f"sum by (le) (rate(http_request_duration_seconds_bucket[{WINDOW_S}s]))"
    assert median_ratio(watch, api, f"histogram_quantile({q}, {rate})", ours) == pytest.approx(
        1.0, abs=0.05
    )


def test_throughput_is_within_three_percent(watched: tuple[Watch, str]) -> None:
    watch, api = watched
    ours = [
        snapshot.services[0].traffic.rps if snapshot.services[0].traffic else None
        for snapshot in watch.readings
    ]
    query = f"sum(rate(http_requests_total[{WINDOW_S}s]))"
    assert median_ratio(watch, api, query, ours) == pytest.approx(1.0, abs=0.03)


def test_the_total_equals_the_count_of_the_load(watched: tuple[Watch, str]) -> None:
    watch, _ = watched
    traffic, summary = watch.snapshots[-1].services[0].traffic, watch.summary
    assert traffic is not None
    assert summary is not None
    assert summary.sent > 0.8 * LOAD * (WARM_UP_S + READINGS_S)
    assert summary.completed == summary.sent
    assert traffic.total == summary.completed


def test_the_server_has_the_same_count(watched: tuple[Watch, str]) -> None:
    watch, api = watched
    summary = watch.summary
    assert summary is not None
    assert ask(api, "sum(http_requests_total)", watch.snapshots[-1].time) == summary.completed
