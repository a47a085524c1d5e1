"""`stream` and `demo --stream` as a script sees them: stdout, stderr and exit."""

from __future__ import annotations

import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from external_resources import needs
from stream_contract import DEMO_SUMMARY, Json, assert_shape
from test_prometheus_agrees import free_port, prometheus, running

pytestmark = [pytest.mark.integration, pytest.mark.alone]

TPUTTUI = str(Path(sys.executable).with_name("tputtui"))
PATIENCE_S = 30.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [TPUTTUI, *arguments]
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def read(line: str) -> Json:
    """Parse one object; reject NaN and Infinity, which Python would accept."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    document: Json = json.loads(line, parse_constant=refuse)
    return document


# --------------------------------------------------------------------------------------------- demo


def test_the_demo_streams_by_the_contract_and_ends_with_the_load_s_own_count() -> None:
    done = run(
        "demo",
        "--stream",
        "--load",
        "100",
        "--seconds",
        "6",
        "--seed",
        "9",
        "--objective",
        "p99<=5s",
    )
    assert done.returncode == 0, done.stderr
    objects = [read(line) for line in done.stdout.splitlines()]
    assert len(objects) >= 5
    for document in objects:
        assert_shape(document)
        assert document["services"][0]["name"] == "demo"
        assert len(document["objectives"]) == 1
    assert [document["time"] for document in objects] == sorted(
        document["time"] for document in objects
    )
    summary = read(done.stderr.splitlines()[-1])
    assert set(summary) == DEMO_SUMMARY
    assert set(summary["quantiles_s"]) == {"0.5", "0.99"}
    assert summary["sent"] == pytest.approx(600, abs=130)  # five deviations of a Poisson count
    last = objects[-1]["services"][0]
    assert last["traffic"]["total"] == summary["completed"]
    assert last["traffic"]["unit"] == "req/s"
    assert set(last["latency"]["quantiles"]) == {"0.5", "0.9", "0.99"}
    assert 0 < last["latency"]["quantiles"]["0.5"] < last["latency"]["quantiles"]["0.99"]
    assert objects[-1]["objectives"][0]["ok"] is True
    routes = {row["labels"]["route"] for row in last["breakdown"] if row["labels"]}
    assert routes >= {"/items/{id}", "/search", "/cart", "/checkout", "/payment"}


def test_n_limits_the_number_of_objects() -> None:
    done = run("demo", "--stream", "--load", "50", "-n", "3")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)


# ------------------------------------------------------------------------------------- real servers


@pytest.fixture(scope="module")
def exporter() -> Iterator[str]:
    port = free_port()
    argv = [needs("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{port}"]
    with running(argv, f"http://127.0.0.1:{port}/metrics") as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("prometheus")) as api:
        yield f"{api}/metrics"


def test_debian_s_exporter_and_server_are_up_and_classified(exporter: str, server: str) -> None:
    done = run("stream", "-n", "2", exporter, server)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    objects = [read(line) for line in done.stdout.splitlines()]
    assert len(objects) == 2
    for document in objects:
        assert_shape(document)
        assert [target["url"] for target in document["targets"]] == [exporter, server]
        for target in document["targets"]:
            assert target["up"] is True
            assert target["error"] is None
            assert target["series"] > 100
            assert target["skipped_lines"] == 0
    node, prom = objects[-1]["services"]
    assert node["traffic"]["family"] == "node_network_receive_bytes_total"
    assert node["traffic"]["unit"] == "By/s"
    assert prom["traffic"]["family"] == "prometheus_http_requests_total"
    assert prom["traffic"]["rps"] is not None
    assert prom["latency"]["family"] == "prometheus_http_request_duration_seconds"
    assert prom["errors"]["family"] == "prometheus_http_requests_total"


# -------------------------------------------------------------------------------- targets that fail


def test_a_closed_port_is_a_sentence_and_not_a_failure() -> None:
    done = run("stream", "-n", "1", f":{free_port()}")
    assert done.returncode == 0, done.stderr
    (document,) = [read(line) for line in done.stdout.splitlines()]
    assert_shape(document)
    (target,) = document["targets"]
    assert target["up"] is False
    assert "refused" in target["error"]
    assert (target["bytes"], target["series"]) == (None, None)
    assert [service["traffic"] for service in document["services"]] == [None]


class Honest(http.server.BaseHTTPRequestHandler):
    """Handler that serves a counter, and records the times of requests."""

    asked: list[float]

    def do_GET(self) -> None:
        self.asked.append(time.monotonic())
        body = f"# TYPE jobs_total counter\njobs_total {10 * len(self.asked)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence the log of requests."""


@pytest.fixture
def honest() -> Iterator[tuple[str, list[float]]]:
    """Yield the target, and the times at which it was scraped."""
    Honest.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Honest) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f":{server.server_port}", Honest.asked
        server.shutdown()
        thread.join()


def test_a_target_that_hangs_leaves_the_cadence_of_the_other(
    honest: tuple[str, list[float]],
) -> None:
    target, asked = honest
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        done = run("stream", "-n", "6", f":{hanging.getsockname()[1]}", target)
    assert done.returncode == 0, done.stderr
    objects = [read(line) for line in done.stdout.splitlines()]
    assert len(objects) == 6
    assert all(document["targets"][0]["state"] == "slow" for document in objects)
    assert all(document["targets"][0]["waiting_s"] > 0 for document in objects)
    assert all(
        document["targets"][0]["up"] is None for document in objects
    )  # the target never answered
    assert all(document["targets"][1]["up"] is True for document in objects)
    assert all(document["services"][1]["traffic"]["rps"] is not None for document in objects)
    assert len(asked) >= len(objects)  # once an object, with the hanging target beside it
    newest = [document["time"] for document in objects]
    assert len(set(newest)) == len(newest), "each object rests on a new scrape"


# --------------------------------------------------------------------------------------------- exit


def start_stream(*arguments: str) -> subprocess.Popen[str]:
    """Start a stream and wait for its first object."""
    process = subprocess.Popen(
        [TPUTTUI, "stream", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert_shape(read(process.stdout.readline()))
    return process


def test_a_reader_that_has_gone_is_not_a_failure(honest: tuple[str, list[float]]) -> None:
    with start_stream(honest[0]) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_head_reads_one_object_and_the_exit_code_is_0() -> None:
    line = f"{TPUTTUI} stream :{free_port()} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False
    )
    first, status = done.stdout.splitlines()
    assert_shape(read(first))
    assert (status, done.stderr) == ("0", "")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_with_its_number(
    honest: tuple[str, list[float]], number: signal.Signals, code: int
) -> None:
    if (
        signal.getsignal(number) is signal.SIG_IGN
    ):  # under nohup: the child would inherit it, and obey
        signal.signal(number, signal.SIG_DFL)
    with start_stream(honest[0]) as process:
        process.send_signal(number)
        output = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, output[1]) == (code, "")
        for line in output[0].splitlines():
            assert_shape(read(line))
