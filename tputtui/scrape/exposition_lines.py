"""Grammar of the lines of an exposition: samples, and the TYPE, HELP and UNIT of families.

Strict where Prometheus is, with the reason. Everything works on bytes and is linear in the length
of the line: the patterns are possessive, so nothing backtracks.

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
from tputtui.model import Family, Labels
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


class BadLineError(ValueError):
    """The line cannot be read; the message is the reason, short and cleaned."""


class OverLimitError(BadLineError):
    """The line exceeds a limit of tputtui, which Prometheus does not have."""


@frozen
class ScanLimits:
    """Limits for one target. Beyond a limit less is read, with a warning; the target is never
    refused.
    """

    series: int = 50_000  # beyond: whole families are hidden
    labels: int = 64  # beyond: the others become one label "…"
    name: int = 512  # bytes of a metric or label name; beyond: the line is skipped
    value: int = 4096  # bytes kept of a label value; beyond: truncated, with a checksum
    line: int = 65_536  # bytes; beyond: the line is skipped


@frozen
class _SampleHead:
    """Part of a sample line before its value, which ends at `end`.

    `reject_reason` is why Prometheus rejects it although it can be read.
    """

    name: str
    labels: Labels
    end: int
    reject_reason: str | None = None


def quote_bytes(text: bytes, cells: int = 40) -> str:
    """Quote foreign bytes for a sentence: decoded, cleaned, truncated."""
    return f"'{clean(text[: 4 * cells].decode('utf-8', 'replace'), cells)}'"


def _unescape(text: bytes) -> bytes:
    r"""Resolve ``\\``, ``\n`` and ``\"``; any other backslash is literal, as in Prometheus."""
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _UNESCAPED[match[1]], text)


def sample_name(line: bytes) -> str:
    """Return the metric name of a sample line without checking the rest; "" without one."""
    match = _NAME.match(line)
    if match is not None and match[1] is not None:
        return intern(match[1].decode("ascii"))
    match = _QUOTED_NAME.match(line)
    return "" if match is None else intern(_unescape(match[1]).decode("utf-8", "replace"))


def parse_head(line: bytes, limits: ScanLimits) -> _SampleHead:
    """Parse name and labels of a sample line: labels sorted, without empty values.

    Raises BadLineError.
    """
    if len(line) <= min(limits.name, limits.value) and line.isascii():
        head = _parse_plain_head(line.decode("ascii"), limits)
        if head is not None:
            return head
    match = _NAME.match(line)
    assert match is not None  # noqa: S101  # every part of the pattern is optional
    raw_name: bytes | None = match[1]
    reject_reason = "it begins with a blank" if line[:1] in (b" ", b"\t") else None
    if not match[2]:
        if raw_name is None or line[match.end(1) : match.end(1) + 1] not in (b"", b" ", b"\t"):
            word = line.split(None, 1)[0]
            raise BadLineError(f"{quote_bytes(word, 30)} is not a metric name")
        return _SampleHead(_decode_name(raw_name, limits), (), match.end(1), reject_reason)
    raw_name, pairs, end = _parse_pairs(line, match.end(), raw_name)
    if raw_name is None:
        raise BadLineError("there is no metric name")
    if not raw_name:
        raise BadLineError("the metric name is empty")
    if not _is_utf8(line[:end]):
        reject_reason = reject_reason or "it is not valid UTF-8"
    labels = build_labels(pairs, limits)
    return _SampleHead(_decode_name(raw_name, limits), labels, end, reject_reason)


def _parse_plain_head(line: str, limits: ScanLimits) -> _SampleHead | None:
    """Parse a short ASCII head without escapes and blanks, five times faster; None for others.

    Nearly every line has such a head.
    """
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
    return _SampleHead(intern(match[1]), tuple(labels), match.end())


def _parse_pairs(
    line: bytes, at: int, name: bytes | None
) -> tuple[bytes | None, list[tuple[bytes, bytes]], int]:
    """Parse the metric name, the raw labels and the position after the closing brace.

    `at` is the position after the opening brace.
    """
    pairs: list[tuple[bytes, bytes]] = []
    keys: set[bytes] = set()
    while True:
        match = _PAIR.match(line, at)
        if match is None:
            break
        bare, quoted, value, comma = match.groups()
        key: bytes = bare if bare is not None else _unescape(quoted)
        if value is None:
            if bare is not None:
                raise BadLineError(f"label {quote_bytes(key)} has no quoted value")
            if name is not None:
                raise BadLineError("the metric name appears twice")
            name = key
        elif key == b"__name__":
            raise BadLineError(
                "the metric name appears twice"
                if name is not None
                else "__name__ stands as a label"
            )
        elif key in keys:
            raise BadLineError(f"label {quote_bytes(key)} stands twice")
        elif not key:
            raise BadLineError("a label name is empty")
        else:
            keys.add(key)
            pairs.append((key, _unescape(value)))
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
    """Build the labels of a series from those of the line.

    Sorted, without empty values, truncated to the limits.
    """
    labels = [
        (_decode_name(key, limits), _decode_value(value, limits))
        for key, value in pairs[: limits.labels]
        if value
    ]
    if len(pairs) > limits.labels:
        # With a checksum, because series that differ only beyond the limit must stay distinct.
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
    """Parse a value by the grammar of Prometheus, which is narrower than `float()`.

    It has no `_`, no overflow and no `+nan`. Hexadecimal and binary literals are refused as
    Prometheus refuses them (strconv.ParseFloat before Go 1.13). Raises BadLineError.
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


class _SampleValue(NamedTuple):
    """Value of a sample line. `reject_reason`: why Prometheus rejects it nevertheless."""

    value: float
    reject_reason: str | None = None
    timestamp: float | None = None  # unix seconds


def parse_value(rest: bytes, *, openmetrics: bool) -> _SampleValue:
    """Parse value and timestamp of a sample line, without its exemplar.

    Timestamps are milliseconds in the text format, seconds in OpenMetrics. Raises BadLineError.
    """
    reject_reason = None
    at = rest.find(b"#")
    if at > 0 and rest[at - 1 : at] in (b" ", b"\t"):
        rest = rest[:at]
        if not openmetrics:
            reject_reason = "an exemplar, which only OpenMetrics may carry"
    fields = rest.split()
    if not fields:
        raise BadLineError("there is no value")
    value = parse_float(fields[0])
    if len(fields) == 1:
        return _SampleValue(value, reject_reason)
    if len(fields) > 2:
        raise BadLineError(f"{quote_bytes(fields[2], 20)} stands after the timestamp")
    timestamp = fields[1]
    if not timestamp.isdigit() and not openmetrics:
        reject_reason = (
            reject_reason or f"{quote_bytes(timestamp, 20)} is not a timestamp in milliseconds"
        )
    try:
        time = parse_float(timestamp)
    except BadLineError:
        raise BadLineError(f"{quote_bytes(timestamp, 20)} is not a timestamp") from None
    if not math.isfinite(time):
        return _SampleValue(value, reject_reason)
    return _SampleValue(value, reject_reason, time if openmetrics else time / 1000)


_MAX_HELP_LENGTH = 512  # characters kept
_MAX_NAME_BYTES = 512  # bytes; a longer family name is not kept, as no sample line of that name is
_LINE = re.compile(
    rb'#[ \t]+(TYPE|HELP|UNIT)[ \t]+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^ \t"]++))(?:[ \t]+(.*))?',
    re.DOTALL,
)
_METADATA_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*+")
_TEXT_TYPES = frozenset(("counter", "gauge", "histogram", "summary", "untyped"))
_OPENMETRICS_TYPES = frozenset(
    ("counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram")
)
_KNOWN_TYPES = _TEXT_TYPES | _OPENMETRICS_TYPES


def read_metadata(
    comments: list[bytes], *, openmetrics: bool, limit: int
) -> tuple[dict[str, Family], tuple[bytes, str] | None]:
    """Read at most `limit` families, and the first line that Prometheus would reject, with the
    reason.

    The last TYPE of a name wins. An unknown TYPE makes the family untyped; of several words the
    first counts.
    """
    types: dict[str, str] = {}
    helps: dict[str, str] = {}
    units: dict[str, str] = {}
    allowed = _OPENMETRICS_TYPES if openmetrics else _TEXT_TYPES
    rejected: tuple[bytes, str] | None = None
    for line in comments[: 3 * max(limit, 1)]:  # each family has at most three
        match = _LINE.match(line)
        if match is None:
            continue
        keyword, quoted, bare, content = match.groups(b"")
        if len(quoted or bare) > _MAX_NAME_BYTES:
            continue
        name = (_unescape(quoted) or bare).decode("utf-8", "replace")
        if bare and _METADATA_NAME.fullmatch(bare) is None:
            rejected = rejected or (line, f"{quote_bytes(bare)} is not a metric name")
        if keyword == b"TYPE":
            word = content.strip(b" \t").decode("utf-8", "replace")
            if word not in allowed:
                rejected = rejected or (line, f"invalid metric type {quote_bytes(content)}")
            types[name] = _parse_type(word)
        elif keyword == b"HELP":
            helps[name] = _parse_help(content)
        else:
            units[name] = clean(content.strip().decode("utf-8", "replace"), 64)
    names = list(dict.fromkeys([*types, *helps, *units]))[:limit]
    families = {
        name: Family(name, types.get(name, "untyped"), helps.get(name, ""), units.get(name, ""))
        for name in names
    }
    return families, rejected


def _parse_type(word: str) -> str:
    first = word.split(maxsplit=1)[0].lower() if word.split() else ""
    return first if first in _KNOWN_TYPES and first != "unknown" else "untyped"


def _parse_help(content: bytes) -> str:
    text = _unescape(content[: 4 * _MAX_HELP_LENGTH + 4]).decode("utf-8", "replace")
    return clean(text, _MAX_HELP_LENGTH)
