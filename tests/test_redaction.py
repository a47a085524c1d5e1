"""Redaction: the displayable part of a URL, and secrets hidden in any text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.text import clean, redaction, target_redactor
from tputtui.text.redaction import hide, learn, redact_text, redact_url
from tputtui.text.target_redactor import TargetRedactor

TOKEN = "s3cr3t-Token/+4711"


@pytest.fixture(autouse=True)
def nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_learned", redaction.LearnedSecrets())
    redaction._hide_cached.cache_clear()


# ----------------------------------------------------------------------------------------- by place


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:1/m", "http://h:1/m"),
        (":8000", ":8000"),
        ("http://[::1]:9100/m?format=x", "http://[::1]:9100/m?format=***"),
        ("http://h/probe?target=db1:5432&module=tcp", "http://h/probe?target=db1:5432&module=tcp"),
        ("http://h/federate?match[]={job='a@b'}&match%5B%5D=up", "http://h/federate?match[]={job='a@b'}&match%5B%5D=up"),
        ("http://h/m?name[]=up&collect[]=cpu&collect%5b%5d=disk", "http://h/m?name[]=up&collect[]=cpu&collect%5b%5d=disk"),
        ("http://h/m?targets=x&Target=y", "http://h/m?targets=***&Target=***"),
        ("http://h/m?a=1;b=2&&c", "http://h/m?a=***;b=***&&***"),
        ("http://h/m?x=", "http://h/m?x=***"),
        ("http://h/m#access_token=x", "http://h/m#***"),
        ("http://ann:@h/m", "http://***@h/m"),
        ("http://ann%3Apw@h/m", "http://***@h/m"),
        ("http://ann:p%40w@h/m", "http://***@h/m"),
        ("http://ann:pw%40h/m", "http://***@h/m"),
        ("http://ann:pw/m", "http://ann:***/m"),
        ("http://ann:12/pw@h/m", "http://ann:12/***@h/m"),
        ("http://h/probe?target=http%3A%2F%2Fann%3Apw%40db%2Fx%3Fkey%3D1", "http://h/probe?target=http://***@db/x?key=***"),
        ("http://h/probe?target=http://db/x", "http://h/probe?target=http://db/x"),
        ("h:1/probe?target=http://ann:pw@db/", "h:1/probe?target=http://***@db/"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_userinfo_fragment_and_unknown_parameters(
    url: str, shown: str
) -> None:
    assert redact_url(url) == shown
    assert redact_url(shown) == shown


@given(st.text(alphabet="ab1:/?#&=;%@[].", max_size=12), st.sampled_from(["http://", ""]))
def test_nothing_before_the_last_at_sign_of_what_was_typed_is_shown(
    noise: str, scheme: str
) -> None:
    assert "CANARY" not in redact_url(f"{scheme}ann:{noise}CANARY@db1/m")


@given(st.text(max_size=80))
def test_redacting_any_text_twice_changes_nothing_more(text: str) -> None:
    assert redact_url(redact_url(text)) == redact_url(text)
    redact_text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see http://ann:pw@h/m?x=1: refused", "see http://***@h/m?x=***: refused"),
        ("(https://h/a?module=x&k=v).", "(https://h/a?module=x&k=***)."),
        ("GET /ok/2?token=abc gave 404", "GET /ok/2?token=*** gave 404"),
        ("tputtui stream ann:pw@h:9100/m prints", "tputtui stream ***@h:9100/m prints"),
        ("what? a=b, at 12:30 by ann@example.org", "what? a=b, at 12:30 by ann@example.org"),
        ("load 500?", "load 500?"),
    ],
)
def test_urls_within_a_sentence_are_redacted_and_the_sentence_stays(text: str, shown: str) -> None:
    assert redact_text(text) == shown


# ----------------------------------------------------------------------------------------- by value


@pytest.mark.parametrize(
    "written",
    [
        TOKEN,
        quote(TOKEN),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        json.dumps(TOKEN),
        f"prefix{TOKEN}suffix",
    ],
)
def test_a_learned_secret_is_in_no_text_in_any_spelling(written: str) -> None:
    learn(TOKEN)
    assert TOKEN[:6] not in hide(f"a {written} b")
    assert "***" in clean(f"a {written} b")
    assert "***" in redact_url(f"http://h/{written}/metrics")


def test_a_secret_is_hidden_in_a_text_that_was_seen_before_it_was_known() -> None:
    learn("another-s3cret")
    assert clean(f"a {TOKEN}") == f"a {TOKEN}"
    learn(TOKEN)
    assert clean(f"a {TOKEN}") == "a ***"


def test_a_secret_cut_by_a_limit_leaves_no_prefix() -> None:
    learn(TOKEN)
    assert clean("x" * 90 + TOKEN, 100) == "x" * 90 + "***"


def test_parts_of_a_header_are_secrets_and_so_is_what_basic_authorization_wraps() -> None:
    learn("Bearer eyJ0-part-1234")
    learn("session=ab12cd34ef56; theme=dark")
    learn("Basic " + base64.b64encode(b"ann:pa55word!!").decode())
    assert hide("eyJ0-part-1234 ab12cd34ef56 pa55word!! Bearer session theme=dark") == (
        "*** *** *** Bearer session theme=dark"
    )


@pytest.mark.parametrize(
    "weak", ["a", "admin", "prometheus", "node_exporter", "12345678", "3.14159265", "", "short1"]
)
def test_a_secret_that_is_a_common_word_or_number_hides_nothing_else(weak: str) -> None:
    learn(weak)
    text = f'job="{weak}" prometheus node_exporter 12345678 3.14159265 admin short1'
    assert clean(text) == text


def test_the_newest_secrets_are_known_however_many_were_rotated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redaction, "MAX_LEARNED", 50)
    for number in range(500):
        learn(f"renewed-{number}-x")
    assert hide("renewed-499-x") == "***"
    assert len(redaction._learned._known) <= 50
    assert hide("renewed-1-x") == "renewed-1-x"


# --------------------------------------------------------------------------------------- one target


def test_parts_of_its_url_quoted_by_a_target_are_hidden() -> None:
    redactor = TargetRedactor("http://h/ok?token=s3&user_id=Zx91-Qp77&region=eu&module=tcp")
    assert (
        redactor.redact_sentence('page titled "no Zx91-Qp77 here"') == 'page titled "no *** here"'
    )
    assert redactor.redact_sentence("no such path: /ok?token=s3&region=eu&module=tcp") == (
        "no such path: /ok?token=***&region=***&module=tcp"
    )
    assert redactor.redact_sentence("the eu is fine") == "the eu is fine"


def test_a_short_password_is_hidden_in_messages_about_its_target_only() -> None:
    redactor = TargetRedactor("http://h/ok", "operator")
    redactor.learn("hunter2")
    assert redactor.redact_sentence("bad login operator/hunter2") == "bad login ***/***"
    assert clean("hunter2") == "hunter2"


def test_labels_that_hold_the_requested_url_are_read_without_its_secrets() -> None:
    redactor = TargetRedactor("http://h/ok?q=Zx91%2FQp77&key=K3y-abcdef&module=tcp")
    body = b'seen{path="/ok?q=Zx91%2FQp77&key=K3y-abcdef&module=tcp",plain="q=Zx91/Qp77"} 5\nkeys{key="abc"} 1\n'
    assert redactor.redact_body(body) == (
        b'seen{path="/ok?q=***&key=***&module=tcp",plain="q=***"} 5\nkeys{key="abc"} 1\n'
    )
    harmless = b'up{region="eu",job="module=tcp"} 1\n'
    assert redactor.redact_body(harmless) is harmless


def test_a_redirect_s_token_is_hidden_as_long_as_it_is_the_newest() -> None:
    redactor = TargetRedactor("http://h/ok")
    for number in range(3):
        redactor.on_redirect(f"http://h/ok?ticket=T1cket-{number}")
    assert redactor.redact_sentence("bad T1cket-2") == "bad ***"
    assert redactor.redact_body(b'x{u="/ok?ticket=T1cket-2"} 1') == b'x{u="/ok?ticket=***"} 1'


SECRET_NAMES = (
    "key", "api_key", "apikey", "apiKey", "APIKey", "api-key", "x-api-key", "access_token", "accessToken", "token",
    "sig", "X-Amz-Signature", "X-Amz-Credential", "password", "db.password", "db_pass", "client_secret", "auth",
    "Authorization", "session_id", "PHPSESSID", "jwt", "user_key", "subscription-key",
)  # fmt: skip
PLAIN_NAMES = (
    "keyspace", "sort_key", "partition_key", "sortKey", "keys", "monkey", "design", "signal", "author", "authority",
    "bypass", "pass_rate", "compass", "max_tokens", "token_type", "sessionless", "session_count", "tokenizer", "sigma",
    "q", "region", "1", "",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_value_of_a_parameter_named_like_a_secret_is_hidden_everywhere(
    name: str,
) -> None:
    redactor = TargetRedactor(f"http://h/m?{name}=Zx91-Qp77")
    assert hide("a Zx91-Qp77 b") == "a *** b"
    assert redactor.redact_body(b'x{y="Zx91-Qp77"} 1') == b'x{y="***"} 1'


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_the_value_of_any_other_parameter_is_hidden_in_messages_about_its_target_only(
    name: str,
) -> None:
    url = f"http://h:1/m?{name}{'=' if name else ''}orders_v2"
    redactor = TargetRedactor(url)
    body = b'x{keyspace="orders_v2",table="orders_v2_items"} 1\n'
    assert redactor.redact_body(body) is body
    assert hide("topic=orders_v2") == "topic=orders_v2"
    assert "orders" not in redact_url(url)
    assert redactor.redact_sentence("no orders_v2 here") == "no *** here"


def test_a_part_of_the_query_is_hidden_in_a_body_only_where_it_is_quoted_in_full() -> None:
    redactor = TargetRedactor("http://h/m?id=1234&orders")
    quoted = b'x{path="/m?id=1234&orders",other="/m?orders"} 1'
    assert redactor.redact_body(quoted) == b'x{path="/m?id=***&***",other="/m?***"} 1'
    other = b'x{path="/m?valid=1234&id=12345&grid=1234&orders_v2"} 1'
    assert redactor.redact_body(other) == other


def test_a_short_or_common_secret_hides_nothing_of_other_targets() -> None:
    TargetRedactor("http://h/m?token=abc1&key=checkout&auth=20240131")
    assert hide("abc1 checkout 20240131") == "abc1 checkout 20240131"


def test_a_target_remembers_the_last_few_values_of_a_rotated_secret() -> None:
    redactor = TargetRedactor("http://h/ok?token=Zx91-Qp77")
    redactor.learn("the-Passw0rd", "password")
    for number in range(900):
        redactor.learn(f"renewed-{number}-x", "bearer")
    kept = range(900 - target_redactor.MAX_VALUES_PER_SOURCE, 900)
    for number in kept:
        assert redactor.redact_body(f"x renewed-{number}-x".encode()) == b"x ***"
    assert redactor.redact_sentence("renewed-899-x") == "***"
    assert redactor.redact_body(b"Zx91-Qp77 the-Passw0rd") == b"*** ***"
    assert len(redactor._hidden_in_bodies) <= len(kept) + 2
    assert len(redactor._hidden_in_sentences) <= len(kept) + 2


def test_a_backslash_in_a_parameter_s_name_is_kept_as_it_is() -> None:
    redactor = TargetRedactor(r"http://h/m?a\1=Zx91-Qp77")
    assert redactor.redact_body(rb'x{path="/m?a\1=Zx91-Qp77"} 1') == rb'x{path="/m?a\1=***"} 1'
