"""Loopback server that misbehaves on the wire.

Each path is a fault of real exporters, proxies and networks.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Self

METRICS = b"# TYPE hits_total counter\nhits_total 797165\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\npoisoned 1\n"
ESC = "\x1b]52;c;ZXZpbA==\x07"


def answer(body: bytes = METRICS, status: str = "200 OK", **headers: str) -> bytes:
    """Create a well-formed answer.

    `headers` have _ for -; an empty value leaves a default header out.
    """
    lines = {"Content-Type": "text/plain; version=0.0.4", "Content-Length": str(len(body))}
    lines.update({name.replace("_", "-"): value for name, value in headers.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@cache
def bomb(megabytes: int) -> bytes:
    """Return zeros in gzip, a thousandth of their size."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


STATIC: dict[str, bytes] = {
    "/ok": answer(),
    "/chunked-ok": chunked(METRICS[:10], METRICS[10:]),
    "/gzip-ok": answer(gzip.compress(METRICS), Content_Encoding="gzip"),
    "/gzip-trailing": answer(
        gzip.compress(METRICS) + gzip.compress(b"poisoned 1\n"), Content_Encoding="gzip"
    ),
    "/gzip-truncated": answer(gzip.compress(METRICS)[:-12], Content_Encoding="gzip"),
    "/gzip-not": answer(Content_Encoding="gzip"),
    "/gzip-twice": answer(gzip.compress(gzip.compress(METRICS)), Content_Encoding="gzip, gzip"),
    "/deflate": answer(zlib.compress(METRICS), Content_Encoding="deflate"),
    "/zstd": answer(b"\x28\xb5\x2f\xfd" + METRICS, Content_Encoding="zstd"),
    "/esc-encoding": answer(Content_Encoding="x" + ESC.replace("\x07", "")),
    "/no-type": answer(Content_Type=""),
    "/empty": answer(b""),
    "/comments": answer(b"# nothing yet\n"),
    "/html": answer(b"<!DOCTYPE html><title>Login</title>\nx 1\n", Content_Type="text/html"),
    "/500": answer(status="500 Internal Server Error"),
    "/503": answer(status=f"503 {ESC}", X_Reason=ESC.replace("\x07", "")),
    "/429": answer(status="429 Too Many Requests", Retry_After="3600"),
    "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "/799": answer(status="799 Whatever"),
    "/overlong": answer() + POISON,
    "/newline-too-much": answer() + b"\r\n",
    "/junk-too-much": answer() + b"junk",
    "/half-a-header-too-much": answer() + POISON[:-20],
    "/cookies": answer(Set_Cookie="session=abc; Path=/"),
    "/length-huge": answer(Content_Length=str(10**15)),
    "/length-conflict": answer().replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1),
    "/length-negative": answer(Content_Length="-1"),
    "/length-and-chunks": chunked(METRICS).replace(
        b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1
    ),
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 2
    + b"HTTP/1.1 103 Early Hints\r\n\r\n"
    + answer(),
    "/switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    "/redirect-ok": answer(b"moved", "302 Found", Location="/ok"),
    "/redirect-loop": answer(b"moved", "302 Found", Location="/redirect-loop"),
    "/redirect-file": answer(b"", "302 Found", Location="file:///etc/passwd"),
    "/redirect-gopher": answer(b"", "302 Found", Location="gopher://127.0.0.1:70/"),
    "/redirect-esc": answer(
        b"", "302 Found", Location=f"http://other.invalid/{ESC}".replace("\x07", "")
    ),
}
"""Answers after which the connection stays open."""

CLOSING: dict[str, bytes] = {
    "/close-early": b"",
    "/truncated": answer(METRICS * 3, Content_Length="400")[: -len(METRICS * 3)]
    + (METRICS * 3)[:120],
    "/chunked-open": chunked(METRICS, end=b""),
    "/chunked-cut": chunked(METRICS, end=b"ffff\r\nhits"),
    "/chunked-absurd": chunked(METRICS, end=b"ffffffffffffffff\r\nhits"),
    "/chunked-bad": chunked(METRICS, end=b"zz\r\n"),
    "/header-cut": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "/http10": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + METRICS,
    "/http09": METRICS,
    "/bad-status": f"HTTP/1.1 {ESC} 200\r\n\r\n".encode(),
    "/bad-header": b"HTTP/1.1 200 OK\r\n no name\r\n\r\n",
    "/tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "/go-tls": b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    "/big-header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n",
}
"""Answers after which the connection is closed."""


@dataclass
class Request:
    """Request as it was received."""

    path: str
    headers: dict[str, str]
    number: int  # of the request on its connection, from 1


Fault = Callable[["FaultServer", Request, asyncio.StreamWriter], Awaitable[bool]]


@dataclass
class FaultServer:
    """Server of every fault on a free port of 127.0.0.1. `hits` counts requests by path."""

    tls: ssl.SSLContext | None = None
    hits: Counter[str] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    extra: dict[str, bytes] = field(default_factory=dict)  # further answers on the kept connection
    port: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._handlers: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._handlers:
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        number = 0
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                number += 1
                await self._answer(_request(head, number), writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, EOFError):
            pass  # the client has gone, or the test has ended
        finally:
            self._handlers.discard(task)
            writer.transport.abort() if writer.transport.is_closing() is False and task.cancelling() else writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.partition("?")[0]
        self.hits[path] += 1
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if path in FAULTS:
                if not await FAULTS[path](self, request, writer):
                    raise EOFError
            elif path in CLOSING:
                writer.write(CLOSING[path])
                await writer.drain()
                raise EOFError
            else:
                writer.write(
                    self.extra.get(path) or STATIC.get(path) or answer(b"no\n", "404 Not Found")
                )
        finally:
            self.in_flight -= 1


def _request(head: bytes, number: int) -> Request:
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines)
    return Request(first.split(" ")[1], headers, number)


# -------------------------------------------------------------------------------------- slow faults


async def _never(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(30)
    return False


async def _drip(data: bytes, writer: asyncio.StreamWriter) -> bool:
    for index in range(len(data)):
        writer.write(data[index : index + 1])
        await writer.drain()
        await asyncio.sleep(0.02)
    return True


async def _slow_header(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    return await _drip(answer() * 10, writer)


async def _slow_body(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    body = METRICS * 20
    complete = answer(body)
    writer.write(complete[: -len(body)])
    return await _drip(body, writer)


async def _stall(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer()[:-9])
    await asyncio.sleep(30)
    return False


async def _endless(start: bytes, block: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(start)
    while True:
        writer.write(block)
        await writer.drain()
        await asyncio.sleep(0)


async def _infinite(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    block = METRICS * 1000
    return await _endless(chunked(end=b""), b"%x\r\n%s\r\n" % (len(block), block), writer)


async def _infinite_line(
    server: FaultServer, request: Request, writer: asyncio.StreamWriter
) -> bool:
    return await _endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 65536, writer)


async def _infinite_headers(
    server: FaultServer, request: Request, writer: asyncio.StreamWriter
) -> bool:
    return await _endless(b"HTTP/1.1 200 OK\r\n", b"X-Again: yes\r\n" * 100, writer)


async def _continue_flood(
    server: FaultServer, request: Request, writer: asyncio.StreamWriter
) -> bool:
    return await _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, writer)


def reset(writer: asyncio.StreamWriter) -> bool:
    """Close with RST."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()
    return False


async def _reset_header(
    server: FaultServer, request: Request, writer: asyncio.StreamWriter
) -> bool:
    return reset(writer)


async def _reset_body(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer(METRICS * 5)[:-30])
    await writer.drain()
    await asyncio.sleep(0.05)
    return reset(writer)


async def _race(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    """Close a keep-alive connection just as it is used again."""
    if request.number > 1:
        return reset(writer) if server.hits["/race"] % 2 else False
    writer.write(answer())
    return True


async def _dead_after_first(
    server: FaultServer, request: Request, writer: asyncio.StreamWriter
) -> bool:
    """Answer once, then never answer a connection again."""
    if server.hits["/dead-after-first"] > 1:
        return False
    writer.write(answer())
    return True


async def _gzip_bomb(server: FaultServer, request: Request, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer(bomb(256), Content_Encoding="gzip"))
    return True


FAULTS: dict[str, Fault] = {
    "/never": _never,
    "/slow-header": _slow_header,
    "/slow-body": _slow_body,
    "/stall": _stall,
    "/infinite": _infinite,
    "/infinite-line": _infinite_line,
    "/infinite-headers": _infinite_headers,
    "/continue-flood": _continue_flood,
    "/reset-header": _reset_header,
    "/reset-body": _reset_body,
    "/race": _race,
    "/dead-after-first": _dead_after_first,
    "/gzip-bomb": _gzip_bomb,
}
