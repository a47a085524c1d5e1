"""Byte streams of connections for httpcore, directly on asyncio's transports.

httpcore uses anyio, whose locks, scopes and attribute look-ups cost more than parsing a scrape: a
tenth of a core at a hundred targets a second.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from typing import Any

import httpcore

from tputtui.descriptors import require_room
from tputtui.scrape.fetch_attempt import FetchAttempt, FetchError, format_byte_count

_MAX_BUFFERED = 256 * 1024  # bytes received and not read yet: beyond, the sender has to wait


class ReceiveBuffer(asyncio.Protocol):
    """Bytes that were received over a connection and not read yet."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._is_ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_unusable(self) -> bool:
        """Whether an idle connection cannot be used again: it has ended, or holds unrequested
        bytes.
        """
        return self._is_ended or bool(self._received)

    async def read(self, max_bytes: int) -> bytes:
        """Return the next bytes, at most `max_bytes`; none at the end.

        Raises the connection's error after all bytes before it were read.
        """
        while not self._received:
            if self._error is not None:
                raise self._error
            if self._is_ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = bytes(self._received[:max_bytes])
        del self._received[:max_bytes]
        if self.transport is not None and len(self._received) < _MAX_BUFFERED:
            self.transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send. Raises the connection's error."""
        if self._error is not None:
            raise self._error
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError(errno.ECONNRESET, "closed")
        self.transport.write(data)

    # -------------------------------------------------------------------- methods called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (called by asyncio)."""
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Add received bytes (called by asyncio)."""
        try:
            self._received += data
        except MemoryError as error:
            # asyncio would write a traceback to stderr, which is the screen
            self._received = bytearray()
            self._is_ended, self._error = True, error
            if self.transport is not None:
                self.transport.abort()
            self._wake_reader()
            return
        if self.transport is not None and len(self._received) >= _MAX_BUFFERED:
            self.transport.pause_reading()
        self._wake_reader()

    def eof_received(self) -> None:
        """Note that the other side sends no more; asyncio then closes our side, too."""
        self._is_ended = True
        self._wake_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is closed (called by asyncio)."""
        self._is_ended, self._error = True, self._error or exc
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class StreamObserver:
    """Holder of the attempt that counts a connection's bytes; it changes from scrape to scrape."""

    def __init__(self, header_limit: int) -> None:
        """`header_limit`: bytes allowed before the body begins, interim (1xx) answers included."""
        self.header_limit = header_limit
        self.attempt = FetchAttempt()


class ConnectionStream(httpcore.AsyncNetworkStream):
    """Byte stream of a connection, counted by the attempt under way."""

    def __init__(self, buffer: ReceiveBuffer, observer: StreamObserver) -> None:
        self._buffer = buffer
        self._observer = observer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes; `timeout` is httpcore's and unused, because our deadline applies.

        Raises FetchError if a header is too large.
        """
        del timeout
        attempt = self._observer.attempt
        if attempt.phase == "header" and attempt.received_bytes >= self._observer.header_limit:
            raise FetchError(
                f"header too large: more than {format_byte_count(self._observer.header_limit)}"
            )
        data = await self._buffer.read(max_bytes)
        attempt.on_data_received(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        del timeout
        if buffer:
            self._buffer.write(buffer)

    async def aclose(self) -> None:
        """Close the connection without waiting."""
        transport = self._buffer.transport
        if transport is not None:
            if transport.get_extra_info("sslcontext") is not None:
                transport.abort()  # closing would wait for the other side's close_notify
            else:
                transport.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Encrypt the connection from now on. Raises SSLError and OSError."""
        del timeout
        plain = self._buffer.transport
        self._observer.attempt.phase = "handshake"
        assert plain is not None  # noqa: S101  # an established connection has one
        inner = ReceiveBuffer()
        try:
            loop = asyncio.get_running_loop()
            inner.transport = await loop.start_tls(
                plain, inner, ssl_context, server_hostname=server_hostname
            )
        except BaseException:  # the deadline, too
            plain.abort()
            raise
        self._observer.attempt.phase = "waiting"
        return ConnectionStream(inner, self._observer)

    def get_extra_info(self, info: str) -> Any:
        """Return whether a kept connection is unusable; nothing else that httpcore may ask for."""
        return self._buffer.is_unusable if info == "is_readable" else None


async def connect(address: str, port: int, observer: StreamObserver) -> ConnectionStream:
    """Connect to an address. Raises OSError, also if it would use our reserve of descriptors."""
    require_room()
    _, wire = await asyncio.get_running_loop().create_connection(ReceiveBuffer, address, port)
    return ConnectionStream(wire, observer)
