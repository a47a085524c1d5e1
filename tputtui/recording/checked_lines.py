"""One line of a run: a JSON object that ends with its own checksum.

A member's checksum covers all of it, but comes at its end; the last member of a run that was killed
has none. So each line carries the CRC-32 of its content: `{"mark":{…},"c":3421780262}`.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Final

LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a line, read or written: parsed JSON takes about twenty times that in memory."""

_CHECKSUM_KEY: Final = b',"c":'
_encode_json = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


class CorruptLineError(ValueError):  # the message describes the line
    """The line is corrupt or was not written by a recorder."""


class LineTooLongError(ValueError):
    """The line would exceed the reader's limit."""


def format_line(content: dict[str, Any]) -> bytes:
    """Format a line, its end included. Raises LineTooLongError."""
    body = _encode_json(content).encode("ascii")
    if len(body) > LINE_LIMIT - 32:
        raise LineTooLongError
    return b'%b,"c":%d}\n' % (body[:-1], zlib.crc32(body))


def parse_line(line: bytes) -> dict[str, Any]:
    """Parse a line without its end. Raises CorruptLineError."""
    if len(line) > LINE_LIMIT:
        raise CorruptLineError("a line is too long")
    at = line.rfind(_CHECKSUM_KEY)
    if at < 0 or not line.endswith(b"}"):
        raise CorruptLineError("a line is not whole")
    body, checksum = line[:at] + b"}", line[at + len(_CHECKSUM_KEY) : -1]
    if not (checksum.isdigit() and len(checksum) <= 10 and int(checksum) == zlib.crc32(body)):
        raise CorruptLineError("a line's checksum fails")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # crafted: deep nesting, or a huge number
        raise CorruptLineError("a line is not JSON") from None
    if not isinstance(content, dict):
        raise CorruptLineError("a line is no object")
    return content
