from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tputtui import text
from tputtui.text.safe_text import MAX_MARKS_PER_CELL

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
anything = st.text(max_size=80)


@given(anything)
def test_clean_text_holds_no_control_format_or_surrogate_character(foreign: str) -> None:
    assert not {unicodedata.category(char) for char in text.clean(foreign)} & UNSAFE


@given(anything)
def test_cleaning_twice_changes_nothing(foreign: str) -> None:
    once = text.clean(foreign)
    assert text.clean(once) == once


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_printable_ascii_stays_as_it_is(plain: str) -> None:
    assert text.clean(plain) == plain


def test_escapes_are_shown_and_do_nothing() -> None:
    assert text.clean("\x1b]52;c;aGk=\x07") == "␛]52;c;aGk=␇"
    assert text.clean("a\u202eb\u009b31m") == "a\ufffdb\ufffd31m"
    assert text.clean("two\nlines\x7f") == "two␊lines␡"


def test_a_mark_storm_is_capped() -> None:
    cleaned = text.clean("e" + "\u0301" * 50)
    assert len(cleaned) == 1 + MAX_MARKS_PER_CELL


def test_long_text_is_cut_with_a_mark() -> None:
    assert text.clean("x" * 10_000, 20) == "x" * 19 + "…"


@given(anything, st.integers(0, 40))
def test_left_and_right_fill_exactly_their_cells(foreign: str, cells: int) -> None:
    cleaned = text.clean(foreign)
    for shown in (text.align_left(cleaned, cells), text.align_right(cleaned, cells)):
        assert text.width(shown) == cells
    assert text.width(text.truncate(cleaned, cells)) <= cells
    assert text.width(text.truncate_left(cleaned, cells)) <= cells


@pytest.mark.parametrize(
    "sample", ["plain", "漢字かな", "é à ü", "▁▂▃█ ─━│", "→ ≥ ± ×", "Ω µ", "한국어", "𝕏"]
)
def test_widths_agree_with_those_of_the_terminal_library(sample: str) -> None:
    assert text.width(sample) == cell_len(sample)


@given(anything)
def test_ascii_only_is_ascii_of_the_same_width(foreign: str) -> None:
    cleaned = text.clean(foreign)
    plain = text.to_ascii(cleaned)
    assert plain.isascii()
    assert len(plain) == text.width(cleaned)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1284, "1,284"),
        (612, "612.0"),
        (11.5, "11.5"),
        (0.25, "0.25"),
        (0, "0.0"),
        (999.96, "1,000"),
        (None, "–"),
    ],
)
def test_rates_have_three_digits_and_a_unit(value: float | None, shown: str) -> None:
    assert text.format_rate(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0082, ("8.2", "ms")),
        (1.25, ("1.2", "s")),
        (0.000412, ("412", "µs")),
        (0.9996, ("1.0", "s")),
        (0.9994, ("999", "ms")),
        (0, ("0", "s")),
        (None, ("–", "s")),
        (math.nan, ("–", "s")),
        (math.inf, ("∞", "s")),
        (90.0, ("90.0", "s")),
    ],
)
def test_short_durations_have_three_digits_and_a_unit(
    value: float | None, shown: tuple[str, str]
) -> None:
    assert text.format_seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (512, ("512", "B")),
        (1023, ("1.0", "KiB")),
        (1.4e9, ("1.3", "GiB")),
        (0, ("0", "B")),
        (None, ("–", "B")),
        (2**20, ("1.0", "MiB")),
        (999.4 * 2**10, ("999", "KiB")),
    ],
)
def test_sizes_have_three_digits_and_a_binary_unit(
    value: float | None, shown: tuple[str, str]
) -> None:
    assert text.format_size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (31, "31 s"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (273_600, "3 d 4 h"),
        (2.5, "2.5 s"),
        (59.7, "1 min"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (0, "0 s"),
        (-5, "0 s"),
        (119.6, "2 min"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h"),
        (86_399.6, "1 d"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
    ],
)
def test_spans_name_their_two_largest_units(value: float | None, shown: str) -> None:
    assert text.format_duration(value) == shown


@given(st.floats(min_value=1e-9, max_value=1e6))
def test_a_duration_never_needs_four_digits_before_the_point_below_a_thousand_seconds(
    value: float,
) -> None:
    digits, unit = text.format_seconds(value)
    assert unit == "s" or len(digits.partition(".")[0]) <= 3


@pytest.mark.parametrize(
    ("sample", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("2m", 120), ("1h", 3600), ("7", 7), (" 1.5 s ", 1.5)],
)
def test_durations_are_read(sample: str, seconds: float) -> None:
    assert text.parse_duration(sample) == pytest.approx(seconds)


@pytest.mark.parametrize("sample", ["", "s", "1x", "1_0", "inf", "nan", "1 2"])
def test_an_invalid_duration_is_refused_with_examples(sample: str) -> None:
    with pytest.raises(ValueError, match="500ms"):
        text.parse_duration(sample)


def test_a_near_word_is_proposed_and_a_far_one_is_not() -> None:
    assert text.did_you_mean("windw", ("window", "interval")) == ', did you mean "window"?'
    assert text.did_you_mean("zzz", ("window",)) == ""
