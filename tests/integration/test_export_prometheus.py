"""An exported run loads into a real Prometheus, and PromQL there gives the same rates."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from recorded_runs import BEGAN, record

from tputtui.cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(
        not (shutil.which("promtool") and shutil.which("prometheus")),
        reason="needs prometheus and promtool",
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int, query: str, at: float) -> dict[tuple[str, ...], float]:
    query_string = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    deadline = time.monotonic() + 40
    while True:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/v1/query?{query_string}", timeout=10
            ) as answer:
                result = json.load(answer)["data"]["result"]
                return {
                    (series["metric"].get("status", ""),): float(series["value"][1])
                    for series in result
                }
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_promql_on_an_exported_run_gives_the_rates_that_were_shown(tmp_path: Path) -> None:
    shown = record(tmp_path / "a", 120)
    assert (
        main(
            ["export", str(tmp_path / "a"), "--format", "openmetrics", "-o", str(tmp_path / "a.om")]
        )
        == 0
    )
    blocks = tmp_path / "data"
    subprocess.run(
        [
            "promtool",
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            str(tmp_path / "a.om"),
            str(blocks),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    (tmp_path / "p.yml").write_text("global: {}\n")
    port = free_port()
    argv = [
        "prometheus",
        f"--config.file={tmp_path / 'p.yml'}",
        f"--storage.tsdb.path={blocks}",
        "--storage.tsdb.retention.time=20y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            at = BEGAN + 100
            rates = ask(port, 'rate(http_requests_total{job="api"}[10s])', at)
            counts = ask(port, "count_over_time(http_requests_total[10m])", BEGAN + 119.5)
        finally:
            server.terminate()
            server.wait(20)
    traffic, errors = shown[100].services[0].traffic, shown[100].services[0].errors
    assert traffic is not None
    assert errors is not None
    assert sum(rates.values()) == pytest.approx(traffic.rps, rel=0.01)
    assert rates[("500",)] == pytest.approx(errors.rps, rel=0.01)
    assert counts == {("200",): 119.0, ("500",): 80.0}  # every sample is there; one scrape failed
