"""What the terminal sends us, read so that nothing it may say can end or steer the program.

Textual's own reader dies at one byte that is not UTF-8, spins at 100 % of a core once the terminal is gone, and takes an
answer that nobody waits for any more (OSC, DCS) for typed keys: `rgb:` would open the palette.
"""

from __future__ import annotations

import codecs
import os
import re
import selectors

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tputtui.tui.lifeline import EXIT_CODES, SIGHUP

LONGEST_REPLY = 4096  # characters; what has no end by then was no reply
_POLL_S = 0.1
_READ_BYTES = 4096
# A reply begins with a parameter in the same breath; Alt+] and Alt+P, which begin alike, do not.
_REPLY = re.compile(r"\x1b(?:\](?=\d)|P(?=[\d>!$+|])|_|\^|X)")
_GIANT = re.compile(
    r"\x1b\[[\d;<=>?:]{64}"
)  # no key and no mouse is this long: Textual would type each character of it
_GIANT_END = re.compile(r"[@-~]")
_END = re.compile(r"\x07|\x1b\\|\x9c")


class TerminalDriver(LinuxDriver):
    """Textual's driver with a reader of our own."""

    def start_application_mode(self) -> None:
        """Take the terminal, at the start and after a suspension: it shows nothing of ours."""
        forget = getattr(self._app, "forget_screen", None)
        if forget is not None:
            forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def run_input_thread(self) -> None:
        """Read until told to stop, or until the terminal is gone."""
        # What is not UTF-8, and NUL, is no key of anybody's: a flood of either must not queue thousands of them.
        decode = codecs.getincrementaldecoder("utf-8")(errors="ignore").decode
        parser = XTermParser(self._debug)
        replies = ReplyFilter()
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        try:
            while not self.exit_event.is_set():
                if selector.select(_POLL_S):
                    try:
                        data = os.read(self.fileno, _READ_BYTES)
                    except OSError:
                        data = b""
                    if not data:
                        self._app.call_later(self._app.exit, EXIT_CODES[SIGHUP], EXIT_CODES[SIGHUP])
                        return
                    typed = replies.feed(decode(data).replace("\0", ""))
                    if typed:  # an empty text means the end to the parser
                        try:
                            for event in parser.feed(typed):
                                self.process_message(event)
                        except ParseError:
                            parser = XTermParser(self._debug)  # what made no sense is gone, the next key is read
                for event in parser.tick():
                    self.process_message(event)
        finally:
            selector.close()


class ReplyFilter:
    """Takes string replies (OSC, DCS, APC, PM, SOS) out of what was read, also where they come in pieces."""

    def __init__(self) -> None:
        self._inside = 0  # characters of a reply seen so far; 0: in none
        self._giant = False  # within a control sequence of endless parameters
        self._escape = ""  # an ESC at the end of a piece: its other half may be the reply's end

    def feed(self, text: str) -> str:
        """What is left of a piece of input."""
        kept: list[str] = []
        text = self._without_giant(text)
        text, self._escape = self._escape + text, ""
        while text:
            if self._inside:
                end = _END.search(text)
                if end is None:
                    self._inside += len(text)
                    self._escape = "\x1b" if text.endswith("\x1b") else ""
                    if self._inside > LONGEST_REPLY:
                        self._inside = 0
                    break
                text = text[end.end() :]
                self._inside = 0
                continue
            start = _REPLY.search(text)
            if start is None:
                kept.append(text)
                break
            kept.append(text[: start.start()])
            text = text[start.end() :]
            self._inside = 1
        return "".join(kept)

    def _without_giant(self, text: str) -> str:
        if not self._giant:
            start = _GIANT.search(text)
            if start is None:
                return text
            self._giant = True
            return text[: start.start()] + self._without_giant(text[start.end() :])
        end = _GIANT_END.search(text)
        if end is None:
            return ""
        self._giant = False
        return self._without_giant(text[end.end() :])
