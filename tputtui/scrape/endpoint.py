"""Scrape one target that serves an exposition, within a deadline and limits; never raises."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from tputtui import settings
from tputtui.descriptors import shortage
from tputtui.model import Exposition, Scrape, Target
from tputtui.scrape.address import parse_address
from tputtui.scrape.credentials import Secret, learn_all
from tputtui.scrape.fetch_attempt import FetchError
from tputtui.scrape.http_fetch import EndpointSettings, Fetcher, HttpAnswer
from tputtui.scrape.scan_problems import looks_like_sample
from tputtui.text import clean
from tputtui.text.learned_secrets import learn
from tputtui.text.target_redactor import TargetRedactor

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts


_PUBLIC_HEADERS = frozenset(
    ("accept", "accept-language", "host", "thanos-tenant", "user-agent", "x-scope-orgid")
)


def endpoint_settings(
    target: settings.TargetSettings, all_settings: settings.Settings
) -> EndpointSettings:
    """Build the endpoint's settings; configured credentials have priority over those of the URL.

    Raises ValueError if the URL is invalid (see `address.parse_address`).
    """
    address, limits = parse_address(target.address), all_settings.limits
    password = _secret(target.password_file, target.password_env)
    if password is None and address.password:
        password = Secret.text(address.password)
    return EndpointSettings(
        name=target.name or address.name,
        url=address.url,
        service=target.service,
        headers={
            **({"X-Scope-OrgID": Secret.public(target.tenant)} if target.tenant else {}),
            **{name: _header(name, value) for name, value in target.headers.items()},
            **{name: Secret.file(path) for name, path in target.headers_file.items()},
            **{name: Secret.environment(variable) for name, variable in target.headers_env.items()},
        },
        username=target.username or address.username,
        password=password,
        bearer=_secret(target.token_file, target.token_env),
        ca_file=target.ca_file,
        cert_file=target.cert_file,
        key_file=target.key_file,
        insecure=target.insecure,
        max_body_bytes=target.max_body_bytes or limits.body_bytes,
        max_series=target.max_series or limits.series_per_target,
        max_header_bytes=limits.header_bytes,
        max_redirects=limits.redirects,
        timeout_s=target.timeout_s or all_settings.timeout_s,
    )


def learn_secrets(target: settings.TargetSettings) -> None:
    """Redact the secrets of a target in every text from now on, before it is named.

    Reads files and variables. Raises ValueError if the URL is invalid (see
    `address.parse_address`).
    """
    endpoint = endpoint_settings(target, settings.Settings())
    learn_all((endpoint.password, endpoint.bearer, *endpoint.headers.values()))
    TargetRedactor(endpoint.url)  # learns the values of its query
    if endpoint.username and endpoint.password is None:  # a token in place of a name
        learn(endpoint.username)


def _header(name: str, value: str) -> Secret:
    return Secret.public(value) if name.lower() in _PUBLIC_HEADERS else Secret.text(value)


def _secret(file: str | None, variable: str | None) -> Secret | None:
    if file:
        return Secret.file(file)
    return Secret.environment(variable) if variable else None


_ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
_MAY_BE_CUT = (
    "the last line is not read: the answer has no length and ends without a newline, so it may be"
    " cut"
)
_MIN_BODY_S = 0.05  # a faster body counts as received with its first byte
_MAX_INLINE_SCAN_BYTES = 2_000_000  # parsing more would block the loop for over 10 ms


class _BodyReader(Protocol):
    """Parser of a body, such as `scanner.Scanner`."""

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        """Parse the body. Raises NotAnExpositionError, whose text is a sentence."""
        ...


class Endpoint:
    """Target with its connection. One scrape at a time; everything on one event loop."""

    def __init__(
        self, settings: EndpointSettings, reader: _BodyReader, tls: TlsContexts | None = None
    ) -> None:
        """Make the endpoint; those that share `tls` share certificate stores.

        `reader` must not be shared, because it interns the series of this target.
        """
        self.settings = settings
        self.name = settings.name
        self._reader = reader
        self._fetcher = Fetcher(settings, _ACCEPT, tls)

    @property
    def target(self) -> Target:
        """Target as a value of the model."""
        return self.settings.target

    @property
    def timeout_s(self) -> float:
        """Configured seconds that one scrape may take."""
        return self.settings.timeout_s

    @property
    def is_connected(self) -> bool:
        """Whether the connection of the attempt under way is established."""
        return self._fetcher.is_connected

    @property
    def partial(self) -> int:
        """Bytes received of the answer under way, or of the one whose deadline passed."""
        return self._fetcher.partial

    async def scrape(self, deadline_s: float, wanted: frozenset[str] | None = None) -> Scrape:
        """Scrape once. Resolving, connecting and the whole body have `deadline_s` seconds together.

        A failure becomes the scrape's `error`; only a cancellation is raised. The time of a good
        scrape is that of the answer's first byte, because its counters are not older.

        Args: `wanted`: sample names to read.
        """
        await self._fetcher.load()
        started = time.monotonic()
        try:
            answer = await self._fetcher.fetch(deadline_s)
        except FetchError as failure:
            at = time.monotonic()
            return Scrape(
                self.name,
                at,
                time.time(),
                at - started,
                error=str(failure),
                late=failure.is_late,
                silent=failure.is_silent,
            )
        ended = time.monotonic()
        duration_s = ended - started
        at, now = answer.first_byte_at or (ended, time.time())
        try:
            exposition = await self._scan(answer, wanted)
        except Exception as failure:  # NotAnExpositionError, or a bug: it affects this target only
            sentence = shortage(failure) or str(failure) or "not a metrics page"
            error = clean(self._fetcher.redactor.redact_sentence(sentence), 200)
            return Scrape(self.name, at, now, duration_s, error=error)
        return Scrape(
            self.name,
            at,
            now,
            duration_s,
            exposition=exposition,
            size=len(answer.body),
            first_byte_s=at - started if ended - at > _MIN_BODY_S else None,
            delayed_s=answer.delayed_s if answer.delayed_s > _MIN_BODY_S else 0.0,
        )

    async def aclose(self) -> None:
        """Close the connection. The next scrape opens another."""
        await self._fetcher.aclose()

    async def _scan(self, answer: HttpAnswer, wanted: frozenset[str] | None) -> Exposition:
        """Parse the body of an answer; a large one in a thread."""
        body = answer.body if answer.is_framed else _drop_cut_line(answer.body)
        if len(body) < _MAX_INLINE_SCAN_BYTES:
            exposition = self._reader.scan(body, answer.content_type, wanted)
        else:
            exposition = await asyncio.to_thread(
                self._reader.scan, body, answer.content_type, wanted
            )
        if body is answer.body:
            return exposition
        return replace(exposition, truncated=True, warning=exposition.warning or _MAY_BE_CUT)


def _drop_cut_line(body: bytes) -> bytes:
    """Drop a last line that may be truncated, in a body of unknown length.

    79 of 797165 is a number, too.
    """
    kept, newline, last = body.rpartition(b"\n")
    return kept + newline if looks_like_sample(last) else body
