"""Minimal HTTP/1.1 server on asyncio streams: keep-alive, bodies with a length, sequential
answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from tputtui.frozen import frozen

MAX_BODY_BYTES = 64 * 1024


@frozen
class Request:
    """One request. Header names are lower case; the path is without its query."""

    method: str
    path: str
    headers: dict[str, str]
    content_length: int = 0  # bytes of the body


@frozen
class Response:
    """One answer."""

    status: int
    body: bytes
    content_type: str = "application/json"

    def encode(self) -> bytes:
        """Encode the response for the wire."""
        return (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        ).encode("ascii") + self.body


def parse_head(head: bytes) -> Request:
    """Parse request line and headers.

    Raises ValueError if they are invalid, or announce a body beyond `MAX_BODY_BYTES`.
    """
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, address, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line)
        headers[name.lower()] = value.strip()
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MAX_BODY_BYTES:
        raise ValueError(length)
    return Request(method, address.partition("?")[0], headers, length)


async def serve_connection(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handle: Callable[[Request], Awaitable[Response]],
) -> None:
    """Serve one client until it disconnects, asks to close, or sends invalid HTTP."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                request = parse_head(head)
            except ValueError:
                writer.write(Response(400, b'{"error": "not understood"}').encode())
                break
            if request.content_length:
                await reader.readexactly(request.content_length)
            writer.write((await handle(request)).encode())
            await writer.drain()
            if request.headers.get("connection", "").lower() == "close":
                break
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass  # the client disconnected, or sent an endless head: no answer is possible
    finally:
        writer.close()
