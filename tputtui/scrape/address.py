"""Complete a TARGET as typed by the user to a URL, and make URLs safe to show."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from tputtui.frozen import frozen
from tputtui.text import clean
from tputtui.text.redaction import redact_url

_MAX_LENGTH = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?\Z")
_OTHER_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\d|\Z)")
_HINT = "give a URL, host:port or :port"

redact = redact_url
"""Redact a URL for display and storage."""


@frozen
class Address:
    """Completed URL without credentials, and the credentials that were in it."""

    url: str
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        password = "***" if self.password else ""
        return f"Address({self.url!r}, username={self.username!r}, password={password!r})"

    @property
    def name(self) -> str:
        """Default name of the target: host:port."""
        return host_and_port(self.url)


def parse_address(text: str) -> Address:
    """Complete a TARGET: a URL, host:port, or :port (on 127.0.0.1); default scheme http, path
    /metrics.

    Raises ValueError with one sentence that shows the text without its credentials.
    """
    given = text.strip()
    shown = repr(clean(redact_url(given), 80))
    if not given:
        raise ValueError(f"an empty target: {_HINT}")
    if len(given) > _MAX_LENGTH:
        raise ValueError(f"{shown} is longer than {_MAX_LENGTH} characters")
    if any(char <= " " or char in "\x7f\\" or not char.isprintable() for char in given):
        raise ValueError(f"{shown} has a blank, a backslash or a control character in it: {_HINT}")
    if "://" not in given:
        other = _OTHER_SCHEME.match(given)
        if other and "@" not in given:
            raise ValueError(
                f"{shown} starts with {clean(other[1], 20)}: only http and https are asked"
            )
        if not re.match(r"[^/?#]*:\d", given):
            raise ValueError(f"{shown} has no port: {_HINT}")
        given = "http://127.0.0.1" + given if given.startswith(":") else "http://" + given
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"{shown} is not a usable address: its port is not 1 to 65535, or a bracket is missing"
        ) from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(
            f"{shown} starts with {clean(parts.scheme, 20)}: only http and https are asked"
        )
    if port == 0:
        raise ValueError(f"{shown} has port 0: a port is 1 to 65535")
    host = _parse_host(parts, shown)
    netloc = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    path = quote(parts.path or "/metrics", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return Address(
        url=urlunsplit((scheme, netloc, path, query, "")),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _parse_host(parts: SplitResult, shown: str) -> str:
    """Return the host as it is in a URL: lower case, ASCII, IPv6 in brackets."""
    host = (parts.hostname or "").lower()
    if not host:
        raise ValueError(f"{shown} has no host: {_HINT}")
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError as error:
            raise ValueError(f"{shown}: {clean(host, 40)} is not an IPv6 address") from error
    try:
        host = host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"{shown}: {clean(host, 40)!r} is not a host name") from error
    if not _NAME.match(host):
        raise ValueError(f"{shown}: {clean(host, 40)!r} is not a host name")
    return host


def url_path(url: str) -> str:
    """Return the path of a URL; "" for text that is no URL."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def host_and_port(url: str) -> str:
    """Return host:port of a URL, always with the port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host if parts.port is not None else f"{host}:{_DEFAULT_PORTS.get(parts.scheme, 80)}"
