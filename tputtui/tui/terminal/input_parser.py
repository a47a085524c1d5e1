"""Textual's parser of key and mouse sequences, safe with a terminal that does not know its size."""

from __future__ import annotations

from textual._xterm_parser import XTermParser
from textual.message import Message


class TerminalParser(XTermParser):
    """Parser that reads mouse positions as cells if the size in pixels is unknown."""

    def parse_mouse_code(self, code: str) -> Message | None:
        """Parse a mouse event. Textual divides by both sizes, and an in-band report may say 0."""
        if not _known(self.terminal_size) or not _known(self.terminal_pixel_size):
            self.terminal_size = self.terminal_pixel_size = None
        return super().parse_mouse_code(code)


def _known(size: tuple[int, int] | None) -> bool:
    return size is not None and all(side > 0 for side in size)
