from __future__ import annotations

import asyncio

import pytest

from tputtui.demo.http_server import MAX_BODY_BYTES, Request, Response, parse_head, serve_connection


def test_a_head_is_read() -> None:
    request = parse_head(
        b"POST /payment?x=1 HTTP/1.1\r\nHost: demo\r\nX-Request-Id: 17\r\nContent-Length: 2\r\n\r\n"
    )
    assert (request.method, request.path, request.content_length) == ("POST", "/payment", 2)
    assert request.headers["x-request-id"] == "17"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
    ],
)
def test_an_invalid_request_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError):
        parse_head(head)


async def _exchange(sent: bytes) -> bytes:
    """Send bytes to a server that echoes the path; return its answer up to the close."""

    async def echo(request: Request) -> Response:
        return Response(200, request.path.encode(), "text/plain")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(reader, writer, echo)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
            await writer.wait_closed()


async def test_one_connection_serves_many_requests_and_skips_their_bodies() -> None:
    answer = await _exchange(
        b"GET /a HTTP/1.1\r\n\r\n"
        b"POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET "
        b"GET /c HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert [answer.count(b"\r\n\r\n" + path) for path in (b"/a", b"/b", b"/c")] == [1, 1, 1]


async def test_http_1_0_closes_after_the_answer() -> None:
    assert (await _exchange(b"GET /a HTTP/1.0\r\n\r\n")).endswith(b"\r\n\r\n/a")


async def test_nonsense_is_answered_with_400_and_closed() -> None:
    assert (await _exchange(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 Bad Request")
