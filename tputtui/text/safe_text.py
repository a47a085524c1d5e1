"""Foreign text made safe for a terminal: cleaned, measured in cells, cut and padded to fit.

Every string from outside passes `clean` before it reaches a terminal. Outside are label values,
names, error texts, command lines, frames and file names.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from tputtui.text.redaction import hide

# Combining marks kept per character: real scripts need two or three, zalgo text has dozens
MAX_MARKS_PER_CELL: Final = 4
ELLIPSIS: Final = "…"
MARK_CATEGORIES: Final = frozenset(("Mn", "Me", "Mc"))
"""Unicode categories of combining marks, which take no cell of their own."""

# Hangul fillers: classified as letters, displayed as nothing
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
_REPLACED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def clean(text: str, limit: int = 4096) -> str:
    """Make foreign text safe to draw: no control, format, bidi or surrogate character survives.

    C0 controls become their visible pictures (ESC is ␛), the others U+FFFD; combining marks are
    capped; more than `limit` characters are cut with a mark. One line, idempotent under `clean`,
    with the secrets of `redaction` as ***.
    """
    if len(text := hide(text)) > limit:
        text = text[: limit - 1] + ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    return _clean(text)


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in MARK_CATEGORIES or char in _FILLERS:
            marks += 1
            if marks <= MAX_MARKS_PER_CELL and out and char not in _FILLERS:
                out.append(char)
            continue
        marks = 0
        if category not in _REPLACED:
            out.append(" " if category == "Zs" else char)
        elif char < " ":
            out.append(chr(0x2400 + ord(char)))
        elif char == "\x7f":
            out.append("␡")
        else:
            out.append("\ufffd")
    return "".join(out)


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """Return the number of terminal cells that cleaned text occupies."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


@lru_cache(maxsize=8192)
def _char_width(char: str) -> int:
    if unicodedata.category(char) in MARK_CATEGORIES:
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def truncate(text: str, cells: int) -> str:
    """Shorten cleaned text to at most `cells`, with a mark where characters were removed."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    if text.isascii():
        return text[: cells - 1] + ELLIPSIS
    out: list[str] = []
    used = 0
    for char in text:
        used += _char_width(char)
        if used > cells - 1:
            break
        out.append(char)
    return "".join(out) + ELLIPSIS


def truncate_left(text: str, cells: int) -> str:
    """Like `truncate`, but keep the end: for paths."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    out: list[str] = []
    used = 0
    for char in reversed(text):
        used += _char_width(char)
        if used > cells - 1:
            break
        out.append(char)
    return ELLIPSIS + "".join(reversed(out))


def align_left(text: str, cells: int) -> str:
    """Cut or pad on the right to exactly `cells`."""
    text = truncate(text, cells)
    return text + " " * (cells - width(text))


def align_right(text: str, cells: int) -> str:
    """Cut or pad on the left to exactly `cells`."""
    text = truncate(text, cells)
    return " " * (cells - width(text)) + text


_ASCII_EQUIVALENTS = str.maketrans(
    {
        "…": "~",
        "–": "-",
        "—": "-",
        "·": ".",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "±": "+",
        "▲": "^",
        "▼": "v",
        "▸": ">",
        "▾": "v",
        "▶": ">",
        "●": "*",
        "○": "o",
        "◐": "?",
        "─": "-",
        "━": "=",
        "│": "|",
        "┃": "|",
        "▁": "_",
        "▂": ".",
        "▃": "-",
        "▄": "=",
        "▅": "+",
        "▆": "*",
        "▇": "%",
        "█": "#",
        "▏": "|",
        "▎": "|",
        "▍": "|",
        "▌": "#",
        "▋": "#",
        "▊": "#",
        "▉": "#",
        "■": "#",
        "░": ":",
        "▒": "%",
        "▓": "*",
        "•": "*",
        "┤": "|",
        "┼": "+",
        "┐": "+",
        "┘": "+",
        "└": "+",
        "┌": "+",
        "┬": "+",
        "┴": "+",
        "├": "|",
        "›": ">",
        "→": ">",
        "Δ": "d",
        "µ": "u",
        "␛": "?",
    }
)


def to_ascii(text: str) -> str:
    """Convert text to ASCII, cell for cell, for terminals that cannot show more."""
    if text.isascii():
        return text
    text = text.translate(_ASCII_EQUIVALENTS)
    return "".join(char if char < "\x7f" else "?" * _char_width(char) for char in text)
