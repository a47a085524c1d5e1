"""Bodies and headers that are bombs, cut or foreign (TR-05 to TR-19 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from fault_server import CLOSING, ESC, FaultServer, answer

from tputtui.model import Scrape
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.poller import Poller
from tputtui.scrape.scanner import Scanner

DEADLINE_S = 20.0


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running


async def asked(server: FaultServer, body: bytes, **limits: int) -> Scrape:
    """Scrape a server that gives this answer."""
    server.extra["/it"] = body
    return await scraped(server.url("/it"), **limits)


async def scraped(url: str, **limits: int) -> Scrape:
    endpoint = Endpoint(EndpointSettings(name="t", url=url, **limits), Scanner())  # type: ignore[arg-type]
    try:
        return await endpoint.scrape(DEADLINE_S)
    finally:
        await endpoint.aclose()


def text_bomb(megabytes: int) -> bytes:
    """Return valid lines in gzip, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"# a comment is no series\n" * 40_000
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize("path", CLOSING)
async def test_no_answer_puts_a_control_character_into_the_error(
    server: FaultServer, path: str
) -> None:
    scrape = await scraped(server.url(path))
    assert (scrape.error is None) != (scrape.exposition is None)
    assert scrape.error is None or scrape.error.isprintable()


async def test_a_bomb_of_valid_lines_is_cut_at_the_limit_of_inflated_bytes(
    server: FaultServer,
) -> None:
    bomb = text_bomb(20)
    assert len(bomb) < 1 << 20
    scrape = await asked(server, answer(bomb, Content_Encoding="gzip"))
    assert scrape.error == "decoded body larger than 16 MiB"
    assert scrape.exposition is None


@pytest.mark.parametrize(
    "encoding", ["br", "x-evil", "zstd", "deflate", "gzip, gzip", "identity, gzip", "gzip;q=1"]
)
async def test_an_encoding_that_was_not_requested_is_refused_whatever_the_body(
    server: FaultServer, encoding: str
) -> None:
    scrape = await asked(server, answer(gzip.compress(b"x 1\n"), Content_Encoding=encoding))
    assert scrape.error == f"encoding {encoding!r} not accepted"


async def test_undeclared_gzip_is_not_an_exposition(server: FaultServer) -> None:
    scrape = await asked(server, answer(gzip.compress(b"x 1\n")))
    assert scrape.error is not None
    assert scrape.error.startswith("not a metrics page (text/plain): it is compressed data")


async def test_ten_thousand_headers_are_too_large_and_a_few_hundred_are_read(
    server: FaultServer,
) -> None:
    def with_headers(count: int) -> bytes:
        return answer(b"x 1\n", **{f"X_{number}": "1" for number in range(count)})

    assert (await asked(server, with_headers(10_000))).error == "header too large: more than 64 KiB"
    assert (await asked(server, with_headers(300))).error is None


@pytest.mark.parametrize("cut", range(1, 18))
async def test_a_body_without_a_length_that_ends_within_a_line_shows_no_part_of_a_number(
    server: FaultServer, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\na_total 5\nhits_total 797165\n"
    monkeypatch.setitem(CLOSING, "/cut", complete[:-cut])
    scrape = await scraped(server.url("/cut"))
    assert scrape.exposition is not None, scrape.error
    assert scrape.exposition.truncated
    assert [(series.name, value) for series, value in scrape.exposition.samples.items()] == [
        ("a_total", 5.0)
    ]
    assert scrape.exposition.warning is not None, "it is said that something is missing"


async def test_a_last_line_without_a_newline_is_read_where_the_content_length_confirms_it(
    server: FaultServer,
) -> None:
    for complete in (
        answer(b"hits_total 79"),
        answer(gzip.compress(b"hits_total 79"), Content_Encoding="gzip"),
    ):
        scrape = await asked(server, complete)
        assert scrape.exposition is not None, scrape.error
        assert list(scrape.exposition.samples.values()) == [79.0]


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (
            b"<!DOCTYPE html><title>Login</title>\nx 1\n",
            "text/html",
            "not a metrics page (text/html)",
        ),
        (
            b"<html><body>\nx 1\n</body></html>\n",
            "text/plain",
            "not a metrics page (text/plain): it is an HTML page",
        ),
        (
            b'{"status":"ok","x":1}',
            "application/json",
            "not a metrics page (application/json): it is JSON",
        ),
        (
            bytes(range(256)) * 8,
            "application/octet-stream",
            "not a metrics page (application/octet-stream)",
        ),
        (
            b"\x9a\x01\x0a\x0ahits_total",
            "application/vnd.google.protobuf; encoding=delimited",
            "not a metrics page",
        ),
    ],
    ids=["html", "html as text", "json", "binary", "protobuf"],
)
async def test_a_page_that_is_not_an_exposition_is_down_even_with_a_line_like_a_sample(
    server: FaultServer, body: bytes, content_type: str, sentence: str
) -> None:
    scrape = await asked(server, answer(body, Content_Type=content_type))
    assert scrape.exposition is None
    assert scrape.error is not None
    assert scrape.error.startswith(sentence)
    assert scrape.error.isprintable()


async def test_the_body_of_a_refusal_is_never_read_as_metrics_and_never_quoted(
    server: FaultServer,
) -> None:
    for status in (
        "400 Bad Request",
        "404 Not Found",
        "500 Internal Server Error",
        "504 Gateway Timeout",
    ):
        scrape = await asked(server, answer(f"x 1\n{ESC} canary".encode(), status))
        assert scrape.exposition is None
        assert scrape.error == f"HTTP {status}"


@contextlib.contextmanager
def resetting() -> Iterator[tuple[int, Counter[str]]]:
    """Answer each connection with RST before reading a byte; yield the port and the attempts."""
    tried: Counter[str] = Counter()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                tried["connections"] += 1
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        yield listener.getsockname()[1], tried
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


async def test_a_port_that_resets_every_connection_is_tried_once_a_scrape() -> None:
    with resetting() as (port, tried):
        endpoint = Endpoint(
            EndpointSettings(name="t", url=f"http://127.0.0.1:{port}/metrics"), Scanner()
        )
        for number in range(1, 6):
            scrape = await endpoint.scrape(DEADLINE_S)
            assert scrape.error in ("connection reset", "connection closed without an answer")
            assert tried["connections"] == number
        await endpoint.aclose()


@pytest.mark.slow
async def test_ten_targets_of_twenty_that_never_answer_cost_the_others_no_scrape(
    server: FaultServer,
) -> None:
    interval_s = 0.5
    settings = [
        EndpointSettings(name=f"{path}{number}", url=server.url(f"{path}?{number}"))
        for path in ("/ok", "/never")
        for number in range(10)
    ]
    endpoints = [Endpoint(endpoint, Scanner()) for endpoint in settings]
    counts: Counter[tuple[str, bool]] = Counter()
    done = asyncio.Event()

    def deliver(scrape: Scrape) -> None:
        counts[scrape.target, scrape.error is None] += 1
        if (
            min(counts[endpoint.name, endpoint.name.startswith("/ok")] for endpoint in settings)
            >= 4
        ):
            done.set()

    poller = Poller(endpoints, interval_s, deliver, lambda _: None)
    task = asyncio.create_task(poller.run())
    await asyncio.wait_for(done.wait(), 60)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    for endpoint in endpoints:
        await endpoint.aclose()
    good = [counts[endpoint.name, True] for endpoint in settings if endpoint.name.startswith("/ok")]
    hanging = [
        counts[endpoint.name, False] for endpoint in settings if endpoint.name.startswith("/never")
    ]
    assert (
        sum(
            counts[endpoint.name, False] for endpoint in settings if endpoint.name.startswith("/ok")
        )
        == 0
    )
    assert min(good) >= max(hanging), "an honest target was asked less often than one that hangs"


async def test_values_that_are_not_numbers_leave_the_objects_of_the_stream_valid(
    server: FaultServer,
) -> None:
    from tputtui.cli.snapshot_json import to_json
    from tputtui.engine.pipeline import SnapshotPipeline
    from tputtui.model import Reading

    body = (
        b"# TYPE http_requests_total counter\nhttp_requests_total NaN\n"
        b"# TYPE db_pool_in_use gauge\ndb_pool_in_use +Inf\ndb_pool_size NaN\n"
        b'# TYPE latency_seconds histogram\nlatency_seconds_bucket{le="NaN"} NaN\n'
        b'latency_seconds_bucket{le="+Inf"} +Inf\nlatency_seconds_sum -Inf\nlatency_seconds_count NaN\n'
    )
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    monitor.add_target(EndpointSettings("t", server.url("/it")).target)
    for at in range(1, 5):
        scrape = await asked(server, answer(body))
        assert scrape.exposition is not None, scrape.error
        snapshot = monitor.derive_snapshot(Reading(float(at), 1e9 + at, (scrape,)))
        assert json.loads(json.dumps(to_json(snapshot), allow_nan=False))
