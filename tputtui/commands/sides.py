"""The sides of a comparison, as they are named on the command line: tables, and recorded runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tputtui.commands import plainfile
from tputtui.commands.arguments import UsageError
from tputtui.experiments.rows import Rows, RowsError, read_csv
from tputtui.text import clean

_LARGEST = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Side:
    """One arm: its rows and what is known of where they come from."""

    rows: Rows
    environment: Mapping[str, object] = field(default_factory=dict)
    absolute: bool = False  # `t` is unix time


def load(word: str) -> Side:
    """The side that `word` names. Raises UsageError with the file and what is wrong with it."""
    content = _content(word)
    if content[:2] == b"\x1f\x8b":
        raise UsageError(f"{clean(word)}: it is compressed; a side is a CSV table")
    try:
        return Side(read_csv(content.decode("utf-8-sig"), clean(word)))
    except UnicodeDecodeError:
        raise UsageError(f"{clean(word)}: it is no text: a side is a CSV table or a recorded run") from None
    except RowsError as error:
        raise UsageError(f"{clean(word)}: {error}") from None


def content_of(path: str) -> bytes:
    """A file's bytes. Raises UsageError."""
    return _content(path)


def _content(path: str) -> bytes:
    try:
        return plainfile.read(path, _LARGEST)[0]
    except plainfile.Unreadable as error:
        raise UsageError(f"{clean(path)}: {error}") from None
