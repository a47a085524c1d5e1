"""A used scanner reads any answer exactly as a new one does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.model import Exposition
from tputtui.scrape.scanner import FORGET_AFTER, NotAnExpositionError, Scanner
from tputtui.scrape.series_table import PreviousLayout

PLAIN = b'# HELP a what it counts\n# TYPE a counter\na{x="1"} 1\n\na{x="} 2"} 3\nb 4\n'
HEADS = [
    b"# TYPE a counter",
    b"# HELP a so and",
    b"#",
    b"",
    b"a",
    b'a{x="1"}',
    b'a{x="} 1"}',
    b'a{x="b 2"}',
    b"b  ",
]
WORDS = [
    b"1",
    b"2.5",
    b"NaN",
    b"+Inf",
    b"1e400",
    b"1_0",
    b"x",
    b"",
    b"5 1700000000000",
    b"7\t",
    b'8 # {a="1"} 1',
]
LINES = st.lists(st.tuples(st.sampled_from(HEADS), st.sampled_from(WORDS)), max_size=5)


def as_tuple(exposition: Exposition) -> tuple[object, ...]:
    samples = {
        series.key: "NaN" if math.isnan(value) else value
        for series, value in exposition.samples.items()
    }
    rest = (
        exposition.series,
        exposition.skipped_lines,
        exposition.duplicates,
        exposition.warning,
        exposition.truncated,
    )
    return (samples, *rest, exposition.families)


def read(
    scanner: Scanner, body: bytes, wanted: frozenset[str] | None = None
) -> tuple[object, ...] | str:
    try:
        return as_tuple(scanner.scan(body, "text/plain", wanted))
    except NotAnExpositionError as refused:
        return str(refused)


@given(
    st.lists(LINES, min_size=1, max_size=4),
    st.lists(st.integers(0, 3), min_size=4, max_size=8),
    st.booleans(),
)
def test_a_used_scanner_reads_each_answer_as_a_new_one_does(
    answers: list[list[tuple[bytes, bytes]]], order: list[int], ends: bool
) -> None:
    bodies = [
        b"\n".join(head + b" " + word for head, word in lines) + b"\n" * ends for lines in answers
    ]
    scanner = Scanner()
    for number in order:
        body = bodies[number % len(bodies)]
        assert read(scanner, body) == read(Scanner(), body)


@pytest.mark.parametrize(
    "changed",
    [
        PLAIN.replace(b"counter", b"gauge"),
        PLAIN.replace(b"it counts", b"it  counts"),
        PLAIN.replace(b'"1"} 1', b'"1"} 1_0'),
        PLAIN.replace(b'"1"} 1', b'"1"} 1e999'),
        PLAIN.replace(b'"1"} 1', b'"1"} 1 1700000000000'),
        PLAIN.replace(b"b 4", b"b 4\nb 5"),
        PLAIN.replace(b"b 4", b"c 4"),
        PLAIN.replace(b"b 4", b"b NaN"),
        PLAIN.replace(b"\nb 4", b" b 4"),
        PLAIN.replace(b"\n\n", b"\n"),
        PLAIN[:-1],
        PLAIN[:-3],
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b'a{x="1"} 1\n', b""),
    ],
)
def test_a_changed_answer_is_read_line_by_line(changed: bytes) -> None:
    scanner = Scanner()
    for body in (PLAIN, PLAIN, PLAIN.replace(b" 1\n", b" 9\n"), changed, PLAIN, PLAIN):
        assert read(scanner, body) == read(Scanner(), body)


def test_the_same_lines_with_other_values_are_not_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scanner = Scanner()
    first = [scanner.scan(PLAIN) for _ in range(2)][-1]
    monkeypatch.setattr(Scanner, "_read", lambda *_: pytest.fail("a line was looked up"))
    for value in (b"5", b"NaN", b"+Inf", b"7.25"):
        exposition = scanner.scan(PLAIN.replace(b'"1"} 1', b'"1"} ' + value))
        assert list(exposition.samples) == list(first.samples)
        assert next(iter(exposition.samples.values())) == float(value) or value == b"NaN"


def test_names_that_become_wanted_are_read_from_then_on() -> None:
    scanner = Scanner()
    for wanted in (
        None,
        None,
        frozenset({"a"}),
        frozenset({"a"}),
        frozenset({"a"}),
        None,
        frozenset({"b"}),
        None,
    ):
        assert read(scanner, PLAIN, wanted) == read(Scanner(), PLAIN, wanted)


def test_series_that_are_always_present_are_never_forgotten() -> None:
    scanner = Scanner()
    first = list(scanner.scan(PLAIN).samples)
    for _ in range(5 * FORGET_AFTER):
        series = list(scanner.scan(PLAIN).samples)
    assert all(left is other for left, other in zip(first, series, strict=True))
    assert not scanner.forgotten_names


def test_an_answer_with_timestamps_is_not_cached() -> None:
    unchanged = PreviousLayout()
    body = b"a 1 1700000000000\n"
    series = next(iter(Scanner().scan(body).samples))
    unchanged.update(body, {b"a": series}, [series], series)
    assert unchanged.read(body) is None
