"""Discovery: candidate ports, the probe, and ports that are never probed."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest

from tputtui.discovery import port_table, probe
from tputtui.discovery.discoverer import (
    Candidate,
    Discoverer,
    Discovery,
    find_candidates,
    probe_candidate,
)
from tputtui.discovery.probe import ProbeAnswer, request_path
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.sockets import ListeningSocket, read_listeners
from tputtui.model import ProcessReference

Handler = Callable[[bytes], bytes]


def listener(
    port: int, comm: str = "", address: str = "127.0.0.1", pid: int | None = 5, command: str = ""
) -> ListeningSocket:
    process = ProcessReference(pid, 1.0) if pid is not None else None
    return ListeningSocket(port, address, process, comm, command)


def verdict(listening: ListeningSocket) -> Candidate:
    (candidate,) = find_candidates([listening], own_pid=1)
    return candidate


# ---------------------------------------------------------------------------------- candidate ports


@pytest.mark.parametrize(
    ("port", "comm"),
    [
        (9100, "node_exporter"),
        (9100, ""),
        (40001, "python"),
        (40001, "python3.12"),
        (40001, "gunicorn"),
        (40001, "uvicorn"),
        (40001, "node"),
        (40001, "java"),
        (40001, "my_exporter"),
        (40001, "prometheus-node-exporter"),
        (8000, "unknown-go"),
    ],
)
def test_candidate_ports_are_probed(port: int, comm: str) -> None:
    assert verdict(listener(port, comm, pid=5 if comm else None)).verdict == "probe"


@pytest.mark.parametrize(
    ("port", "comm"),
    [(port, "python") for port in (22, 25, 53, 3306, 5432, 6379, 9092, 11211, 27017)]
    + [
        (9121, "redis-server"),
        (9187, "postgres"),
        (8080, "docker-proxy"),
        (8000, "sshd"),
        (3000, "chrome"),
        (9000, "php-fpm8.2"),
    ]
    + [(40001, "myserver"), (40001, ""), (9229, "node")],
)
def test_denied_ports_are_never_probed(port: int, comm: str) -> None:
    candidate = verdict(listener(port, comm))
    assert candidate.verdict == "skip"
    assert candidate.reason


def test_our_own_process_is_never_probed() -> None:
    (candidate,) = find_candidates([listener(40001, "python", pid=os.getpid())])
    assert (candidate.verdict, candidate.reason) == ("skip", "that is this program")


def test_a_java_debugger_is_never_probed() -> None:
    command = "java -agentlib:jdwp=transport=dt_socket,server=y,address=40001 -jar shop.jar"
    assert verdict(listener(40001, "java", command=command)).verdict == "skip"
    assert verdict(listener(8080, "java", command=command)).verdict == "probe"


@pytest.mark.parametrize(
    ("addresses", "host"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["0.0.0.0"], "127.0.0.1"),
        (["127.0.0.53"], "127.0.0.53"),
        (["::1"], "::1"),
        (["::"], "::1"),
        (["0.0.0.0", "::"], "127.0.0.1"),
        (["::1", "127.0.0.1"], "127.0.0.1"),
        (["::ffff:127.0.0.1"], "127.0.0.1"),
    ],
)
def test_wildcard_listeners_are_probed_over_loopback(addresses: list[str], host: str) -> None:
    (candidate,) = find_candidates(
        [listener(9100, "node_exporter", address) for address in addresses], own_pid=1
    )
    assert (candidate.verdict, candidate.host) == ("probe", host)


@pytest.mark.parametrize("address", ["10.0.0.7", "fe80::1%eth0", "2001:db8::1", "nonsense"])
def test_a_listener_that_is_not_on_loopback_is_not_probed(address: str) -> None:
    assert verdict(listener(9100, "node_exporter", address)).verdict == "skip"


def test_no_port_is_both_known_and_denied() -> None:
    assert not port_table.KNOWN_PORTS.keys() & port_table.DENIED_PORTS.keys()


def test_other_paths_are_probed_only_where_the_process_suggests_them() -> None:
    assert verdict(listener(8080, "java")).paths[1:] == (
        "/actuator/prometheus",
        "/q/metrics",
        "/metrics/prometheus",
    )
    assert verdict(listener(9901, "envoy")).paths[1:] == ("/stats/prometheus",)
    assert verdict(listener(8000, "python")).paths == ("/metrics",)


# ---------------------------------------------------------------------------- probing over a socket


@asynccontextmanager
async def serving(
    answer: bytes | Handler, hold: bool = False
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve one answer to each connection; yield the port and the requests received."""
    requests: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer if isinstance(answer, bytes) else answer(requests[-1]))
            await writer.drain()
            if hold:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], requests


def answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{headers}\r\n".encode() + body


@pytest.mark.parametrize(
    "body",
    [
        b"# HELP up Is it.\nup 1\n",
        b"# TYPE up gauge\nup 1\n",
        b"\n\n  up 1\n",
        b'http_requests_total{path="/a b"} 3.5e2 1700000000000\n',
        b"up 1",
        b"x NaN\n",
        b"x +Inf\r\n",
    ],
)
async def test_metrics_are_recognised(body: bytes) -> None:
    async with serving(answer(body)) as (port, _):
        assert await request_path("127.0.0.1", port, "/metrics") == ProbeAnswer(
            True, "answers with metrics"
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (answer(b"<html>"), "answers with a web page"),
        (answer(b'{"a": 1}'), "its answer is no metrics"),
        (answer(b""), "its answer is empty"),
        (answer(b"# a comment\n"), "its answer is no metrics"),
        (answer(b"\n" * 100_000), "no metrics in its first 64 kB"),
        (answer(b"up 1\n", "404 Not Found"), "status 404"),
        (answer(b"", "302 Found", "Location: http://127.0.0.1:1/metrics\r\n"), "status 302"),
        (answer(b"", "401 Unauthorized"), "status 401"),
        (b"-ERR unknown command\r\n\r\n", "it does not speak HTTP"),
        (b"HTTP/1.1 \x1b[31m\r\n\r\n", "it does not speak HTTP"),
        (b"x" * 100_000, "it does not speak HTTP"),
        (b"", "connection closed without an answer"),
    ],
)
async def test_everything_else_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    async with serving(content) as (port, requests):
        answered = await request_path("127.0.0.1", port, "/metrics")
    assert (answered.has_metrics, answered.reason) == (False, reason)
    assert len(requests) == 1, "nothing is tried twice, no redirect is followed"


async def test_a_chunked_answer_is_read() -> None:
    chunks = b"4\r\n# HE\r\nc;ext=1\r\nLP up Is it.\r\n6\r\n\nup 1\n\r\n0\r\n\r\n"
    async with serving(answer(chunks, headers="transfer-encoding: Chunked\r\n")) as (port, _):
        assert (await request_path("127.0.0.1", port, "/metrics")).has_metrics


async def test_broken_chunks_are_not_metrics() -> None:
    async with serving(answer(b"zz\r\nup 1\n", headers="Transfer-Encoding: chunked\r\n")) as (
        port,
        _,
    ):
        assert not (await request_path("127.0.0.1", port, "/metrics")).has_metrics


async def test_the_request_identifies_itself_and_closes_the_connection() -> None:
    async with serving(answer(b"up 1\n")) as (port, requests):
        await request_path("127.0.0.1", port, "/metrics")
    head = requests[0].decode()
    assert head.startswith("GET /metrics HTTP/1.1\r\n")
    assert re.search(r"User-Agent: tputtui/\S+ \(metrics probe\)\r\n", head)
    assert "Authorization" not in head
    assert "Cookie" not in head


async def test_a_server_that_hangs_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TOTAL_S", 0.1)
    async with serving(b"", hold=True) as (port, _):
        answered = await request_path("127.0.0.1", port, "/metrics")
    assert (answered.has_metrics, answered.is_http) == (False, False)
    assert answered.reason.startswith("no answer within")


async def test_metrics_are_recognised_even_where_the_answer_never_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "DRAIN_S", 0.05)
    async with serving(answer(b"up 1\n"), hold=True) as (port, _):
        assert (await request_path("127.0.0.1", port, "/metrics")).has_metrics


async def test_a_closed_port_is_reported_as_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answered = await request_path("127.0.0.1", port, "/metrics")
    assert not answered.has_metrics
    assert "refused" in answered.reason


# -------------------------------------------------------------------------------------- discovering


class FakeProbe:
    """Fake probe that answers by path, and counts requests and their concurrency."""

    def __init__(self, metrics_at: str = "/metrics", spoke_http: bool = True) -> None:
        self.requested: list[tuple[str, int, str]] = []
        self.now = self.most = 0
        self._metrics_at = metrics_at
        self._spoke_http = spoke_http

    async def __call__(self, host: str, port: int, path: str) -> ProbeAnswer:
        self.requested.append((host, port, path))
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        target = path == self._metrics_at
        return ProbeAnswer(
            target, "answers with metrics" if target else "status 404", target or self._spoke_http
        )


def discoverer(listeners: Iterable[ListeningSocket], probe: FakeProbe) -> Discoverer:
    return Discoverer(lambda: listeners, probe)


async def test_a_server_of_metrics_is_discovered_with_its_address() -> None:
    probe = FakeProbe()
    discovery = await discoverer(
        [listener(9100, "node_exporter"), listener(6379, "redis-server")], probe
    ).discover()
    (target,) = discovery.targets
    assert (target.url, target.owner, target.process) == (
        "http://127.0.0.1:9100/metrics",
        ProcessReference(5, 1.0),
        "node_exporter",
    )
    assert [candidate.port for candidate in discovery.candidates] == [6379, 9100]
    assert probe.requested == [("127.0.0.1", 9100, "/metrics")]


async def test_an_ipv6_address_stands_in_brackets() -> None:
    (target,) = (
        await discoverer([listener(9100, "x_exporter", "::1")], FakeProbe()).discover()
    ).targets
    assert target.url == "http://[::1]:9100/metrics"


async def test_further_paths_are_probed_one_after_the_other() -> None:
    probe = FakeProbe("/q/metrics")
    (target,) = (await discoverer([listener(8080, "java")], probe).discover()).targets
    assert target.url.endswith("/q/metrics")
    assert [path for _, _, path in probe.requested] == [
        "/metrics",
        "/actuator/prometheus",
        "/q/metrics",
    ]
    assert probe.most == 1


async def test_a_port_that_does_not_speak_http_is_not_probed_again() -> None:
    probe = FakeProbe("/nowhere", spoke_http=False)
    result = await probe_candidate(verdict(listener(8080, "java")), probe)
    assert (result.target, len(probe.requested)) == (None, 1)


async def test_a_skipped_process_is_not_probed() -> None:
    probe = FakeProbe()
    result = await probe_candidate(verdict(listener(5432, "postgres")), probe)
    assert (result.target, probe.requested) == (None, [])
    assert "PostgreSQL" in result.reason


async def test_at_most_four_ports_are_probed_at_once() -> None:
    probe = FakeProbe()
    await discoverer([listener(port, "python") for port in range(40000, 40020)], probe).discover()
    assert (len(probe.requested), probe.most) == (20, 4)


async def test_no_port_is_probed_twice_and_a_new_process_is_probed() -> None:
    probe = FakeProbe("/nowhere")
    listeners = [listener(40001, "python")]
    looking = discoverer(listeners, probe)
    await looking.discover()
    await looking.discover()
    assert len(probe.requested) == 1
    listeners[0] = ListeningSocket(40001, "127.0.0.1", ProcessReference(5, 2.0), "python")
    await looking.discover()
    assert len(probe.requested) == 2


async def test_a_real_listener_of_our_own_is_listed_and_not_probed() -> None:
    async with serving(answer(b"up 1\n")) as (port, requests):
        listeners = [listener for listener in read_listeners() if listener.port == port]
        assert [
            (listener.process.pid, listener.address)
            for listener in listeners
            if listener.process is not None
        ] == [(os.getpid(), "127.0.0.1")]
        discovery = await Discoverer(lambda: listeners).discover()
    assert discovery.targets == ()
    assert requests == []


def test_a_process_has_the_name_that_the_process_table_shows() -> None:
    code = "import socket,sys; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        (candidate,) = [
            candidate for candidate in find_candidates(read_listeners()) if candidate.port == port
        ]
        (row,) = [row for row in ProcessCollector().read() if row.pid == process.pid]
        process.communicate()
    assert candidate.process == row.name


def test_the_result_is_one_clause_without_the_list() -> None:
    target = Discovery(
        (), tuple(find_candidates([listener(5432, "postgres"), listener(8000, "python")])), ()
    )
    assert target.summary == "0 of 2 listening ports serve metrics"


@pytest.mark.parametrize(
    ("listeners", "sentence"),
    [
        (
            [],
            "nothing listens on this machine's loopback: tputtui :PORT watches a port by its number",
        ),
        (
            [listener(5432, "postgres")],
            (
                "examined 1 listening port, none of them suggests metrics: found no metrics; "
                "tputtui :PORT watches a port by its number"
            ),
        ),
        (
            [listener(5432, "postgres"), listener(8000, "python")],
            "examined 2 listening ports, asked :8000 python: found no metrics; tputtui :PORT watches a port by its number",
        ),
    ],
)
async def test_an_empty_result_is_a_sentence(
    listeners: list[ListeningSocket], sentence: str
) -> None:
    discovery: Discovery = await discoverer(listeners, FakeProbe("/nowhere")).discover()
    assert discovery.sentence == sentence
