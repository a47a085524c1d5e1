"""Encode values of the model as JSON and decode them.

Files are untrusted: values are checked against the types, single fields by the `check_` functions,
which return the checked value and raise BadValueError with the reason.

Two shapes: a *row* (a list; the order of its fields is in the run's header, so that another
version's rows can be read) for what is written every tick, and an *object* with names, without
fields at their default, for the rest. Unknown fields are skipped, missing ones get their default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tputtui.model import Binding, HostReading, Match, ProcessReading, Target, TargetListeners
from tputtui.recording.records import RunHeader
from tputtui.settings.expressions import parse_objective
from tputtui.text import clean

T = TypeVar("T")

LIST_LIMIT = 200_000
TEXT_LIMIT = 65_536

_MAX_INTEGER = 1e15  # larger floats stay floats: as integers they would be written out in full
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_RAW_FIELDS: Mapping[type, frozenset[str]] = {
    # These match what a target exposes, byte by byte; code that shows them cleans them, live and in
    # replay alike.
    Binding: frozenset({"family", "label", "limit", "denominator", "values", "breakdown"}),
    Match: frozenset({"label", "value"}),
    Target: frozenset({"name", "url", "service"}),
    TargetListeners: frozenset({"target"}),
}

MAX_SECONDS: Final = 1e15  # seconds; beyond it, adding a small value to a float has no effect
MAX_LIST_LENGTH: Final = 1000  # quantiles, objectives
_MAX_TEXT_LENGTH: Final = 65_536


class BadValueError(ValueError):  # the message describes the value
    """The value does not have the required shape."""


# ------------------------------------------------------------------------------------------ numbers


def encode_number(value: float) -> float | int | str:
    """Encode a float for JSON: whole numbers without a point, NaN and the infinities by name."""
    if value % 1 == 0 and -_MAX_INTEGER < value < _MAX_INTEGER:
        return int(value)
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def decode_number(value: object) -> float:
    """Decode a float as `encode_number` wrote it. Raises BadValueError."""
    if isinstance(value, str):
        special = _NON_FINITE.get(value)
        if special is None:
            raise BadValueError("not a number")
        return special
    if type(value) not in (int, float):
        raise BadValueError("not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise BadValueError("a number too large") from None


# ----------------------------------------------------------------------------------------- encoding


def to_plain(value: object) -> Any:
    """Encode a value of the model for JSON; a dataclass becomes an object without fields at their
    default.
    """
    if isinstance(value, float):
        return encode_number(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | frozenset):
        return [to_plain(item) for item in value]
    if is_dataclass(value):
        plain = {}
        for field in fields(value):
            own = getattr(value, field.name)
            if field.default is not MISSING and own == field.default:
                continue
            if field.default_factory is not MISSING and own == field.default_factory():
                continue
            plain[field.name] = to_plain(own)
        return plain
    raise TypeError(f"{type(value).__name__} is not recorded")


def to_row(value: object) -> Any:
    """Encode a value of the model, with every dataclass in it as the list of its fields."""
    if isinstance(value, float):
        return encode_number(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_row(item) for key, item in value.items()}
    if is_dataclass(value):
        return [to_row(getattr(value, name)) for name in _field_names(cast("Any", type(value)))]
    return [to_row(item) for item in value]  # type: ignore[attr-defined]


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def row_fields() -> dict[str, list[str]]:
    """Order of the fields in the rows of this version, for a run's header."""
    names_by_kind: dict[str, list[str]] = {}
    waiting: list[Any] = [HostReading, ProcessReading]
    while waiting:
        kind = waiting.pop()
        if is_dataclass(kind) and isinstance(kind, type):
            if kind.__name__ not in names_by_kind:
                names_by_kind[kind.__name__] = list(_field_names(kind))
                waiting += get_type_hints(kind).values()
        else:
            waiting += [argument for argument in get_args(kind) if argument is not ...]
    return names_by_kind


# ----------------------------------------------------------------------------------------- decoding

ValueDecoder = Callable[[Any], Any]


def from_plain(kind: type[T], data: object) -> T:
    """Decode the dataclass `kind` from an object. Raises BadValueError."""
    decoded: T = _object_decoder(cast("Any", kind))(data)
    return decoded


class RowDecoder:
    """Decoder of the rows of one file, whose order of fields is `orders` (see `row_fields`)."""

    def __init__(self, orders: Mapping[str, Sequence[str]]) -> None:
        self._orders = orders
        self._decoders: dict[Any, ValueDecoder] = {}

    def decode(self, kind: type[T], data: object) -> T:
        """Decode the dataclass `kind` from a row. Raises BadValueError."""
        decoded: T = self._decoder(kind)(data)
        return decoded

    def _decoder(self, kind: type) -> ValueDecoder:
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = self._build_decoder(kind)
        return decoder

    def _build_decoder(self, kind: type) -> ValueDecoder:
        order = self._orders.get(kind.__name__)
        if order is None:
            raise BadValueError(f"the header does not say what a {kind.__name__} is made of")
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(kind)}
        decoders = [
            (index, name, _value_decoder(hints[name], self._decoder, _is_raw(kind, name)))
            for index, name in enumerate(order)
            if name in known
        ]
        required = {name for name, field in known.items() if _is_required(field)}
        if not required <= {name for _, name, _ in decoders}:
            raise BadValueError(f"a {kind.__name__} lacks what it must have")
        width = len(order)

        def decode(data: Any) -> Any:
            if type(data) is not list or len(data) != width:
                raise BadValueError(f"not a {kind.__name__}")
            return kind(**{name: decoder(data[index]) for index, name, decoder in decoders})

        return decode


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_raw(kind: type, name: str) -> bool:
    return name in _RAW_FIELDS.get(kind, frozenset())


@cache
def _object_decoder(kind: Any) -> ValueDecoder:
    hints = get_type_hints(kind)
    known = {
        field.name: (
            _value_decoder(hints[field.name], _object_decoder, _is_raw(kind, field.name)),
            _is_required(field),
        )
        for field in fields(kind)
    }

    def decode(data: Any) -> Any:
        if type(data) is not dict:
            raise BadValueError(f"not a {kind.__name__}")
        if any(needed and name not in data for name, (_, needed) in known.items()):
            raise BadValueError(f"a {kind.__name__} lacks what it must have")
        return kind(
            **{name: known[name][0](value) for name, value in data.items() if name in known}
        )

    return decode


def _value_decoder(
    hint: Any, dataclass_decoder: Callable[[type], ValueDecoder], is_raw: bool
) -> ValueDecoder:
    """Build the decoder of one type."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is float:
        return decode_number
    if hint is int:
        return _decode_integer
    if hint is bool:
        return _decode_boolean
    if hint is str:
        return _decode_raw_text if is_raw else _decode_text
    if origin in (Union, UnionType):
        others = [argument for argument in inner if argument is not NoneType]
        decode_value = _value_decoder(others[0], dataclass_decoder, is_raw)
        return lambda data: None if data is None else decode_value(data)
    if origin is Literal:
        return lambda data: _decode_literal(data, inner)
    if origin is tuple and len(inner) == 2 and inner[1] is ...:
        decode_item = _value_decoder(inner[0], dataclass_decoder, is_raw)
        return lambda data: tuple([decode_item(item) for item in _decode_list(data)])
    if origin is tuple:
        decoders = [_value_decoder(argument, dataclass_decoder, is_raw) for argument in inner]
        return lambda data: tuple(
            [
                decode(item)
                for decode, item in zip(decoders, _decode_list(data, len(decoders)), strict=True)
            ]
        )
    if origin is not None and issubclass(origin, Mapping):
        decode_key = _decode_raw_text if is_raw else _decode_text
        decode_value = _value_decoder(inner[1], dataclass_decoder, is_raw)
        return lambda data: {
            decode_key(key): decode_value(value) for key, value in _decode_object(data).items()
        }
    if is_dataclass(hint) and isinstance(hint, type):
        return dataclass_decoder(hint)
    raise TypeError(f"{hint} is not recorded")


def _decode_integer(data: Any) -> int:
    if type(data) is not int or not -(2**63) <= data < 2**64:
        raise BadValueError("not a whole number")
    return int(data)


def _decode_boolean(data: Any) -> bool:
    if type(data) is not bool:
        raise BadValueError("neither true nor false")
    return bool(data)


def _decode_raw_text(data: Any) -> str:
    if type(data) is not str or len(data) > TEXT_LIMIT:
        raise BadValueError("not a text")
    return str(data)


def _decode_text(data: Any) -> str:
    return clean(_decode_raw_text(data))


def _decode_literal(data: Any, allowed: tuple[Any, ...]) -> Any:
    if not any(type(data) is type(literal) and data == literal for literal in allowed):
        raise BadValueError("none of the words that may stand there")
    return data


def _decode_list(data: Any, length: int | None = None) -> list[Any]:
    if type(data) is not list or len(data) > LIST_LIMIT or length not in (None, len(data)):
        raise BadValueError("not such a list")
    return list(data)


def _decode_object(data: Any) -> dict[str, Any]:
    if type(data) is not dict or len(data) > LIST_LIMIT:
        raise BadValueError("not such an object")
    return dict(data)


MIN_INTERVAL_S, MAX_WINDOW_S = 0.001, 1e7


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
