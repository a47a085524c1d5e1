"""Textual's terminal driver with an input thread that no input can end or steer.

Textual's own reader ends at one byte that is not UTF-8, uses 100 % of a core once the terminal is
gone, and takes a late reply for typed keys (`reply_filter`). Errors that the program survives are
reported once for each kind.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import time
import traceback
from collections.abc import Callable
from functools import cached_property

from textual import constants
from textual._xterm_parser import XTermParser
from textual.message import Message

from tputtui.tui.terminal.base_driver import BaseDriver
from tputtui.tui.terminal.reply_filter import ReplyFilter
from tputtui.tui.terminal.tty_watchdog import EXIT_CODES, SIGHUP


class TerminalParser(XTermParser):
    """Parser that reads mouse positions as cells if the size in pixels is unknown."""

    def parse_mouse_code(self, code: str) -> Message | None:
        """Parse a mouse event. Textual divides by both sizes, and an in-band report may say 0."""
        if not _known(self.terminal_size) or not _known(self.terminal_pixel_size):
            self.terminal_size = self.terminal_pixel_size = None
        return super().parse_mouse_code(code)


def _known(size: tuple[int, int] | None) -> bool:
    return size is not None and all(side > 0 for side in size)


MOST_KINDS = 20


class ErrorNotices:
    """Report of errors: only the first of each type and line of code."""

    def __init__(self, report: Callable[[Exception], None]) -> None:
        self._report = report
        self._kinds: set[tuple[str, str, int | None]] = set()

    def __call__(self, error: Exception) -> None:
        """Report an error of a new kind."""
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = (last[0].filename, last[0].lineno) if last else ("", None)
        kind = (type(error).__name__, *place)
        if kind not in self._kinds and len(self._kinds) < MOST_KINDS:
            self._kinds.add(kind)
            self._report(error)


_POLL_S = 0.1
_READ_BYTES = 4096
_ERRORS = "tputtui-terminal"  # error handler for bytes that are not UTF-8


def _eight_bit(error: UnicodeError) -> tuple[str, int]:
    """Return an eight-bit control character, sent without UTF-8, else the replacement character."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]  # several bytes: an incomplete character
    control = len(bad) == 1 and 0x80 <= bad[0] < 0xA0
    return (chr(bad[0]) if control else "\ufffd"), error.end


codecs.register_error(_ERRORS, _eight_bit)


def decoder() -> codecs.IncrementalDecoder:
    """Return an incremental decoder of the terminal's bytes.

    A raw byte 0x9b becomes the character that `ReplyFilter` knows.
    """
    return codecs.getincrementaldecoder("utf-8")(errors=_ERRORS)


class TerminalDriver(BaseDriver):
    """Textual's driver with a reader of our own."""

    def _run_input_thread(self) -> None:
        """End the screen with an error of the reader, like any error of the program.

        Textual's way prints a traceback with the values of variables and ends with 0.
        """
        try:
            self.run_input_thread()
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Read until `exit_event` is set or the terminal is gone."""
        decode = decoder().decode
        replies = ReplyFilter(constants.ESCAPE_DELAY, kitty=not constants.DISABLE_KITTY_KEY)
        parser = UnitParser(self._failed, debug=self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_select_timeout_s(replies.deadline)):
                    data = self._read()
                    if not data:
                        self._app.call_later(self._app.exit, EXIT_CODES[SIGHUP], EXIT_CODES[SIGHUP])
                        return
                    units = replies.feed(decode(data), time.monotonic())
                else:  # nothing to read: the held input may be a key by itself
                    units = replies.tick(time.monotonic())
                for unit in units:
                    self._send(parser.messages(unit))

    def _read(self) -> bytes:
        """Return the bytes that can be read; none if the terminal is gone."""
        try:
            return os.read(self.fileno, _READ_BYTES)
        except OSError:
            return b""

    def _send(self, messages: list[Message]) -> None:
        for message in messages:
            try:
                self.process_message(message)
            except Exception as error:  # one message is lost
                self._failed(error)

    @cached_property
    def _failed(self) -> ErrorNotices:
        return ErrorNotices(self._tell)

    def _tell(self, error: Exception) -> None:
        """Show an error that cost a key or a report, unless the screen is about to end."""
        show = getattr(self._app, "lost_input", None)
        if show is None or self.exit_event.is_set() or self._loop.is_closed():
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            self._app.call_later(show, error)


class UnitParser:
    """Textual's parser, given one whole key or report at a time: it never waits for more."""

    def __init__(self, failed: Callable[[Exception], None], *, debug: bool = False) -> None:
        """Prepare a parser; `failed` is called with each error."""
        self._failed = failed
        self._debug = debug
        self._parser = TerminalParser(debug)

    def messages(self, unit: str) -> list[Message]:
        """Return Textual's messages for one key, report or typed text; none if it fails."""
        parser = self._parser
        try:
            messages = list(parser.feed(unit))
            if parser._timeout_time is not None:  # Esc, or Alt and a key: the filter has waited
                parser._timeout_time = 0.0
                messages.extend(parser.tick())
        except Exception as error:
            # A generator that raised has ended: the next unit needs a new one.
            self._parser = self._new_parser()
            self._failed(error)
            return []
        return messages

    def _new_parser(self) -> TerminalParser:
        """Return a new parser with the mouse and size state of the current one."""
        old, new = self._parser, TerminalParser(self._debug)
        new.mouse_pixels = old.mouse_pixels
        new.terminal_size, new.terminal_pixel_size = old.terminal_size, old.terminal_pixel_size
        new.last_x, new.last_y = old.last_x, old.last_y
        return new


def _select_timeout_s(deadline: float | None) -> float:
    """Return the seconds to wait for input before `exit_event` and held input are checked."""
    if deadline is None:
        return _POLL_S
    return min(_POLL_S, max(0.0, deadline - time.monotonic()))
