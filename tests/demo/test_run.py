"""The complete demo: real processes on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tputtui.demo import shop_routes
from tputtui.demo.launch import Demo, DemoError


def _get(url: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers["Content-Type"]


def _families(url: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(_get(url)[1])}


def _total(url: str, family: str, **labels: str) -> float:
    """Return the sum of a family's samples (of histograms: of its counts)."""
    wanted = (family, f"{family}_total", f"{family}_count")
    return sum(
        sample.value
        for sample in _families(url)[family].samples
        if sample.name in wanted and labels.items() <= sample.labels.items()
    )


def _until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _gone(pid: int) -> bool:
    """Return whether the process has ended; an unreaped zombie counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


@pytest.fixture(scope="module")
def quiet() -> Iterator[str]:
    """Start a demo without load; yield the address of its service."""
    with Demo(seed=1) as demo:
        url = urlsplit(demo.start()[0])
        yield f"{url.scheme}://{url.netloc}"


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("GET", "/items/12", {200, 404}),
        ("GET", "/search?q=red", {200}),
        ("GET", "/cart", {200}),
        ("POST", "/checkout", {200}),
        ("POST", "/payment", {200, 502}),
        ("GET", "/report", {200}),
        ("GET", "/healthz", {200}),
        ("GET", "/favicon.ico", {404}),
        ("GET", "/payment", {404}),
    ],
)
def test_each_route_returns_json(quiet: str, method: str, path: str, statuses: set[int]) -> None:
    status, body, content_type = _get(quiet + path, method)
    assert status in statuses
    assert json.loads(body)
    assert content_type == "application/json"


def test_prometheus_client_reads_the_exposition_in_both_formats(quiet: str) -> None:
    families = _families(quiet + "/metrics")
    assert families["http_requests"].type == "counter"
    assert families["http_request_duration_seconds"].type == "histogram"
    gauges = {
        "http_requests_in_flight",
        "db_pool_size",
        "db_pool_in_use",
        "db_pool_waiting",
        "process_open_fds",
    }
    assert {name for name in gauges if families[name].type == "gauge"} == gauges
    assert "demo_build_info" in families
    status, body, content_type = _get(
        quiet + "/metrics", Accept="application/openmetrics-text; version=1.0.0"
    )
    assert status == 200
    assert content_type.startswith("application/openmetrics-text")
    read = openmetrics.text_string_to_metric_families(body)  # type: ignore[no-untyped-call]
    assert "http_requests" in {family.name for family in read}


def test_a_scrape_is_not_counted_as_a_request(quiet: str) -> None:
    before = _total(quiet + "/metrics", "http_requests")
    assert _total(quiet + "/metrics", "http_requests") == before


def test_an_unknown_request_number_is_answered_too(quiet: str) -> None:
    for number in ("9" * 6000, "-1", "x", "١٢"):
        assert (
            _get(quiet + "/cart", **{"X-Request-Id": number.encode().decode("latin-1")})[0] == 200
        )


def test_a_numbered_request_is_answered_the_same_again(quiet: str) -> None:
    answers = {
        number: _get(quiet + "/cart", **{"X-Request-Id": str(number)})[1] for number in range(12)
    }
    again = {
        number: _get(quiet + "/cart", **{"X-Request-Id": str(number)})[1]
        for number in reversed(range(12))
    }
    assert answers == again
    assert len(set(answers.values())) > 1


def test_the_load_and_the_service_count_the_same_requests() -> None:
    with Demo(load=150, seconds=2, seed=3) as demo:
        (url,) = demo.start()
        assert (
            _total(url, "http_request_duration_seconds") == 0
        )  # no request before the load starts
        demo.start_load()
        assert _until(lambda: demo.has_load_ended)
        summary = demo.stop_load()
        assert summary.sent == summary.completed == _total(url, "http_requests")
        assert summary.completed == _total(url, "http_request_duration_seconds")
        assert summary.errors == sum(
            _total(url, "http_requests", status=str(status)) for status in (502, 503)
        )
        assert summary.sent == pytest.approx(300, abs=90)  # five deviations
        assert summary.seconds == 2
        median, tail = summary.quantiles_s["0.5"], summary.quantiles_s["0.99"]
        assert median is not None
        assert tail is not None
        assert 0 < median < tail
        assert summary.sustained_max_rps == pytest.approx(shop_routes.sustained_max_rps(), abs=0.1)


def _mean_service_time(slowdown: float) -> tuple[float, int]:
    with Demo(load=50, seconds=1, seed=4, slowdown=slowdown) as demo:
        (url,) = demo.start()
        demo.start_load()
        assert _until(lambda: demo.has_load_ended)
        summary = demo.stop_load()
        duration = _families(url)["http_request_duration_seconds"]
        spent = sum(sample.value for sample in duration.samples if sample.name.endswith("_sum"))
        return spent / summary.completed, summary.sent


def test_slowdown_slows_the_service_and_not_the_arrivals() -> None:
    normal, sent = _mean_service_time(1.0)
    slow, sent_again = _mean_service_time(4.0)
    assert sent == sent_again
    assert (
        slow > 1.5 * normal
    )  # test_shop_handlers checks the exact factor; here the machine's own load matters


def test_the_load_stops_on_request_after_every_answer_has_arrived() -> None:
    with Demo(load=200, seed=5) as demo:
        (url,) = demo.start()
        demo.start_load()
        assert _until(lambda: _total(url, "http_requests") > 50)
        summary = demo.stop_load()
        assert summary.sent == summary.completed == _total(url, "http_requests")
        assert demo.stop() == summary
    assert all(_gone(pid) for pid in demo.pids)


def test_a_replica_stops_and_the_other_carries_on() -> None:
    with Demo(load=150, seed=6, stop_replica=0.3) as demo:
        stays, goes = demo.start()
        demo.start_load()
        assert _until(lambda: _gone(demo.pids[1]))
        with pytest.raises(urllib.error.URLError):
            _get(goes)
        before = _total(stays, "http_requests")
        assert _until(lambda: _total(stays, "http_requests") > before + 50)
        summary = demo.stop()
        assert summary.completed > 0.8 * summary.sent
        assert summary.sustained_max_rps == pytest.approx(
            2 * shop_routes.sustained_max_rps(), abs=0.1
        )


def test_added_latency_is_added_to_each_request() -> None:
    with Demo(load=100, seed=7, add_latency=(0.0, 300.0)) as demo:
        (url,) = demo.start()
        demo.start_load()
        assert _until(lambda: _total(url, "http_requests") > 50)
        median = demo.stop().quantiles_s["0.5"]
        assert median is not None
        assert median > 0.3


_PARENT = """
import sys, time
from tputtui.demo.launch import Demo
demo = Demo(load=50)
demo.start()
demo.start_load()
print(*demo.pids, demo._load.process.pid, flush=True)
time.sleep(60)
"""


def test_no_process_outlives_its_parent_not_even_by_kill_9() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert not any(_gone(pid) for pid in pids)
        parent.kill()
    assert _until(lambda: all(_gone(pid) for pid in pids))


@pytest.mark.parametrize(
    "arguments",
    [
        {"load": 0.0},
        {"load": float("nan")},
        {"seconds": -1.0},
        {"slowdown": 0.0},
        {"replicas": 0},
        {"replicas": 1, "stop_replica": 5.0},
        {"replicas": 1, "canary": 1.3},
        {"canary": 0.0},
        {"stop_replica": -1.0},
        {"add_latency": (1.0, -5.0)},
    ],
)
def test_a_nonsensical_value_is_refused_with_the_flag_s_name(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"^--"):
        Demo(**arguments)  # type: ignore[arg-type]


def test_a_demo_that_was_not_started_says_so() -> None:
    with Demo() as demo:
        with pytest.raises(DemoError, match="has not been started"):
            demo.start_load()
        with pytest.raises(DemoError, match="has not been started"):
            demo.stop()


def test_a_killed_load_is_an_error_and_the_service_still_ends() -> None:
    with Demo(load=50, seed=8) as demo:
        demo.start()
        demo.start_load()
        assert demo._load is not None
        demo._load.process.kill()
        with pytest.raises(DemoError, match=r"tputtui\.demo\.load ended early"):
            demo.stop()
        assert all(_gone(pid) for pid in demo.pids)


def test_a_child_does_not_import_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    with Demo() as demo:
        assert demo.start()


def test_a_canary_is_the_last_replica_and_it_alone_takes_longer() -> None:
    with Demo(20.0, seed=1, slowdown=1.5, canary=2.0) as demo:
        assert len(demo.start()) == 2
        command_lines = [
            Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in demo.pids
        ]
    assert [float(expected[expected.index(b"--slowdown") + 1]) for expected in command_lines] == [
        1.5,
        3.0,
    ]
