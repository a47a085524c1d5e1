"""Faults of a target on the wire, and their messages.

TR-03 to TR-26, TR-29 of docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from fault_server import FAULTS, STATIC, FaultServer

from tputtui.model import Scrape
from tputtui.scrape import connections
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.scanner import Scanner

LIMIT = 1 << 20
SHORT_S = 0.3  # for faults that use up the deadline
LONG_S = 20.0  # for faults that must not use up the deadline


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running


def endpoint(url: str, limit: int = LIMIT) -> Endpoint:
    return Endpoint(EndpointSettings(name="t", url=url, max_body_bytes=limit), Scanner())


async def once(url: str, deadline_s: float = LONG_S, limit: int = LIMIT) -> Scrape:
    asked = endpoint(url, limit)
    try:
        return await asked.scrape(deadline_s)
    finally:
        await asked.aclose()


def value(scrape: Scrape, name: str = "hits_total") -> float | None:
    assert scrape.exposition is not None, scrape.error
    return next((v for series, v in scrape.exposition.samples.items() if series.name == name), None)


@pytest.mark.parametrize(
    "path",
    [
        "/ok",
        "/chunked-ok",
        "/gzip-ok",
        "/gzip-trailing",
        "/no-type",
        "/http10",
        "/continue",
        "/redirect-ok",
    ],
)
async def test_an_honest_answer_is_read(server: FaultServer, path: str) -> None:
    scrape = await once(server.url(path))
    assert scrape.error is None
    assert value(scrape) == 797165
    assert value(scrape, "poisoned") is None
    assert scrape.size == 44
    assert 0 < scrape.duration_s < LONG_S


SENTENCES = {
    "/close-early": "connection closed without an answer",
    "/header-cut": "connection closed in the header",
    "/reset-header": "connection reset",
    "/truncated": "truncated, 120 of 400 bytes",
    "/chunked-open": "truncated, the chunked body has no end (44 bytes came)",
    "/chunked-cut": "truncated, the chunked body has no end (48 bytes came)",
    "/chunked-absurd": "truncated, the chunked body has no end (48 bytes came)",
    "/chunked-bad": "the answer's chunks are malformed",
    "/length-huge": "body larger than 1 MiB: 909.5 TiB announced",
    "/length-conflict": "the answer's header is malformed",
    "/length-negative": "the answer's header is malformed",
    "/length-and-chunks": "the answer has two lengths that conflict",
    "/infinite": "body larger than 1 MiB",
    "/infinite-line": "body larger than 1 MiB",
    "/big-header": "header too large: more than 64 KiB",
    "/infinite-headers": "header too large: more than 64 KiB",
    "/continue-flood": "header too large: more than 64 KiB",
    "/gzip-bomb": "body larger than 1 MiB",
    "/gzip-twice": "encoding 'gzip, gzip' not accepted",
    "/gzip-not": "the answer says gzip and is not",
    "/gzip-truncated": "truncated, the gzip body ends after",
    "/deflate": "encoding 'deflate' not accepted",
    "/zstd": "encoding 'zstd' not accepted",
    "/500": "HTTP 500 Internal Server Error",
    "/503": "HTTP 503 Service Unavailable",
    "/429": "HTTP 429 Too Many Requests",
    "/204": "HTTP 204 No Content",
    "/304": "HTTP 304 Not Modified",
    "/799": "HTTP 799",
    "/nowhere": "HTTP 404 Not Found",
    "/switch": "the answer's header is malformed",
    "/http09": "not HTTP",
    "/bad-status": "the answer's header is malformed",
    "/bad-header": "the answer's header is malformed",
    "/tls-alert": "this port speaks TLS: use https://",
    "/go-tls": "this port speaks TLS: use https://",
    "/html": "not a metrics page (text/html",
    "/redirect-loop": "more than 5 redirects",
}


@pytest.mark.parametrize("path", SENTENCES)
async def test_a_fault_is_one_sentence_and_no_samples(server: FaultServer, path: str) -> None:
    scrape = await once(server.url(path))
    assert scrape.exposition is None
    assert scrape.size is None
    assert scrape.error is not None
    assert scrape.error.startswith(SENTENCES[path])
    assert not scrape.late


TIMED_OUT = {
    "/never": "no answer within 0.3 s",
    "/slow-header": "answer incomplete, ",
    "/slow-body": "answer incomplete, ",
    "/stall": "answer incomplete, 35 bytes in 0.3 s",
}


@pytest.mark.parametrize("path", TIMED_OUT)
async def test_the_deadline_is_around_the_whole_scrape(server: FaultServer, path: str) -> None:
    scrape = await asyncio.wait_for(once(server.url(path), SHORT_S), 10)
    assert scrape.error is not None
    assert scrape.error.startswith(TIMED_OUT[path])
    assert scrape.duration_s >= SHORT_S
    assert scrape.late, "the connection stands"


@pytest.mark.parametrize("path", [*STATIC, *(path for path in FAULTS if path not in TIMED_OUT)])
async def test_no_answer_puts_a_control_character_into_the_message(
    server: FaultServer, path: str
) -> None:
    scrape = await once(server.url(path))
    assert (scrape.error is None) != (scrape.exposition is None)
    assert scrape.error is None or scrape.error.isprintable()


async def test_a_reset_in_the_body_leaves_nothing(server: FaultServer) -> None:
    scrape = await once(server.url("/reset-body"))
    assert scrape.exposition is None
    assert scrape.error is not None
    assert scrape.error.startswith("connection reset after ")


async def test_an_answer_without_series_is_up(server: FaultServer) -> None:
    for path in ("/empty", "/comments"):
        scrape = await once(server.url(path))
        assert scrape.exposition is not None, scrape.error
        assert scrape.exposition.series == 0


async def test_a_closed_port_is_one_sentence() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        scrape = await once(f"http://127.0.0.1:{closed.getsockname()[1]}/metrics")
    assert scrape.error == "connection refused"


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """Create a listener that accepts no further connection, so that connecting never ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        try:
            for connection in waiting:
                connection.setblocking(False)
                connection.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        finally:
            for connection in waiting:
                connection.close()


async def test_connecting_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECT_S", SHORT_S)
    with full_backlog() as url:
        scrape = await once(url, LONG_S)
    assert scrape.error == "unreachable: connect timed out after 0.3 s"
    assert scrape.duration_s < LONG_S / 2


async def test_a_full_backlog_is_a_connect_that_timed_out() -> None:
    with full_backlog() as url:
        scrape = await once(url, SHORT_S)
    assert scrape.error == "unreachable: connect timed out after 0.3 s"
    assert not scrape.late, "nothing stands that could still answer"


@pytest.mark.parametrize(
    "path", ["/overlong", "/newline-too-much", "/junk-too-much", "/half-a-header-too-much"]
)
async def test_bytes_beyond_an_answers_end_are_never_taken_for_the_next(
    server: FaultServer, path: str
) -> None:
    asked = endpoint(server.url(path))
    for _ in range(5):
        scrape = await asked.scrape(LONG_S)
        assert value(scrape) == 797165
        assert value(scrape, "poisoned") is None
    await asked.aclose()


async def test_a_connection_is_kept(server: FaultServer) -> None:
    for path, expected in (("/ok", 1), ("/redirect-ok", 1), ("/gzip-trailing", 1), ("/cookies", 1)):
        before = server.connections
        asked = endpoint(server.url(path))
        for _ in range(4):
            assert (await asked.scrape(LONG_S)).error is None
        await asked.aclose()
        assert server.connections - before == expected, path


async def test_a_connection_that_the_server_closes_on_reuse_costs_no_scrape(
    server: FaultServer,
) -> None:
    asked = endpoint(server.url("/race"))
    for _ in range(6):
        assert (await asked.scrape(LONG_S)).error is None
    await asked.aclose()


async def test_there_is_one_retry_at_most(server: FaultServer) -> None:
    asked = endpoint(server.url("/dead-after-first"))
    assert (await asked.scrape(LONG_S)).error is None
    for attempts in (2, 1, 1):  # one on the kept connection and its retry, then one each
        before = server.hits["/dead-after-first"]
        assert (await asked.scrape(LONG_S)).error == "connection closed without an answer"
        assert server.hits["/dead-after-first"] - before == attempts
    await asked.aclose()


async def test_a_target_recovers_after_every_fault(server: FaultServer) -> None:
    asked = endpoint(server.url("/flap"))
    for fault in ("/503", "/length-huge", "/gzip-not", "/overlong", "/length-negative"):
        server.extra["/flap"] = STATIC[fault]
        await asked.scrape(LONG_S)
        server.extra["/flap"] = STATIC["/ok"]
        assert value(await asked.scrape(LONG_S)) == 797165, fault
    await asked.aclose()


async def test_no_cookie_is_kept(server: FaultServer) -> None:
    asked = endpoint(server.url("/cookies"))
    for _ in range(2):
        await asked.scrape(LONG_S)
    await asked.aclose()
    assert all("cookie" not in request.headers for request in server.requests)


async def test_the_request_names_the_formats_that_are_read(server: FaultServer) -> None:
    await once(server.url("/ok?match[]=x"))
    (request,) = server.requests
    assert request.path == "/ok?match[]=x"
    assert request.headers["accept"] == "text/plain;version=0.0.4;q=1,*/*;q=0.1"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("tputtui/")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


async def test_repeated_gzip_bombs_take_no_memory(server: FaultServer) -> None:
    asked = endpoint(server.url("/gzip-bomb"), 16 << 20)
    await once(server.url("/ok"))
    built = await once(
        server.url("/gzip-bomb"), limit=1024
    )  # the bomb is created, and all modules are loaded
    assert built.error == "body larger than 1 KiB: 1.117 MiB announced"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        assert (await asked.scrape(LONG_S)).error == "decoded body larger than 16 MiB"
    await asked.aclose()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


async def test_a_body_within_the_limit_is_parsed_off_the_event_loop(server: FaultServer) -> None:
    body = b"".join(b'big_total{i="%d"} %d\n' % (i, i) for i in range(150_000))
    server.extra["/big"] = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
    threads: list[str] = []

    class Watched(Scanner):
        def scan(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            threads.append(threading.current_thread().name)
            return super().scan(*arguments, **named)  # type: ignore[arg-type]

    asked = Endpoint(EndpointSettings(name="t", url=server.url("/big")), Watched())  # type: ignore[arg-type]
    scrape = await asked.scrape(LONG_S, frozenset())
    await asked.aclose()
    assert scrape.size == len(body)
    assert threads != [threading.main_thread().name]


async def test_a_defect_of_the_scanner_is_an_error_of_its_target_alone(server: FaultServer) -> None:
    class Broken(Scanner):
        def scan(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            raise IndexError("list \x1b index")

    asked = Endpoint(EndpointSettings(name="t", url=server.url("/ok")), Broken())  # type: ignore[arg-type]
    scrape = await asked.scrape(LONG_S)
    await asked.aclose()
    assert scrape.error is not None
    assert scrape.error.isprintable()


async def test_cancellation_is_not_swallowed(server: FaultServer) -> None:
    asked = endpoint(server.url("/never"))
    task = asyncio.create_task(asked.scrape(LONG_S))
    while not server.in_flight:  # noqa: ASYNC110  # the server has no event to wait for
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asked.aclose()


# -------------------------------------------------------------------------------------------- names


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Block the resolution of names under .slow.test until the event is set."""
    release = threading.Event()
    real: Callable[[str, int], list[str]] = connections._addresses

    def addresses(host: str, port: int) -> list[str]:
        if host.endswith(".slow.test"):
            release.wait(60)
            raise socket.gaierror(-2, "Name or service not known")
        if host == "two.test":
            return ["127.0.0.77", "127.0.0.1"]
        return real(host, port)

    monkeypatch.setattr(connections, "_addresses", addresses)
    yield release
    release.set()


async def test_hanging_name_lookups_delay_no_other_target_and_take_one_thread_each(
    server: FaultServer, slow_names: threading.Event
) -> None:
    hanging = [endpoint(f"http://n{i}.slow.test/metrics") for i in range(50)]
    honest = endpoint(server.url("/ok", host="localhost"))
    threads = threading.active_count()
    for _ in range(3):
        tasks = [asyncio.create_task(target.scrape(SHORT_S)) for target in hanging]
        await asyncio.sleep(0.05)
        await honest.aclose()  # its name is looked up while the others hang, too
        assert (await honest.scrape(LONG_S)).error is None
        errors = {scrape.error for scrape in await asyncio.gather(*tasks)}
        assert errors == {
            f"unreachable: the name 'n{i}.slow.test' was not resolved within 0.3 s"
            for i in range(50)
        }
    assert threading.active_count() - threads <= 51
    slow_names.set()
    assert (await hanging[0].scrape(LONG_S)).error == "unknown host 'n0.slow.test'"
    await honest.aclose()


async def test_the_second_address_is_tried_when_the_first_is_dead(
    server: FaultServer, slow_names: threading.Event
) -> None:
    scrape = await once(server.url("/ok", host="two.test"))
    assert value(scrape) == 797165
    assert server.requests[0].headers["host"] == f"two.test:{server.port}"
