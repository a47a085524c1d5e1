"""Redaction of URLs and of secret values in every text.

Three functions cover the three ways in which a secret could reach an output:

- `redact_url` hides by position: userinfo, fragment, and all query values except those of
  `SHOWN_PARAMETERS`. Names and URLs of targets are made from its results.
- `hide` hides by value: everything passed to `learn` (passwords, tokens, header values, whatever
  their source). The gate for foreign text, `text.clean`, calls it.
- `redact_text` does both to the URLs within a sentence: for stderr, the notes of a run and crash
  reports.

A `Redactor` knows the secrets of one target and does the same to the answers of that target.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
_HIDDEN_BYTES = HIDDEN.encode()
SHOWN_PARAMETERS = frozenset(("target", "module", "match[]", "name[]", "collect[]"))
"""Query parameters that describe the measurement and are shown (blackbox and SNMP exporters,
federation, collectors of node_exporter).
"""

MOST_LEARNED = 20_000  # values; bounded because tokens may be renewed every few minutes
_CACHED_LENGTH = 256
# Minimum length of a value hidden everywhere: a shorter one would occur in ordinary words
_SHORTEST = 8
MOST_RENEWED = 8  # values per source of a target's secret: every answer is searched for each
_SHORTEST_OF_TARGET = 4  # minimum length of a value hidden in sentences about its own target
_WORD_OF_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset((
    "accesskey", "accesstoken", "apikey", "apisecret", "apitoken", "auth", "authkey",
    "authorization", "authtoken", "bearer", "clientsecret", "cookie", "cred", "credential",
    "credentials", "creds", "idtoken", "jsessionid", "jwt", "passphrase", "passwd", "password",
    "phpsessid", "privatekey", "pwd", "refreshtoken", "secret", "secretkey", "session", "sessionid",
    "sessionkey", "sessiontoken", "sig", "signature", "token",
))  # fmt: skip
_KEYS_OF_SECRETS = frozenset((
    "access", "account", "api", "app", "application", "auth", "client", "consumer", "encryption",
    "function", "functions", "licence", "license", "master", "private", "secret", "security",
    "service", "session", "shared", "signing", "subscription", "user", "x",
))  # fmt: skip
"""Words before "key" that mark a secret; a sort key or a partition key is not one."""

_SAYS_OF_SECRETS = frozenset((
    "age", "algorithm", "count", "duration", "expires", "expiry", "kind", "length", "limit",
    "method", "mode", "name", "provider", "size", "timeout", "ttl", "type", "version",
))  # fmt: skip
"""Last words of names that describe a secret without containing it: `token_type`, `session_count`.
"""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:@/\[\]%]*)(?::\d*)?")
_END_OF_AUTHORITY = re.compile(r"[/?#]")
_SEPARATOR = re.compile(r"([&;])")
_WORDS = re.compile(r"[a-z._-]{1,23}")
_URL_IN_TEXT = re.compile(
    r"""(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s"'<>]+"""
    r"""|(?<![^\s"'<>/@:=])[^\s"'<>/@:=]{1,256}:[^\s"'<>/@]{1,256}@[^\s"'<>]+"""
)
_QUERY_IN_TEXT = re.compile(r"""(?<=[\w/.\-])\?[^\s"'<>?=&]+=[^\s"'<>]*""")
_AFTER_URL = re.compile(r"[.,:;!)\]}]+\Z")


# -------------------------------------------------------------------------------------- by position


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
    for part in _SEPARATOR.split(url.partition("#")[0].partition("?")[2])[::2]:
        name, equals, value = part.partition("=")
        if part and unquote_plus(name) not in SHOWN_PARAMETERS:
            yield (name, value) if equals else ("", name)


def is_secret_name(name: str) -> bool:
    """Return whether a whole word of a parameter's name marks its value as a secret.

    Examples: `api_key`, `accessToken`, `sig`.
    """
    words = [word.lower() for word in _WORD_OF_NAME.findall(name)]
    if not words or words[-1] in _SAYS_OF_SECRETS:
        return False
    if not _SECRET_WORDS.isdisjoint(words) or words[-1] == "pass":
        return True
    return words[-1] == "key" and (len(words) == 1 or words[-2] in _KEYS_OF_SECRETS)


def redact_text(text: str) -> str:
    """Return a sentence with its URLs redacted and the values of secrets hidden."""
    if "://" in text or "@" in text:
        text = _URL_IN_TEXT.sub(_redact_match, text)
    if "?" in text:
        text = _QUERY_IN_TEXT.sub(_redact_match, text)
    return hide(text)


def _redact_match(found: re.Match[str]) -> str:
    tail = _AFTER_URL.search(found[0])
    end = tail[0] if tail else ""
    return redact_url(found[0].removesuffix(end)) + end


# ----------------------------------------------------------------------------------------- by value


class _Learned:
    """Secret values, looked up by their first characters so that the cost does not grow with their
    number.
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
        if len(self._known) >= MOST_LEARNED:
            self._drop(next(iter(self._known)))
        self._known[value] = None
        same = [*self._by_start.get(value[:_SHORTEST], ()), value]
        self._by_start[value[:_SHORTEST]] = sorted(same, key=len, reverse=True)

    def _drop(self, value: str) -> None:
        self._known.pop(value, None)
        self.given.clear()
        start = value[:_SHORTEST]
        left = [one for one in self._by_start.pop(start, ()) if one != value]
        if left:
            self._by_start[start] = left

    def hide(self, text: str) -> str:
        """Return the text with each known value replaced by ***."""
        starts = self._by_start
        found = {
            value
            for at in range(len(text) - _SHORTEST + 1)
            for value in starts.get(text[at : at + _SHORTEST], ())
        }
        for value in sorted(found, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text


_learned = _Learned()


def learn(value: str) -> None:
    """Hide a secret's value in every text from now on, in each spelling of URLs, headers and JSON.

    Values that look like a word or a number are not hidden by value: the password "prometheus" must
    not hide that name everywhere.
    """
    if value in _learned.given:  # the secret is read again at every scrape
        return
    if len(_learned.given) >= MOST_LEARNED:
        _learned.given.clear()
    for spelling in _spellings(value):
        if is_distinctive(spelling):
            _learned.add(spelling)
    _learned.given.add(value)
    _hide_again.cache_clear()


def hide(text: str) -> str:
    """Return a text without the values that were passed to `learn`."""
    if not _learned or len(text) < _SHORTEST:
        return text
    return _hide_again(text) if len(text) <= _CACHED_LENGTH else _learned.hide(text)


@lru_cache(maxsize=4096)
def _hide_again(text: str) -> str:
    """Cached version: names and labels are drawn again at every tick."""
    return _learned.hide(text)


def is_distinctive(value: str) -> bool:
    """Return whether a value is unlike words and numbers, so that a match is not a coincidence."""
    if len(value) < _SHORTEST or _WORDS.fullmatch(value):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


def _spellings(value: str) -> set[str]:
    """Return a value, its parts and their encodings in URLs, JSON and basic authorization.

    Parts are those of "Bearer abc" or "session=abc; …".
    """
    plain = unquote_plus(value)
    parts = {value, plain, unquote(value), *re.split(r"[\s;,]+|(?<=\w)=(?=[^=\s])", value)}
    for part in tuple(parts):
        if decoded := _basic(part):
            parts |= {decoded, decoded.partition(":")[2]}
    found: set[str] = set()
    for part in parts:
        quoted = quote(part, safe="")
        found |= {part, quoted, quote(part), quote_plus(part), _lower_escapes(quoted)}
        found |= {json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
    return {spelling for spelling in found if spelling}


def _lower_escapes(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _basic(part: str) -> str:
    """Decode a base64 "user:password"; "" if the part is not one."""
    if len(part) < _SHORTEST or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", part):
        return ""
    try:
        decoded = base64.b64decode(part, validate=True).decode()
    except ValueError:
        return ""
    return decoded if ":" in decoded and decoded.isprintable() else ""


# --------------------------------------------------------------------------------------- one target


class Redactor:
    """Secrets of one target, hidden in its answers and in sentences about it."""

    def __init__(self, url: str, username: str = "") -> None:
        """`url` is the request URL without its userinfo.

        A user name is hidden only in sentences about this target.
        """
        self._values: dict[str, tuple[str, ...]] = {}  # by source, as given, newest last
        self._spoken: set[str] = set()  # hidden in sentences, in addition to the values
        self._sentences: tuple[str, ...] = ()  # in all spellings, longest first
        self._bodies: tuple[bytes, ...] = ()
        # Parts of the query and their redacted form
        self._asked: dict[bytes, tuple[re.Pattern[bytes], bytes]] = {}
        self._visited: tuple[str, Redactor] | None = None
        if len(username) >= _SHORTEST_OF_TARGET:
            self._spoken = {username, quote(username, safe="")}
        self._learn_url(url)
        self._prepare()

    def learn(self, value: str, source: str = "") -> None:
        """Hide a password, token or header value of this target.

        The last few values from the same source stay hidden.
        """
        before = self._values.get(source, ())
        if value in before or len(value) < _SHORTEST_OF_TARGET:
            return
        self._values[source] = (*before, value)[-MOST_RENEWED:]
        learn(value)
        self._prepare()

    def visit(self, url: str) -> None:
        """Hide the query values of a redirect URL; only the newest redirect is remembered."""
        if self._visited is None or self._visited[0] != url:
            self._visited = url, Redactor(url)

    def _prepare(self) -> None:
        """Compute the spellings to hide, longest first."""
        spoken, bodies = set(self._spoken), set[bytes]()
        for value in {one for values in self._values.values() for one in values}:
            distinctive = _distinctive_spellings(value)
            spoken |= distinctive | {value, unquote_plus(value), quote(value, safe="")}
            bodies |= {one.encode() for one in distinctive}
        self._sentences = _longest_first(spoken)
        self._bodies = _longest_first(bodies)

    def _learn_url(self, url: str) -> None:
        """Learn the query values of a URL.

        Secrets are hidden everywhere, other values only where the query is quoted.
        """
        for number, (name, value) in enumerate(hidden_pairs(url)):
            if is_secret_name(unquote_plus(name)):
                self.learn(value, f"?{number}")
            # Possibly a region or a format: hidden only in sentences about this target
            elif is_distinctive(value):
                self._spoken |= _distinctive_spellings(value)
            if len(value) >= _SHORTEST_OF_TARGET:
                for known, written in ((name, value), (unquote_plus(name), unquote_plus(value))):
                    self._learn_asked(known, written)

    def _learn_asked(self, name: str, value: str) -> None:
        """Hide one part of the query where a body quotes it whole, not within a longer name or
        value.
        """
        for start in (f"{name}=",) if name else ("?", "&", ";"):
            part = f"{start}{value}".encode()
            before = rb"(?<![\w.%-])" if name else b""
            self._asked[part] = (
                re.compile(before + re.escape(part) + rb"(?![\w.%-])"),
                f"{start}{HIDDEN}".encode(),
            )

    def sentence(self, text: str) -> str:
        """Return a sentence about the target, or quoted from it, without its secrets."""
        text = redact_text(text)
        for value in self._sentences:
            text = text.replace(value, HIDDEN)
        return text if self._visited is None else self._visited[1].sentence(text)

    def body(self, content: bytes) -> bytes:
        """Return a response body without the target's secrets.

        Some exporters label their metrics with the requested URL.
        """
        for part, (pattern, shown) in self._asked.items():
            if part in content:  # returns the same object if nothing is hidden
                content = pattern.sub(shown.replace(b"\\", b"\\\\"), content)
        for value in self._bodies:
            content = content.replace(value, _HIDDEN_BYTES)
        return content if self._visited is None else self._visited[1].body(content)


def _distinctive_spellings(value: str) -> set[str]:
    return {one for one in _spellings(value) if is_distinctive(one)}


_Value = TypeVar("_Value", str, bytes)


def _longest_first(values: set[_Value]) -> tuple[_Value, ...]:
    """Return the values in order of replacement, so that no value is cut by a shorter one."""
    return tuple(sorted(values, key=lambda value: (-len(value), value)))
