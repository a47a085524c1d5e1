"""Start and stop of the demo: `Demo` holds its processes, and none outlives the process that
started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import threading
import time
from types import TracebackType
from typing import IO, Self

from tputtui.demo.load import DRAIN_S
from tputtui.demo.load_stats import LoadSummary
from tputtui.text import clean

_START_TIMEOUT_S = 15.0
"""Maximum time until a child's first line; usually a third of a second."""


class DemoError(Exception):
    """The demo could not start or ended early; the message is one sentence for the user."""


class Demo:
    """The service and the load on it, as a context manager or with an explicit `close`.

    The order that lets a scraper see every request: `start`, scrape, `start_load`, ...,
    `stop_load`, scrape, `close`.

    :param load: requests per second, constant; None: ramp, hold, burst, rest, repeated.
    :param seconds: duration after which the load ends by itself; None: only by `stop_load`.
    :param slowdown: multiplies the time of every handler.
    :param seed: makes arrivals and service times reproducible; None: different each time.
    :param replicas: processes of the service; None: 1, or 2 if one is to be stopped or to differ
        from the others.
    :param stop_replica: seconds after the load's start at which the last replica dies.
    :param canary: multiplies the time of the last replica's handlers, in addition to `slowdown`.
    :param add_latency: (seconds after the load's start, milliseconds): added to each request from
        then on.
    :raises ValueError: invalid parameter, described in one sentence.
    """

    def __init__(
        self,
        load: float | None = None,
        seconds: float | None = None,
        *,
        slowdown: float = 1.0,
        seed: int | None = None,
        replicas: int | None = None,
        stop_replica: float | None = None,
        add_latency: tuple[float, float] | None = None,
        canary: float | None = None,
    ) -> None:
        if replicas is None:
            replicas = 1 if stop_replica is None and canary is None else 2
        _require(
            load is None or 0 < load <= 100_000,
            "--load: requests per second, above 0 and at most 100000",
        )
        _require(seconds is None or 0 < seconds < 1e9, "--seconds: a time above 0")
        _require(0.01 <= slowdown <= 100, "--slowdown: a factor from 0.01 to 100")
        _require(1 <= replicas <= 16, "--replicas: a number from 1 to 16")
        _require(stop_replica is None or replicas > 1, "--stop-replica: needs at least 2 replicas")
        _require(canary is None or replicas > 1, "--canary: needs at least 2 replicas")
        _require(
            canary is None or 0.01 <= canary * slowdown <= 100,
            "--canary: a factor from 0.01 to 100",
        )
        _require(
            stop_replica is None or 0 <= stop_replica < 1e6,
            "--stop-replica: seconds from the start, 0 or more",
        )
        _require(
            add_latency is None or (0 <= add_latency[0] < 1e6 and 0 <= add_latency[1] <= 60_000),
            "--add-latency: T:MS, seconds from the start and milliseconds up to 60000",
        )
        self.seed = random.SystemRandom().randrange(2**31) if seed is None else seed
        self._load_arguments = ["--slowdown", repr(slowdown)]
        if load is not None:
            self._load_arguments += ["--load", repr(load)]
        if seconds is not None:
            self._load_arguments += ["--seconds", repr(seconds)]
        self._slowdowns = [slowdown] * replicas
        if canary is not None:
            self._slowdowns[-1] *= canary
        # When, which service (None: all), command sent to it
        self._faults: list[tuple[float, int | None, str]] = []
        if stop_replica is not None:
            self._faults.append((stop_replica, replicas - 1, "stop"))
        if add_latency is not None:
            self._faults.append((add_latency[0], None, f"latency {add_latency[1]!r}"))
        self._timers: list[threading.Timer] = []
        self._services: list[_ChildProcess] = []
        self._load: _ChildProcess | None = None
        self._summary: LoadSummary | None = None

    @property
    def pids(self) -> list[int]:
        """Processes of the service, in the order of the targets."""
        return [service.process.pid for service in self._services]

    @property
    def has_load_ended(self) -> bool:
        """Whether the load has ended by itself (`seconds` are over)."""
        return self._load is not None and self._load.process.poll() is not None

    def start(self) -> list[str]:
        """Start the service without load and return the URLs of its targets, which already answer.

        Raises DemoError.
        """
        try:
            seed = ["--seed", str(self.seed)]
            for slowdown in self._slowdowns:
                self._services.append(
                    _ChildProcess("tputtui.demo.service", ["--slowdown", repr(slowdown), *seed])
                )
            deadline = time.monotonic() + _START_TIMEOUT_S
            ports = [json.loads(service.read_line(deadline))["port"] for service in self._services]
            named = [word for port in ports for word in ("--port", str(port))]
            self._load = _ChildProcess("tputtui.demo.load", [*named, *self._load_arguments, *seed])
        except BaseException:
            self.close()
            raise
        return [f"http://127.0.0.1:{port}/metrics" for port in ports]

    def start_load(self) -> None:
        """Start the load, and with it the clock of the faults."""
        if self._load is None:
            raise DemoError("the demo has not been started")
        self._load.send("start")
        for at, which, word in self._faults:
            services = self._services if which is None else [self._services[which]]
            timer = threading.Timer(
                at,
                lambda services=services, word=word: [service.send(word) for service in services],
            )
            timer.daemon = True
            timer.start()
            self._timers.append(timer)

    def stop_load(self) -> LoadSummary:
        """Stop the load, wait for pending answers (bounded), and return its counts.

        The service continues. Raises DemoError if the load's process has ended without a summary.
        """
        if self._summary is None:
            if self._load is None:
                raise DemoError("the demo has not been started")
            self._load.send("stop")
            self._summary = LoadSummary.from_json(
                self._load.read_line(time.monotonic() + DRAIN_S + _START_TIMEOUT_S)
            )
        return self._summary

    def stop(self) -> LoadSummary:
        """Call `stop_load`, then `close`."""
        try:
            return self.stop_load()
        finally:
            self.close()

    def close(self) -> None:
        """Stop all processes at once. May be called again."""
        for timer in self._timers:
            timer.cancel()
        for child in (*self._services, *([self._load] if self._load else [])):
            child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _ChildProcess:
    """One process of the demo: commands on its standard input, lines of JSON on its output."""

    def __init__(self, module: str, arguments: list[str]) -> None:
        # Open as long as the child runs.
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        # -P: a file random.py in the user's directory must not replace the library's. A session of
        # its own: the parent handles ^C and a closing terminal, which lets the load drain.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            start_new_session=True,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.lower().startswith("prometheus_")
            },
        )
        self._module = module

    def send(self, command: str) -> None:
        """Send a command; if the process is gone, the next read reports it."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(f"{command}\n".encode())

    def read_line(self, deadline: float) -> str:
        """Read its next line.

        Raises DemoError when it ends, or prints nothing before the deadline (monotonic seconds).
        """
        stdout = self.process.stdout
        read = b""
        while stdout is not None and not read.endswith(b"\n"):
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise DemoError(
                    f"{self._module} did not answer in time; is the machine overloaded?"
                )
            part = stdout.read(4096)
            if not part:
                raise DemoError(f"{self._module} ended early: {self._last_error_line()}")
            read += part
        return read.decode()

    def stop(self) -> None:
        """Stop it by closing its standard input, else by force."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        try:
            self.process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._errors.close()

    def _last_error_line(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").split("\n")
        return clean(
            next((line for line in reversed(lines) if line.strip()), "it said nothing"), 200
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
