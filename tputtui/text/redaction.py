"""Redaction: secrets hidden by value in every text, and by position in URLs.

Three functions cover the three ways in which a secret could reach an output:

- `redact_url` hides by position: userinfo, fragment, and all query values except those of
  `SHOWN_PARAMETERS`. Names and URLs of targets are made from its results.
- `hide` hides by value what was passed to `learn`: passwords, tokens and header values. The gate
  for foreign text, `text.clean`, calls it.
- `redact_text` does both to the URLs within a sentence: for stderr, the notes of a run and crash
  reports.

A `target_redactor.TargetRedactor` does the same to the answers of one target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

HIDDEN: Final = "***"
MAX_LEARNED: Final = 20_000
"""Secret values; bounded because tokens may be renewed every few minutes."""

_MIN_LENGTH: Final = 8
"""Characters of a value that is hidden: a shorter one would occur in ordinary words."""

_MAX_CACHED_LENGTH: Final = 256  # characters of a text whose result is cached
_WORDS = re.compile(r"[a-z._-]{1,23}")

SHOWN_PARAMETERS = frozenset(("target", "module", "match[]", "name[]", "collect[]"))
"""Query parameters that describe the measurement and are shown (blackbox and SNMP exporters,
federation, collectors of node_exporter).
"""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:@/\[\]%]*)(?::\d*)?")
_END_OF_AUTHORITY = re.compile(r"[/?#]")
_SEPARATOR = re.compile(r"([&;])")
_URL_IN_TEXT = re.compile(
    r"""(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s"'<>]+"""
    r"""|(?<![^\s"'<>/@:=])[^\s"'<>/@:=]{1,256}:[^\s"'<>/@]{1,256}@[^\s"'<>]+"""
)
_QUERY_IN_TEXT = re.compile(r"""(?<=[\w/.\-])\?[^\s"'<>?=&]+=[^\s"'<>]*""")
_AFTER_URL = re.compile(r"[.,:;!)\]}]+\Z")


class LearnedSecrets:
    """Secret values, looked up by their first characters.

    The cost of a text does not grow with the number of secrets.
    """

    def __init__(self) -> None:
        self._by_start: dict[str, list[str]] = {}
        self._known: dict[str, None] = {}  # in order of insertion
        self.given: set[str] = set()  # values whose spellings are already known

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, value: str) -> None:
        """Hide a value from now on."""
        if value in self._known:
            return
        if len(self._known) >= MAX_LEARNED:
            self._drop(next(iter(self._known)))
        self._known[value] = None
        same = [*self._by_start.get(value[:_MIN_LENGTH], ()), value]
        self._by_start[value[:_MIN_LENGTH]] = sorted(same, key=len, reverse=True)

    def _drop(self, value: str) -> None:
        self._known.pop(value, None)
        self.given.clear()
        start = value[:_MIN_LENGTH]
        left = [other for other in self._by_start.pop(start, ()) if other != value]
        if left:
            self._by_start[start] = left

    def hide(self, text: str) -> str:
        """Return the text with each known value replaced by ***."""
        starts = self._by_start
        occurring = {
            value
            for at in range(len(text) - _MIN_LENGTH + 1)
            for value in starts.get(text[at : at + _MIN_LENGTH], ())
        }
        for value in sorted(occurring, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text


_learned = LearnedSecrets()


def learn(value: str) -> None:
    """Hide a secret's value in every text from now on, in each spelling of URLs, headers and JSON.

    Values that look like a word or a number are not hidden by value: the password "prometheus" must
    not hide that name everywhere.
    """
    if value in _learned.given:  # the secret is read again at every scrape
        return
    if len(_learned.given) >= MAX_LEARNED:
        _learned.given.clear()
    for spelling in spellings(value):
        if is_distinctive(spelling):
            _learned.add(spelling)
    _learned.given.add(value)
    _hide_cached.cache_clear()


def hide(text: str) -> str:
    """Return a text without the values that were passed to `learn`."""
    if not _learned or len(text) < _MIN_LENGTH:
        return text
    return _hide_cached(text) if len(text) <= _MAX_CACHED_LENGTH else _learned.hide(text)


@lru_cache(maxsize=4096)
def _hide_cached(text: str) -> str:
    """Cached version: names and labels are drawn again at every tick."""
    return _learned.hide(text)


def is_distinctive(value: str) -> bool:
    """Return whether a value is unlike words and numbers, so that a match is not a coincidence."""
    if len(value) < _MIN_LENGTH or _WORDS.fullmatch(value):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


def spellings(value: str) -> set[str]:
    """Return a value, its parts and their encodings in URLs, JSON and basic authorization.

    Parts are those of "Bearer abc" or "session=abc; …".
    """
    # Imported lazily, as below: few starts have a secret to hide
    import json
    from urllib.parse import quote, quote_plus, unquote, unquote_plus

    plain = unquote_plus(value)
    parts = {value, plain, unquote(value), *re.split(r"[\s;,]+|(?<=\w)=(?=[^=\s])", value)}
    for part in tuple(parts):
        if decoded := _decode_basic(part):
            parts |= {decoded, decoded.partition(":")[2]}
    encoded: set[str] = set()
    for part in parts:
        quoted = quote(part, safe="")
        encoded |= {part, quoted, quote(part), quote_plus(part), _lower_escapes(quoted)}
        encoded |= {json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
    return {spelling for spelling in encoded if spelling}


def _lower_escapes(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), quoted)


def _decode_basic(part: str) -> str:
    """Decode a base64 "user:password"; "" if the part is not one."""
    if len(part) < _MIN_LENGTH or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", part):
        return ""
    import base64

    try:
        decoded = base64.b64decode(part, validate=True).decode()
    except ValueError:
        return ""
    return decoded if ":" in decoded and decoded.isprintable() else ""


def redact_url(url: str) -> str:
    """Return a URL, or text typed as one, in the form that may be shown and stored.

    The result is still foreign text.
    """
    scheme = _SCHEME.match(url)
    head = scheme[0] if scheme else ""
    authority, rest = _split_authority(url[len(head) :])
    path, fragment, query = rest, "", ""
    path, hash_, fragment = path.partition("#")
    path, question, query = path.partition("?")
    before, at, after = path.rpartition("@")
    if at:  # an unquoted password with a "/" in it ends here
        path = f"{before[:1] if before.startswith('/') else ''}{HIDDEN}@{after}"
    shown = head + authority + path
    if question:
        shown += question + _redact_query(query)
    if hash_:
        shown += hash_ + (HIDDEN if fragment else "")
    return hide(shown)


def _split_authority(text: str) -> tuple[str, str]:
    """Return (authority without its userinfo, the rest).

    Text that is not a valid authority loses more rather than less.
    """
    authority, rest = _cut(text, 0)
    _, at, host = authority.rpartition("@")
    if not at and "%40" in authority:
        _, at, host = authority.rpartition("%40")
    if not _HOST_AND_PORT.fullmatch(host):
        last = text.rfind("@")
        if last >= 0:  # an unquoted password that contains any of / ? #
            authority, rest = _cut(text, last)
            _, at, host = authority.rpartition("@")
        name, colon, port = host.rpartition(":")
        if colon and not port.isdigit() and not host.startswith("["):
            host = f"{name}:{HIDDEN}"  # not a port: a password without a host
    return (f"{HIDDEN}@{host}" if at else host), rest


def _cut(text: str, start: int) -> tuple[str, str]:
    end = _END_OF_AUTHORITY.search(text, start)
    return (text, "") if end is None else (text[: end.start()], text[end.start() :])


def _redact_query(query: str) -> str:
    return "".join(
        part if part in ("&", ";") else _redact_pair(part) for part in _SEPARATOR.split(query)
    )


def _redact_pair(pair: str) -> str:
    # Imported lazily: texts without a query need none of it
    from urllib.parse import quote, unquote_plus

    name, equals, value = pair.partition("=")
    known = unquote_plus(name)
    if not pair or (known in SHOWN_PARAMETERS and (known != "target" or not value)):
        return pair
    if known == "target":  # usually a URL of its own
        plain = unquote_plus(value)
        shown = redact_url(plain)
        return pair if shown == plain else f"{name}={quote(shown, safe='/:@?=*[]')}"
    return f"{name}={HIDDEN}" if equals else HIDDEN


def hidden_pairs(url: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) as written for each query parameter that `redact_url` hides.

    The name is "" for a parameter without one.
    """
    from urllib.parse import unquote_plus

    for part in _SEPARATOR.split(url.partition("#")[0].partition("?")[2])[::2]:
        name, equals, value = part.partition("=")
        if part and unquote_plus(name) not in SHOWN_PARAMETERS:
            yield (name, value) if equals else ("", name)


def redact_text(text: str) -> str:
    """Return a sentence with its URLs redacted and the values of secrets hidden."""
    if "://" in text or "@" in text:
        text = _URL_IN_TEXT.sub(_redact_match, text)
    if "?" in text:
        text = _QUERY_IN_TEXT.sub(_redact_match, text)
    return hide(text)


def _redact_match(match: re.Match[str]) -> str:
    tail = _AFTER_URL.search(match[0])
    end = tail[0] if tail else ""
    return redact_url(match[0].removesuffix(end)) + end
