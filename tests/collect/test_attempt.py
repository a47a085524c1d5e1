"""The words for failures that no test server can make at will."""

from __future__ import annotations

import errno
import ssl

import pytest

from tputtui.collect.attempt import Attempt, size_text


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("code", "words"),
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
def test_a_certificate_error_names_its_cause(code: int, words: str) -> None:
    assert words in Attempt().failed(certificate_error(code))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EHOSTUNREACH, "no route to host"),
        (errno.ENETUNREACH, "network is unreachable"),
        (errno.EMFILE, "too many open files here: raise the limit (ulimit -n)"),
        (errno.EPIPE, "connection reset"),
    ],
)
def test_a_system_error_is_found_behind_what_wraps_it(number: int, words: str) -> None:
    inner = ExceptionGroup("several", [OSError(number, "foreign text")])
    outer = RuntimeError("")
    outer.__cause__ = inner
    assert Attempt().failed(outer) == words


def test_foreign_text_of_an_error_is_not_repeated() -> None:
    attempt = Attempt()
    attempt.took(b"HTTP/1.1 200 OK\r\n")
    assert "evil" not in attempt.failed(ValueError("illegal header evil\x1b[2J"))


def test_sizes_read_as_they_were_set() -> None:
    assert [size_text(n) for n in (100, 64 << 10, 16 << 20, 10**15)] == ["100 bytes", "64 KiB", "16 MiB", "909.5 TiB"]
