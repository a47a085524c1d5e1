"""Where things stand in a config file: tomllib keeps no positions, so its lines are looked through once more."""

from __future__ import annotations

import re

from tputtui.text import clean

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")

Path = tuple[str | int, ...]
"""Where a value stands: ("targets", 0, "url")."""


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(name)]


def locate(text: str) -> dict[Path, int]:
    """The line of each key and table, as far as one can tell without a parser of our own: tomllib keeps no positions."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            table = ()
            parts = _parts(header[2])
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
            for part in _parts(key[1]):
                path = (*path, part)
                lines.setdefault(path, number)
    return lines


def dotted(path: Path) -> str:
    """A path as a person reads it: targets[1].url."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part + 1}]"  # a person counts targets from 1
        else:
            out += f".{part}" if out else part
    return clean(out, 200)
