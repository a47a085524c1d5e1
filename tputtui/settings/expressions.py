"""Parsers of objectives (`p99<=250ms`) and of label matchers (`route!="/health"`)."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal, cast

from tputtui.frozen import frozen
from tputtui.model import Match
from tputtui.text import clean, did_you_mean, format_duration, parse_duration

Measure = Literal["latency", "errors", "rps"]

_OBJECTIVE = re.compile(
    r"(?:(?P<scope>.*):)?\s*(?P<measure>[A-Za-z][A-Za-z0-9.]*)\s*(?P<op><=|>=)\s*(?P<value>[^<>=]+)"
)
_MISSPELT_OBJECTIVE = (
    r"(?P<scope>.*:)?\s*(?P<measure>[A-Za-z][A-Za-z0-9.]*)"
    r"\s*(?P<op>=<|=>|==|<|>|=|≤|≥|<\s+=|>\s+=)\s*(?P<value>[^<>=≤≥]+)"
)
_EQUAL = ("=", "==")
_MEASURE_ALIASES = {
    "latency": "p99",
    "err": "errors",
    "error_rate": "errors",
    "errorrate": "errors",
    "failures": "errors",
    "throughput": "rps",
    "qps": "rps",
    "rate": "rps",
    "traffic": "rps",
    "requests": "rps",
    "median": "p50",
    "p999": "p99.9",
}
"""Names that other tools have for a measure."""

_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_MANY_ERRORS = 0.1  # of all requests: few allow so many errors
_ESCAPE = re.compile(r"\\(.)")


@frozen
class Objective:
    """Target level. `value` is in seconds (latency), a ratio (errors) or per second (rps)."""

    expression: str
    measure: Measure
    op: Literal["<=", ">="]
    value: float
    quantile: float | None = None  # latency: 0.99 of "p99"
    service: str | None = None
    route: str | None = None  # with its slash


def parse_objective(text: str) -> Objective:
    """Parse `[service[/route]:]p99|p50|…|errors|rps (<=|>=) VALUE`.

    A latency takes a duration (`250ms`), errors a ratio or a percentage (`0.1%`), rps a number.
    Raises ValueError with the allowed forms.
    """
    match = _OBJECTIVE.fullmatch(text.strip())
    if match is None:
        raise ValueError(_describe_bad_objective(text.strip()))
    measure, value = match["measure"], match["value"].strip()
    op = cast('Literal["<=", ">="]', match["op"])
    service, slash, route = (match["scope"] or "").strip().partition("/")
    scope = (service.strip() or None, f"/{route}" if slash else None)
    quantile = _QUANTILE.fullmatch(measure)
    if quantile is not None:
        q = float(quantile[1]) / 100
        if not 0 < q < 1:
            raise ValueError(f"p{quantile[1]} is no quantile: p50, p99 and p99.9 are")
        seconds = _check_positive(parse_duration(value))
        return Objective(text.strip(), "latency", op, seconds, round(q, 9), *scope)
    if measure == "errors":
        return Objective(text.strip(), "errors", op, _parse_ratio(value), None, *scope)
    if measure == "rps":
        return Objective(text.strip(), "rps", op, _parse_rate(value), None, *scope)
    raise ValueError(
        "an objective is about p99 (or another quantile), errors or rps, "
        f"not {clean(measure, 40)!r}{_suggest_measure(measure)}"
    )


def _suggest_measure(measure: str) -> str:
    name = measure.lower()
    meant = name if _QUANTILE.fullmatch(name) else _MEASURE_ALIASES.get(name)
    if meant is not None:
        return f', did you mean "{meant}"?'
    return did_you_mean(measure, ("errors", "rps", "p50", "p90", "p99"))


def _describe_bad_objective(text: str) -> str:
    """Describe why a text is no objective, with a suggestion where the intention is clear."""
    slip = re.fullmatch(_MISSPELT_OBJECTIVE, text)
    if slip is not None and "," not in slip["value"]:
        is_equal_rps = slip["op"] in _EQUAL and slip["measure"] == "rps"
        op = ">=" if slip["op"] in (">", "=>", "≥") or is_equal_rps else "<="
        meant = f"{slip['scope'] or ''}{slip['measure']}{op}{slip['value'].strip()}"
        with suppress(ValueError):
            parse_objective(meant)
            return (
                f"an objective reads p99|errors|rps <=|>= VALUE, not {clean(text, 60)!r}, "
                f'did you mean "{clean(meant, 60)}"?'
            )
    if len(re.findall(r"[<>=≤≥]+", text)) > 1:
        several = f"{clean(text, 60)!r} is several"
        return f"one objective at a time: {several} (--objective may be given again)"
    if re.fullmatch(r"(?:.*:)?\s*[A-Za-z][A-Za-z0-9.]*\s*(?:<=|>=)?", text):
        return (
            f'{clean(text, 60)!r} has no level, such as "p99<=250ms", "errors<=0.1%" or "rps>=100"'
        )
    return (
        f"{clean(text, 60)!r} is no objective; "
        'one reads [service[/route]:]p99|errors|rps <=|>= VALUE, such as "p99<=250ms"'
    )


def describe_doubtful_objective(expression: str) -> str:
    """Describe a valid objective that probably means something else; "" for all others.

    A bare number is seconds, but the user of `p99<=250` means milliseconds; the user of `errors<=1`
    means percent.
    """
    match = _OBJECTIVE.fullmatch(expression)
    objective = parse_objective(expression)
    shown = clean(expression, 80)
    if match is not None and objective.op == ">=" and objective.measure != "rps":
        other = clean(expression.replace(">=", "<="), 80)
        return f"{shown} is met by what is worse: did you mean {other}?"
    if (
        match is not None
        and objective.measure == "errors"
        and objective.value >= _MANY_ERRORS
        and "%" not in match["value"]
    ):
        percent = f"{100 * objective.value:g} %"
        return f"{shown}: a bare number is a ratio, so this is {percent}; percent is {shown}%"
    if (
        match is None
        or objective.measure != "latency"
        or objective.value < 1
        or match["value"].strip()[-1:].isalpha()
    ):
        return ""
    number = match["value"].strip()
    seconds = format_duration(objective.value)
    return f"{shown}: a bare number is seconds, so this is {seconds}; milliseconds are {number}ms"


def _parse_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{clean(text, 40)!r} is not a number") from None
    if "_" in text or not 0 <= value < float("inf"):
        raise ValueError(f"{clean(text, 40)!r} is not a number from 0 on")
    return value


def _parse_rate(text: str) -> float:
    digits = re.sub(r"\s*(?:req)?/s$", "", text)  # "1000/s" is what a rate is
    try:
        return _parse_number(digits)
    except ValueError:
        raise ValueError(
            f"{clean(text, 40)!r} is no rate: a number per second, such as rps>=1000"
        ) from None


def _check_positive(value: float) -> float:
    if value <= 0:
        raise ValueError("a latency objective is above 0")
    return value


def _parse_ratio(text: str) -> float:
    percent = text.endswith("%")
    try:
        value = _parse_number(text.removesuffix("%").rstrip()) / (100 if percent else 1)
    except ValueError:
        raise ValueError(
            f"{clean(text, 40)!r}: errors are a ratio (0.001) or a percentage (0.1%)"
        ) from None
    if value > 1:
        raise ValueError(
            f"{clean(text, 40)!r} is more than all: "
            "errors are a ratio (0.001) or a percentage (0.1%)"
        )
    return value


def parse_matchers(text: str) -> tuple[Match, ...]:
    """Parse label matchers in PromQL's syntax: `method="GET",route!~"/internal/.*"`.

    Braces are optional. Raises ValueError with the allowed form.
    """
    rest = text.strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1].strip()
    matches: list[Match] = []
    while rest:
        matched = _MATCHER.match(rest)
        if matched is None:
            raise ValueError(
                f'label="value" with = != =~ or !~ belongs where {clean(rest, 40)!r} stands'
            )
        label, value = matched[1], _unescape(matched[3])
        op = cast('Literal["=", "!=", "=~", "!~"]', matched[2])
        if op.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(
                    f"{clean(value, 40)!r} is no regular expression: {error}"
                ) from None
        matches.append(Match(label, op, value))
        rest = rest[matched.end() :]
        if rest and not rest.startswith(","):
            raise ValueError(f"a comma belongs between matchers, before {clean(rest, 40)!r}")
        rest = rest[1:].strip()
    return tuple(matches)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], text)
