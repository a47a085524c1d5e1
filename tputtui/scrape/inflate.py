"""Collect a body as it arrives: limited on the wire and inflated.

2 kB of gzip can hold a gigabyte of zeros.
"""

from __future__ import annotations

import zlib

from tputtui.scrape.fetch_attempt import FetchError, format_byte_count
from tputtui.text import clean

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
