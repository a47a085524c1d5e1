"""Secret values that are hidden in every text, wherever they came from.

Passwords, tokens and header values are passed to `learn`; `hide` replaces them. The gate for
foreign text, `text.clean`, calls it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

HIDDEN: Final = "***"
MAX_LEARNED: Final = 20_000
"""Secret values; bounded because tokens may be renewed every few minutes."""

_MIN_LENGTH: Final = 8
"""Characters of a value that is hidden: a shorter one would occur in ordinary words."""

_MAX_CACHED_LENGTH: Final = 256  # characters of a text whose result is cached
_WORDS = re.compile(r"[a-z._-]{1,23}")


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
