"""Messages for failures that no test server can produce on demand."""

from __future__ import annotations

import errno
import ssl

import pytest

from tputtui.scrape.credentials import SecretError
from tputtui.scrape.fetch_attempt import FetchAttempt, FetchError, Phase, format_byte_count


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (9, "not valid yet"),
        (10, "has expired"),
        (18, "self-signed"),
        (19, "self-signed"),
        (20, "issuer is not known"),
        (62, "another host name"),
        (64, "another host name"),
    ],
)
def test_a_certificate_error_names_its_cause(code: int, message: str) -> None:
    assert message in FetchAttempt().describe_failure(certificate_error(code))


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EHOSTUNREACH, "no route to host"),
        (errno.ENETUNREACH, "network is unreachable"),
        (errno.EMFILE, "too many open files here: raise the limit (ulimit -n)"),
        (errno.EPIPE, "connection reset"),
    ],
)
def test_a_system_error_is_found_behind_what_wraps_it(number: int, message: str) -> None:
    inner = ExceptionGroup("several", [OSError(number, "foreign text")])
    outer = RuntimeError("")
    outer.__cause__ = inner
    assert FetchAttempt().describe_failure(outer) == message


def test_foreign_text_of_an_error_is_not_repeated() -> None:
    attempt = FetchAttempt()
    attempt.on_data_received(b"HTTP/1.1 200 OK\r\n")
    assert "evil" not in attempt.describe_failure(ValueError("illegal header evil\x1b[2J"))


def test_sizes_are_written_as_they_were_configured() -> None:
    assert [format_byte_count(n) for n in (100, 64 << 10, 16 << 20, 10**15)] == [
        "100 bytes",
        "64 KiB",
        "16 MiB",
        "909.5 TiB",
    ]


@pytest.mark.parametrize(
    ("phase", "error", "is_silent"),
    [
        ("connecting", ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        ("connecting", FetchError("unreachable: connect timed out after 2 s"), True),
        ("connecting", OSError(errno.EHOSTUNREACH, "no route"), True),
        ("waiting", ConnectionResetError(errno.ECONNRESET, "reset"), True),
        ("waiting", TimeoutError(), True),
        ("handshake", ConnectionResetError(errno.ECONNRESET, "reset"), True),
        ("resolving", FetchError("unknown host 'x'"), False),
        ("connecting", OSError(errno.EMFILE, "too many open files"), False),
        ("connecting", MemoryError(), False),
        ("waiting", FetchError("TLS: ca_file x: no such file"), False),
        ("waiting", SecretError("token_file: no such file"), False),
        ("handshake", ssl.SSLError(1, "wrong version"), False),
    ],
)
def test_silence_of_the_target_is_silence_and_a_local_fault_is_not(
    phase: Phase, error: BaseException, is_silent: bool
) -> None:
    attempt = FetchAttempt()
    attempt.phase = phase
    assert attempt.is_silent(error) == is_silent


def test_a_target_that_sent_a_byte_was_not_silent() -> None:
    attempt = FetchAttempt()
    attempt.on_data_received(b"H")
    assert not attempt.is_silent(ConnectionResetError(errno.ECONNRESET, "reset"))
