"""What a recording takes in beside the readings: files about it, marks from a load generator."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import tomllib
from datetime import datetime
from typing import TYPE_CHECKING

from tputtui.commands import plainfile
from tputtui.commands.arguments import UsageError
from tputtui.commands.terminal import say
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.monitor import Engine

_LARGEST = 256 * 1024
_MOST_WORDS = 100
_WORD = 500
_MARK_LINE = re.compile(r"\s*(\S+)\s+(\S.*?)\s*")
_POLL_S = 0.25
_LINE_BYTES = 4096
_FROM_MS = 1e11  # a number above is milliseconds (k6, JMeter); as seconds it would be the year 5138


def words_of(path: str) -> dict[str, str]:
    """The values of a TOML file as texts, tables as "table.key". Raises UsageError."""
    shown = clean(path, 200)
    try:
        content, _ = plainfile.read(path, _LARGEST)
        table = tomllib.loads(content.decode("utf-8"))
    except plainfile.Unreadable as error:
        raise UsageError(f"{shown}: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{shown} is not TOML: {clean(str(error), 200)}") from None
    found: dict[str, str] = {}
    waiting: list[tuple[str, object]] = list(table.items())
    while waiting and len(found) < _MOST_WORDS:
        name, value = waiting.pop(0)
        if isinstance(value, dict):
            waiting = [(f"{name}.{key}", one) for key, one in value.items()] + waiting
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            found[clean(name, 100)] = clean(text, _WORD)
    return found


# ------------------------------------------------------------------------------------------------ marks


def mark_of(line: str) -> tuple[float, str] | None:
    """`TIME TEXT`: (unix seconds, text). TIME is unix seconds or milliseconds, or ISO 8601; None where it is neither."""
    found = _MARK_LINE.fullmatch(line)
    if found is None:
        return None
    word, text = found[1], clean(found[2], _WORD)
    try:
        moment = float(word)
        if not 0 <= moment < 1e14:
            return None
        return (moment / 1000 if moment > _FROM_MS else moment), text
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(word).timestamp(), text
    except (ValueError, OverflowError):
        return None


def follow_marks(source: str | None, engine: Engine) -> None:
    """Set a mark for each line that comes, in a thread of its own: of stdin, or of a file that is appended to.

    Raises UsageError where the file cannot be read. Lines that were there before count too; a line that is no mark is
    said once.
    """
    if source is None:
        return
    if source == "-":
        if sys.stdin is None:
            raise UsageError("--mark-file -: stdin is closed")
        descriptor = sys.stdin.fileno()
    else:
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no path"
            raise UsageError(f"--mark-file {clean(source, 200)}: {(reason or str(error)).lower()}") from None
    follower = _Follower(descriptor, source, engine)
    threading.Thread(target=follower.run, name="marks", daemon=True).start()


class _Follower:
    """Reads lines as they come. A file is looked at again and again; a pipe ends when its writer has."""

    def __init__(self, descriptor: int, source: str, engine: Engine) -> None:
        self._descriptor = descriptor
        self._source = source
        self._engine = engine
        self._rest = b""
        self._complained = False

    def run(self) -> None:
        while True:
            try:
                part = os.read(self._descriptor, 65536)
            except BlockingIOError:
                part = None
            except OSError:
                return
            if part:
                self._take(part)
            elif part == b"" and self._source == "-":
                return
            else:
                time.sleep(_POLL_S)

    def _take(self, part: bytes) -> None:
        *whole, self._rest = (self._rest + part).split(b"\n")
        self._rest = self._rest[:_LINE_BYTES]
        for line in whole:
            text = line[:_LINE_BYTES].decode(errors="replace").strip()
            mark = mark_of(text) if text else None
            if mark is not None:
                self._engine.mark(mark[1], mark[0])
            elif text and not self._complained:
                self._complained = True
                say(f'--mark-file {clean(self._source, 100)}: "{clean(text, 60)}" is no mark: TIME TEXT')
