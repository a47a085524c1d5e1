"""The diff writer brings the terminal to the content of the update, with fewer bytes."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from tputtui.tui.terminal.diff_writer import DiffWriter

WIDTH, HEIGHT = 24, 3
STYLES = [
    Style.parse("#ffffff on #000000"),
    Style.parse("bold #ff0000 on #000000"),
    Style.parse("#00ff00 on #222222"),
    Style.parse("reverse cyan"),
    Style.parse("dim default on default"),
]


def line(runs: list[tuple[str, int]]) -> Strip:
    """Return a line of exactly WIDTH cells."""
    text = [Segment(word, STYLES[style]) for word, style in runs if word]
    return Strip(text).adjust_cell_length(WIDTH, STYLES[0])


def update(rows: dict[int, Strip], span: tuple[int, int]) -> ChopsUpdate:
    chops = [{0: rows.get(y)} for y in range(HEIGHT)]
    spans = [(y, *span) for y in sorted(rows)]
    return ChopsUpdate(chops, spans, [[WIDTH]] * HEIGHT)


def send(writer: DiffWriter, update: ChopsUpdate, system: ColorSystem) -> str:
    """Return the text of an update that reaches the terminal."""
    frame = writer.frame(update, system)
    writer.sent(frame)
    return frame.text


def screen_of(strips: list[Strip]) -> list[str]:
    return [strip.text for strip in strips]


def shown(screen: pyte.Screen) -> list[str]:
    return [row.rstrip() for row in screen.display]


words = st.lists(
    st.tuples(st.text(alphabet="abc ▁█·漢é", max_size=8), st.integers(0, len(STYLES) - 1)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(frames=st.lists(st.lists(words, min_size=HEIGHT, max_size=HEIGHT), min_size=1, max_size=5))
def test_the_terminal_shows_the_content_of_the_updates(
    frames: list[list[list[tuple[str, int]]]],
) -> None:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    writer = DiffWriter()
    for frame in frames:
        strips = [line(row) for row in frame]
        stream.feed(
            send(writer, update(dict(enumerate(strips)), (0, WIDTH)), ColorSystem.TRUECOLOR)
        )
        assert shown(screen) == [text.rstrip() for text in screen_of(strips)]


@settings(max_examples=60, deadline=None)
@given(before=words, after=words, start=st.integers(0, WIDTH - 2), length=st.integers(1, WIDTH))
def test_cells_outside_of_a_span_are_not_touched(
    before: list[tuple[str, int]], after: list[tuple[str, int]], start: int, length: int
) -> None:
    ascii_before = [(word.encode("ascii", "replace").decode(), style) for word, style in before]
    ascii_after = [(word.encode("ascii", "replace").decode(), style) for word, style in after]
    old, new = line(ascii_before), line(ascii_after)
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    writer = DiffWriter()
    stream.feed(send(writer, update({0: old}, (0, WIDTH)), ColorSystem.EIGHT_BIT))
    end = min(WIDTH, start + length)
    stream.feed(send(writer, update({0: new}, (start, end)), ColorSystem.EIGHT_BIT))
    expected = old.text[:start] + new.text[start:end] + old.text[end:]
    assert shown(screen)[0] == expected.rstrip()


def test_unchanged_cells_are_not_sent_again() -> None:
    writer = DiffWriter()
    strip = line([("1,284 req/s", 0), ("  p99", 1)])
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR) == ""


def test_one_changed_digit_is_one_short_run() -> None:
    writer = DiffWriter()
    send(writer, update({0: line([("1,284 req/s", 0)])}, (0, WIDTH)), ColorSystem.EIGHT_BIT)
    sent = send(writer, update({0: line([("1,285 req/s", 0)])}, (0, WIDTH)), ColorSystem.EIGHT_BIT)
    assert sent.startswith("\x1b[1;5H")
    assert "5\x1b[0m" in sent
    assert len(sent) < 40


def test_after_a_full_drawing_everything_is_sent() -> None:
    writer = DiffWriter()
    strip = line([("abc", 0)])
    first = send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    writer.invalidate()
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR) == first


def test_a_frame_that_was_not_sent_does_not_count_as_shown() -> None:
    writer = DiffWriter()
    strip = line([("abc", 0)])
    first = writer.frame(update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR) == first.text


def test_a_frame_made_before_the_screen_was_cleared_does_not_count_as_shown() -> None:
    writer = DiffWriter()
    send(writer, update({0: line([("abc", 0)])}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    partial = writer.frame(update({0: line([("abd", 0)])}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    writer.invalidate()  # a suspension, between making the frame and writing it
    writer.sent(partial)
    assert "ab" in send(writer, update({0: line([("abd", 0)])}, (0, WIDTH)), ColorSystem.TRUECOLOR)


def test_a_frame_of_another_size_is_sent_in_full() -> None:
    writer = DiffWriter()
    strip = line([("abc", 0)])
    writer.fit((WIDTH, HEIGHT))
    first = send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR)
    writer.fit((WIDTH, HEIGHT))
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR) == ""
    writer.fit((WIDTH, HEIGHT - 1))
    assert send(writer, update({0: strip}, (0, WIDTH)), ColorSystem.TRUECOLOR) == first
