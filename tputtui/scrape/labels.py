"""The grammar of one sample line: metric name, labels, value, timestamp. Strict where Prometheus is, and says why.

Everything works on bytes and is linear in the line: the patterns are possessive, nothing backtracks.
Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/ and the lexer of Prometheus 3
(model/textparse/promlex.l), quoted UTF-8 names included.
"""

from __future__ import annotations

import math
import re
from sys import intern
from typing import NamedTuple
from zlib import crc32

from tputtui.frozen import frozen
from tputtui.model import Labels
from tputtui.text import clean

_STRING = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_NAME = re.compile(rb"[ \t]*+([a-zA-Z_:][a-zA-Z0-9_:]*+)?[ \t]*+(\{?)")
_PAIR = re.compile(
    rb"[ \t]*+(?:([a-zA-Z_][a-zA-Z0-9_]*+)|"
    + _STRING
    + rb")[ \t]*+(?:=[ \t]*+"
    + _STRING
    + rb"[ \t]*+)?(,?)[ \t]*+",
    re.DOTALL,
)
_QUOTED_NAME = re.compile(rb"[ \t]*+\{[ \t]*+" + _STRING, re.DOTALL)
_PLAIN = re.compile(r'([a-zA-Z_:][\w:]*+)\{((?:[a-zA-Z_]\w*+="[^"\\]*+",?+)*+)\}', re.ASCII)
_PLAIN_PAIR = re.compile(r'(\w++)="([^"]*+)"', re.ASCII)
_ESCAPE = re.compile(rb'\\([\\n"])')
_UNESCAPED = {b"\\": b"\\", b"n": b"\n", b'"': b'"'}
_INFINITE = frozenset((b"inf", b"infinity"))


class BadLineError(ValueError):  # what it is about
    """A line that cannot be read; the message is the reason, short and cleaned."""


class OverLimitError(BadLineError):
    """A line that only our own limit keeps from being read: Prometheus would not mind."""


@frozen
class ScanLimits:
    """How much of one target is read. Beyond a limit it degrades and says so; it never refuses the whole target."""

    series: int = 50_000  # beyond: whole families are hidden
    labels: int = 64  # beyond: the others become one label "…"
    name: int = 512  # bytes of a metric or label name; beyond: the line is skipped
    value: int = (
        4096  # bytes kept of a label value; beyond: cut, with a mark that keeps it distinct
    )
    line: int = 65_536  # bytes; beyond: the line is skipped


@frozen
class SampleHead:
    """The part of a sample line before its value. `end` is where it ends; `odd` is why Prometheus rejects it all the same."""

    name: str
    labels: Labels
    end: int
    reject_reason: str | None = None


def quote_bytes(text: bytes, cells: int = 40) -> str:
    """Foreign bytes in a sentence: decoded, cleaned, cut, in quotes."""
    return f"'{clean(text[: 4 * cells].decode('utf-8', 'replace'), cells)}'"


def unescape(text: bytes) -> bytes:
    r"""Resolve ``\\``, ``\n`` and ``\"``; any other backslash stands for itself, as in Prometheus."""
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _UNESCAPED[match[1]], text)


def sample_name(line: bytes) -> str:
    """The metric name of a sample line without checking the rest; "" where there is none."""
    match = _NAME.match(line)
    if match is not None and match[1] is not None:
        return intern(match[1].decode("ascii"))
    match = _QUOTED_NAME.match(line)
    return "" if match is None else intern(unescape(match[1]).decode("utf-8", "replace"))


def parse_head(line: bytes, limits: ScanLimits) -> SampleHead:
    """Name and labels of a sample line: labels sorted by name, empty values dropped. Raises BadLine."""
    if len(line) <= min(limits.name, limits.value) and line.isascii():
        head = _parse_plain_head(line.decode("ascii"), limits)
        if head is not None:
            return head
    match = _NAME.match(line)
    assert match is not None  # noqa: S101  # every part of the pattern is optional
    raw_name: bytes | None = match[1]
    odd = "it begins with a blank" if line[:1] in (b" ", b"\t") else None
    if not match[2]:
        if raw_name is None or line[match.end(1) : match.end(1) + 1] not in (b"", b" ", b"\t"):
            word = line.split(None, 1)[0]
            raise BadLineError(f"{quote_bytes(word, 30)} is not a metric name")
        return SampleHead(_decode_name(raw_name, limits), (), match.end(1), odd)
    raw_name, pairs, end = _parse_pairs(line, match.end(), raw_name)
    if raw_name is None:
        raise BadLineError("there is no metric name")
    if not raw_name:
        raise BadLineError("the metric name is empty")
    if not _is_utf8(line[:end]):
        odd = odd or "it is not valid UTF-8"
    return SampleHead(_decode_name(raw_name, limits), build_labels(pairs, limits), end, odd)


def _parse_plain_head(line: str, limits: ScanLimits) -> SampleHead | None:
    """The head of nearly every line there is (short, ASCII, no escapes, no blanks), five times faster; None for others."""
    match = _PLAIN.match(line)
    if match is None:
        return None
    pairs = _PLAIN_PAIR.findall(match[2])
    if len(pairs) > limits.labels:
        return None
    by_name = dict(pairs)
    if len(by_name) != len(pairs) or "__name__" in by_name:
        return None
    labels = [(intern(name), intern(value)) for name, value in pairs if value]
    labels.sort()
    return SampleHead(intern(match[1]), tuple(labels), match.end())


def _parse_pairs(
    line: bytes, at: int, name: bytes | None
) -> tuple[bytes | None, list[tuple[bytes, bytes]], int]:
    """The metric name, the raw labels and the position after the closing brace; `at` is after the opening one."""
    pairs: list[tuple[bytes, bytes]] = []
    seen: set[bytes] = set()
    while True:
        match = _PAIR.match(line, at)
        if match is None:
            break
        bare, quoted, value, comma = match.groups()
        key: bytes = bare if bare is not None else unescape(quoted)
        if value is None:
            if bare is not None:
                raise BadLineError(f"label {quote_bytes(key)} has no quoted value")
            if name is not None:
                raise BadLineError("the metric name stands twice")
            name = key
        elif key == b"__name__":
            raise BadLineError(
                "the metric name stands twice" if name is not None else "__name__ stands as a label"
            )
        elif key in seen:
            raise BadLineError(f"label {quote_bytes(key)} stands twice")
        elif not key:
            raise BadLineError("a label name is empty")
        else:
            seen.add(key)
            pairs.append((key, unescape(value)))
        at = match.end()
        if not comma and value is None and line[at : at + 1] != b"}":
            raise BadLineError(f"expected a comma after {quote_bytes(key)}")
    rest = line[at : at + 30].lstrip(b" \t")
    if rest[:1] != b"}":
        raise BadLineError(
            f"expected a label, found {quote_bytes(rest, 20)}" if rest else "the labels do not end"
        )
    return name, pairs, line.index(b"}", at) + 1


def build_labels(pairs: list[tuple[bytes, bytes]], limits: ScanLimits) -> Labels:
    """Labels, unescaped and in the order of the line, as a series keeps them: sorted, without empty values, cut to the limits."""
    labels = [
        (_decode_name(key, limits), _decode_value(value, limits))
        for key, value in pairs[: limits.labels]
        if value
    ]
    if len(pairs) > limits.labels:
        # The mark carries a checksum, so that series that differ beyond the limit stay two series.
        dropped = pairs[limits.labels :]
        labels.append(("…", f"{len(dropped)} more labels ({crc32(repr(dropped).encode()):08x})"))
    labels.sort()
    return tuple(labels)


def _decode_name(raw: bytes, limits: ScanLimits) -> str:
    if len(raw) > limits.name:
        raise OverLimitError(f"a name is longer than {limits.name} bytes: {quote_bytes(raw, 20)}")
    return intern(raw.decode("utf-8", "replace"))


def _decode_value(raw: bytes, limits: ScanLimits) -> str:
    if len(raw) <= limits.value:
        return intern(raw.decode("utf-8", "replace"))
    kept = raw[: limits.value].decode("utf-8", "ignore")
    return f"{kept}… ({len(raw)} bytes, {crc32(raw):08x})"


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_float(token: bytes) -> float:
    """A value by the grammar of Prometheus, which is narrower than ``float()``: no ``_``, no overflow, no ``+nan``.

    Hexadecimal and binary literals are refused as Prometheus refuses them (strconv.ParseFloat of before Go 1.13).
    Raises BadLine.
    """
    try:
        value = float(token)
    except ValueError:
        raise BadLineError(f"{quote_bytes(token, 30)} is not a number") from None
    if b"_" in token:
        raise BadLineError(f"{quote_bytes(token, 30)} is not a number")
    if math.isinf(value) and token.lstrip(b"+-").lower() not in _INFINITE:
        raise BadLineError(f"{quote_bytes(token, 30)} is out of range")
    if math.isnan(value) and token[:1] in (b"+", b"-"):
        raise BadLineError(f"{quote_bytes(token, 30)} is not a number")
    return value


class SampleValue(NamedTuple):
    """What stands behind name and labels. `odd` is why Prometheus rejects it all the same."""

    value: float
    reject_reason: str | None = None
    timestamp: float | None = None  # unix seconds


def parse_value(rest: bytes, *, openmetrics: bool) -> SampleValue:
    """Parse value and timestamp of a sample line; an exemplar is cut. Raises BadLine.

    Timestamps are milliseconds in the text format, seconds in OpenMetrics.
    """
    odd = None
    at = rest.find(b"#")
    if at > 0 and rest[at - 1 : at] in (b" ", b"\t"):
        rest = rest[:at]
        if not openmetrics:
            odd = "an exemplar, which only OpenMetrics may carry"
    fields = rest.split()
    if not fields:
        raise BadLineError("there is no value")
    value = parse_float(fields[0])
    if len(fields) == 1:
        return SampleValue(value, odd)
    if len(fields) > 2:
        raise BadLineError(f"{quote_bytes(fields[2], 20)} stands after the timestamp")
    timestamp = fields[1]
    if not timestamp.isdigit() and not openmetrics:
        odd = odd or f"{quote_bytes(timestamp, 20)} is not a timestamp in milliseconds"
    try:
        moment = parse_float(timestamp)
    except BadLineError:
        raise BadLineError(f"{quote_bytes(timestamp, 20)} is not a timestamp") from None
    if not math.isfinite(moment):
        return SampleValue(value, odd)
    return SampleValue(value, odd, moment if openmetrics else moment / 1000)
