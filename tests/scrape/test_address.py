"""Targets as a user types them, and their redacted form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.scrape.address import host_and_port, parse_address, redact


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (":9100", "http://127.0.0.1:9100/metrics"),
        ("db1:9100", "http://db1:9100/metrics"),
        ("DB1.example:9100", "http://db1.example:9100/metrics"),
        ("127.0.0.1:9100/probe?module=x", "http://127.0.0.1:9100/probe?module=x"),
        ("[::1]:9100", "http://[::1]:9100/metrics"),
        ("http://db1", "http://db1/metrics"),
        ("http://db1:80/metrics", "http://db1/metrics"),
        ("HTTPS://db1:443/m#top", "https://db1/m"),
        ("https://db1:80/", "https://db1:80/"),
        ("http://db1/metrics/über", "http://db1/metrics/%C3%BCber"),
        ("http://bücher.test/", "http://xn--bcher-kva.test/"),
        ("  :9100\n", "http://127.0.0.1:9100/metrics"),
        ("http://db1/f?match[]=up&a=%2F", "http://db1/f?match[]=up&a=%2F"),
    ],
)
def test_a_target_is_completed(text: str, url: str) -> None:
    assert parse_address(text).url == url
    assert parse_address(url).url == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("web", "no port"),
        ("file:///etc/passwd", "only http and https"),
        ("file:/etc/passwd", "only http and https"),
        ("ftp://db1/", "only http and https"),
        ("http://", "no host"),
        ("http:///metrics", "no host"),
        ("http://:9100", "no host"),
        ("db1:99999", "not 1 to 65535"),
        ("db1:0", "port 0"),
        ("http://db1:port/", "not 1 to 65535"),
        ("http://[::1/", "bracket"),
        ("http://[::zz]:1/", "bracket|IPv6"),
        ("http://a b:1/", "blank"),
        ("http://db1:1/\r\nHost: evil", "control character"),
        ("http://db1\\@evil:1/", "backslash"),
        ("http://db1:1/\x1b[2J", "control character"),
        ("http://-x:1/", "not a host name"),
        ("http://a..b:1/", "not a host name"),
        ("x" * 3000 + ":1", "longer than"),
    ],
)
def test_an_invalid_target_is_refused_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        parse_address(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_credentials_are_kept_apart_from_the_url() -> None:
    address = parse_address("https://ann:p%40ss@db1:8443/m")
    assert (address.url, address.username, address.password) == (
        "https://db1:8443/m",
        "ann",
        "p@ss",
    )
    assert "p@ss" not in repr(address)
    assert parse_address("ann:pw@db1:9100").url == "http://db1:9100/metrics"


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(ValueError, match=r"http://\*\*\*@db1:99999/") as caught:
        parse_address("http://ann:canary@db1:99999/")
    assert "canary" not in str(caught.value)


def test_a_target_is_named_by_host_and_port() -> None:
    assert host_and_port("http://db1/metrics") == "db1:80"
    assert host_and_port("https://db1/metrics") == "db1:443"
    assert host_and_port("http://[::1]:9100/metrics") == "[::1]:9100"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://db1/metrics?module=x", "http://db1/metrics?module=x"),
        ("http://ann:pw@db1/m", "http://***@db1/m"),
        ("http://tok@db1/m", "http://***@db1/m"),
        ("http://ann:p/w@db1/m", "http://***@db1/m"),
        ("http://db1/m?Token=abc&x=1&api_key=k", "http://db1/m?Token=***&x=***&api_key=***"),
        ("ann:pw@db1:9100", "***@db1:9100"),
        ("http://db1?password=x", "http://db1?password=***"),
    ],
)
def test_secrets_of_a_url_are_not_shown(url: str, shown: str) -> None:
    assert redact(url) == shown


@given(st.text(max_size=60))
def test_any_text_is_completed_or_refused_in_one_line(text: str) -> None:
    try:
        url = parse_address(text).url
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017  # either outcome is right
    else:
        assert url.isascii()
        assert url.isprintable()
        assert parse_address(url).url == url


@given(st.from_regex(r"[a-z/?&=]{0,10}", fullmatch=True))
def test_a_password_is_never_left_in_a_redacted_url(noise: str) -> None:
    assert "CANARY" not in redact(f"http://ann:{noise}CANARY@db1/m")
