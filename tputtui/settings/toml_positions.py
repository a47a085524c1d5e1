"""Lines of the keys and tables of a config file: tomllib keeps no positions."""

from __future__ import annotations

import re

from tputtui.text import clean

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")

KeyPath = tuple[str | int, ...]
"""Path of a value: ("targets", 0, "url")."""


def _split_key(name: str) -> list[str]:
    return [part.strip("\"'") for part in _KEY_PART.findall(name)]


def locate_keys(text: str) -> dict[KeyPath, int]:
    """Find the line of each key and table by scanning the lines.

    Keys within inline tables and multi-line values are not found.
    """
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = ()
            parts = _split_key(header[2])
            for position, part in enumerate(parts):
                table = (*table, part)
                is_new = header[1] == "[[" and position == len(parts) - 1
                if is_new:
                    counts[table] = counts.get(table, -1) + 1
                    lines.setdefault(table, number)
                if table in counts:
                    table = (*table, counts[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in _split_key(key[1]):
                path = (*path, part)
                lines.setdefault(path, number)
    return lines


def format_key(path: KeyPath) -> str:
    """Format a path for a person: targets[1].url."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part + 1}]"  # a person counts targets from 1
        else:
            out += f".{part}" if out else part
    return clean(out, 200)
