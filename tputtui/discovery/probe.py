"""Ask one of our ports once whether it serves metrics.

Written on asyncio's streams: it needs one GET without redirects, proxies, cookies or a pool, must
stop after 64 kB, and runs in the first second of a start, which the import of httpx would lengthen
by more than the request takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re

from tputtui import __version__
from tputtui.descriptors import require_room, shortage
from tputtui.frozen import frozen
from tputtui.text import clean

CONNECT_S = 1.0
TOTAL_S = 2.0
DRAIN_S = 0.2
MAX_BODY_BYTES = 64 * 1024

_MAX_HEADER_BYTES = 16 * 1024
_SAMPLE = re.compile(
    rb"[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^\n]*\})?[ \t]+[-+]?(\d|\.\d|NaN|Inf)[^\n]*", re.IGNORECASE
)


@frozen
class ProbeAnswer:
    """Answer of a path: metrics or not, and why not."""

    has_metrics: bool
    reason: str  # "answers with metrics", "no answer within 2 s", "status 404"
    is_http: bool = True  # another path is worth a request


async def request_path(host: str, port: int, path: str) -> ProbeAnswer:
    """Send GET `path` once: 1 s to connect, 2 s in all, at most 64 kB, no credentials. Never
    raises.
    """
    try:
        async with asyncio.timeout(TOTAL_S):
            return await _request(host, port, path)
    except TimeoutError:
        return ProbeAnswer(False, f"no answer within {TOTAL_S:g} s", is_http=False)
    except asyncio.IncompleteReadError:
        return ProbeAnswer(False, "connection closed without an answer", is_http=False)
    except OSError as error:
        # The text of the error is asyncio's ("Connect call failed ('127.0.0.1', 1)")
        reason = os.strerror(error.errno).lower() if error.errno else "no connection"
        return ProbeAnswer(False, shortage(error) or reason, is_http=False)


async def _request(host: str, port: int, path: str) -> ProbeAnswer:
    require_room()
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await asyncio.open_connection(host, port, limit=_MAX_HEADER_BYTES)
    try:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        request = (
            f"GET {path} HTTP/1.1\r\n"
            f"Host: {authority}\r\n"
            f"User-Agent: tputtui/{__version__} (metrics probe)\r\n"
            "Accept: text/plain;version=0.0.4\r\n"
            "Accept-Encoding: identity\r\n"
            "Connection: close\r\n\r\n"
        )
        writer.write(request.encode("ascii"))
        await writer.drain()
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return ProbeAnswer(False, "it does not speak HTTP", is_http=False)
        answer = await _read_answer(head, reader)
        await _drain(reader)
        return answer
    finally:
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    """Read the rest of a short answer: if closed earlier, the server would log a broken pipe."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(DRAIN_S):
            left = MAX_BODY_BYTES
            while left > 0 and (piece := await reader.read(left)):
                left -= len(piece)


async def _read_answer(head: bytes, reader: asyncio.StreamReader) -> ProbeAnswer:
    status_line, _, headers = head.partition(b"\r\n")
    status = status_line.split(None, 2)
    if len(status) < 2 or not status[0].startswith(b"HTTP/1") or not status[1].isdigit():
        return ProbeAnswer(False, "it does not speak HTTP", is_http=False)
    if status[1] != b"200":
        return ProbeAnswer(False, f"status {clean(status[1].decode('ascii'), 8)}")
    chunked = (
        re.search(rb"^transfer-encoding:[^\r\n]*chunked", headers, re.IGNORECASE | re.MULTILINE)
        is not None
    )
    body = b""
    while len(body) < MAX_BODY_BYTES:
        piece = await reader.read(MAX_BODY_BYTES - len(body))
        body += piece
        line = _first_line(body, chunked, ended=not piece)
        if line is not None:
            return _classify_line(line)
    return ProbeAnswer(False, "no metrics in its first 64 kB")


def _first_line(body: bytes, chunked: bool, ended: bool) -> bytes | None:
    """Return the first line that is not blank; None if it is not complete yet."""
    if chunked:
        body = _decode_chunks(body)
    text = body.lstrip(b"\r\n\t ")
    line, newline, _ = text.partition(b"\n")
    return line.rstrip(b"\r") if newline or ended else None


def _decode_chunks(body: bytes) -> bytes:
    """Decode the content of the chunks received so far."""
    content = b""
    while body:
        size, newline, rest = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        if not newline or length <= 0:
            break
        content += rest[:length]
        body = rest[length + 2 :]
    return content


def _classify_line(line: bytes) -> ProbeAnswer:
    if line.startswith((b"# HELP ", b"# TYPE ")) or _SAMPLE.fullmatch(line):
        return ProbeAnswer(True, "answers with metrics")
    if line.lstrip().startswith(b"<"):
        return ProbeAnswer(False, "answers with a web page")
    return ProbeAnswer(False, "its answer is no metrics" if line else "its answer is empty")
