"""Many targets, and a very large one: counted, not timed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tputtui.engine.engine import Engine
from tputtui.model import Snapshot
from tputtui.settings import Limits, Settings, TargetSettings

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
LARGE = 100_000


def small(number: int) -> bytes:
    return b'# TYPE http_requests_total counter\nhttp_requests_total{code="200"} %d\n' % number


@contextmanager
def serving(large: bytes = b"") -> Iterator[tuple[int, Counter[str]]]:
    """Serve all targets, told apart by path; yield the port and the requests of each."""
    asked: Counter[str] = Counter()
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    ready = threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                asked[path] += 1
                body = large if path == "/large" else small(asked[path])
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=2000)
        started.append((asyncio.get_running_loop(), ended, server.sockets[0].getsockname()[1]))
        ready.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait()
    loop, ended, port = started[0]
    yield port, asked
    loop.call_soon_threadsafe(ended.set)
    thread.join(5)


@contextmanager
def watching(
    port: int, paths: list[str], interval_s: float, limits: Limits | None = None
) -> Iterator[list[Snapshot]]:
    targets = tuple(
        TargetSettings(name=path, url=f"http://127.0.0.1:{port}{path}") for path in paths
    )
    engine = Engine(
        Settings(targets=targets, interval_s=interval_s, discover=False, limits=limits or Limits())
    )
    snapshots: list[Snapshot] = []
    engine.subscribe(snapshots.append)
    engine.start()
    try:
        yield snapshots
    finally:
        engine.stop()
        assert engine.failure is None


def until_ready(snapshots: list[Snapshot]) -> Snapshot:
    end = time.monotonic() + PATIENCE_S
    while not (snapshots and snapshots[-1].is_ready):
        assert time.monotonic() < end, "never ready"
        time.sleep(0.05)
    return snapshots[-1]


def test_a_thousand_targets_are_all_scraped_at_their_interval_and_figures_are_shown_early() -> None:
    interval = 5.0
    with serving() as (port, asked):
        began = time.monotonic()
        paths = [f"/{number}" for number in range(1000)]
        with watching(port, paths, interval) as snapshots:
            snapshot = until_ready(snapshots)
        passed = time.monotonic() - began
    assert [target.state for target in snapshot.targets] == ["up"] * 1000
    assert len(snapshot.services) == 1000
    assert not snapshots[0].is_ready, "the first picture does not wait for all"
    assert max(asked.values()) <= 3 + passed / interval


@pytest.mark.parametrize("raised", [False, True], ids=["default limits", "limits raised"])
def test_a_target_of_a_hundred_thousand_series_delays_no_other(raised: bool) -> None:
    lines = [f'big_total{{shard="{number}"}} {number}' for number in range(LARGE)]
    large = (
        "# TYPE big_total counter\n" + "\n".join(lines) + "\n# TYPE up_to gauge\nup_to 1\n"
    ).encode()
    paths = [f"/{number}" for number in range(10)]
    limits = Limits(series_per_target=2 * LARGE, series_total=22 * LARGE) if raised else Limits()
    with (
        serving(large) as (port, asked),
        watching(port, [*paths, "/large"], 1.0, limits) as snapshots,
    ):
        until_ready(snapshots)
        before, seen = Counter(asked), len(snapshots)
        time.sleep(8.0)
        snapshot, ticks = snapshots[-1], len(snapshots) - seen
    assert min(asked[path] - before[path] for path in paths) >= 6
    assert ticks >= 6
    big = snapshot.targets[-1]
    assert big.state == "up"
    if raised:
        assert (big.series, big.warning) == (LARGE + 1, None)
    else:
        assert "beyond the limit" in (big.warning or "")
        assert sum(big.hidden.values()) == LARGE
