"""Names of keys: Textual's, and as a person writes them."""

from __future__ import annotations

import unicodedata

_KEY_LABELS = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "backspace": "Backspace",
    "ctrl+p": "^P",
    "ctrl+c": "^C",
    "ctrl+z": "^Z",
    "f1": "F1",
    "end": "End",
    "space": "space",
    "comma": ",",
}


_TEXTUAL_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Where Textual calls a character otherwise than Unicode does."""


def key_name(key: str) -> str:
    """Textual's name of a key as somebody writes it: "?" is "question_mark"."""
    key = key.strip()
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, "").lower().replace("-", "_").replace(" ", "_")
    return _TEXTUAL_NAMES.get(name, name)


_CHARACTERS = {key_name(chr(code)): chr(code) for code in range(0x21, 0x7F)}


def key_label(key: str) -> str:
    """How Textual's name of a key is written for a person: "question_mark" is "?"."""
    key = key.strip()
    return _KEY_LABELS.get(key) or _CHARACTERS.get(key, key)
