"""Only known keys act; a reply of the terminal never does, however late and wherever cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal_input import (
    EIGHT_BIT_REPLIES,
    MAY_ACT_AT_A_CUT,
    REPLIES,
    SHORT_S,
    ignore,
    messages,
    shown,
)
from textual import events
from textual import messages as textual_messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE

from tputtui.tui.terminal.driver import MOST_KINDS, ErrorNotices, UnitParser, decoder
from tputtui.tui.terminal.reply_filter import LONGEST_PASTE, LONGEST_REPLY, ReplyFilter

PAUSES_S = (0.0, SHORT_S, 0.15, 0.5, 2.0, 10.0, 600.0)
ALL_REPLIES = REPLIES + EIGHT_BIT_REPLIES
NO_KEYS_HERE = {
    "\x00": "NUL: floods of it are noise",
    "\x9b": "begins a sequence, as ESC [ does",
    "\x1b[1;2R": "cursor positions, also to Textual",
    "\x1b[1;5R": "",
    "\x1b[1;6R": "",
    "\x1b[62~": "scroll events of tmux on Windows: to Textual > and ?",
    "\x1b[63~": "",
}
READ_RIGHT_ONLY_HERE = {
    "\x1b[~": ["shift+tab"],
    **{
        f"\x1b[{number}~": [f"f{key}"]
        for key, number in zip(range(13, 21), (25, 26, 28, 29, 31, 32, 33, 34), strict=True)
    },
    **{
        f"\x1b[5{final}": [f"ctrl+{name}"]
        for final, name in zip("ABCD", ("up", "down", "right", "left"), strict=True)
    },
    "\x1b[1;5u": ["ctrl+5"],
    "\x1b[1;6u": ["ctrl+shift+5"],
    "\x1b[1;7u": ["alt+ctrl+5"],
    "\x1b[1;8u": ["alt+ctrl+shift+5"],
}
NOT_TYPED = "".join(map(chr, (0, 0x1B, *range(0x80, 0xA0), 0xFFFD)))
TABLE = sorted(
    key
    for key, means in ANSI_SEQUENCES_KEYS.items()
    if means is not IGNORE_SEQUENCE and key not in NO_KEYS_HERE
)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut for cut in cuts if 0 < cut < len(text))})
    return [text[start:end] for start, end in pairwise(places)]


# ------------------------------------------------------------------------------------------ replies


@pytest.mark.parametrize("reply", ALL_REPLIES)
def test_a_reply_does_nothing_and_the_keys_around_it_act(reply: str) -> None:
    assert messages([reply]) == []
    assert shown(messages([f"a{reply}b"])) == ["a", "b"]


@pytest.mark.parametrize("reply", ALL_REPLIES)
def test_a_reply_cut_once_anywhere_for_any_time_types_nothing(reply: str) -> None:
    for at in range(1, len(reply)):
        for pause in PAUSES_S:
            acted = shown(messages([reply[:at], reply[at:], "k"], [pause, SHORT_S]))
            assert acted[-1:] == ["k"], (reply[:at], reply[at:], pause)
            assert set(acted[:-1]) <= MAY_ACT_AT_A_CUT, (reply[:at], reply[at:], pause, acted)
            if pause <= SHORT_S or at > 2:
                assert acted == ["k"], (reply[:at], reply[at:], pause)


def decoded(*reads: bytes) -> list[str]:
    decode = decoder().decode
    return [decode(read) for read in reads]


@pytest.mark.parametrize(
    "reply",
    [
        *(reply.encode("latin-1") for reply in EIGHT_BIT_REPLIES),
        b"\x9b?62;4;22c",
        b"\x9eq\x9c",
        b"\x98any q\x07",
    ],
)
def test_a_reply_of_eight_bit_controls_that_are_not_utf_8_does_nothing(reply: bytes) -> None:
    assert shown(messages(decoded(b"a" + reply + b"b"))) == ["a", "b"]
    for at in range(1, len(reply)):
        assert shown(messages(decoded(reply[:at], reply[at:] + b"k"), [SHORT_S])) == ["k"]


def test_a_key_of_eight_bit_controls_acts() -> None:
    assert shown(messages(decoded(b"\x9bA\x9b106uj"))) == ["up", "j", "j"]


@pytest.mark.parametrize(
    "broken", [b"\xe2\x9b", b"\xf0\x9f\x9b", b"\xff", b"\xe9", b"\x85", b"\xc3"]
)
def test_other_bytes_that_are_not_utf_8_are_dropped_alone(broken: bytes) -> None:
    assert shown(messages(decoded(b"a" + broken + b"bj"))) == ["a", "b", "j"]


def test_characters_whose_bytes_look_like_eight_bit_controls_are_typed_also_cut() -> None:
    text = "\u201b\u26db\u011b\U0001f4dd"  # each holds 0x9b, 0x9d or 0x9f
    content = text.encode()
    for at in range(1, len(content)):
        received = "".join(ReplyFilter().feed("".join(decoded(content[:at], content[at:])), 0.0))
        assert received == text


@pytest.mark.parametrize("first", "[]P_^X")
def test_the_beginning_of_a_reply_cut_off_by_the_next_is_not_a_key(first: str) -> None:
    for reads in (
        ["\x1b", f"{first}\x1b[0c", "k"],
        ["\x1b", f"{first}\x1b[", "0c", "k"],
        ["\x1b", f"{first}\x1b", "[0c", "k"],
        ["\x1b", f"{first}\x1b[?62;", "4c", "k"],
    ):
        assert shown(messages(reads, [0.3, *[SHORT_S] * (len(reads) - 2)])) == ["escape", "k"], (
            reads
        )
    assert shown(messages(["\x1b", first, "\x1b[A"], [0.3, 0.3])) == [
        "escape",
        *shown(messages([first])),
        "up",
    ]


@given(reply=st.sampled_from(ALL_REPLIES), cuts=st.lists(st.integers(1, 40), max_size=8))
def test_a_reply_cut_anywhere_for_moments_does_nothing(reply: str, cuts: list[int]) -> None:
    reads = pieces(reply, cuts)
    assert shown(messages([*reads, "k"], [SHORT_S] * len(reads))) == ["k"]


@given(reply=st.sampled_from(REPLIES), step=st.integers(3, 12), data=st.data())
def test_a_reply_cut_often_behind_its_first_parameter_does_nothing_whatever_the_pauses(
    reply: str, step: int, data: st.DataObject
) -> None:
    reads = pieces(reply, list(range(step, len(reply), step)))
    pauses = data.draw(
        st.lists(st.sampled_from(PAUSES_S), min_size=len(reads), max_size=len(reads))
    )
    assert shown(messages([*reads, "k"], [*pauses[:-1], SHORT_S])) == ["k"]


@given(
    prefix=st.sampled_from(("", "?", ">", "=", "<")),
    numbers=st.lists(st.integers(0, 9999), min_size=2, max_size=12),
    between=st.sampled_from(("", "$", "!", '"', " ", "'", "*")),
    final=st.sampled_from("cnytxzSmhlpqvwghij`{|}"),
    at=st.integers(1, 60),
    pause=st.sampled_from(PAUSES_S),
)
def test_an_unknown_control_sequence_does_nothing(
    prefix: str, numbers: list[int], between: str, final: str, at: int, pause: float
) -> None:
    reply = f"\x1b[{prefix}{';'.join(map(str, numbers))}{between}{final}"
    if reply in TABLE or reply.startswith(("\x1b[?2026;", "\x1b[?2048;", "\x1b[48;")):
        return
    reads = pieces(reply, [at])
    acted = shown(messages(reads, [pause] * (len(reads) - 1)))
    assert set(acted) <= MAY_ACT_AT_A_CUT
    assert len(reads) == 2 or not acted


# --------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("sequence", TABLE, ids=repr)
def test_every_key_of_textuals_table_arrives_whole_and_cut(sequence: str) -> None:
    expected = READ_RIGHT_ONLY_HERE.get(sequence) or shown(UnitParser(ignore).messages(sequence))
    assert expected
    assert shown(messages([sequence])) == expected
    for at in range(1, len(sequence)):
        assert shown(messages([sequence[:at], sequence[at:]], [SHORT_S])) == expected, at
    assert shown(messages(list(sequence), [SHORT_S] * (len(sequence) - 1))) == expected


@pytest.mark.parametrize("sequence", sorted(READ_RIGHT_ONLY_HERE), ids=repr)
def test_a_key_that_textual_reads_as_another_is_named_as_textual_reads_it(sequence: str) -> None:
    means = ANSI_SEQUENCES_KEYS[sequence]
    assert isinstance(means, tuple)
    without_alt = [name.replace("alt+", "") for name in READ_RIGHT_ONLY_HERE[sequence]]
    assert without_alt == [key.value for key in means if key.value != "escape"]


@pytest.mark.parametrize("sequence", sorted(NO_KEYS_HERE), ids=repr)
def test_sequences_left_out_of_textual_s_table_trigger_no_binding(sequence: str) -> None:
    assert set(shown(messages([sequence]))) <= MAY_ACT_AT_A_CUT


@pytest.mark.parametrize(
    ("sequence", "keys"),
    [
        ("\x1b[106u", ["j"]),
        ("\x1b[106;;106u", ["j"]),
        ("\x1b[106;1:1u", ["j"]),
        ("\x1b[106;1:2u", ["j"]),
        ("\x1b[106:74;2:1;74u", ["J"]),
        ("\x1b[106::106;5u", ["ctrl+j"]),
        ("\x1b[106;65;74u", ["J"]),
        ("\x1b[27u", ["escape"]),
        ("\x1b[27;1:1u", ["escape"]),
        ("\x1b[13;2u", ["shift+enter"]),
        ("\x1b[57376u", ["f13"]),
        ("\x1b[0;;20320:22909u", ["\u4f60", "\u597d"]),
        ("\x1b[1;5:1A", ["ctrl+up"]),
        ("\x1b[1;1:2B", ["down"]),
        ("\x1b[3;2:1~", ["shift+delete"]),
        ("\x1b[27;5;99~", ["ctrl+c"]),
        ("\x1b[P", ["f1"]),
    ],
)
def test_a_key_of_the_kitty_protocol_acts_when_pressed_and_when_repeated(
    sequence: str, keys: list[str]
) -> None:
    assert shown(messages([sequence])) == keys
    for at in range(1, len(sequence)):
        assert shown(messages([sequence[:at], sequence[at:]], [SHORT_S])) == keys


@given(
    code=st.integers(0, 0x11FFFF),
    alternate=st.sampled_from(("", ":65", ":65:97", "::97")),
    modifiers=st.integers(0, 300),
    event=st.sampled_from(("", ":1", ":2", ":3", ":4", ":")),
    text=st.one_of(
        st.just(""),
        st.lists(st.integers(0, 0x11FFFF), min_size=1, max_size=20).map(
            lambda t: ":".join(map(str, t))
        ),
    ),
    final=st.sampled_from("u~ABCDEFHPQRS"),
)
def test_no_parameter_of_a_key_makes_textual_fail_or_type_the_sequence(
    code: int, alternate: str, modifiers: int, event: str, text: str, final: str
) -> None:
    sequence = f"\x1b[{code}{alternate};{modifiers}{event};{text}{final}"
    received = messages([sequence])
    assert all(isinstance(message, events.Key) for message in received)
    assert len(received) <= max(1, len(text.split(":")))
    assert not (event == ":3" and received)
    # The parser is neither broken nor waits for more of the sequence.
    assert shown(messages([sequence, "k"], [0.0]))[-1:] == ["k"]


def test_a_single_esc_is_the_esc_key_after_one_escape_delay() -> None:
    replies = ReplyFilter(0.1)
    assert replies.feed("\x1b", 5.0) == []
    assert replies.deadline == pytest.approx(5.1)
    assert replies.tick(5.05) == []
    assert replies.tick(5.1) == ["\x1b"]
    assert replies.deadline is None
    assert shown(UnitParser(ignore).messages("\x1b")) == [
        "escape"
    ]  # at once: there is no second wait


def test_esc_twice_and_esc_before_a_key_are_both_keys() -> None:
    assert shown(messages(["\x1b\x1b"])) == ["escape", "escape"]
    assert shown(messages(["\x1b", "j"], [0.2])) == ["escape", "j"]
    assert shown(messages(["\x1b", "j"], [SHORT_S])) == ["alt+j"]
    assert shown(messages(["\x1b\x1b[A"])) == ["escape", "up"]
    assert shown(messages(["\x1bx\x1b[A"])) == ["alt+x", "up"]


@pytest.mark.parametrize(
    "text", ["[", "]", "P", "X", "[1", "[12", "]1", "[?", "[j", "P1", "]]", "[[", "O", "OA", "[1;2"]
)
def test_keys_typed_after_esc_are_typed(text: str) -> None:
    slowly = [0.3, *([0.15] * (len(text) - 1))]
    typed = [name for character in text for name in shown(messages([character]))]
    assert shown(messages(["\x1b", *text], slowly)) == ["escape", *typed]
    assert shown(messages(["\x1b", *text, "q"], [*slowly, 5.0])) == ["escape", *typed, "q"]


@pytest.mark.parametrize("text", ["[j", "]j", "Pj", "[1", "[]", "xj"])
def test_keys_typed_quickly_after_esc_are_typed(text: str) -> None:
    typed = [name for character in text for name in shown(messages([character]))]
    assert shown(messages(["\x1b", *text], [0.3, 0.06])) == ["escape", *typed]


def test_a_bracket_after_esc_is_held_for_one_escape_delay_and_only_the_first() -> None:
    replies = ReplyFilter(0.1)
    replies.feed("\x1b", 0.0)
    replies.tick(0.1)
    assert replies.feed("[", 9.0) == []
    assert replies.tick(9.1) == ["["]
    assert replies.feed("[", 9.3) == ["["]


def test_alt_and_a_key_that_may_begin_a_reply_are_alt_and_that_key() -> None:
    assert shown(messages(["\x1b]"])) == ["alt+right_square_bracket"]
    assert shown(messages(["\x1b["])) == ["alt+left_square_bracket"]
    assert shown(messages(["\x1bP"])) == ["alt+shift+p"]
    assert shown(messages(["\x1bX", "j"], [0.2])) == ["alt+shift+x", "j"]
    assert shown(messages(["\x1bO", "j"], [0.2])) == ["alt+shift+o", "j"]
    assert shown(messages(["\x1b]\r"])) == ["alt+right_square_bracket", "enter"]
    assert shown(messages(["\x1b[\r"])) == ["alt+left_square_bracket", "enter"]


@given(st.text(st.characters(codec="utf-8", exclude_characters=NOT_TYPED), max_size=50))
def test_typed_text_passes_as_it_is(text: str) -> None:
    assert "".join(ReplyFilter().feed(text, 0.0)) == text


# ------------------------------------------------------------------------ mouse, focus, size, modes


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ("\x1b[<0;10;5M", events.MouseDown),
        ("\x1b[<0;10;5m", events.MouseUp),
        ("\x1b[<35;10;5M", events.MouseMove),
        ("\x1b[<65;1200;800M", events.MouseScrollDown),
        ("\x1b[I", events.AppFocus),
        ("\x1b[O", events.AppBlur),
        ("\x1b[48;40;120;800;1200t", events.Resize),
        ("\x1b[48;40:1;120:1;800;1200t", events.Resize),
        ("\x1b[48;0;0;0;0t", events.Resize),  # an invalid size: the driver knows a better one
        ("\x1b[48;99999;99999;1;1t", events.Resize),
        ("\x1b[?2026;2$y", textual_messages.TerminalSupportsSynchronizedOutput),
        ("\x1b[?2048;2$y", textual_messages.InBandWindowResize),
    ],
)
def test_replies_that_textual_requested_arrive_whole_and_cut(sequence: str, message: type) -> None:
    assert [type(received) for received in messages([sequence])] == [message]
    for at in range(1, len(sequence)):
        assert [
            type(received) for received in messages([sequence[:at], sequence[at:]], [SHORT_S])
        ] == [message]
    for at in range(3, len(sequence)):
        assert [
            type(received) for received in messages([sequence[:at], sequence[at:]], [600.0])
        ] == [message]


def test_focus_cut_behind_its_esc_types_nothing() -> None:
    for sequence in ("\x1b[I", "\x1b[O"):
        assert set(shown(messages([sequence[:1], sequence[1:]], [1.0]))) <= {
            "escape",
            "AppFocus{}",
            "AppBlur{}",
        }
        assert set(shown(messages([sequence[:2], sequence[2:]], [1.0]))) <= {
            "alt+left_square_bracket",
            "AppFocus{}",
            "AppBlur{}",
        }


def test_a_size_without_pixels_does_not_move_the_mouse() -> None:
    received = messages(["\x1b[48;40;120;0;0t", "\x1b[<0;10;5M"], [0.0])
    assert [type(message) for message in received] == [events.Resize, events.MouseDown]
    mouse = received[1]
    assert isinstance(mouse, events.MouseDown)
    assert (mouse.x, mouse.y) == (9, 4)


def test_after_a_sequence_on_which_textual_fails_the_mouse_is_still_read_in_pixels() -> None:
    parser = UnitParser(ignore)
    parser.messages("\x1b[48;40;120;800;1200t")
    assert parser.messages("\x1b[106;1:3u") == []  # the filter lets none of these through
    mouse = parser.messages("\x1b[<0;101;41M")[0]
    assert isinstance(mouse, events.MouseDown)
    assert (mouse.x, mouse.y) == (10, 2)


@pytest.mark.parametrize(
    "unit", ["\x1b[106;1:3u", "\x1b[1;1:3A", "\x1b[99999999u", "\x1b[1;9999999999;1114112u"]
)
def test_the_parser_goes_on_after_any_exception(unit: str) -> None:
    failures: list[Exception] = []
    parser = UnitParser(failures.append)
    assert parser.messages(unit) == []
    assert len(failures) == 1
    assert shown(parser.messages("q")) == ["q"]
    assert len(failures) == 1


def test_an_error_is_reported_once_for_each_type_and_line_up_to_a_limit() -> None:
    reported: list[Exception] = []
    once = ErrorNotices(reported.append)
    for kind in (ValueError, ValueError, TypeError, ValueError):
        try:
            raise kind
        except (ValueError, TypeError) as error:
            once(error)
    assert [type(error) for error in reported] == [ValueError, TypeError]
    for number in range(100):
        once(type(f"Kind{number}Error", (Exception,), {})())
    assert len(reported) == MOST_KINDS


# -------------------------------------------------------------------------------------------- paste


@pytest.mark.parametrize("reads", [1000, 7, 3], ids=["whole", "sevens", "threes"])
def test_a_paste_is_one_event_whatever_its_content(reads: int) -> None:
    text = "q?\x1b[31mred\x1b[0m\x03\x1b]11;?\x07\x1b[Aend\nnext"
    sequence = f"\x1b[200~{text}\x1b[201~q"
    parts = pieces(sequence, list(range(reads, len(sequence), reads)))
    received = messages(parts, [1.0] * (len(parts) - 1))
    assert [type(message) for message in received] == [events.Paste, events.Key]
    paste = received[0]
    assert isinstance(paste, events.Paste)
    assert paste.text == "q?[31mred[0m]11;?[Aend\nnext"


def test_a_paste_is_cut_at_a_length_and_nothing_of_the_rest_acts() -> None:
    received = messages(["\x1b[200~", *["q" * 4096] * 50, "\x1b[201~"], [0.0] * 51)
    assert [type(message) for message in received] == [events.Paste]
    paste = received[0]
    assert isinstance(paste, events.Paste)
    assert len(paste.text) == LONGEST_PASTE


def test_a_paste_without_an_end_ends_with_the_first_key_after_a_long_pause() -> None:
    received = messages(["\x1b[200~some", " text", "q"], [3.0, 3.0])
    assert shown(received) == ["Paste{'text': 'some text'}", "q"]
    assert shown(messages(["\x1b[200~some", "q", "\x1b[201~"], [0.5, 0.5])) == [
        "Paste{'text': 'someq'}"
    ]


# ----------------------------------------------------------------------------------- without an end


@pytest.mark.parametrize("start", ["\x1b]11;rgb:", "\x1bP>|X", "\x1b_Gi=1", "\x1bXs", "\x1b^p"])
def test_a_string_without_an_end_ends_with_esc_a_control_character_or_a_key_after_a_pause(
    start: str,
) -> None:
    assert shown(messages([start, "q"], [0.5])) == []
    assert shown(messages([start, "q"], [3.0])) == ["q"]
    assert shown(messages([start, "\x03"], [0.5])) == ["ctrl+c"]
    assert shown(messages([start, "\x1b[A"], [0.5])) == ["up"]
    assert shown(messages([start, "\x1b", "q"], [0.5, 0.5])) == ["q"]
    assert shown(messages([f"{start}\x1b[?62;4cq"])) == ["q"]


def test_a_control_sequence_without_an_end_swallows_one_key_and_no_control_character() -> None:
    assert shown(messages(["\x1b[62;4", "q", "q"], [9.0, 9.0])) == ["q"]
    assert shown(messages(["\x1b[62;4", "\x03"], [9.0])) == ["ctrl+c"]
    assert shown(messages(["\x1b[62;4", "\x1b[B"], [9.0])) == ["down"]


@pytest.mark.parametrize("start", ["\x1b]11;", "\x1b["])
def test_an_unterminated_sequence_is_not_a_reply(start: str) -> None:
    reads = [start + "9" * 3000, "9" * LONGEST_REPLY, "9", "q"]
    assert shown(messages(reads, [SHORT_S, SHORT_S, 0.2])) == ["q"]


def test_a_control_sequence_of_endless_parameters_types_nothing_and_the_next_key_is_read() -> None:
    reads = [
        "a\x1b[" + "9;" * 500,
        "9;" * 500,
        "9;" * 500 + "mb",
        "\x1b[<35;10;10M",
        "\x1b[1;5C",
        "q",
    ]
    acted = shown(messages(reads, [0.0] * 5))
    assert [name for name in acted if not name.startswith("MouseMove")] == [
        "a",
        "b",
        "ctrl+right",
        "q",
    ]


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.text(max_size=30),
                st.text("\x1b[]P_^XO?;:<>019MmuRcIt~\\\x07\x9b\x9d\x00\ufffd", max_size=30),
                st.sampled_from((*ALL_REPLIES, "\x1b[200~", "\x1b[201~", "9" * 5000)),
            ),
            st.sampled_from(PAUSES_S),
        ),
        max_size=12,
    )
)
def test_any_input_raises_nothing_and_memory_is_bounded(
    reads: list[tuple[str, float]],
) -> None:
    replies, parser = ReplyFilter(), UnitParser(ignore)
    now = 0.0
    for text, pause in reads:
        for unit in replies.feed(text, now):
            parser.messages(unit)
        now += pause
        while (deadline := replies.deadline) is not None and deadline <= now:
            for unit in replies.tick(deadline):
                parser.messages(unit)
        kept = [value for value in vars(replies).values() if isinstance(value, str | list)]
        assert sum(map(len, kept)) <= LONGEST_PASTE + 512
    # After a pause the keyboard works, at the latest with the fourth key: a mouse report of
    # the old form takes three.
    acted: list[str] = []
    for key in "qqqq":
        now += 3.0
        acted += shown(
            message for unit in replies.feed(key, now) for message in parser.messages(unit)
        )
    assert "q" in acted


def test_a_long_reply_in_many_short_pieces_waits_for_its_end() -> None:
    for start, end in (("\x1b[", "m"), ("\x1b]52;c;", "\x07")):
        reads = [start + "9;", *["9;"] * 2000, f"{end}k"]
        assert shown(messages(reads, [0.5] * 2001)) == ["k"]


def test_a_flood_never_grows_the_buffer() -> None:
    for start in ("\x1b[", "\x1b[[", "\x1bO", "\x1b]1", "\x1bP1", "\x1b_", "\x1b[200~", "\x1b[M"):
        replies = ReplyFilter()
        replies.feed(start, 0.0)
        for _ in range(50):
            replies.feed("0" * LONGEST_REPLY, 0.0)
        assert (
            sum(len(value) for value in vars(replies).values() if isinstance(value, str))
            <= LONGEST_PASTE + 512
        )
