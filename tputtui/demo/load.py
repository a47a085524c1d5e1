"""Load of the demo: an open-loop process that sends requests when they are due.

``python -m tputtui.demo.load --port P [--port P2] [--load R]`` accepts two commands on its standard
input: ``start``, and ``stop``, after which it sends no more, waits (at most `DRAIN_S`) for pending
answers, prints its summary as one line of JSON and exits. The end of standard input ends it at
once.

The schedule is a Poisson process whose rate follows a profile. It does not depend on the service,
and a seed gives one schedule. Times and contents come from separate generators, so the n-th request
asks for the same at any load.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence

from tputtui.demo import child_process, shop_routes
from tputtui.demo.child_process import raise_file_limit
from tputtui.demo.load_stats import LoadStats
from tputtui.frozen import frozen


@frozen
class LoadPhase:
    """Span in which the rate changes linearly between two values (requests per second)."""

    seconds: float
    start_rps: float
    end_rps: float


LoadProfile = tuple[LoadPhase, ...]
"""Phases, repeated endlessly."""


@frozen
class Arrival:
    """One request: due `at` seconds after the start, the `number`-th.

    `replica_choice` (0 to 1) chooses the replica.
    """

    at: float
    number: int
    method: str
    path: str
    replica_choice: float


def constant_profile(rps: float) -> LoadProfile:
    """Return a profile with a constant rate."""
    return (LoadPhase(3600.0, rps, rps),)


def wave_profile(sustained_rps: float) -> LoadProfile:
    """Return a two-minute cycle of ramp, hold, burst and rest around the sustained rate.

    The ramp goes slightly beyond it, so that the knee is visible; the burst exceeds the pool's
    capacity.
    """
    return (
        LoadPhase(45.0, 0.2 * sustained_rps, 1.1 * sustained_rps),
        LoadPhase(35.0, 0.75 * sustained_rps, 0.75 * sustained_rps),
        LoadPhase(12.0, 1.25 * sustained_rps, 1.25 * sustained_rps),
        LoadPhase(28.0, 0.25 * sustained_rps, 0.25 * sustained_rps),
    )


def rate_at(profile: LoadProfile, at: float) -> float:
    """Return requests per second `at` seconds after the start."""
    at %= sum(phase.seconds for phase in profile)
    for phase in profile:
        if at < phase.seconds:
            return phase.start_rps + (phase.end_rps - phase.start_rps) * at / phase.seconds
        at -= phase.seconds
    return profile[0].start_rps  # rounding of % may reach the very end


def _arrival_times(profile: LoadProfile, rng: random.Random) -> Iterator[float]:
    """Yield arrival times in seconds, endlessly: a Poisson process by thinning (Lewis and Shedler,
    1979).
    """
    peak = max(max(phase.start_rps, phase.end_rps) for phase in profile)
    at = 0.0
    while True:
        at += rng.expovariate(peak)
        if rng.random() * peak < rate_at(profile, at):
            yield at


def generate_arrivals(profile: LoadProfile, seed: int) -> Iterator[Arrival]:
    """Yield the requests, endlessly, in the order in which they are due."""
    what = random.Random(f"{seed} what")
    shares = list(itertools.accumulate(route.share for route in shop_routes.ROUTES))
    for number, at in enumerate(_arrival_times(profile, random.Random(f"{seed} when"))):
        (route,) = what.choices(shop_routes.ROUTES, cum_weights=shares)
        item = what.randrange(10_000)
        yield Arrival(
            at, number, route.method, route.template.replace("{id}", str(item)), what.random()
        )


_ResponseCallback = Callable[[int | None], None]
"""Callback with the status of the answer; None if there was none."""

_MAX_CONNECTIONS = 4000
"""Limit beyond which a request fails at once: the service hangs, and more sockets would only burden
the machine.
"""
_DOWN_BACKOFF_S = 1.0
"""Pause before a refusing replica is tried again, as in a load balancer."""


class _ClientConnection(asyncio.Protocol):
    """One keep-alive connection: one request at a time."""

    def __init__(self, replica: _ReplicaEndpoint) -> None:
        self._replica = replica
        self._transport: asyncio.Transport | None = None
        self._callback: _ResponseCallback | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Mark the connection as established."""
        # For the type checker: a stream has this kind of transport.
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def send(self, request: bytes, callback: _ResponseCallback) -> None:
        """Send a request; `callback` is called once."""
        self._callback = callback
        if self._transport is None or self._transport.is_closing():
            self._finish(None)
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect the answer until it is complete."""
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) >= int(length or 0):
            self._buffer = b""
            self._replica.idle_connections.append(self)
            self._finish(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface
        """Report that the pending request gets no answer, because the service has gone."""
        self._transport = None
        self._replica.remove(self)
        self._finish(None)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, status: int | None) -> None:
        done, self._callback = self._callback, None
        if done is not None:
            done(status)


class _ReplicaEndpoint:
    """One address of the service and the connections to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle_connections: list[_ClientConnection] = []
        self.connections: set[_ClientConnection] = set()
        self.down_until = 0.0

    async def connect(self) -> _ClientConnection:
        """Open a new connection. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _ClientConnection(self), "127.0.0.1", self.port
        )
        self.connections.add(connection)
        return connection

    def remove(self, connection: _ClientConnection) -> None:
        """Remove a connection."""
        self.connections.discard(connection)
        if connection in self.idle_connections:
            self.idle_connections.remove(connection)


class _LoadClient:
    """Client that distributes requests over the replicas, skipping those that refuse."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._replicas = [_ReplicaEndpoint(port) for port in ports]
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, request: bytes, replica_choice: float, callback: _ResponseCallback) -> None:
        """Send at once, on an idle connection or a new one.

        `replica_choice`, 0 to 1, chooses among the replicas that are up.
        """
        now = asyncio.get_running_loop().time()
        up = [replica for replica in self._replicas if replica.down_until <= now] or self._replicas
        replica = up[int(replica_choice * len(up))]
        if replica.idle_connections:
            replica.idle_connections.pop().send(request, callback)
        elif (
            sum(len(each.connections) for each in self._replicas) + len(self._connecting)
            >= _MAX_CONNECTIONS
        ):
            callback(None)
        else:
            task = asyncio.get_running_loop().create_task(self._open(replica, request, callback))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _open(
        self, first: _ReplicaEndpoint, request: bytes, callback: _ResponseCallback
    ) -> None:
        others = [replica for replica in self._replicas if replica is not first]
        for replica in (first, *others):
            try:
                connection = await replica.connect()
            except OSError:
                replica.down_until = asyncio.get_running_loop().time() + _DOWN_BACKOFF_S
                continue
            connection.send(request, callback)
            return
        callback(None)

    def close(self) -> None:
        """Close all connections; pending requests get no answer."""
        for replica in self._replicas:
            for connection in tuple(replica.connections):
                connection.close()


DRAIN_S = 4.0
"""Longer than the longest request of the shop at its normal pace: own time up to 2 s, 1 s for a
connection, its query.
"""


def _encode_request(arrival: Arrival) -> bytes:
    """Encode the request for the wire."""
    body = "{}" if arrival.method == "POST" else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{arrival.method} {arrival.path} HTTP/1.1\r\nHost: demo\r\n"
    return f"{head}X-Request-Id: {arrival.number}\r\n{length}\r\n{body}".encode("ascii")


class _LoadGenerator:
    """Sender of a schedule that counts the answers."""

    def __init__(
        self, ports: Sequence[int], profile: LoadProfile, seed: int, seconds: float
    ) -> None:
        self.stats = LoadStats()
        self.seconds = 0.0  # duration of sending
        self._client = _LoadClient(ports)
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
            for arrival in generate_arrivals(self._profile, self._seed):
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
                    _encode_request(arrival),
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


async def _run_load(options: argparse.Namespace) -> str:
    """Run the whole load and return its summary as one line of JSON."""
    replicas = len(options.port)
    if options.load is None:
        profile = wave_profile(shop_routes.sustained_max_rps(replicas))
    else:
        profile = constant_profile(options.load)
    load = _LoadGenerator(options.port, profile, options.seed, options.seconds)
    child_process.watch_parent(load.on_command)
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
    sys.stdout.write(asyncio.run(_run_load(options)) + "\n")


if __name__ == "__main__":
    main()
