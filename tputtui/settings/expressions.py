"""The two small languages a user types: objectives (`p99<=250ms`) and label matchers (`route!="/health"`)."""

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
_MISSPELT_OBJECTIVE = r"(?P<scope>.*:)?\s*(?P<measure>[A-Za-z][A-Za-z0-9.]*)\s*(?P<op>=<|=>|==|<|>|=|≤|≥|<\s+=|>\s+=)\s*(?P<value>[^<>=≤≥]+)"
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
"""What other tools call a measure."""

_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_MANY_ERRORS = 0.1  # of all requests: few allow so many errors
_ESCAPE = re.compile(r"\\(.)")


@frozen
class Objective:
    """A target level, read. `value` is in seconds (latency), a ratio (errors) or per second (rps)."""

    expression: str
    measure: Measure
    op: Literal["<=", ">="]
    value: float
    quantile: float | None = None  # latency: 0.99 of "p99"
    service: str | None = None
    route: str | None = None  # with its slash


def parse_objective(text: str) -> Objective:
    """Read `[service[/route]:]p99|p50|…|errors|rps (<=|>=) VALUE`.

    A latency takes a duration (`250ms`), errors a ratio or a percentage (`0.1%`), rps a number. Raises ValueError with
    what is allowed.
    """
    found = _OBJECTIVE.fullmatch(text.strip())
    if found is None:
        raise ValueError(_describe_bad_objective(text.strip()))
    measure, value = found["measure"], found["value"].strip()
    op = cast('Literal["<=", ">="]', found["op"])
    service, slash, route = (found["scope"] or "").strip().partition("/")
    scope = (service.strip() or None, f"/{route}" if slash else None)
    quantile = _QUANTILE.fullmatch(measure)
    if quantile is not None:
        q = float(quantile[1]) / 100
        if not 0 < q < 1:
            raise ValueError(f"p{quantile[1]} is no quantile: p50, p99 and p99.9 are")
        return Objective(
            text.strip(), "latency", op, _check_positive(parse_duration(value)), round(q, 9), *scope
        )
    if measure == "errors":
        return Objective(text.strip(), "errors", op, _parse_ratio(value), None, *scope)
    if measure == "rps":
        return Objective(text.strip(), "rps", op, _parse_rate(value), None, *scope)
    meant = _MEASURE_ALIASES.get(measure.lower()) or (
        measure.lower() if _QUANTILE.fullmatch(measure.lower()) else None
    )
    hint = (
        f', did you mean "{meant}"?'
        if meant
        else did_you_mean(measure, ("errors", "rps", "p50", "p90", "p99"))
    )
    raise ValueError(
        f"an objective is about p99 (or another quantile), errors or rps, not {clean(measure, 40)!r}{hint}"
    )


def _describe_bad_objective(text: str) -> str:
    """What is wrong with an expression that does not even look like one, with what was meant where that can be told."""
    slip = re.fullmatch(_MISSPELT_OBJECTIVE, text)
    if slip is not None and "," not in slip["value"]:
        op = (
            ">="
            if slip["op"] in (">", "=>", "≥") or (slip["op"] in _EQUAL and slip["measure"] == "rps")
            else "<="
        )
        meant = f"{slip['scope'] or ''}{slip['measure']}{op}{slip['value'].strip()}"
        with suppress(ValueError):
            parse_objective(meant)
            return f'an objective reads p99|errors|rps <=|>= VALUE, not {clean(text, 60)!r}, did you mean "{clean(meant, 60)}"?'
    if len(re.findall(r"[<>=≤≥]+", text)) > 1:
        return f"one objective at a time: {clean(text, 60)!r} is several (--objective may be given again)"
    if re.fullmatch(r"(?:.*:)?\s*[A-Za-z][A-Za-z0-9.]*\s*(?:<=|>=)?", text):
        return (
            f'{clean(text, 60)!r} has no level, such as "p99<=250ms", "errors<=0.1%" or "rps>=100"'
        )
    return (
        f"{clean(text, 60)!r} is no objective; one reads [service[/route]:]p99|errors|rps <=|>= VALUE, "
        'such as "p99<=250ms"'
    )


def describe_doubtful_objective(expression: str) -> str:
    """What a good objective may not have been meant to say, as a sentence for the user; mostly nothing.

    A bare number is seconds: who writes `p99<=250` means milliseconds; who writes `errors<=1` means percent.
    """
    found = _OBJECTIVE.fullmatch(expression)
    objective = parse_objective(expression)
    shown = clean(expression, 80)
    if found is not None and objective.op == ">=" and objective.measure != "rps":
        other = clean(expression.replace(">=", "<="), 80)
        return f"{shown} is met by what is worse: did you mean {other}?"
    if (
        found is not None
        and objective.measure == "errors"
        and objective.value >= _MANY_ERRORS
        and "%" not in found["value"]
    ):
        return f"{shown}: a bare number is a ratio, so this is {100 * objective.value:g} %; percent is {shown}%"
    if (
        found is None
        or objective.measure != "latency"
        or objective.value < 1
        or found["value"].strip()[-1:].isalpha()
    ):
        return ""
    number = found["value"].strip()
    return f"{shown}: a bare number is seconds, so this is {format_duration(objective.value)}; milliseconds are {number}ms"


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
            f"{clean(text, 40)!r} is more than all: errors are a ratio (0.001) or a percentage (0.1%)"
        )
    return value


def parse_matchers(text: str) -> tuple[Match, ...]:
    """Read label matchers as PromQL writes them, braces optional: `method="GET",route!~"/internal/.*"`.

    Raises ValueError with what is allowed.
    """
    rest = text.strip()
    if rest.startswith("{") and rest.endswith("}"):
        rest = rest[1:-1].strip()
    matches: list[Match] = []
    while rest:
        found = _MATCHER.match(rest)
        if found is None:
            raise ValueError(
                f'label="value" with = != =~ or !~ belongs where {clean(rest, 40)!r} stands'
            )
        label, op, value = (
            found[1],
            cast('Literal["=", "!=", "=~", "!~"]', found[2]),
            _unescape(found[3]),
        )
        if op.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(
                    f"{clean(value, 40)!r} is no regular expression: {error}"
                ) from None
        matches.append(Match(label, op, value))
        rest = rest[found.end() :]
        if rest and not rest.startswith(","):
            raise ValueError(f"a comma belongs between matchers, before {clean(rest, 40)!r}")
        rest = rest[1:].strip()
    return tuple(matches)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
