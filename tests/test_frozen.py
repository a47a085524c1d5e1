"""Frozen values behave as `@dataclass(frozen=True, slots=True)` with the same fields."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from tputtui.frozen import frozen

Item = TypeVar("Item")


@frozen
class Point:
    """Value with every option of a field."""

    kind: ClassVar[str] = "point"
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False)

    @property
    def far(self) -> bool:
        return self.x + self.y > 10


@frozen
class Alone:
    only: int


@frozen
class Boxed(Generic[Item]):
    item: Item
    name: str = "box"


@frozen
class Sealed:
    key: str

    def __repr__(self) -> str:
        return "***"


@frozen
class Longer(Alone):
    more: int = 2


class Twin:
    """The same fields as a dataclass of the standard library."""

    @dataclass(frozen=True, slots=True)
    class Point:
        x: float
        y: float = 0.0
        tags: list[str] = field(default_factory=list)
        note: str = field(default="", compare=False)
        secret: str = field(default="", repr=False)

    @dataclass(frozen=True, slots=True)
    class Alone:
        only: int


def test_a_field_is_neither_assigned_nor_deleted_nor_added() -> None:
    point = Point(1.0)
    with pytest.raises(FrozenInstanceError, match=r"Point\.x never changes"):
        point.x = 2.0  # type: ignore[misc]  # mypy refuses it, too: without that, this comment would be an error
    with pytest.raises(FrozenInstanceError):
        del point.y
    with pytest.raises(FrozenInstanceError):
        point.z = 1  # type: ignore[attr-defined]
    assert point == Point(1.0)
    assert not hasattr(point, "__dict__")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((1.0,), {}),
        ((1.0, 2.0, ["a"], "n", "s"), {}),
        ((), {"x": 3.0, "secret": "s"}),
        ((1.0,), {"tags": ["b"], "note": "other"}),
    ],
)
def test_construction_and_repr_are_those_of_a_dataclass(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = Point(*values, **named), Twin.Point(*values, **named)
    assert repr(ours) == repr(theirs).replace("Twin.", "")
    assert [getattr(ours, spec.name) for spec in fields(ours)] == [
        getattr(theirs, spec.name) for spec in fields(theirs)
    ]
    assert Point.__match_args__ == Twin.Point.__match_args__


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, 3, 4, 5, 6), {}), ((1,), {"z": 1}), ((1,), {"x": 1})]
)
def test_wrong_arguments_are_refused_with_the_same_message(
    values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    with pytest.raises(TypeError) as ours:
        Point(*values, **named)
    with pytest.raises(TypeError) as theirs:
        Twin.Point(*values, **named)
    assert str(ours.value) == str(theirs.value).replace("Twin.", "")


def test_equality_depends_on_the_compared_fields_and_the_class() -> None:
    assert Point(1.0, note="a") == Point(1.0, note="b")
    assert Point(1.0, secret="a") != Point(1.0, secret="b")
    others: tuple[object, ...] = (Longer(1), Twin.Alone(1), (1,), 1)
    assert Alone(1) not in others


def test_equal_values_are_one_key() -> None:
    assert {Boxed("a"), Boxed("a", "box"), Boxed("b")} == {Boxed("a"), Boxed("b")}
    assert {Alone(1): "x"}[Alone(1)] == "x"
    assert hash(Alone(1)) == hash(Twin.Alone(1))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1.0))  # a list inside, as in a dataclass


def test_a_factory_gives_each_value_its_own_object() -> None:
    first, other = Point(1.0), Point(1.0)
    first.tags.append("a")
    assert other.tags == []


def test_replace_changes_a_copy_only() -> None:
    point = Point(1.0, 2.0, note="n")
    assert repr(replace(point, x=9.5)) == "Point(x=9.5, y=2.0, tags=[], note='n')"
    assert point.x == 1.0
    assert replace(point, x=9.5).far
    with pytest.raises(TypeError):
        replace(point, z=1)  # type: ignore[call-arg]


def test_a_value_survives_pickling() -> None:
    for value in (Point(1.0, 2.0, ["t"], "n", "s"), Alone(3), Longer(1, 5), Boxed([1])):
        assert repr(pickle.loads(pickle.dumps(value))) == repr(value)  # noqa: S301  # our own


def test_methods_written_in_the_class_are_kept() -> None:
    assert repr(Sealed("k")) == "***"
    assert Sealed.__doc__ == "Sealed"
    assert Point.__doc__ == "Value with every option of a field."
    assert (Longer(1).only, Longer(1).more, repr(Longer(1))) == (1, 2, "Longer(only=1, more=2)")
    match Alone(7):
        case Alone(only):
            assert only == 7
