"""The kinds of values a setting can have: how each is read from TOML or from a flag's text, and what is allowed.

A kind's `read` takes what TOML gave, strictly: a text is no number there and no switch. `parse` takes the text of a flag
or a variable. Both return the value, and raise ValueError with a clause that says what is wrong. `allowed` says what is
right, for errors and for the documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from tputtui.frozen import frozen
from tputtui.settings.expressions import parse_matchers, parse_objective
from tputtui.text import clean, did_you_mean, parse_duration

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|kB|MB|GB)?\s*")
_SIZES = {
    None: 1,
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
}
_TRUE_WORDS = frozenset(("1", "true", "yes", "on"))
_FALSE_WORDS = frozenset(("0", "false", "no", "off", ""))


@frozen
class ValueType:
    """One kind of value. `from_text` turns a flag's text into what TOML would have given; lists are comma separated."""

    allowed: str
    read: Callable[[object], Any]
    from_text: Callable[[str], object] = str
    unit: str = ""  # "s" or "B": of the value as it is kept

    def parse(self, value: object) -> Any:
        """The value of a flag or a variable: a text, several texts, or what a switch of the command line stands for."""
        if isinstance(value, list):
            return self.read([part for text in value for part in _as_list(self.from_text(text))])
        return self.read(self.from_text(value) if isinstance(value, str) else value)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def quote_value(value: object) -> str:
    """A value as an error quotes it: one short, cleaned line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return clean(text, 60)


def _expected_error(allowed: str, value: object) -> ValueError:
    return ValueError(f"{quote_value(value)} is not {allowed}")


def duration(low: float, high: float, example: str) -> ValueType:
    """Seconds from `low` to `high`, as "500ms", "10s", "2m" or a number."""
    allowed = f'a duration from {low:g} s to {high:g} s, such as "{example}"'

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise _expected_error(allowed, value)
        try:
            seconds = parse_duration(value) if isinstance(value, str) else float(value)
        except (ValueError, OverflowError):
            raise _expected_error(allowed, value) from None
        if not low <= seconds <= high:  # NaN falls through to here, too
            raise _expected_error(allowed, value)
        return seconds

    return ValueType(allowed, read, unit="s")


def integer(low: int, high: int) -> ValueType:
    """A whole number from `low` to `high`."""
    allowed = f"a whole number from {low:,} to {high:,}"

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _expected_error(allowed, value)
        return value

    return ValueType(allowed, read, _number_from_text)


def size(low: int, high: int) -> ValueType:
    """Bytes from `low` to `high`, as "16MiB" or a number."""
    allowed = f'a number of bytes from {low:,} to {high:,}, such as "16MiB"'

    def read(value: object) -> int:
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if found is not None:
            count: object = round(float(found[1]) * _SIZES[found[2]])
        else:
            count = value
        if isinstance(count, bool) or not isinstance(count, int) or not low <= count <= high:
            raise _expected_error(allowed, value)
        return count

    return ValueType(allowed, read, unit="B")


def _number_from_text(text: str) -> object:
    """The number that a text holds; the text, where it holds none."""
    if re.fullmatch(r"\s*\d{1,18}\s*", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"\s*\d{0,18}\.\d{1,18}\s*", text, re.ASCII):
        return float(text)
    return text


def _read_quantile(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not 0 < value < 1
        or math.isnan(value)
    ):
        raise _expected_error("a number between 0 and 1", value)
    return float(value)


def _boolean_from_text(text: str) -> object:
    word = text.strip().lower()
    return word in _TRUE_WORDS if word in _TRUE_WORDS | _FALSE_WORDS else text


def _read_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _expected_error("true or false", value)
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _expected_error("a text", value)
    if "\0" in value:
        raise ValueError("a text holds no NUL character")
    return value


def _read_label(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", value.strip()):
        raise _expected_error("a label name", value)
    return value.strip()


def _read_metric(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:.]*", value.strip()):
        raise _expected_error("a metric name", value)
    return value.strip()


def _read_objective(value: object) -> str:
    if not isinstance(value, str):
        raise _expected_error(
            'an objective; objectives = ["p99<=250ms"] is how they are written', value
        )
    return parse_objective(value).expression


def _read_matchers(value: object) -> object:
    if not isinstance(value, str):
        raise _expected_error("matchers such as 'route!=\"/health\"'", value)
    return parse_matchers(value)


def _read_header(value: object) -> str:
    text = _read_unquoted(value, "a header's value, a text")
    if not text.isascii() or not text.isprintable():
        raise ValueError(
            "a header is printable ASCII"
        )  # the value may be a secret: it is not quoted
    return text


def _read_unquoted(value: object, allowed: str) -> str:
    """A text that may be a secret, by mistake or not: an error does not quote it."""
    try:
        return _read_text(value)
    except ValueError:
        raise ValueError(f"it is not {allowed}") from None


def _read_variable(value: object) -> str:
    text = _read_unquoted(value, "the name of an environment variable")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text.strip(), re.ASCII):
        raise ValueError(
            "it is not the name of an environment variable (letters, digits and _); is it the value?"
        )
    return text.strip()


def _read_file(value: object) -> str:
    return _read_unquoted(value, "a path")


def choice(*values: str) -> ValueType:
    """One of a few words."""
    allowed = "one of " + ", ".join(values)

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            hint = did_you_mean(value, values) if isinstance(value, str) else ""
            raise ValueError(f"{quote_value(value)} is not {allowed}{hint}")
        return value

    return ValueType(allowed, read)


def list_of(item: ValueType, plural: str) -> ValueType:
    """Any number of values of one kind; every bad one is named."""

    def from_text(text: str) -> object:
        return [item.from_text(part.strip()) for part in text.split(",") if part.strip()]

    def read(value: object) -> tuple[object, ...]:
        if not isinstance(value, (list, tuple)):
            raise _expected_error(f"a list of {plural}", value)
        good: list[object] = []
        bad: list[str] = []
        for entry in value:
            try:
                good.append(item.read(entry))
            except ValueError as error:
                bad.append(str(error))
        if bad:
            raise ValueError("; ".join(bad))
        return tuple(good)

    return ValueType(f"a list of {plural}", read, from_text)


def _read_chart(value: object) -> str:
    if not isinstance(value, str):
        raise _expected_error("a metric name, or TARGET/NAME", value)
    target, slash, metric = value.strip().rpartition("/")
    return f"{target}{slash}{_read_metric(metric)}" if value.strip() else ""


BOOLEAN = ValueType("true or false", _read_boolean, _boolean_from_text)
TEXT = ValueType("a text", _read_text)
FILE = ValueType("a path; ~ is your home, and a relative one starts at the config file", _read_file)
VARIABLE = ValueType("the name of an environment variable", _read_variable)
HEADER = ValueType("a header's value", _read_header)
LABEL = ValueType("a label name", _read_label)
METRIC = ValueType("a metric name", _read_metric)
MATCHERS = ValueType(
    'label matchers, such as \'method="GET",route!~"/internal/.*"\'', _read_matchers
)
CHART = ValueType("a metric name, or TARGET/NAME", _read_chart)
LABELS = list_of(LABEL, "label names")
TEXTS = list_of(TEXT, "texts")
QUANTILES = list_of(
    ValueType("a number between 0 and 1", _read_quantile, _number_from_text),
    "numbers between 0 and 1",
)
OBJECTIVES = list_of(
    ValueType("an objective", _read_objective), 'objectives, such as "p99<=250ms" or "errors<=0.1%"'
)
