"""Checks of single fields of a decoded line: files are untrusted.

Every function returns the checked value, and raises BadValueError with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tputtui.recording.run_header import RunHeader
from tputtui.recording.value_codec import BadValueError, decode_number
from tputtui.settings.expressions import parse_objective

MIN_INTERVAL_S, MAX_WINDOW_S = 0.001, 1e7
MAX_SECONDS: Final = 1e15  # seconds; beyond it, adding a small value to a float has no effect
MAX_LIST_LENGTH: Final = 1000  # quantiles, objectives
_MAX_TEXT_LENGTH: Final = 65_536


def check_object(data: Any, name: str) -> dict[str, Any]:
    """Check an object; `name` says in the error what is missing."""
    if not isinstance(data, dict):
        raise BadValueError(f"no {name}")
    return data


def check_list(data: Any) -> list[Any]:
    """Check a list."""
    if type(data) is not list:
        raise BadValueError("not a list")
    return data


def check_list_of(data: Any, length: int) -> list[Any]:
    """Check a list of that length."""
    if len(check_list(data)) != length:
        raise BadValueError("a list of another length")
    return list(data)


def check_pairs(data: Any) -> list[list[Any]]:
    """Check a list of lists of two."""
    return [check_list_of(pair, 2) for pair in check_list(data)]


def check_text(data: Any) -> str:
    """Check a text that is not too long; it is not cleaned."""
    if type(data) is not str or len(data) > _MAX_TEXT_LENGTH:
        raise BadValueError("not a text")
    return str(data)


def check_texts(data: Any) -> tuple[str, ...]:
    """Check a list of texts."""
    return tuple(map(check_text, check_list(data)))


def check_count(data: Any) -> int:
    """Check a number of things, or of bytes."""
    if type(data) is not int or not 0 <= data < 2**63:
        raise BadValueError("not a count")
    return int(data)


def check_index(data: Any, items: Sequence[Any]) -> int:
    """Check the index of an item."""
    if type(data) is not int or not 0 <= data < len(items):
        raise BadValueError("a number that stands for nothing")
    return int(data)


def check_seconds(data: Any) -> float:
    """Check a time or a duration in seconds."""
    value = decode_number(data)
    if not -MAX_SECONDS < value < MAX_SECONDS:
        raise BadValueError("no moment")
    return value


def check_header(header: RunHeader) -> RunHeader:
    """Check the values that a pipeline is built from."""
    for at in (header.time, header.at, header.began_time, header.began_at):
        check_seconds(at)
    if not (MIN_INTERVAL_S <= header.interval_s <= header.window_s <= MAX_WINDOW_S):
        raise BadValueError("an interval or a window that cannot be")
    if len(header.quantiles) > MAX_LIST_LENGTH or not all(0 < q < 1 for q in header.quantiles):
        raise BadValueError("quantiles that cannot be")
    if max(map(len, (header.objectives, header.by))) > MAX_LIST_LENGTH:
        raise BadValueError("too many objectives")
    try:
        for expression in header.objectives:
            parse_objective(expression)
    except ValueError:
        raise BadValueError("an objective that cannot be read") from None
    return header
