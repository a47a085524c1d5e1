"""Table of known series: bounded under churn, and aware of forgotten series."""

from __future__ import annotations

import weakref

from tputtui.model import Series
from tputtui.scrape.scanner import FORGET_AFTER, ScanLimits, Scanner
from tputtui.scrape.series_table import UNWANTED, SeriesTable


def test_the_tables_stay_bounded() -> None:
    scanner = Scanner()
    for number in range(6 * FORGET_AFTER):
        lines = [f'x{{i="{number * 50 + i}"}} 1\n' for i in range(50)]
        assert scanner.scan(("stays 1\n" + "".join(lines)).encode()).series == 51
    assert len(scanner._interned) <= 2 * FORGET_AFTER * 50 + 1
    assert len(scanner._table.young) + len(scanner._table._old) <= 2 * FORGET_AFTER * 50 + 1


def test_the_tables_stay_bounded_when_nothing_is_wanted_and_every_spelling_is_new() -> None:
    scanner = Scanner(ScanLimits(series=100))
    for number in range(3 * FORGET_AFTER):
        body = "".join(f'x{{i="1"{" " * i}}} {i}\n' for i in range(number * 90, number * 90 + 90))
        scanner.scan(body.encode(), wanted=frozenset())
        assert len(scanner._table) + len(scanner._table._old) <= 8 * 100


def test_names_with_forgotten_series_are_known() -> None:
    scanner = Scanner()
    scanner.scan(b'gone{a="1"} 1\nstays 1\n')
    for _ in range(2 * FORGET_AFTER):
        scanner.scan(b"stays 1\n")
    assert scanner.forgotten_names == {"gone"}


def test_a_forgotten_series_is_freed_unless_it_is_referenced() -> None:
    scanner = Scanner()
    held, loose = scanner.scan(b'x{a="1"} 1\nx{a="2"} 1\n').samples
    freed = weakref.ref(loose)
    del loose
    for _ in range(2 * FORGET_AFTER):
        scanner.scan(b"y 1\n")
    assert freed() is None
    assert next(iter(scanner.scan(b'x{a="1"} 1\n').samples)) is held


def test_a_series_of_the_old_generation_is_taken_over_by_a_look_up() -> None:
    table, series = SeriesTable(), Series("x")
    table.add(b"x", series, None)
    table.rotate()
    assert table.young == {}
    assert table.find(b"x") == (series, None)
    table.rotate()
    assert table.find(b"x") == (series, None)
    assert table.forgotten_names == frozenset()


def test_a_rejected_head_keeps_its_reason_until_the_next_rotation() -> None:
    table, series = SeriesTable(), Series("x")
    table.add(b" x", series, "it begins with a blank")
    assert table.find(b" x") == (series, "it begins with a blank")
    table.rotate()
    assert table.find(b" x") is None


def test_a_series_that_becomes_wanted_is_parsed_again_and_one_that_is_no_longer_is_not_read() -> (
    None
):
    table = SeriesTable()
    table.add(b"x", Series("x"), None)
    table.add(b"y", UNWANTED, None)
    table.select(frozenset({"y"}))
    assert table.find(b"x") == (UNWANTED, None)
    assert table.find(b"y") is None
