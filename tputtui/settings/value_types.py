"""Types of settings: how a value is read from TOML or from a flag's text, and what is allowed.

`ValueType.read` takes a TOML value, strictly: a text is not accepted as a number or a boolean.
`ValueType.parse` takes the text of a flag or a variable. Both return the value, and raise
ValueError with the reason. `allowed` describes valid values, for errors and for the documentation.
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
    """Type of a setting. `from_text` converts a flag's text to a TOML value; lists have commas."""

    allowed: str
    read: Callable[[object], Any]
    from_text: Callable[[str], object] = str
    unit: str = ""  # "s" or "B": of the value as it is kept

    def parse(self, value: object) -> Any:
        """Parse the value of a flag or variable: a text, several texts, or the bool of a switch."""
        if isinstance(value, list):
            return self.read([part for text in value for part in _as_list(self.from_text(text))])
        return self.read(self.from_text(value) if isinstance(value, str) else value)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def quote_value(value: object) -> str:
    """Quote a value for an error: one short, cleaned line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return clean(text, 60)


def _expected_error(allowed: str, value: object) -> ValueError:
    return ValueError(f"{quote_value(value)} is not {allowed}")


def duration(low: float, high: float, example: str) -> ValueType:
    """Return the type of seconds from `low` to `high`, as "500ms", "10s", "2m" or a number."""
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
    """Return the type of whole numbers from `low` to `high`."""
    allowed = f"a whole number from {low:,} to {high:,}"

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _expected_error(allowed, value)
        return value

    return ValueType(allowed, read, _number_from_text)


def size(low: int, high: int) -> ValueType:
    """Return the type of bytes from `low` to `high`, as "16MiB" or a number."""
    allowed = f'a number of bytes from {low:,} to {high:,}, such as "16MiB"'

    def read(value: object) -> int:
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            count: object = round(float(match[1]) * _SIZES[match[2]])
        else:
            count = value
        if isinstance(count, bool) or not isinstance(count, int) or not low <= count <= high:
            raise _expected_error(allowed, value)
        return count

    return ValueType(allowed, read, unit="B")


def _number_from_text(text: str) -> object:
    """Convert a text to its number; return the text where it is none."""
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
        # the value may be a secret: it is not quoted
        raise ValueError("a header is printable ASCII")
    return text


def _read_unquoted(value: object, allowed: str) -> str:
    """Read a text that may be a secret, by mistake or not: an error does not quote it."""
    try:
        return _read_text(value)
    except ValueError:
        raise ValueError(f"it is not {allowed}") from None


def _read_variable(value: object) -> str:
    text = _read_unquoted(value, "the name of an environment variable")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text.strip(), re.ASCII):
        name = "the name of an environment variable (letters, digits and _)"
        raise ValueError(f"it is not {name}; is it the value?")
    return text.strip()


def _read_file(value: object) -> str:
    return _read_unquoted(value, "a path")


def choice(*values: str) -> ValueType:
    """Return the type of one of a few words."""
    allowed = "one of " + ", ".join(values)

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in values:
            hint = did_you_mean(value, values) if isinstance(value, str) else ""
            raise ValueError(f"{quote_value(value)} is not {allowed}{hint}")
        return value

    return ValueType(allowed, read)


def list_of(item: ValueType, plural: str) -> ValueType:
    """Return the type of a list of values of one type; an error names every invalid one."""

    def from_text(text: str) -> object:
        return [item.from_text(part.strip()) for part in text.split(",") if part.strip()]

    def read(value: object) -> tuple[object, ...]:
        if not isinstance(value, (list, tuple)):
            raise _expected_error(f"a list of {plural}", value)
        items: list[object] = []
        problems: list[str] = []
        for entry in value:
            try:
                items.append(item.read(entry))
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("; ".join(problems))
        return tuple(items)

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
