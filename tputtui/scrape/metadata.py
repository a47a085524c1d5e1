"""Parse TYPE, HELP and UNIT lines into families, by name and not by position."""

from __future__ import annotations

import re

from tputtui.model import Family
from tputtui.scrape.labels import quote_bytes, unescape
from tputtui.text import clean

MAX_HELP_LENGTH = 512  # characters kept
MAX_NAME_BYTES = 512  # bytes; a longer family name is not kept, as no sample line of that name is
_LINE = re.compile(
    rb'#[ \t]+(TYPE|HELP|UNIT)[ \t]+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^ \t"]++))(?:[ \t]+(.*))?',
    re.DOTALL,
)
_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*+")
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
        if len(quoted or bare) > MAX_NAME_BYTES:
            continue
        name = (unescape(quoted) or bare).decode("utf-8", "replace")
        if bare and _NAME.fullmatch(bare) is None:
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
    text = unescape(content[: 4 * MAX_HELP_LENGTH + 4]).decode("utf-8", "replace")
    return clean(text, MAX_HELP_LENGTH)
