"""One line of a run: a JSON object that ends with its own checksum.

A member's checksum vouches for all of it, but comes at its end; the last member of a run that was killed has none. So
each line carries the CRC-32 of what stands before: `{"mark":{…},"c":3421780262}`.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a line, read or written: what JSON makes of it in memory is some twenty times that."""

_CHECKSUM_KEY: Final = b',"c":'
_encode_json = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


class CorruptLineError(ValueError):  # it says what the line is
    """The line is not one that was written."""


class LineTooLongError(ValueError):
    """The line would be longer than a reader reads."""


def format_line(content: dict[str, Any]) -> bytes:
    """A line, its end included. Raises TooLong."""
    body = _encode_json(content).encode("ascii")
    if len(body) > LINE_LIMIT - 32:
        raise LineTooLongError
    return b'%b,"c":%d}\n' % (body[:-1], zlib.crc32(body))


def parse_line(line: bytes) -> dict[str, Any]:
    """The object of a line without its end. Raises BadLine."""
    if len(line) > LINE_LIMIT:
        raise CorruptLineError("a line is too long")
    at = line.rfind(_CHECKSUM_KEY)
    if at < 0 or not line.endswith(b"}"):
        raise CorruptLineError("a line is not whole")
    body, told = line[:at] + b"}", line[at + len(_CHECKSUM_KEY) : -1]
    if not (told.isdigit() and len(told) <= 10 and int(told) == zlib.crc32(body)):
        raise CorruptLineError("a line's checksum fails")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # crafted: deeply nested, or a number of thousands of digits
        raise CorruptLineError("a line is not JSON") from None
    if not isinstance(found, dict):
        raise CorruptLineError("a line is no object")
    return found
