"""Output side of the terminal driver: the terminal's size, and the modes that are set and reset.

The driver, Textual, Rich and the diff writer get the same size. A terminal may report 0x0: a
container's pseudo-terminal before its client resizes it, a serial line, `script`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from textual import events
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message


_DEFAULT_COLUMNS: Final = 80
_DEFAULT_ROWS: Final = 24
# Upper bounds of a picture, in cells: an unset size can also read as 65535, and every cell costs
# memory and time.
MAX_COLUMNS: Final = 1000
MAX_ROWS: Final = 500
_UNSET: Final = 0x7FFF  # from here on it is -1 in a field of 16 bits, not a size


class TerminalSize:
    """Columns and rows of a terminal, each as it was last reported.

    A dimension that was never reported comes from COLUMNS or LINES, else from 80x24.

    Args:
        descriptors: Open files to query, the one that is drawn on first.
        environ: Where COLUMNS and LINES are looked up.

    """

    def __init__(
        self, descriptors: Sequence[int], environ: Mapping[str, str] | None = None
    ) -> None:
        self._descriptors = descriptors
        environ = os.environ if environ is None else environ
        self._columns = _bounded(_number(environ.get("COLUMNS")), MAX_COLUMNS) or _DEFAULT_COLUMNS
        self._rows = _bounded(_number(environ.get("LINES")), MAX_ROWS) or _DEFAULT_ROWS

    def query(self) -> tuple[int, int]:
        """Ask the kernel, and return (columns, rows)."""
        for descriptor in self._descriptors:
            try:
                reported = os.get_terminal_size(descriptor)
            except OSError:  # not a terminal
                continue
            if reported.columns or reported.lines:
                return self.update(reported.columns, reported.lines)
        return self._columns, self._rows

    def update(self, columns: int, rows: int) -> tuple[int, int]:
        """Store a report and return (columns, rows); a zero keeps the value before."""
        self._columns = _bounded(columns, MAX_COLUMNS) or self._columns
        self._rows = _bounded(rows, MAX_ROWS) or self._rows
        return self._columns, self._rows


def _number(text: str | None) -> int:
    """Parse a decimal number; 0 without one."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0


def _bounded(reported: int, most: int) -> int:
    """Limit a reported dimension to `most`; 0 if it is no size."""
    return min(reported, most) if 0 < reported < _UNSET else 0


# What Textual sets and does not reset, or resets before a late reply of the terminal sets it again:
# in-band resize reports, synchronized output, focus reports, bracketed paste.
_MODES = (2048, 2026, 1004, 2004)
_MOUSE_MODES = (1016, 1015, 1006, 1003, 1002, 1000)
_POINTER_SHAPE = "\x1b]22;"
_DEFAULT_POINTER = "\x1b]22;default\x07"


class BaseDriver(LinuxDriver):
    """Textual's driver with one size for all, and every mode reset at the end."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        descriptors = (sys.__stderr__.fileno(), self.fileno)  # type: ignore[union-attr]
        self._terminal = TerminalSize(descriptors)
        self._active = False  # the terminal is ours
        self._suspended = False  # it was given back until SIGCONT
        self._pointer = _DEFAULT_POINTER
        # Before the app starts: Textual and Rich would each answer for themselves, 80x24 and 80x25
        # for 0x0.
        self._share(size or self._terminal.query())

    # ----------------------------------------------------------------------------------------- size

    def _share(self, size: tuple[int, int]) -> None:
        self._size = size
        self._app.console.size = size

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return (columns, rows); called at the start, after a suspension and for SIGWINCH."""
        size = self._terminal.query()
        self._share(size)
        return size

    def process_message(self, message: Message) -> None:
        """Pass an input event on to the app, with a reported size limited to what can be drawn."""
        if isinstance(message, events.Resize):
            reported = message.size
            if not reported:
                self._in_band_window_resize = False  # unreliable: SIGWINCH counts from now on
            size = self._terminal.update(reported.width, reported.height)
            self._share(size)
            self._follow_pixels(bool(message.pixel_size))
            message = events.Resize.from_dimensions(size, message.pixel_size)
        super().process_message(message)

    def _follow_pixels(self, known: bool) -> None:
        """Have the mouse reported in cells where the size in pixels is unknown."""
        if known and not self._mouse_pixels:
            self._enable_mouse_pixels()
        elif self._mouse_pixels and not known:
            self.write("\x1b[?1016l")
            self._mouse_pixels = False

    # -------------------------------------------------------------------------------- start and end

    def start_application_mode(self) -> None:
        """Take the terminal, at the start and after a suspension, when it shows no frame."""
        forget = getattr(self._app, "forget_screen", None)
        if forget is not None:
            forget()
        writer = self._writer_thread
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # In the background Textual starts nothing: it stops the process again.
        self._active = self._writer_thread is not writer
        self._suspended = self._suspended and not self._active

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self._active = False
        super().stop_application_mode()
        # Last, when the input thread has ended: a late reply of the terminal would set some of them
        # again.
        modes = (*_MODES, *_MOUSE_MODES) if self._mouse else _MODES
        self.write("".join(f"\x1b[?{mode}l" for mode in modes))
        if self._pointer != _DEFAULT_POINTER:
            self.write(_DEFAULT_POINTER)

    def suspend_application_mode(self) -> None:
        """Give the terminal back until SIGCONT."""
        self._suspended = True
        super().suspend_application_mode()

    def write(self, data: str) -> None:
        """Write to the terminal."""
        if data.startswith(_POINTER_SHAPE):
            self._pointer = data
        super().write(data)

    def _sigcont_application(self, *_: object) -> None:
        """Handle SIGCONT.

        It also comes after SIGSTOP, which no handler sees, and to a process that never stopped.
        Textual would then start a second reader, and take the raw mode for the one to restore at
        the end.
        """
        if self._active:
            # From the loop: this signal may have interrupted a write, whose lock is held.
            self._loop.call_soon_threadsafe(self._take_again)
        elif self._suspended:
            super()._sigcont_application()

    def _take_again(self) -> None:
        """Set all modes again: another program may have changed them meanwhile."""
        if not self._active or not self._auto_restart:
            return
        if not self._in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)  # as Textual does: until it may draw again
            return
        self.suspend_application_mode()
        self.resume_application_mode()

    def _in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True
