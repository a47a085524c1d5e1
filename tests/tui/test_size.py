"""Size of the terminal: one source, and a layout that follows it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import Any

import pytest
from fake_source import create_app
from textual import events
from textual.geometry import Size
from textual.screen import Screen

from tputtui.tui.terminal.base_driver import MAX_COLUMNS, MAX_ROWS, TerminalSize
from tputtui.tui.terminal.driver import TerminalParser


@pytest.fixture
def terminal() -> Iterator[int]:
    """Create a pseudo-terminal whose size was never set."""
    ours, theirs = pty.openpty()
    yield theirs
    os.close(theirs)
    os.close(ours)


def set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_without_any_known_size_it_is_80x24(terminal: int) -> None:
    assert TerminalSize((terminal,), {}).query() == (80, 24)


def test_a_file_that_is_not_a_terminal_is_ignored(terminal: int) -> None:
    set_size(terminal, 101, 33)
    with open(os.devnull) as nothing:
        assert TerminalSize((nothing.fileno(),), {}).query() == (80, 24)
        assert TerminalSize((nothing.fileno(), terminal), {}).query() == (101, 33)


def test_a_zero_keeps_the_last_size_of_that_dimension(terminal: int) -> None:
    size = TerminalSize((terminal,), {"COLUMNS": "70"})
    assert size.query() == (70, 24)
    set_size(terminal, 120, 40)
    assert size.query() == (120, 40)
    set_size(terminal, 0, 0)
    assert size.query() == (120, 40)
    assert size.update(0, 50) == (120, 50)
    assert size.update(90, 0) == (90, 50)


@pytest.mark.parametrize("text", ["", "0", "-1", "80.5", "8e1", "٣٠", "9" * 4000, "32767", "wide"])
def test_an_invalid_size_in_the_environment_is_ignored(text: str) -> None:
    assert TerminalSize((), {"COLUMNS": text, "LINES": text}).query() == (80, 24)


@pytest.mark.parametrize("text", ["132", " 132 ", "0132"])
def test_a_number_in_the_environment_is_used(text: str) -> None:
    assert TerminalSize((), {"COLUMNS": text, "LINES": "50"}).query() == (132, 50)


def test_a_size_is_bounded_and_minus_one_is_not_a_size() -> None:
    size = TerminalSize((), {})
    assert size.update(5000, 3000) == (MAX_COLUMNS, MAX_ROWS)
    assert size.update(1, 1) == (1, 1)
    assert size.update(65535, 65535) == (1, 1)
    assert size.update(10**9, -1) == (1, 1)


@pytest.mark.parametrize("key", [None, "question_mark", "T", "i", "colon"])
async def test_an_outdated_resize_causes_no_layout(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[Size] = []
    refresh = Screen._refresh_layout

    def noted(self: Screen[Any], size: Size | None = None, scroll: bool = False) -> None:
        laid_out.append(self.outer_size if size is None else size)
        if len(laid_out) < 100:  # enough to see that it never ends
            refresh(self, size, scroll)

    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        if key is not None:
            await pilot.press(key)
        await pilot.pause()
        monkeypatch.setattr(Screen, "_refresh_layout", noted)
        for rows in (
            41,
            40,
            41,
            40,
        ):  # with another message between any two, they are not merged
            app.screen.post_message(events.Resize(Size(120, rows), Size(120, rows)))
            app.screen.call_later(lambda: None)
        await pilot.pause()
        await pilot.pause()
        assert set(laid_out) == {Size(120, 40)}


def mouse(report: str) -> list[tuple[int, int]]:
    """Return the cells of a click at (30, 6), after a report of the terminal's size."""
    messages = list(TerminalParser().feed(f"{report}\x1b[<0;30;6M"))
    return [(message.x, message.y) for message in messages if isinstance(message, events.MouseDown)]


@pytest.mark.parametrize(
    "report", ["", "\x1b[48;0;0;0;0t", "\x1b[48;24;80;0;0t", "\x1b[48;0;0;480;800t"]
)
def test_without_a_size_in_pixels_a_mouse_position_is_in_cells(report: str) -> None:
    assert mouse(report) == [(29, 5)]


def test_with_a_size_in_pixels_a_mouse_position_is_in_pixels() -> None:
    assert mouse("\x1b[48;24;80;480;800t") == [(2, 0)]
