"""Redaction of URLs and of the URLs within a text.

Three functions cover the three ways in which a secret could reach an output:

- `redact_url` hides by position: userinfo, fragment, and all query values except those of
  `SHOWN_PARAMETERS`. Names and URLs of targets are made from its results.
- `learned_secrets.hide` hides by value what was passed to `learn`.
- `redact_text` does both to the URLs within a sentence: for stderr, the notes of a run and crash
  reports.

A `target_redactor.TargetRedactor` does the same to the answers of one target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tputtui.text.learned_secrets import HIDDEN, hide

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
