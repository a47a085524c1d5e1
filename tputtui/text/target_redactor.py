"""Secrets of one target: hidden in its answers and in sentences about it."""

from __future__ import annotations

import re
from typing import Final, TypeVar
from urllib.parse import quote, unquote_plus

from tputtui.text.redaction import (
    HIDDEN,
    hidden_pairs,
    is_distinctive,
    learn,
    redact_text,
    spellings,
)

_HIDDEN_BYTES = HIDDEN.encode()
MAX_VALUES_PER_SOURCE: Final = 8
"""Values kept of one source of a secret: every answer is searched for each."""

_MIN_LENGTH_IN_SENTENCES: Final = 4  # of a value hidden in sentences about its own target

_WORD_OF_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset((
    "accesskey", "accesstoken", "apikey", "apisecret", "apitoken", "auth", "authkey",
    "authorization", "authtoken", "bearer", "clientsecret", "cookie", "cred", "credential",
    "credentials", "creds", "idtoken", "jsessionid", "jwt", "passphrase", "passwd", "password",
    "phpsessid", "privatekey", "pwd", "refreshtoken", "secret", "secretkey", "session", "sessionid",
    "sessionkey", "sessiontoken", "sig", "signature", "token",
))  # fmt: skip
_WORDS_BEFORE_KEY = frozenset((
    "access", "account", "api", "app", "application", "auth", "client", "consumer", "encryption",
    "function", "functions", "licence", "license", "master", "private", "secret", "security",
    "service", "session", "shared", "signing", "subscription", "user", "x",
))  # fmt: skip
"""Words before "key" that mark a secret; a sort key or a partition key is not one."""

_DESCRIBING_WORDS = frozenset((
    "age", "algorithm", "count", "duration", "expires", "expiry", "kind", "length", "limit",
    "method", "mode", "name", "provider", "size", "timeout", "ttl", "type", "version",
))  # fmt: skip
"""Last words of names that describe a secret without containing it: `token_type`, `session_count`.
"""


class TargetRedactor:
    """Redactor that knows the secrets of one target."""

    def __init__(self, url: str, username: str = "") -> None:
        """`url` is the request URL without its userinfo.

        A user name is hidden only in sentences about this target.
        """
        self._values_by_source: dict[str, tuple[str, ...]] = {}  # by source, as given, newest last
        self._sentence_values: set[str] = set()  # hidden in sentences, in addition to the values
        self._hidden_in_sentences: tuple[str, ...] = ()  # in all spellings, longest first
        self._hidden_in_bodies: tuple[bytes, ...] = ()
        # Parts of the query and their redacted form
        self._query_parts: dict[bytes, tuple[re.Pattern[bytes], bytes]] = {}
        self._redirect: tuple[str, TargetRedactor] | None = None
        if len(username) >= _MIN_LENGTH_IN_SENTENCES:
            self._sentence_values = {username, quote(username, safe="")}
        self._learn_url(url)
        self._update_spellings()

    def learn(self, value: str, source: str = "") -> None:
        """Hide a password, token or header value of this target.

        The last few values from the same source stay hidden.
        """
        before = self._values_by_source.get(source, ())
        if value in before or len(value) < _MIN_LENGTH_IN_SENTENCES:
            return
        self._values_by_source[source] = (*before, value)[-MAX_VALUES_PER_SOURCE:]
        learn(value)
        self._update_spellings()

    def on_redirect(self, url: str) -> None:
        """Hide the query values of a redirect URL; only the newest redirect is remembered."""
        if self._redirect is None or self._redirect[0] != url:
            self._redirect = url, TargetRedactor(url)

    def _update_spellings(self) -> None:
        """Compute the spellings to hide, longest first."""
        sentence_values, body_values = set(self._sentence_values), set[bytes]()
        for value in set[str]().union(*self._values_by_source.values()):
            distinctive = _distinctive_spellings(value)
            sentence_values |= distinctive | {value, unquote_plus(value), quote(value, safe="")}
            body_values |= {spelling.encode() for spelling in distinctive}
        self._hidden_in_sentences = _longest_first(sentence_values)
        self._hidden_in_bodies = _longest_first(body_values)

    def _learn_url(self, url: str) -> None:
        """Learn the query values of a URL.

        Secrets are hidden everywhere, other values only where the query is quoted.
        """
        for number, (name, value) in enumerate(hidden_pairs(url)):
            if is_secret_name(unquote_plus(name)):
                self.learn(value, f"?{number}")
            # Possibly a region or a format: hidden only in sentences about this target
            elif is_distinctive(value):
                self._sentence_values |= _distinctive_spellings(value)
            if len(value) >= _MIN_LENGTH_IN_SENTENCES:
                for known, written in ((name, value), (unquote_plus(name), unquote_plus(value))):
                    self._add_query_part(known, written)

    def _add_query_part(self, name: str, value: str) -> None:
        """Hide one part of the query where a body quotes it whole, not within a longer name or
        value.
        """
        for start in (f"{name}=",) if name else ("?", "&", ";"):
            part = f"{start}{value}".encode()
            before = rb"(?<![\w.%-])" if name else b""
            self._query_parts[part] = (
                re.compile(before + re.escape(part) + rb"(?![\w.%-])"),
                f"{start}{HIDDEN}".encode(),
            )

    def redact_sentence(self, text: str) -> str:
        """Return a sentence about the target, or quoted from it, without its secrets."""
        text = redact_text(text)
        for value in self._hidden_in_sentences:
            text = text.replace(value, HIDDEN)
        return text if self._redirect is None else self._redirect[1].redact_sentence(text)

    def redact_body(self, content: bytes) -> bytes:
        """Return a response body without the target's secrets.

        Some exporters label their metrics with the requested URL.
        """
        for part, (pattern, shown) in self._query_parts.items():
            if part in content:  # returns the same object if nothing is hidden
                content = pattern.sub(shown.replace(b"\\", b"\\\\"), content)
        for value in self._hidden_in_bodies:
            content = content.replace(value, _HIDDEN_BYTES)
        return content if self._redirect is None else self._redirect[1].redact_body(content)


def is_secret_name(name: str) -> bool:
    """Return whether a whole word of a parameter's name marks its value as a secret.

    Examples: `api_key`, `accessToken`, `sig`.
    """
    name_words = [word.lower() for word in _WORD_OF_NAME.findall(name)]
    if not name_words or name_words[-1] in _DESCRIBING_WORDS:
        return False
    if not _SECRET_WORDS.isdisjoint(name_words) or name_words[-1] == "pass":
        return True
    return name_words[-1] == "key" and (len(name_words) == 1 or name_words[-2] in _WORDS_BEFORE_KEY)


def _distinctive_spellings(value: str) -> set[str]:
    return {spelling for spelling in spellings(value) if is_distinctive(spelling)}


_Value = TypeVar("_Value", str, bytes)


def _longest_first(values: set[_Value]) -> tuple[_Value, ...]:
    """Return the values in order of replacement, so that no value is cut by a shorter one."""
    return tuple(sorted(values, key=lambda value: (-len(value), value)))
