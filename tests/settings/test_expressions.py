"""Objectives and matchers as users type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.model import Match
from tputtui.settings.expressions import (
    describe_doubtful_objective,
    parse_matchers,
    parse_objective,
)


def test_a_latency_objective_is_in_seconds_with_its_quantile() -> None:
    objective = parse_objective(" p99 <= 250ms ")
    assert (objective.measure, objective.op, objective.value, objective.quantile) == (
        "latency",
        "<=",
        0.25,
        0.99,
    )
    assert parse_objective("p99.9<=1s").quantile == 0.999


def test_an_error_objective_is_a_ratio_however_it_is_typed() -> None:
    assert parse_objective("errors<=0.1%").value == pytest.approx(0.001)
    assert parse_objective("errors<=0.001").value == 0.001


def test_an_objective_names_a_service_and_a_route() -> None:
    objective = parse_objective("127.0.0.1:8000/users/{id}:rps>=100")
    assert (objective.service, objective.route, objective.value) == (
        "127.0.0.1:8000",
        "/users/{id}",
        100,
    )
    assert parse_objective("api:errors<=1%").route is None


@pytest.mark.parametrize(
    "text",
    ["", "p99", "p99<250ms", "p99<=", "p100<=1s", "p0<=1s", "q99<=1s", "errors<=200%", "rps>=-1", "rps>=1_0",
     "rps>=nan", "rps>=1e999", "p99<=-5ms", "p99<=250ms<=3s"],
)  # fmt: skip
def test_a_wrong_objective_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_objective(text)


def test_a_mistyped_measure_gets_a_hint() -> None:
    with pytest.raises(ValueError, match='did you mean "errors"'):
        parse_objective("error<=1%")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99<250ms", 'did you mean "p99<=250ms"'),
        ("api:p99 = 250ms", 'did you mean "api:p99<=250ms"'),
        ("p99 ≤ 250ms", 'did you mean "p99<=250ms"'),
        ("rps=10", 'did you mean "rps>=10"'),
        ("rps > 10", 'did you mean "rps>=10"'),
        ("p99=<1s", 'did you mean "p99<=1s"'),
        ("p99", "has no level"),
        ("api:p99<=", "has no level"),
        ("p99<=1s,errors<=1%", "one objective at a time"),
        ("latency<=1s", 'did you mean "p99"'),
        ("qps>=5", 'did you mean "rps"'),
        ("P95<=1s", 'did you mean "p95"'),
        ("p999<=1s", 'did you mean "p99.9"'),
        ("rps>=10%", "a number per second, such as rps>=1000"),
        ("errors<=0.1pp", "a ratio \\(0.001\\) or a percentage"),
    ],
)
def test_a_mistake_gets_one_line_with_the_correct_form(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as raised:
        parse_objective(text)
    assert "\n" not in str(raised.value)


def test_a_rate_may_carry_its_unit() -> None:
    assert {parse_objective(f"rps>=1000{unit}").value for unit in ("", "/s", " req/s")} == {1000.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99<=250", "milliseconds are 250ms"),
        ("errors<=1", "this is 100 %; percent is errors<=1%"),
        ("errors>=1%", "did you mean errors<=1%?"),
        ("api:p99>=1s", "did you mean api:p99<=1s?"),
    ],
)
def test_an_implausible_value_causes_a_warning(text: str, expected: str) -> None:
    assert expected in describe_doubtful_objective(text)


@pytest.mark.parametrize(
    "text", ["p99<=0.25", "p99<=250ms", "errors<=0.01", "errors<=10%", "rps>=100", "rps<=5"]
)
def test_a_plausible_value_causes_no_warning(text: str) -> None:
    assert describe_doubtful_objective(text) == ""


def test_matchers_are_read_in_promql_notation() -> None:
    expected = (
        Match("method", "=", "GET"),
        Match("route", "!~", "/internal/.*"),
        Match("q", "=", 'a"b'),
    )
    assert parse_matchers(r'{method="GET", route!~"/internal/.*",q="a\"b"}') == expected
    assert parse_matchers("") == ()


@pytest.mark.parametrize("text", ["route", "route=x", 'a="1" b="2"', 'a=~"("', '1a="x"', 'a="x'])
def test_a_wrong_matcher_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_matchers(text)


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_objective, parse_matchers):
        message = ""
        try:
            parse(text)
        except ValueError as error:
            message = str(error)
        assert message.isprintable()
