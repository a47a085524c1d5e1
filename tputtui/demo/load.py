"""Load of the demo: an open-loop process that sends requests when they are due.

``python -m tputtui.demo.load --port P [--port P2] [--load R]`` accepts two commands on its standard
input: ``start``, and ``stop``, after which it sends no more, waits (at most `DRAIN_S`) for pending
answers, prints its summary as one line of JSON and exits. The end of standard input ends it at
once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import math
import sys
from collections.abc import Sequence

from tputtui.demo import arrivals, parent_pipe, shop_routes
from tputtui.demo.arrivals import Arrival, LoadProfile
from tputtui.demo.file_limit import raise_file_limit
from tputtui.demo.load_client import LoadClient
from tputtui.demo.load_stats import LoadStats

DRAIN_S = 4.0
"""Longer than the longest request of the shop at its normal pace: own time up to 2 s, 1 s for a
connection, its query.
"""


def encode_request(arrival: Arrival) -> bytes:
    """Encode the request for the wire."""
    body = "{}" if arrival.method == "POST" else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{arrival.method} {arrival.path} HTTP/1.1\r\nHost: demo\r\n"
    return f"{head}X-Request-Id: {arrival.number}\r\n{length}\r\n{body}".encode("ascii")


class LoadGenerator:
    """Sender of a schedule that counts the answers."""

    def __init__(
        self, ports: Sequence[int], profile: LoadProfile, seed: int, seconds: float
    ) -> None:
        self.stats = LoadStats()
        self.seconds = 0.0  # duration of sending
        self._client = LoadClient(ports)
        self._profile = profile
        self._seed = seed
        self._limit_s = seconds
        self._loop = asyncio.get_running_loop()
        self._start_event = asyncio.Event()
        self._in_flight = 0
        self._idle_event = asyncio.Event()
        self._idle_event.set()
        self._send_task = self._loop.create_task(self._send())

    def on_command(self, line: str) -> None:
        """Carry out a command of the parent. Called from the thread of `parent_pipe`."""
        if line == "start":
            self._loop.call_soon_threadsafe(self._start_event.set)
        elif line == "stop":
            self._loop.call_soon_threadsafe(self._send_task.cancel)

    async def run(self) -> None:
        """Send until the time is over or `stop` arrives; then wait, bounded, for the answers."""
        await asyncio.wait([self._send_task])
        if not self._send_task.cancelled():
            self._send_task.result()  # raises the exception of the task, if any
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle_event.wait(), DRAIN_S)
        self._client.close()

    async def _send(self) -> None:
        await self._start_event.wait()
        began = self._loop.time()
        try:
            for arrival in arrivals.generate_arrivals(self._profile, self._seed):
                if arrival.at >= self._limit_s:
                    await asyncio.sleep(began + self._limit_s - self._loop.time())
                    break
                due = began + arrival.at
                wait = due - self._loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                elif arrival.number % 16 == 0:
                    await asyncio.sleep(0)  # late: catch up, but let answers be processed
                self.stats.sent += 1
                self._in_flight += 1
                self._idle_event.clear()
                self._client.send(
                    encode_request(arrival),
                    arrival.replica_choice,
                    functools.partial(self._on_answer, due),
                )
        finally:
            self.seconds = min(self._limit_s, self._loop.time() - began)

    def _on_answer(self, due: float, status: int | None) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._idle_event.set()
        if status is not None:
            self.stats.add_answer(status, self._loop.time() - due)


async def run_load(options: argparse.Namespace) -> str:
    """Run the whole load and return its summary as one line of JSON."""
    replicas = len(options.port)
    if options.load is None:
        profile = arrivals.wave_profile(shop_routes.sustained_max_rps(replicas))
    else:
        profile = arrivals.constant_profile(options.load)
    load = LoadGenerator(options.port, profile, options.seed, options.seconds)
    parent_pipe.watch_parent(load.on_command)
    await load.run()
    return load.stats.summary(
        load.seconds, shop_routes.sustained_max_rps(replicas, options.slowdown)
    ).to_json()


def main() -> None:
    """Parse the arguments, send, and print the summary."""
    parser = argparse.ArgumentParser(prog="tputtui.demo.load")
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--load", type=float)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--slowdown", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    raise_file_limit()
    sys.stdout.write(asyncio.run(run_load(options)) + "\n")


if __name__ == "__main__":
    main()
