"""A body as it arrives: bounded on the wire and inflated, because 2 kB of gzip can hold a gigabyte of zeros."""

from __future__ import annotations

import zlib

from tputtui.scrape.fetch_attempt import FetchError, format_byte_count
from tputtui.text import clean

_GZIP = 16 + zlib.MAX_WBITS
ACCEPTED_ENCODINGS = "gzip"
"""What is asked for. Nothing else is read, also when it comes all the same."""


class InflatedBody:
    """Collects one answer's bytes. Beyond `limit` bytes, encoded or inflated, it refuses.

    httpx's own decoders have no limit: one small chunk may become 1 GiB before anybody can look at it.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        """`encoding` as in Content-Encoding. Raises FetchError where it is not one that was asked for."""
        word = encoding.strip().lower()
        if word not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(f"encoding {clean(encoding.strip(), 40)!r} not accepted")
        self._gzip = zlib.decompressobj(_GZIP) if word.endswith("gzip") else None
        self._limit = limit
        self._parts: list[bytes] = []
        self._inflated = 0
        self.received = 0  # encoded bytes

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the wire. Raises FetchError when it becomes too much or is no gzip."""
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
        """All of it, inflated. Raises FetchError where the gzip stream does not end (httpx would say nothing)."""
        if self._gzip is not None and not self._gzip.eof:
            raise FetchError(f"truncated, the gzip body ends after {self.received:,} bytes")
        return b"".join(self._parts)
