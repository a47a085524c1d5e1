"""Recognize content that is no exposition: HTML, JSON, Protocol Buffers, binary data."""

from __future__ import annotations

import re

from tputtui.scrape.labels import quote_bytes
from tputtui.text import clean

_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_QUOTED_NAME = re.compile(rb'\{\s*+"(?:[^"\\]|\\.)*+"\s*+[,}]')
_LOOKS_LIKE_SAMPLE = re.compile(rb"[ \t]*+[a-zA-Z_:][\w:.\-]*+[ \t]*+(?:\{|[-+.\d])")


class NotAnExpositionError(ValueError):
    """The answer is not metrics. The message is a sentence for the target's row."""


def raise_if_not_exposition(body: bytes, content_type: str | None) -> None:
    """Raise NotAnExpositionError if the first bytes show that the body is something else."""
    start = body[:4096].lstrip()
    kind = _content_kind(start, content_type)
    if kind is not None:
        raise NotAnExpositionError(_describe_content(kind, start, content_type))


def unreadable_body_error(body: bytes, content_type: str | None) -> NotAnExpositionError:
    """Make the error of a body in which hardly a line can be read."""
    return NotAnExpositionError(_describe_content("", body[:4096].lstrip(), content_type))


def looks_like_sample(line: bytes) -> bool:
    """Whether an unreadable line was meant as a sample: a name before a brace or a digit."""
    return _LOOKS_LIKE_SAMPLE.match(line) is not None


def _content_kind(start: bytes, content_type: str | None) -> str | None:
    first = start[:1]
    if start[:2] == b"\x1f\x8b":
        return "compressed data"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0\0" in (start[0:3:2], start[1:4:2]):
        return "text in UTF-16"
    # A NUL is allowed in a quoted label value: only the unquoted part of the first line counts.
    unquoted = start[:64].partition(b"\n")[0].partition(b'"')[0]
    if b"\0" in unquoted or (first and first[0] < 0x20):
        return "binary data"
    if first == b"<":
        return "an HTML page" if b"<html" in start.lower() else "a page of markup"
    if first == b"[" or (first == b"{" and _QUOTED_NAME.match(start) is None and _is_json(start)):
        return "JSON"
    if (
        "protobuf" in (content_type or "").lower()
        and first not in (b"", b"#")
        and not looks_like_sample(start)
    ):
        return "Protocol Buffers"
    return None


def _is_json(start: bytes) -> bool:
    inside = start[1:].lstrip()
    return inside[:1] in (b'"', b"", b"}") or b'"' not in start.split(b"\n", 1)[0]


def _describe_content(kind: str, start: bytes, content_type: str | None) -> str:
    media_type = clean((content_type or "").partition(";")[0].strip(), 60) or "no content type"
    page = f"not a metrics page ({media_type})"
    if kind and "protobuf" in media_type.lower():
        return f"{page}: it is Protocol Buffers, which tputtui did not ask for"
    title = _TITLE.search(start)
    titled = f" titled {quote_bytes(title[1].strip())}" if title else ""
    subject = f"it is {kind}{titled} and " if kind else "it "
    beginning = start.split(b"\n", 1)[0][:160]
    if beginning.startswith(b"<") and b">" in beginning:
        beginning = beginning[: beginning.index(b">") + 1]
    return f"{page}: {subject}begins with {quote_bytes(beginning)}"
