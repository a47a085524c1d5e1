"""What the terminal may say without being asked is neither typed text nor a command."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tputtui.tui.driver import LONGEST_REPLY, ReplyFilter

REPLIES = (
    "\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]52;c;cXF1aXQ=\x07",
    "\x1bP>|XTerm(388)\x1b\\",
    "\x1b_Gi=1;OK\x1b\\",
)


def test_replies_are_taken_out_and_keys_stay() -> None:
    for reply in REPLIES:
        assert ReplyFilter().feed(f"a{reply}b") == "ab"


@given(reply=st.sampled_from(REPLIES), cuts=st.lists(st.integers(5, 30), max_size=4))
def test_a_reply_in_pieces_is_taken_out_too(reply: str, cuts: list[int]) -> None:
    text = f"x{reply}y"
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    kept = ReplyFilter()
    assert "".join(kept.feed(text[start:end]) for start, end in pairwise(places)) == "xy"


def test_alt_bracket_and_alt_p_are_keys() -> None:
    assert ReplyFilter().feed("\x1b]") == "\x1b]"
    assert ReplyFilter().feed("\x1bP") == "\x1bP"


def test_what_never_ends_was_no_reply() -> None:
    kept = ReplyFilter()
    kept.feed("\x1b]11;" + "x" * (LONGEST_REPLY + 10))
    assert kept.feed("q") == "q"


def test_a_control_sequence_of_endless_parameters_is_no_typed_text_and_the_next_key_is_read() -> None:
    kept = ReplyFilter()
    pieces = ["a\x1b[" + "9;" * 500, "9;" * 500, "9;" * 500 + "mb", "\x1b[<35;10;10M", "\x1b[1;5C", "q"]
    assert "".join(kept.feed(piece) for piece in pieces) == "ab\x1b[<35;10;10M\x1b[1;5Cq"
