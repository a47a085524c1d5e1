"""Width of cleaned text in terminal cells, and cutting and padding by it."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from tputtui.text.gate import ELLIPSIS, MARK_CATEGORIES


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
