"""Values of the model to JSON and back. What is read is checked against the dataclass's own types: a file is foreign.

Two shapes: a *row* (a list; the order of its fields stands in the run's header, so another version's rows can be read)
for what comes every tick, and an *object* with names, without what is at its default, for the rest. Unknown fields are
passed over, missing ones are at their default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tputtui.model import Binding, HostReading, Match, ProcessReading, Target, TargetListeners
from tputtui.text import clean

T = TypeVar("T")

LIST_LIMIT = 200_000
TEXT_LIMIT = 65_536

_LARGEST_WHOLE = 1e15  # beyond it a float is written as a float: an int would be spelt out
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_RAW: Mapping[type, frozenset[str]] = {
    # These match what a target exposes, byte by byte; whoever shows them cleans them, live and in replay alike.
    Binding: frozenset({"family", "label", "limit", "denominator", "values", "breakdown"}),
    Match: frozenset({"label", "value"}),
    Target: frozenset({"name", "url", "service"}),
    TargetListeners: frozenset({"target"}),
}


class BadValueError(ValueError):  # it says what the value is
    """What was read does not have the shape that it must have."""


# ------------------------------------------------------------------------------------------------ numbers


def number_out(value: float) -> float | int | str:
    """A float as JSON can carry it: whole numbers without a point, NaN and the infinities by name."""
    if value % 1 == 0 and -_LARGEST_WHOLE < value < _LARGEST_WHOLE:
        return int(value)
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  # what NaN is


def number_in(value: object) -> float:
    """A float as `number_out` wrote it. Raises BadValue."""
    if isinstance(value, str):
        special = _SPECIAL.get(value)
        if special is None:
            raise BadValueError("not a number")
        return special
    if type(value) not in (int, float):
        raise BadValueError("not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise BadValueError("a number too large") from None


# ------------------------------------------------------------------------------------------------ out


def to_plain(value: object) -> Any:
    """A value of the model as JSON can carry it; a dataclass becomes an object without what is at its default."""
    if isinstance(value, float):
        return number_out(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, Sequence | frozenset):
        return [to_plain(one) for one in value]
    if is_dataclass(value):
        made = {}
        for field in fields(value):
            own = getattr(value, field.name)
            if field.default is not MISSING and own == field.default:
                continue
            if field.default_factory is not MISSING and own == field.default_factory():
                continue
            made[field.name] = to_plain(own)
        return made
    raise TypeError(f"{type(value).__name__} is not recorded")


def to_row(value: object) -> Any:
    """A value of the model with every dataclass in it as the list of its fields."""
    if isinstance(value, float):
        return number_out(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_row(one) for key, one in value.items()}
    if is_dataclass(value):
        return [to_row(getattr(value, name)) for name in _names(cast("Any", type(value)))]
    return [to_row(one) for one in value]  # type: ignore[attr-defined]


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def row_fields() -> dict[str, list[str]]:
    """The order of the fields in the rows of this version, for a run's header."""
    found: dict[str, list[str]] = {}
    waiting: list[Any] = [HostReading, ProcessReading]
    while waiting:
        kind = waiting.pop()
        if is_dataclass(kind) and isinstance(kind, type):
            if kind.__name__ not in found:
                found[kind.__name__] = list(_names(kind))
                waiting += get_type_hints(kind).values()
        else:
            waiting += [one for one in get_args(kind) if one is not ...]
    return found


# ------------------------------------------------------------------------------------------------ in

Decoder = Callable[[Any], Any]


def from_plain(kind: type[T], data: object) -> T:
    """The dataclass `kind` out of an object. Raises BadValue."""
    made: T = _object(cast("Any", kind))(data)
    return made


class RowDecoder:
    """Reads the rows of one file, whose order of fields is `orders` (see `row_fields`)."""

    def __init__(self, orders: Mapping[str, Sequence[str]]) -> None:
        self._orders = orders
        self._made: dict[Any, Decoder] = {}

    def read(self, kind: type[T], data: object) -> T:
        """The dataclass `kind` out of a row. Raises BadValue."""
        made: T = self._decoder(kind)(data)
        return made

    def _decoder(self, kind: type) -> Decoder:
        found = self._made.get(kind)
        if found is None:
            found = self._made[kind] = self._row(kind)
        return found

    def _row(self, kind: type) -> Decoder:
        order = self._orders.get(kind.__name__)
        if order is None:
            raise BadValueError(f"the header does not say what a {kind.__name__} is made of")
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(kind)}
        places = [
            (place, name, _decoder(hints[name], self._decoder, _is_raw(kind, name)))
            for place, name in enumerate(order)
            if name in known
        ]
        required = {name for name, field in known.items() if _needed(field)}
        if not required <= {name for _, name, _ in places}:
            raise BadValueError(f"a {kind.__name__} lacks what it must have")
        width = len(order)

        def decode(data: Any) -> Any:
            if type(data) is not list or len(data) != width:
                raise BadValueError(f"not a {kind.__name__}")
            return kind(**{name: decoder(data[place]) for place, name, decoder in places})

        return decode


def _needed(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_raw(kind: type, name: str) -> bool:
    return name in _RAW.get(kind, frozenset())


@cache
def _object(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    known = {
        field.name: (_decoder(hints[field.name], _object, _is_raw(kind, field.name)), _needed(field))
        for field in fields(kind)
    }

    def decode(data: Any) -> Any:
        if type(data) is not dict:
            raise BadValueError(f"not a {kind.__name__}")
        if any(needed and name not in data for name, (_, needed) in known.items()):
            raise BadValueError(f"a {kind.__name__} lacks what it must have")
        return kind(**{name: known[name][0](one) for name, one in data.items() if name in known})

    return decode


def _decoder(hint: Any, of_dataclass: Callable[[type], Decoder], raw: bool) -> Decoder:
    """What reads a value of one type."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is float:
        return number_in
    if hint is int:
        return _whole
    if hint is bool:
        return _switch
    if hint is str:
        return _raw_text if raw else _text
    if origin in (Union, UnionType):
        others = [one for one in inner if one is not NoneType]
        one = _decoder(others[0], of_dataclass, raw)
        return lambda data: None if data is None else one(data)
    if origin is Literal:
        return lambda data: _one_of(data, inner)
    if origin is tuple and len(inner) == 2 and inner[1] is ...:
        each = _decoder(inner[0], of_dataclass, raw)
        return lambda data: tuple([each(one) for one in _list(data)])
    if origin is tuple:
        all_of = [_decoder(one, of_dataclass, raw) for one in inner]
        return lambda data: tuple([one(value) for one, value in zip(all_of, _list(data, len(all_of)), strict=True)])
    if origin is not None and issubclass(origin, Mapping):
        value_of = _decoder(inner[1], of_dataclass, raw)
        return lambda data: {_raw_text(key) if raw else _text(key): value_of(one) for key, one in _dict(data).items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return of_dataclass(hint)
    raise TypeError(f"{hint} is not recorded")


def _whole(data: Any) -> int:
    if type(data) is not int or not -(2**63) <= data < 2**64:
        raise BadValueError("not a whole number")
    return int(data)


def _switch(data: Any) -> bool:
    if type(data) is not bool:
        raise BadValueError("neither true nor false")
    return bool(data)


def _raw_text(data: Any) -> str:
    if type(data) is not str or len(data) > TEXT_LIMIT:
        raise BadValueError("not a text")
    return str(data)


def _text(data: Any) -> str:
    return clean(_raw_text(data))


def _one_of(data: Any, allowed: tuple[Any, ...]) -> Any:
    if not any(type(data) is type(one) and data == one for one in allowed):
        raise BadValueError("none of the words that may stand there")
    return data


def _list(data: Any, length: int | None = None) -> list[Any]:
    if type(data) is not list or len(data) > LIST_LIMIT or length not in (None, len(data)):
        raise BadValueError("not such a list")
    return list(data)


def _dict(data: Any) -> dict[str, Any]:
    if type(data) is not dict or len(data) > LIST_LIMIT:
        raise BadValueError("not such an object")
    return dict(data)
