"""Send one configured request: credentials, TLS, redirects, limits, a deadline, readable failures.

The answer is the whole body, bounded and inflated. Its meaning is left to the caller: an exposition
(`endpoint`) or the answer of a server's API (`prometheus.api`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tputtui import __version__
from tputtui.frozen import frozen
from tputtui.model import Target
from tputtui.scrape.address import parse_address
from tputtui.scrape.blocking_call import BlockingCall
from tputtui.scrape.credentials import Secret, SecretError
from tputtui.scrape.fetch_attempt import (
    ACCEPTED_ENCODINGS,
    FetchAttempt,
    FetchError,
    InflatedBody,
    format_byte_count,
)
from tputtui.scrape.time_limit import TimeLimit
from tputtui.text import clean
from tputtui.text.redaction import redact_url
from tputtui.text.target_redactor import TargetRedactor

if TYPE_CHECKING:  # httpx costs 90 ms: it is loaded at the first scrape, after the first paint
    import httpx

    from tputtui.scrape.connections import ConnectionBackend, TlsContexts

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_SERIES = 50_000
MAX_REDIRECTS = 5
TIMEOUT_S = 10.0
MAX_HEADER_BYTES = 64 * 1024
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_MAX_DRAINED_BYTES = 16 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_FORM_HEADERS = {b"Content-Type": b"application/x-www-form-urlencoded"}


@frozen
class EndpointSettings:
    """Configured target. `url` is completed and carries no credentials."""

    name: str
    url: str
    service: str | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    username: str = ""
    password: Secret | None = None
    bearer: Secret | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False  # the certificate is not verified, which the screen always shows
    max_body_bytes: int = MAX_BODY_BYTES  # as sent, and inflated
    max_series: int = MAX_SERIES
    max_header_bytes: int = MAX_HEADER_BYTES  # before the body, interim answers included
    max_redirects: int = MAX_REDIRECTS  # followed, within the same origin
    timeout_s: float = TIMEOUT_S  # of one whole scrape

    @classmethod
    def from_text(cls, text: str, name: str | None = None) -> EndpointSettings:
        """Make the settings of a TARGET as typed. Raises ValueError as `parse_address` does."""
        address = parse_address(text)
        password = Secret.text(address.password) if address.password else None
        return cls(name or address.name, address.url, username=address.username, password=password)

    @property
    def target(self) -> Target:
        """Target as a value of the model."""
        return Target(self.name, redact_url(self.url), self.service)


@frozen
class HttpAnswer:
    """Answer with its body, whole and inflated."""

    body: bytes
    content_type: str | None
    status: int = HTTPStatus.OK
    # A length, chunks or gzip mark its end; otherwise the end of the connection does
    is_framed: bool = True
    first_byte_at: tuple[float, float] | None = None  # (monotonic, unix) time of the first byte
    delayed_s: float = 0.0  # part of its time in which our own loop was kept from running


@frozen
class _Request:
    url: str
    headers: dict[bytes, bytes]
    form: bytes | None = None
    any_status: bool = False


class Fetcher:
    """Address with its connection. One request at a time; everything on one event loop."""

    def __init__(
        self, settings: EndpointSettings, accept: str, tls: TlsContexts | None = None
    ) -> None:
        """`accept`: value of that header. Fetchers that share `tls` share certificate stores."""
        self.settings = settings
        self._accept = accept
        self._tls = tls
        self._transport: httpx.AsyncHTTPTransport | None = None
        # The newest one, because the next is usually equal
        self._cached_request: tuple[_Request, httpx.Request] | None = None
        self._backend: ConnectionBackend | None = None
        self.redactor = TargetRedactor(settings.url, settings.username)
        self._header_call = (
            BlockingCall(self._read_headers) if _has_secret_files(settings) else None
        )

    @property
    def is_connected(self) -> bool:
        """Whether the connection of the attempt under way is established."""
        return self._backend is not None and self._backend.attempt.is_connected

    @property
    def partial(self) -> int:
        """Bytes received of the answer under way, or of the one whose deadline passed."""
        return self._backend.attempt.partial if self._backend is not None else 0

    async def load(self) -> ConnectionBackend:
        """Load what the first request needs before any time is measured, httpx in particular."""
        from tputtui.scrape import connections

        if self._backend is None:
            connections.preload()
            self._backend = connections.ConnectionBackend(self.settings.max_header_bytes)
        return self._backend

    async def fetch(
        self,
        deadline_s: float,
        url: str | None = None,
        form: bytes | None = None,
        *,
        any_status: bool = False,
    ) -> HttpAnswer:
        """Request once, within `deadline_s` seconds for resolving, connecting and the whole body.

        Our own delays are excluded. `form` is posted if given. With `any_status` the body of a
        refusal is returned, too. Raises FetchError with a sentence; nothing of a failed attempt is
        reused.
        """
        backend = await self.load()
        backend.attempt = attempt = FetchAttempt()
        is_late = False
        try:
            async with TimeLimit(deadline_s) as limit:
                request = _Request(
                    url or self.settings.url, await self._headers(form), form, any_status
                )
                answer = await self._fetch(request, attempt, backend)
                return replace(
                    answer, first_byte_at=attempt.first_byte_at, delayed_s=limit.delayed_s
                )
        except (FetchError, SecretError) as failure:
            sentence, is_silent = str(failure), attempt.is_silent(failure)
        except Exception as failure:  # of httpx, httpcore, ssl, or an OSError
            is_silent = attempt.is_silent(failure)
            # A timeout of the kernel has a number
            if isinstance(failure, TimeoutError) and failure.errno is None:
                is_late = attempt.is_connected
                sentence = attempt.describe_timeout(deadline_s)
            else:
                sentence = attempt.describe_failure(failure)
        await self.aclose()
        raise FetchError(
            clean(self.redactor.redact_sentence(sentence), 200),
            is_late=is_late,
            is_silent=is_silent,
        )

    async def aclose(self) -> None:
        """Close the connection. The next request opens another."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _headers(self, form: bytes | None) -> dict[bytes, bytes]:
        headers = await self._header_call() if self._header_call else self._read_headers()
        return headers if form is None else {**headers, **_FORM_HEADERS}

    def _read_headers(self) -> dict[bytes, bytes]:
        return _build_headers(self.settings, self._accept, self.redactor)

    async def _fetch(
        self, request: _Request, attempt: FetchAttempt, backend: ConnectionBackend
    ) -> HttpAnswer:
        for _ in range(self.settings.max_redirects + 1):
            answer = await self._request_once(request, attempt, backend)
            if isinstance(answer, HttpAnswer):
                return answer
            request = replace(request, url=answer)
        raise FetchError(f"more than {self.settings.max_redirects} redirects")

    async def _request_once(
        self, request: _Request, attempt: FetchAttempt, backend: ConnectionBackend
    ) -> HttpAnswer | str:
        """Return the answer to one request, or the URL that it redirects to."""
        attempt.start()
        response = await self._send_with_retry(request, attempt, backend)
        try:
            attempt.phase = "body"
            attempt.expected_bytes = _content_length(response)
            if response.status_code in _REDIRECTS and "location" in response.headers:
                await _drain(response)
                return self._resolve_redirect(request.url, response.headers["location"])
            if request.any_status:
                return await self._read_body(response, attempt)
            if response.status_code == HTTPStatus.BAD_REQUEST and await _is_tls_expected(response):
                raise FetchError("this port speaks TLS: use https://")
            if response.status_code != HTTPStatus.OK:
                raise FetchError(describe_status(response.status_code, self.settings))
            return await self._read_body(response, attempt)
        finally:
            await response.aclose()

    async def _send_with_retry(
        self, request: _Request, attempt: FetchAttempt, backend: ConnectionBackend
    ) -> httpx.Response:
        """Return the header of an answer; an unusable kept connection is replaced once.

        Unusable: the server closed it at that moment, or it holds bytes beyond the end of the
        previous answer, which h11 takes for the beginning of this one.
        """
        try:
            response = await self._send(request, backend)
            if not attempt.has_no_answer:
                return response
            await response.aclose()
        except FetchError:
            raise
        except Exception:
            if attempt.has_opened_connection:
                raise
        await self.aclose()
        attempt.start()
        return await self._send(request, backend)

    async def _read_body(self, response: httpx.Response, attempt: FetchAttempt) -> HttpAnswer:
        limit = self.settings.max_body_bytes
        if "transfer-encoding" in response.headers and "content-length" in response.headers:
            raise FetchError("the answer has two lengths that conflict")
        body = InflatedBody(response.headers.get("content-encoding", ""), limit)
        if attempt.expected_bytes is not None and attempt.expected_bytes > limit:
            announced = format_byte_count(attempt.expected_bytes)
            raise FetchError(f"body larger than {format_byte_count(limit)}: {announced} announced")
        async for data in response.aiter_raw():
            body.feed(data)
            attempt.body_bytes = body.received
        framing_headers = ("content-length", "transfer-encoding", "content-encoding")
        is_framed = any(name in response.headers for name in framing_headers)
        return HttpAnswer(
            self.redactor.redact_body(body.content()),
            response.headers.get("content-type"),
            response.status_code,
            is_framed,
        )

    async def _send(self, request: _Request, backend: ConnectionBackend) -> httpx.Response:
        from tputtui.scrape import connections

        if self._transport is None:
            context = None
            if request.url.startswith("https:"):
                self._tls = self._tls or connections.TlsContexts()
                own = self.settings
                context = await self._tls.get(
                    connections.TlsFiles(own.ca_file, own.cert_file, own.key_file, own.insecure)
                )
            self._transport = connections.open_transport(backend, context)
        return await self._transport.handle_async_request(self._to_httpx(request))

    def _to_httpx(self, request: _Request) -> httpx.Request:
        """Return httpx's request; equal ones share it, so that the URL is parsed once."""
        import httpx

        if self._cached_request is None or self._cached_request[0] != request:
            method = "GET" if request.form is None else "POST"
            new = httpx.Request(method, request.url, headers=request.headers, content=request.form)
            self._cached_request = request, new
        return self._cached_request[1]

    def _resolve_redirect(self, url: str, location: str) -> str:
        """Return the target of a redirect within the same scheme, host and port.

        Credentials never leave the origin. Raises FetchError otherwise.
        """
        import httpx

        current = httpx.URL(url)
        try:
            target = current.join(location)
        except httpx.InvalidURL:
            raise FetchError("the answer's header is malformed") from None
        origin = (target.scheme, target.host, target.port)
        is_same_origin = origin == (current.scheme, current.host, current.port)
        if is_same_origin and not target.userinfo:
            self.redactor.on_redirect(str(target))
            return str(target)
        port = f":{target.port}" if target.port else ""
        shown = clean(f"{target.scheme}://{target.host}{port}", 60)
        if target.host == current.host:
            raise FetchError(f"redirected to {shown}: not followed, give that URL")
        raise FetchError(f"redirected to another host ({shown}): not followed")


def _has_secret_files(settings: EndpointSettings) -> bool:
    secrets = (settings.password, settings.bearer, *settings.headers.values())
    return any(secret is not None and secret.source == "file" for secret in secrets)


def _build_headers(
    settings: EndpointSettings, accept: str, redactor: TargetRedactor
) -> dict[bytes, bytes]:
    """Build the request's headers. Secrets are read anew and added to `redactor`, so it may block.

    Raises SecretError, or FetchError for an unusable name.
    """
    headers = {
        "User-Agent": f"tputtui/{__version__}",
        "Accept": accept,
        "Accept-Encoding": ACCEPTED_ENCODINGS,
    }
    if settings.bearer is not None:
        token = settings.bearer.reveal()
        redactor.learn(token, "bearer")
        headers["Authorization"] = f"Bearer {token}"
    elif settings.username or settings.password is not None:
        password = settings.password.reveal() if settings.password is not None else ""
        pair = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
        redactor.learn(password, "password")
        redactor.learn(pair, "basic")
        headers["Authorization"] = f"Basic {pair}"
    for name, value in settings.headers.items():
        if not _HEADER_NAME.match(name):
            raise FetchError(f"{clean(name, 40)!r} cannot be a header's name")
        headers[name.title()] = revealed = value.reveal()
        if value.source != "public":
            redactor.learn(revealed, f"header {name}")
    return {name.encode(): value.encode() for name, value in headers.items()}


async def _drain(response: httpx.Response) -> None:
    """Read a redirect's few bytes, so that its connection can be reused."""
    left = _MAX_DRAINED_BYTES
    async for data in response.aiter_raw():
        left -= len(data)
        if left < 0:
            return


async def _is_tls_expected(response: httpx.Response) -> bool:
    """Whether a 400 is the answer of a TLS server to plain http.

    Go: "Client sent an HTTP request to an HTTPS server".
    """
    async for data in response.aiter_raw():
        return b" HTTPS " in data[:1024]
    return False


def _content_length(response: Any) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def describe_status(code: int, settings: EndpointSettings) -> str:
    """Describe a status in our own words, as the server's reason phrase is foreign text.

    "HTTP 503 Service Unavailable".
    """
    try:
        sentence = f"HTTP {code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"HTTP {code}"
    if code in (401, 403):
        if settings.bearer is not None or settings.username or settings.headers:
            return f"{sentence}: the credentials were not accepted"
        return f"{sentence}: set credentials for this target"
    return sentence
