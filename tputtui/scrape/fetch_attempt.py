"""Progress of one attempt at a target, its body as it arrives, and the sentences on its failure.

httpx's exceptions for the commonest faults have an empty text, and others quote the server: no
foreign text is passed on. The chain of the exception shows what failed, the phase of the connection
where. A body is limited on the wire and inflated: 2 kB of gzip can hold a gigabyte of zeros.
"""

from __future__ import annotations

import errno
import os
import ssl
import time
import zlib
from collections.abc import Iterator
from typing import Literal

from tputtui.descriptors import shortage
from tputtui.scrape.credentials import SecretError
from tputtui.text import clean

Phase = Literal["resolving", "connecting", "handshake", "waiting", "header", "body"]

_SELF_SIGNED = (18, 19)  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, …_SELF_SIGNED_CERT_IN_CHAIN
_WRONG_HOST = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
_SILENT_ERRNOS = (
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EPIPE,
    errno.ECONNABORTED,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
)
_TLS_ALERT = b"\x15\x03"
_NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
)


CONNECT_S = 2.0
"""Seconds until a target without a connection is unreachable; resolving its name has as long."""


class FetchError(Exception):
    """The attempt failed; the text is the sentence that is shown.

    `is_late`: the connection is established and no complete answer came by the deadline.
    `is_silent`: not a byte came.
    """

    def __init__(self, text: str, *, is_late: bool = False, is_silent: bool = False) -> None:
        super().__init__(text)
        self.is_late = is_late
        self.is_silent = is_silent


class FetchAttempt:
    """Progress of one attempt, updated by the connection."""

    def __init__(self) -> None:
        self.host = ""
        self.start()

    def start(self) -> None:
        """Start a request: the first, or the one after a redirect."""
        # On a reused connection; a new one starts by resolving
        self.phase: Phase = "waiting"
        self.has_opened_connection = False  # a connection was opened for this attempt
        self.received_bytes = 0  # bytes from the wire
        self.first_bytes = b""  # the first few of them
        self.expected_bytes: int | None = None  # Content-Length
        self.body_bytes = 0  # encoded bytes of the body
        self.first_byte_at: tuple[float, float] | None = None  # (monotonic, unix) seconds

    def on_data_received(self, data: bytes) -> None:
        """Count bytes from the wire."""
        if data:
            if not self.received_bytes:
                self.first_byte_at = time.monotonic(), time.time()
            self.received_bytes += len(data)
            if len(self.first_bytes) < 8:
                self.first_bytes += data[:8]
            if self.phase == "waiting":
                self.phase = "header"

    @property
    def has_no_answer(self) -> bool:
        """Whether a kept connection was used and not a byte has come over it since the request."""
        return not self.has_opened_connection and not self.received_bytes

    @property
    def partial(self) -> int:
        """Bytes of the answer so far: of its body, or, before that, of its header."""
        return self.body_bytes or self.received_bytes

    @property
    def is_connected(self) -> bool:
        """Whether a connection is established, so that only the answer is missing."""
        return self.phase not in ("resolving", "connecting")

    def describe_timeout(self, limit_s: float) -> str:
        """Describe a limit that passed in the current phase."""
        after = f"{limit_s:g} s"
        if self.phase == "resolving":
            return f"unreachable: the name {self.host!r} was not resolved within {after}"
        if self.phase == "connecting":
            return f"unreachable: connect timed out after {after}"
        if self.phase == "handshake":
            return f"no TLS handshake within {after}"
        if self.phase == "waiting":
            return f"no answer within {after}"
        count = self.partial
        return f"answer incomplete, {count:,} byte{'s' if count != 1 else ''} in {after}"

    def is_silent(self, error: BaseException) -> bool:
        """Whether a failure is the target's silence: refused, reset, hanging or closed without a
        byte.

        A failure on our side (a name, a file, a limit) says nothing about the target.
        """
        if self.received_bytes or self.phase == "resolving":
            return False
        for cause in _cause_chain(error):
            if isinstance(cause, ssl.SSLError) or shortage(cause):
                return False
            if isinstance(cause, OSError) and cause.errno is not None:
                return cause.errno in _SILENT_ERRNOS
        return self.phase == "connecting" or not isinstance(error, FetchError | SecretError)

    def describe_failure(self, error: BaseException) -> str:
        """Describe an exception of the connection."""
        for cause in _cause_chain(error):
            if isinstance(cause, FetchError):
                return str(cause)
            if short := shortage(cause):
                return short
            if isinstance(cause, ssl.SSLError):
                return _tls_sentence(cause)
            if isinstance(cause, OSError) and cause.errno is not None:
                return self._system_sentence(cause.errno)
        if self.phase == "handshake":
            return "connection closed during the TLS handshake: is this port https?"
        if self.phase == "connecting":
            return "cannot connect"
        return self._protocol_sentence(str(error))

    def _system_sentence(self, number: int) -> str:
        if number in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
            after = f" after {self.body_bytes:,} bytes of the body" if self.phase == "body" else ""
            return f"connection reset{after}"
        if number == errno.ECONNREFUSED:
            return "connection refused"
        return os.strerror(number).lower()

    def _protocol_sentence(self, detail: str) -> str:
        """Describe a malformed answer; `detail` is h11's text, which is never shown."""
        if self.first_bytes.startswith(_TLS_ALERT):
            return "this port speaks TLS: use https://"
        if self.phase == "body":
            return self._body_sentence(detail)
        if not self.received_bytes:
            return "connection closed without an answer"
        if not b"HTTP/1.".startswith(self.first_bytes[:7]):
            return "not HTTP"
        if "too long" in detail:
            return "header too large"
        if "peer closed" in detail or "disconnected" in detail:
            return "connection closed in the header"
        return "the answer's header is malformed"

    def _body_sentence(self, detail: str) -> str:
        if not detail:
            return "connection broken in the body"
        if "peer closed" not in detail:
            return "the answer's chunks are malformed"
        if self.expected_bytes is not None:
            return f"truncated, {self.body_bytes:,} of {self.expected_bytes:,} bytes"
        return f"truncated, the chunked body has no end ({self.body_bytes:,} bytes came)"


def _cause_chain(error: BaseException) -> Iterator[BaseException]:
    """Generate the exception and its causes, members of groups included."""
    waiting: list[BaseException] = [error]
    visited: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in visited:
            continue
        visited.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(
            cause for cause in (current.__cause__, current.__context__) if cause is not None
        )


def _tls_sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _SELF_SIGNED:
            return "TLS: self-signed certificate: set ca_file or insecure for this target"
        if error.verify_code in _WRONG_HOST:
            return "TLS: the certificate is for another host name"
        if error.verify_code == 10:
            return "TLS: the certificate has expired"
        if error.verify_code == 9:
            return "TLS: the certificate is not valid yet: is the clock right?"
        return "TLS: the certificate's issuer is not known: set ca_file for this target"
    reason = error.reason or ""
    if reason in _NO_TLS:
        return "this port does not speak TLS: use http://"
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason:
        return (
            "TLS: the server wants a client certificate: set cert_file and key_file for this target"
        )
    return f"TLS: {reason.lower().replace('_', ' ')}" if reason else "TLS: the handshake failed"


def format_byte_count(count: int) -> str:
    """Format a number of bytes as it was set or announced: 16 MiB, 64 KiB, 100 bytes."""
    for factor, unit in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count} bytes"


_GZIP = 16 + zlib.MAX_WBITS
ACCEPTED_ENCODINGS = "gzip"
"""Encodings that are requested. No other is read, even if it is sent."""


class InflatedBody:
    """Body of one answer, refused beyond `limit` bytes, encoded or inflated.

    httpx's own decoders have no limit: one small chunk may become 1 GiB before its size is known.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        """Start a body; `encoding` as in Content-Encoding. Raises FetchError for any but gzip."""
        word = encoding.strip().lower()
        if word not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(f"encoding {clean(encoding.strip(), 40)!r} not accepted")
        self._gzip = zlib.decompressobj(_GZIP) if word.endswith("gzip") else None
        self._limit = limit
        self._parts: list[bytes] = []
        self._inflated = 0
        self.received = 0  # encoded bytes

    def feed(self, data: bytes) -> None:
        """Add the next bytes from the wire. Raises FetchError if they are too many or no gzip."""
        self.received += len(data)
        if self.received > self._limit:
            raise FetchError(f"body larger than {format_byte_count(self._limit)}")
        if self._gzip is not None:
            if self._gzip.eof:
                return  # only the first member counts, as in every scraper
            try:
                data = self._gzip.decompress(data, self._limit - self._inflated + 1)
            except zlib.error:
                raise FetchError("the answer says gzip and is not") from None
        self._inflated += len(data)
        if self._inflated > self._limit:
            raise FetchError(f"decoded body larger than {format_byte_count(self._limit)}")
        self._parts.append(data)

    def content(self) -> bytes:
        """Return the inflated body.

        Raises FetchError if the gzip stream is truncated, which httpx would not report.
        """
        if self._gzip is not None and not self._gzip.eof:
            raise FetchError(f"truncated, the gzip body ends after {self.received:,} bytes")
        return b"".join(self._parts)
