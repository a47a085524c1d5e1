"""Connections to targets: names resolved in threads, TLS contexts shared, progress observed.

Each target has one connection, so that its faults affect no other target. The certificate store,
which takes 20 to 60 ms, is loaded once for each TLS configuration and never for http.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import httpcore
import httpx

from tputtui.descriptors import require_room, shortage
from tputtui.scrape.blocking_call import BlockingCall
from tputtui.scrape.fetch_attempt import CONNECT_S, FetchError
from tputtui.scrape.streams import ConnectionStream, StreamObserver, connect
from tputtui.scrape.time_limit import TimeLimit
from tputtui.text import clean

_IDLE_S = 300.0  # longer than any sensible interval: a connection that is scraped stays open
# Seconds that an address may be silent before the next one is tried beside it (RFC 8305)
_HEAD_START_S = 0.25


def preload() -> None:
    """Load what the first connection would load, so that it does not count in a target's time."""
    if find_spec("sniffio") is None:
        # httpcore imports it at every lock and event, and a missing module is searched for each
        # time: a fifth of a scrape's cost. None is the documented way to mark it as missing.
        sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]


class TlsFiles(NamedTuple):
    """TLS configuration; targets with equal ones share a context."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False


class TlsContexts:
    """TLS contexts in use, one for each configuration, loaded on first use."""

    def __init__(self) -> None:
        self._loading: dict[TlsFiles, BlockingCall[ssl.SSLContext]] = {}
        self._loaded: dict[TlsFiles, ssl.SSLContext] = {}

    async def get(self, files: TlsFiles) -> ssl.SSLContext:
        """Return the context of a configuration. Raises FetchError if a file of it is unusable."""
        if files not in self._loaded:
            loading = self._loading.setdefault(files, BlockingCall(lambda: _load_context(files)))
            self._loaded[files] = await loading()
        return self._loaded[files]


def _load_context(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
        if files.ca_file is None and not _has_system_store():
            context.load_verify_locations(_certifi_path())
    except OSError as error:  # SSLError is one
        raise FetchError(
            f"TLS: ca_file {clean(files.ca_file or '', 120)}: {_describe_error(error)}"
        ) from None
    if files.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.cert_file is not None:
        try:
            # A password callback, because OpenSSL would ask for it on the terminal.
            context.load_cert_chain(files.cert_file, files.key_file, password=lambda: "")
        except OSError as error:
            file = clean(files.cert_file, 120)
            raise FetchError(
                f"TLS: cert_file {file} with its key: {_describe_error(error)}"
            ) from None
    return context


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (
        paths.capath is not None and any(Path(paths.capath).iterdir())
    )


def _certifi_path() -> str:
    """Return the certificate store that comes with httpx, for machines without one."""
    import certifi

    return certifi.where()


def _describe_error(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not usable (PEM wanted; an encrypted key cannot be used)"
    return (error.strerror or "unreadable").lower()


def open_transport(
    backend: ConnectionBackend, context: ssl.SSLContext | None
) -> httpx.AsyncHTTPTransport:
    """Open httpx's transport to one target; `context` is None for http.

    It has no time limits, because the scrape's deadline applies. Without httpx's client, nothing of
    the environment is used, neither proxies nor .netrc (127.0.0.1 by way of HTTP_PROXY would show
    another machine's numbers), no cookie is kept and no redirect followed.
    """
    return _Transport(backend, context)


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport over our own connection, which httpx has no parameter for."""

    def __init__(self, backend: ConnectionBackend, context: ssl.SSLContext | None) -> None:
        super().__init__(verify=context or False, trust_env=False)
        self._pool = _KeptConnection(backend, context)  # type: ignore[assignment]


class _KeptConnection:
    """The one connection to a target, opened anew if it cannot be reused.

    It has one request at a time, so no pool is needed.
    """

    def __init__(self, backend: ConnectionBackend, context: ssl.SSLContext | None) -> None:
        self._backend = backend
        self._context = context
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        origin = request.url.origin
        kept = self._connection
        if (
            kept is None
            or not kept.is_idle()
            or kept.has_expired()
            or not kept.can_handle_request(origin)
        ):
            await self.aclose()
            kept = self._connection = httpcore.AsyncHTTPConnection(
                origin, self._context, keepalive_expiry=_IDLE_S, network_backend=self._backend
            )
        return await kept.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connection."""
        kept, self._connection = self._connection, None
        if kept is not None:
            await kept.aclose()


class ConnectionBackend(StreamObserver, httpcore.AsyncNetworkBackend):
    """Opener of a target's connections: resolves names, tries every address, updates the attempt.

    It outlives its connections, so that a hanging name is looked up by one thread and not by one a
    scrape.
    """

    def __init__(self, header_limit: int) -> None:
        """`header_limit`: bytes allowed before the body begins, interim (1xx) answers included."""
        super().__init__(header_limit)
        self._lookups: dict[tuple[str, int], BlockingCall[list[str]]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> ConnectionStream:
        """Connect to the first address that answers.

        Raises FetchError for an unknown name, and after CONNECT_S.
        """
        # Unused, because the limits here and the scrape's deadline apply
        del timeout, local_address, socket_options
        attempt = self.attempt
        attempt.has_opened_connection = True
        attempt.host = clean(host, 60)
        try:
            attempt.phase = "resolving"
            async with TimeLimit(CONNECT_S):
                addresses = await self._resolve(host, port)
            attempt.phase = "connecting"
            async with TimeLimit(CONNECT_S):
                stream = await _first_connection(
                    [connect(address, port, self) for address in addresses]
                )
        except TimeoutError:
            raise FetchError(attempt.describe_timeout(CONNECT_S)) from None
        attempt.phase = "waiting"
        return stream

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        lookup = self._lookups.setdefault(
            (host, port), BlockingCall(lambda: _addresses(host, port))
        )
        try:
            return await lookup()
        except (OSError, UnicodeError) as error:
            raise FetchError(shortage(error) or f"unknown host {clean(host, 60)!r}") from None


def _addresses(host: str, port: int) -> list[str]:
    require_room()  # without a descriptor, getaddrinfo would report an unknown host
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


async def _first_connection(attempts: list[Any]) -> ConnectionStream:
    """Return the first connection established.

    The next address is tried when one failed or was silent for `_HEAD_START_S`.
    """
    running: set[asyncio.Task[ConnectionStream]] = set()
    failure: BaseException | None = None
    try:
        while attempts or running:
            if attempts:
                running.add(asyncio.ensure_future(attempts.pop(0)))
            done, running = await asyncio.wait(
                running,
                timeout=_HEAD_START_S if attempts else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            established = [task.result() for task in done if task.exception() is None]
            for surplus in established[1:]:
                await surplus.aclose()
            if established:
                return established[0]
            if done and failure is None:
                failure = next(iter(done)).exception()
    finally:
        for attempt in attempts:
            attempt.close()
        for task in running:
            task.cancel()
        for result in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(result, ConnectionStream):  # established before it was cancelled
                await result.aclose()
    raise failure or FetchError("cannot connect")
