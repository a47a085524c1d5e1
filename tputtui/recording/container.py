"""Container format: gzip members, each a minute or less, each readable without the others.

A member's header carries (as a gzip extra field, which every gunzip skips) the run it belongs to,
its number and its start time: indexing a run is a search for these bytes without inflating
anything, and damage costs only the member it is in.

A member holds lines, each a JSON object that ends with its own checksum. A member's checksum covers
all of it, but comes at its end; the last member of a run that was killed has none. So each line
carries the CRC-32 of its content: `{"mark":{…},"c":3421780262}`.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

from tputtui.frozen import frozen

MAGIC: Final = b"\x1f\x8b\x08"
SIGNATURE: Final = MAGIC + b"\x04\0\0\0\0\0\xff\x1c\0TP\x18\0"
"""First bytes of each of our members: deflate, an extra field, no time, no system; 28 bytes,
subfield TP of 24.
"""

_MEMBER_STRUCT: Final = struct.Struct("<4sIdd")  # run, number, seconds since the start, unix time
_TRAILER: Final = struct.Struct("<II")
HEADER_BYTES: Final = len(SIGNATURE) + _MEMBER_STRUCT.size

MEMBER_LIMIT: Final = 64 * 1024 * 1024
"""Limit of the inflated bytes read of a member. Writers begin a new one at a quarter of it."""

FILE_LIMIT: Final = 16 * 1024**3
MAX_MEMBERS: Final = 200_000
_CHUNK_BYTES: Final = 4 * 1024 * 1024
_PIECE_BYTES: Final = 512
_LEVEL: Final = 6

LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a line, read or written: parsed JSON takes about twenty times that in memory."""

_CHECKSUM_KEY: Final = b',"c":'
_encode_json = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


@frozen
class Member:
    """Position of one member, and the content of its header."""

    begin: int  # byte offset in the file
    end: int  # offset of the next one, or of the file's end
    run: bytes = b""  # the first bytes of the run's id; empty: rewritten by another program
    number: int = 0
    since_s: float = 0.0  # seconds from the run's start to the member's first reading
    time: float = 0.0


class MemberWriter:
    """Compressor of one member. Each result of `compress` can be read from the file at once."""

    def __init__(self, run: bytes, number: int, since_s: float, time: float) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._head = SIGNATURE + _MEMBER_STRUCT.pack(run[:4].ljust(4, b"\0"), number, since_s, time)
        self._crc = 0
        self._size = 0

    def compress(self, content: bytes) -> bytes:
        """Compress `content` into bytes to append."""
        head, self._head = self._head, b""
        self._crc = zlib.crc32(content, self._crc)
        self._size += len(content)
        return head + self._deflate.compress(content) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        """Return the bytes that end the member."""
        return self._deflate.flush(zlib.Z_FINISH) + _TRAILER.pack(
            self._crc, self._size & 0xFFFFFFFF
        )


def find_members(descriptor: int, size: int) -> list[Member]:
    """Find all members of a file, in file order.

    A file recompressed by another program is one member.
    """
    headers: list[tuple[int, bytes]] = []
    offset, kept = 0, b""
    while offset < size and len(headers) < MAX_MEMBERS:
        part = os.pread(descriptor, _CHUNK_BYTES, offset)
        if not part:
            break
        chunk, base = kept + part, offset - len(kept)
        at = chunk.find(SIGNATURE)
        while at >= 0 and at + HEADER_BYTES <= len(chunk):
            headers.append((base + at, chunk[at + len(SIGNATURE) : at + HEADER_BYTES]))
            at = chunk.find(SIGNATURE, at + HEADER_BYTES)
        offset += len(part)
        # Keep bytes that may begin a header which continues in the next part.
        kept = chunk[at:] if at >= 0 else chunk[-(len(SIGNATURE) - 1) :]
    if not headers or headers[0][0] != 0:
        headers.insert(0, (0, b""))
    ends = [begin for begin, _ in headers[1:]] + [size]
    members = []
    for (begin, fields), end in zip(headers, ends, strict=True):
        if fields:
            run, number, since_s, time = _MEMBER_STRUCT.unpack(fields)
            members.append(Member(begin, end, run, number, since_s, time))
        else:
            members.append(Member(begin, end))
    return members


@frozen
class InflatedMember:
    """Content of a member, and whether its checksum was verified; a truncated member has none."""

    content: bytes
    is_complete: bool


class DamagedMemberError(Exception):  # the message describes the member
    """The member's content is corrupt or missing: nothing of it is used."""


def inflate(descriptor: int, member: Member, is_lenient: bool = False) -> InflatedMember:
    """Inflate a member.

    Raises DamagedMemberError where its checksum fails or it is not gzip, and OSError.

    `is_lenient` is for the last member: in a run that was killed it has no checksum yet, and power
    loss leaves zeros in place of data. There the content ends where it can no longer be inflated,
    and each line's own checksum is what verifies it.
    """
    content, is_complete, offset = _inflate(descriptor, member.begin, member.end, is_lenient)
    if member.run or not is_complete:
        return InflatedMember(content, is_complete)
    # Recompressed by another program: possibly several members, each verified by its own checksum.
    parts, total = [content], len(content)
    while is_complete and offset < member.end and total <= MEMBER_LIMIT:
        content, is_complete, offset = _inflate(descriptor, offset, member.end, is_lenient)
        total += len(content)
        parts.append(content)
    if total > MEMBER_LIMIT:
        raise DamagedMemberError("it is too large")
    return InflatedMember(b"".join(parts), is_complete)


def _inflate(descriptor: int, begin: int, end: int, is_lenient: bool) -> tuple[bytes, bool, int]:
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    parts: list[bytes] = []
    size = 0
    for chunk in _read_chunks(descriptor, begin, end):
        waiting = chunk
        while waiting and not inflater.eof:
            # In small pieces where an error may occur, because earlier data in the same piece is
            # lost with it.
            piece, waiting = (
                (waiting[:_PIECE_BYTES], waiting[_PIECE_BYTES:]) if is_lenient else (waiting, b"")
            )
            try:
                part = inflater.decompress(piece, MEMBER_LIMIT + 1 - size)
            except zlib.error:
                if is_lenient and parts:
                    return b"".join(parts), False, end
                raise DamagedMemberError("its checksum fails") from None
            size += len(part)
            if size > MEMBER_LIMIT:
                raise DamagedMemberError("it is too large")
            parts.append(part)
            waiting = inflater.unconsumed_tail + waiting
        begin += len(chunk)
        if inflater.eof:
            return b"".join(parts), True, begin - len(waiting) - len(inflater.unused_data)
    return b"".join(parts), False, begin


def _read_chunks(descriptor: int, begin: int, end: int) -> Iterator[bytes]:
    while begin < end:
        chunk = os.pread(descriptor, min(_CHUNK_BYTES, end - begin), begin)
        if not chunk:
            return
        begin += len(chunk)
        yield chunk


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
        raise CorruptLineError("a line is incomplete")
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
