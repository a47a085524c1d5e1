"""Credentials, redirects, proxies and TLS.

TR-17, TR-20, TR-21, TR-27, TR-28 of docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fault_server import FaultServer, answer

from tputtui.model import Scrape
from tputtui.scrape.connections import TlsContexts
from tputtui.scrape.credentials import Secret
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.scanner import Scanner

DEADLINE_S = 20.0
CANARY = "canary-7f3a"


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running


async def scrape(settings: EndpointSettings, deadline_s: float = DEADLINE_S) -> Scrape:
    asked = Endpoint(settings, Scanner(), TlsContexts())
    try:
        return await asked.scrape(deadline_s)
    finally:
        await asked.aclose()


# ---------------------------------------------------------------------------------------- redirects


async def test_a_redirect_within_the_origin_keeps_the_headers(server: FaultServer) -> None:
    headers = {"X-Api-Key": Secret.text(CANARY)}
    answered = await scrape(EndpointSettings("t", server.url("/redirect-ok"), headers=headers))
    assert answered.error is None
    assert [request.headers["x-api-key"] for request in server.requests] == [CANARY, CANARY]


async def test_a_redirect_loop_ends(server: FaultServer) -> None:
    answered = await scrape(EndpointSettings("t", server.url("/redirect-loop")))
    assert answered.error == "more than 5 redirects"
    assert server.hits["/redirect-loop"] == 6


async def test_no_request_goes_to_another_origin(server: FaultServer) -> None:
    settings = EndpointSettings("t", server.url("/away"), bearer=Secret.text(CANARY))
    async with FaultServer() as other:
        own_address = f"127.0.0.1:{server.port}"
        for location, error in {
            other.url(
                "/ok"
            ): f"redirected to http://127.0.0.1:{other.port}: not followed, give that URL",
            other.url(
                "/ok", host="localhost"
            ): f"redirected to another host (http://localhost:{other.port}): not followed",
            f"//{own_address}@127.0.0.1:{other.port}/ok": f"redirected to http://127.0.0.1:{other.port}: not followed",
            f"https://{own_address}/ok": f"redirected to https://{own_address}: not followed, give that URL",
            "file:///etc/passwd": "redirected to another host (file://): not followed",
            "gopher://127.0.0.1:70/": "redirected to gopher://127.0.0.1:70: not followed",
            "http://db1:port/": "the answer's header is malformed",
        }.items():
            server.extra["/away"] = answer(b"", "302 Found", Location=location)
            answered = await scrape(settings)
            assert answered.error is not None
            assert answered.error.startswith(error)
        assert other.connections == 0


# -------------------------------------------------------------------------------------- credentials


async def test_a_secret_is_read_again_at_every_scrape(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    monkeypatch.setenv("TPUTTUI_TEST_KEY", "one")
    headers = {"x-key": Secret.environment("TPUTTUI_TEST_KEY")}
    asked = Endpoint(
        EndpointSettings("t", server.url("/ok"), headers=headers, bearer=Secret.file(str(token))),
        Scanner(),
    )
    await asked.scrape(DEADLINE_S)
    token.write_text("second\n")
    monkeypatch.setenv("TPUTTUI_TEST_KEY", "two")
    await asked.scrape(DEADLINE_S)
    await asked.aclose()
    received = [
        (request.headers["authorization"], request.headers["x-key"]) for request in server.requests
    ]
    assert received == [("Bearer first", "one"), ("Bearer second", "two")]


async def test_user_and_password_become_basic_authorization(server: FaultServer) -> None:
    await scrape(EndpointSettings.from_text(server.url("/ok").replace("//", "//ann:p%C3%A4ss@")))
    assert server.requests[0].headers["authorization"] == "Basic YW5uOnDDpHNz"
    assert "@" not in server.requests[0].headers["host"]


@pytest.mark.parametrize("path", ["/401", "/never", "/reset-header", "/redirect-gopher", "/html"])
async def test_a_secret_is_in_no_error_and_no_repr(server: FaultServer, path: str) -> None:
    server.extra["/401"] = answer(
        status="401 Unauthorized", WWW_Authenticate=f'Basic realm="{CANARY}"'
    )
    url = server.url(f"{path}?token={CANARY}").replace("//", f"//ann:{CANARY}@")
    settings = EndpointSettings.from_text(url)
    asked = Endpoint(settings, Scanner())
    answered = await asked.scrape(0.3)
    await asked.aclose()
    assert answered.error is not None
    shown = [
        repr(answered),
        repr(settings.password),
        str(settings.password),
        repr(settings.target),
        str(asked),
    ]
    assert all(CANARY not in text for text in shown)


async def test_the_reason_for_an_unreadable_secret_is_reported(
    server: FaultServer, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    answered = await scrape(EndpointSettings("t", server.url("/ok"), bearer=Secret.file(str(gone))))
    assert answered.error == f"cannot read the secret file {gone}: no such file or directory"
    assert server.connections == 0


async def test_a_refused_credential_says_so(server: FaultServer) -> None:
    server.extra["/401"] = answer(status="401 Unauthorized")
    without = await scrape(EndpointSettings("t", server.url("/401")))
    given = await scrape(EndpointSettings("t", server.url("/401"), bearer=Secret.text("wrong")))
    assert without.error == "HTTP 401 Unauthorized: set credentials for this target"
    assert given.error == "HTTP 401 Unauthorized: the credentials were not accepted"


# ---------------------------------------------------------------------------------- the environment


async def test_proxies_and_netrc_of_the_environment_are_not_used(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ann password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with FaultServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        assert (await scrape(EndpointSettings("t", server.url("/ok")))).error is None
        assert proxy.connections == 0
    assert "authorization" not in server.requests[0].headers


# ---------------------------------------------------------------------------------------------- TLS


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Create a temporary self-signed certificate and its key.

    `name` is "IP:127.0.0.1" or "DNS:…".
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", "/CN=tputtui test", "-addext", f"subjectAltName={name}", "-days", "1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = [openssl, "req", "-x509", *kind, "-keyout", str(key), "-out", str(cert), *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return cert, key


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_a_self_signed_certificate_needs_its_ca_file_or_insecure(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "IP:127.0.0.1")
    async with FaultServer(tls=server_context(cert, key)) as server:
        url = server.url("/ok")
        plain = await scrape(EndpointSettings("t", url))
        assert (
            plain.error == "TLS: self-signed certificate: set ca_file or insecure for this target"
        )
        assert not server.requests
        assert (await scrape(EndpointSettings("t", url, ca_file=str(cert)))).error is None
        assert (await scrape(EndpointSettings("t", url, insecure=True))).error is None


async def test_insecure_applies_to_one_target_only(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "IP:127.0.0.1")
    shared = TlsContexts()
    async with FaultServer(tls=server_context(cert, key)) as server:
        errors = []
        for insecure in (True, False):
            asked = Endpoint(
                EndpointSettings("t", server.url("/ok"), insecure=insecure), Scanner(), shared
            )
            errors.append((await asked.scrape(DEADLINE_S)).error)
            await asked.aclose()
    assert errors == [None, "TLS: self-signed certificate: set ca_file or insecure for this target"]


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "DNS:elsewhere.test")
    async with FaultServer(tls=server_context(cert, key)) as server:
        answered = await scrape(EndpointSettings("t", server.url("/ok"), ca_file=str(cert)))
        assert answered.error == "TLS: the certificate is for another host name"
        assert not server.requests


async def test_the_wrong_scheme_for_a_port_is_named(tmp_path: Path) -> None:
    async def bad_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer(status="400 Bad Request"))
        writer.close()

    plain = await asyncio.start_server(bad_request, "127.0.0.1", 0)
    answered = await scrape(
        EndpointSettings("t", f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/metrics")
    )
    plain.close()
    assert answered.error == "this port does not speak TLS: use http://"
    cert, key = certificate(tmp_path, "IP:127.0.0.1")
    async with FaultServer(tls=server_context(cert, key)) as secure:
        answered = await scrape(EndpointSettings("t", secure.url("/ok").replace("https:", "http:")))
        assert (
            answered.exposition is None
        )  # asyncio's server only closes; servers that answer are in test_transport
        assert not secure.requests


async def test_a_handshake_that_hangs_is_named() -> None:
    with socket.socket() as listener:  # the kernel accepts, and no answer is sent
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        answered = await scrape(
            EndpointSettings("t", f"https://127.0.0.1:{listener.getsockname()[1]}/metrics"), 0.3
        )
    assert answered.error == "no TLS handshake within 0.3 s"


async def test_a_tls_file_that_cannot_be_used_is_named(server: FaultServer, tmp_path: Path) -> None:
    url = server.url("/ok").replace("http:", "https:")
    gone, wrong = tmp_path / "gone.pem", tmp_path / "wrong.pem"
    wrong.write_text("no certificate\n")
    answers = [
        await scrape(EndpointSettings("t", url, ca_file=str(gone))),
        await scrape(EndpointSettings("t", url, ca_file=str(wrong))),
        await scrape(EndpointSettings("t", url, cert_file=str(wrong))),
    ]
    assert [answered.error for answered in answers] == [
        f"TLS: ca_file {gone}: no such file or directory",
        f"TLS: ca_file {wrong}: not usable (PEM wanted; an encrypted key cannot be used)",
        f"TLS: cert_file {wrong} with its key: not usable (PEM wanted; an encrypted key cannot be used)",
    ]
