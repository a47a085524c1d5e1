"""`stream` and `check`, as real processes, against late targets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import pytest

pytestmark = pytest.mark.slow

RATE = 50.0


class LateServer:
    """Server whose path sets the delay.

    /after/1.4 takes that long, /stall/BEGIN/END hangs between two of its seconds.
    """

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.asked: list[str] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                self.asked.append(path)
                await asyncio.sleep(self._delay(path))
                count = RATE * (time.monotonic() - self.began)
                body = f'# TYPE http_requests_total counter\nhttp_requests_total{{code="200"}} {count:.0f}\n'.encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    def _delay(self, path: str) -> float:
        _, kind, *numbers = path.split("/")
        if kind == "after":
            return float(numbers[0])
        now, (begin, end) = time.monotonic() - self.began, map(float, numbers)
        return end - now if begin <= now < end else 0.0


@pytest.fixture
def late() -> Iterator[LateServer]:
    with LateServer() as server:
        yield server


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # our own program
        [sys.executable, "-m", "tputtui", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def objects(*arguments: str) -> list[Any]:
    done = run("stream", "--no-discover", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("seconds", [1.4, 2.3])
def test_an_exporter_slower_than_the_interval_has_a_rate_and_is_never_down(
    late: LateServer, seconds: float
) -> None:
    ticks = objects(late.url(f"/after/{seconds}"), "-n", "8")
    targets = [tick["targets"][0] for tick in ticks]
    assert {target["state"] for target in targets} <= {"up", "slow"}
    assert {target["up"] for target in targets[-3:]} == {True}
    rates = [tick["services"][0]["traffic"]["rps"] for tick in ticks[-3:]]
    assert rates == pytest.approx([RATE] * 3, rel=0.1)
    assert "slow: use --interval " in targets[-1]["warning"]


def test_a_window_shorter_than_the_answers_shows_a_rate(late: LateServer) -> None:
    ticks = objects(late.url("/after/3"), "--window", "2s", "-n", "10")
    rates = [
        tick["services"][0]["traffic"]["rps"]
        for tick in ticks
        if tick["services"][0]["traffic"] is not None
    ]
    assert rates[-1] == pytest.approx(RATE, rel=0.1)


def test_a_stall_keeps_the_figures_for_a_window_then_shows_their_age_and_ends_without_a_spike(
    late: LateServer,
) -> None:
    late.began = time.monotonic()
    ticks = objects(
        late.url("/stall/6/16"),
        "--window",
        "3s",
        "--timeout",
        "4s",
        "--objective",
        "rps>=1",
        "-n",
        "19",
    )
    shown = [
        (tick["targets"][0], tick["services"][0]["traffic"], tick["objectives"][0])
        for tick in ticks
    ]
    slow = [(target, traffic, goal) for target, traffic, goal in shown if target["state"] == "slow"]
    assert slow
    assert all(target["up"] for target, _, _ in slow)
    within = [traffic["rps"] for target, traffic, _ in slow if target["waiting_s"] <= 3]
    beyond = [(traffic, goal) for target, traffic, goal in slow if target["waiting_s"] > 3.1]
    assert within
    assert None not in within
    assert {traffic["rps"] for traffic, _ in beyond} == {None}
    assert all(traffic["last"]["value"] == pytest.approx(RATE, rel=0.5) for traffic, _ in beyond)
    assert {(goal["state"], goal["reason"]) for _, goal in beyond} == {("no_data", "slow")}
    assert max(target["waiting_s"] for target, _, _ in slow) > 4.5, (
        "the deadline that passed did not end the wait"
    )
    after = [traffic["rps"] for target, traffic, _ in shown if target["state"] == "up"]
    known = sorted(rps for rps in after if rps is not None)
    assert known[len(known) // 2] == pytest.approx(RATE, rel=0.1)
    assert known[-1] < 2 * RATE, "what was counted meanwhile makes no spike"


def test_a_late_target_never_has_two_requests_under_way(late: LateServer) -> None:
    objects(late.url("/after/3"), "--interval", "200ms", "-n", "20")
    assert len(late.asked) <= 3


def test_check_waits_for_a_slow_exporter_and_names_a_suitable_interval(
    late: LateServer,
) -> None:
    done = run("check", late.url("/after/1.6"))
    assert done.returncode == 0, done.stderr
    assert "series in 1.6 s" in done.stdout
    assert "slower than the interval of 1 s: use --interval 5s (1.6 s a scrape)" in done.stdout
    assert "slower than" not in run("check", late.url("/after/1.6"), "--interval", "5s").stdout


def test_check_reports_a_slow_target_where_the_deadline_passes(late: LateServer) -> None:
    done = run("check", late.url("/after/60"), "--timeout", "500ms")
    assert done.returncode == 1
    assert (
        "slow  no answer within 0.5 s: the connection stands; --timeout 1m waits longer"
        in done.stdout
    )
    assert "down" not in done.stdout


def test_a_recording_that_depends_on_a_silent_target_ends_with_exit_code_11(
    late: LateServer, tmp_path: Any
) -> None:
    arguments = [
        "record",
        "-o",
        str(tmp_path / "a.tput.gz"),
        late.url("/after/60"),
        "--objective",
        "p99<=1s",
        "--for",
        "3s",
    ]
    done = run(*arguments, "--abort")
    assert done.returncode == 11
    document = json.loads(done.stdout)
    assert (document["ok"], document["aborted"]) == (False, False)
    assert document["reason"].startswith("inconclusive: ")
    assert "could not be read: no answer for" in document["reason"]
    assert run(*arguments, "--force", "--fail-after", "1s").returncode == 11
    assert run(*arguments, "--force").returncode == 0, "nothing depends on it"
