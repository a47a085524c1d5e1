"""The live feed: data that it reads in addition to the targets."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from tputtui.engine import live_feed as feeds
from tputtui.engine.live_feed import LiveFeed
from tputtui.host.sockets import read_sockets
from tputtui.model import Cgroup
from tputtui.settings import Settings, TargetSettings


@pytest.mark.parametrize("shown", [True, False])
def test_the_control_group_of_the_process_that_serves_a_target_is_read(
    monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    group = Cgroup("/shop", 2, cpu_limit_cores=0.5)
    monkeypatch.setattr("tputtui.host.cgroup.CgroupReader.read", lambda *_: group)
    monkeypatch.setattr(feeds, "PROCESSES_FIRST_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        async def run() -> dict[int, Cgroup | None]:
            feed = LiveFeed(
                Settings(targets=(TargetSettings(url=f"http://127.0.0.1:{port}/metrics"),)),
                lambda _: None,
            )
            feed.is_reading_all_processes = shown
            feed.read(0)
            assert feed._processes_task is not None
            await feed._processes_task
            return {process.pid: process.cgroup for process in feed.read(0).processes or ()}

        reading = asyncio.run(run())
        holders = {pid for pid, ports in read_sockets().ports_by_pid().items() if port in ports}
    assert reading[os.getpid()] == group
    assert shown or set(reading) <= holders, "only those that hold its socket"


def test_enabling_processes_reads_them_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        async def run() -> int:
            feed = LiveFeed(
                Settings(targets=(TargetSettings(url=f"http://127.0.0.1:{port}/metrics"),)),
                lambda _: None,
            )
            feed.is_reading_all_processes = False
            for _ in range(3):  # then they are read every two seconds
                feed._processes_read_at = -1e9
                feed.read(0)
                assert feed._processes_task is not None
                await feed._processes_task
            feed.is_reading_all_processes = True
            feed.read(0)
            assert feed._processes_task is not None
            await feed._processes_task
            return len(feed.read(0).processes or ())

        assert asyncio.run(run()) > 1
