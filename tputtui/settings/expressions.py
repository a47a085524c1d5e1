"""The two small languages a user types: objectives (`p99<=250ms`) and label matchers (`route!="/health"`)."""

from __future__ import annotations

import re
from typing import Literal, cast

from tputtui.frozen import frozen
from tputtui.model import Match
from tputtui.text import clean, did_you_mean, parse_duration, span

Measure = Literal["latency", "errors", "rps"]

_OBJECTIVE = re.compile(
    r"(?:(?P<scope>.*):)?\s*(?P<measure>[A-Za-z][A-Za-z0-9.]*)\s*(?P<op><=|>=)\s*(?P<value>[^<>=]+)"
)
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
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
        raise ValueError('an objective reads [service[/route]:]p99|errors|rps <=|>= VALUE, such as "p99<=250ms"')
    measure, value = found["measure"], found["value"].strip()
    op = cast('Literal["<=", ">="]', found["op"])
    service, slash, route = (found["scope"] or "").strip().partition("/")
    scope = (service or None, f"/{route}" if slash else None)
    quantile = _QUANTILE.fullmatch(measure)
    if quantile is not None:
        q = float(quantile[1]) / 100
        if not 0 < q < 1:
            raise ValueError(f"p{quantile[1]} is no quantile: p50, p99 and p99.9 are")
        return Objective(text.strip(), "latency", op, _positive(parse_duration(value)), round(q, 9), *scope)
    if measure == "errors":
        return Objective(text.strip(), "errors", op, _ratio(value), None, *scope)
    if measure == "rps":
        return Objective(text.strip(), "rps", op, _number(value), None, *scope)
    hint = did_you_mean(measure, ("errors", "rps", "p50", "p90", "p99"))
    raise ValueError(
        f"an objective is about p99 (or another quantile), errors or rps, not {clean(measure, 40)!r}{hint}"
    )


def doubt(expression: str) -> str:
    """What a good objective may not have been meant to say, as a sentence for the user; mostly nothing.

    A bare number is seconds: who writes `p99<=250` means milliseconds.
    """
    found = _OBJECTIVE.fullmatch(expression)
    objective = parse_objective(expression)
    if found is None or objective.measure != "latency" or objective.value < 1 or found["value"].strip()[-1:].isalpha():
        return ""
    number = found["value"].strip()
    return f"{clean(expression, 80)}: a bare number is seconds, so this is {span(objective.value)}; milliseconds are {number}ms"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{clean(text, 40)!r} is not a number") from None
    if "_" in text or not 0 <= value < float("inf"):
        raise ValueError(f"{clean(text, 40)!r} is not a number from 0 on")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("a latency objective is above 0")
    return value


def _ratio(text: str) -> float:
    percent = text.endswith("%")
    value = _number(text.removesuffix("%").rstrip()) / (100 if percent else 1)
    if value > 1:
        raise ValueError(f"{clean(text, 40)!r} is more than all: errors are a ratio (0.001) or a percentage (0.1%)")
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
            raise ValueError(f'label="value" with = != =~ or !~ belongs where {clean(rest, 40)!r} stands')
        label, op, value = found[1], cast('Literal["=", "!=", "=~", "!~"]', found[2]), _unescape(found[3])
        if op.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{clean(value, 40)!r} is no regular expression: {error}") from None
        matches.append(Match(label, op, value))
        rest = rest[found.end() :]
        if rest and not rest.startswith(","):
            raise ValueError(f"a comma belongs between matchers, before {clean(rest, 40)!r}")
        rest = rest[1:].strip()
    return tuple(matches)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
