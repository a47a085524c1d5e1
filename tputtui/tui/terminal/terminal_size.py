"""The size of the terminal: one answer for the driver, Textual, Rich and the diff writer.

A terminal may report 0x0: a container's pseudo-terminal before its client resizes it, a serial
line, `script`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

DEFAULT_COLUMNS: Final = 80
DEFAULT_ROWS: Final = 24
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
        self._columns = _bounded(_number(environ.get("COLUMNS")), MAX_COLUMNS) or DEFAULT_COLUMNS
        self._rows = _bounded(_number(environ.get("LINES")), MAX_ROWS) or DEFAULT_ROWS

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
        """Take over a report, and return (columns, rows): a zero leaves what was known before."""
        self._columns = _bounded(columns, MAX_COLUMNS) or self._columns
        self._rows = _bounded(rows, MAX_ROWS) or self._rows
        return self._columns, self._rows


def _number(text: str | None) -> int:
    """Parse a decimal number; 0 where there is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0


def _bounded(reported: int, most: int) -> int:
    """Limit a reported dimension to `most`; 0 where it is no size."""
    return min(reported, most) if 0 < reported < _UNSET else 0
