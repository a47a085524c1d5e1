"""Gate for foreign text: every string from outside passes `clean` before it reaches a terminal.

Outside are label values, names, error texts, command lines, frames and file names.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from tputtui.text.learned_secrets import hide

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
