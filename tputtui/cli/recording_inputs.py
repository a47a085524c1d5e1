"""Additional inputs of a recording: descriptive files and marks from a load generator."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import datetime

from tputtui.cli import read_file
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import UsageError
from tputtui.experiments.plan import RESULTS_KEY, PlanError, parse_plan
from tputtui.text import clean

_MAX_BYTES = 256 * 1024
_MAX_VALUES = 100
_MAX_TEXT = 500
_MARK_LINE = re.compile(r"\s*(\S+)\s+(\S.*?)\s*")
_POLL_S = 0.25
_MAX_LINE_BYTES = 4096
_MIN_MILLISECONDS = (
    1e11  # a number above is milliseconds (k6, JMeter); as seconds it would be the year 5138
)


def read_toml_texts(path: str) -> dict[str, str]:
    """Read the values of a TOML file as texts, tables as "table.key".

    Raises UsageError.
    """
    shown = clean(path, 200)
    try:
        content, _ = read_file.read(path, _MAX_BYTES)
        table = tomllib.loads(content.decode("utf-8"))
    except read_file.UnreadableFileError as error:
        raise UsageError(f"{shown}: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{shown} is not TOML: {clean(str(error), 200)}") from None
    texts: dict[str, str] = {}
    waiting: list[tuple[str, object]] = list(table.items())
    while waiting and len(texts) < _MAX_VALUES:
        name, value = waiting.pop(0)
        if isinstance(value, dict):
            waiting = [(f"{name}.{key}", inner) for key, inner in value.items()] + waiting
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            texts[clean(name, 100)] = clean(text, _MAX_TEXT)
    return texts


def read_plan_texts(path: str) -> dict[str, str]:
    """Read an experiment's plan as texts, without earlier results.

    Any TOML is accepted; if `compare` could not use it as a plan, a warning is printed now, while
    it can still be fixed. Raises UsageError.
    """
    texts = {name: value for name, value in read_toml_texts(path).items() if name != RESULTS_KEY}
    try:
        parse_plan(read_file.read(path, _MAX_BYTES)[0].decode())
    except (read_file.UnreadableFileError, UnicodeDecodeError):
        return texts
    except PlanError as error:
        print_stderr(f"{clean(path, 200)}: compare cannot use it as a plan: {error}")
    return texts


# -------------------------------------------------------------------------------------------- marks


def parse_mark(line: str) -> tuple[float, str] | None:
    """Parse `TIME TEXT` into (unix seconds, text).

    TIME is unix seconds or milliseconds, or ISO 8601; None if it is neither.
    """
    match = _MARK_LINE.fullmatch(line)
    if match is None:
        return None
    time_text, text = match[1], clean(match[2], _MAX_TEXT)
    try:
        moment = float(time_text)
        if not 0 <= moment < 1e14:
            return None
        return (moment / 1000 if moment > _MIN_MILLISECONDS else moment), text
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(time_text).timestamp(), text
    except (ValueError, OverflowError):
        return None


class MarkFile:
    """Marks from a load generator, read from stdin, a growing file or a FIFO as they arrive."""

    def __init__(self, source: str) -> None:
        """Open the source. Raises UsageError if it cannot be read."""
        shown = clean(source, 200)
        self._source = source
        self._partial_line = b""
        self._has_warned = False
        self._on_mark: Callable[[str, float], None] | None = None
        if source == "-":
            if sys.stdin is None:
                raise UsageError("--mark-file -: stdin is closed")
            self._descriptor = sys.stdin.fileno()
            return
        try:
            self._descriptor = os.open(
                source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no path"
            raise UsageError(f"--mark-file {shown}: {(reason or str(error)).lower()}") from None
        mode = os.fstat(self._descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            os.close(self._descriptor)
            raise UsageError(f"--mark-file {shown}: neither a plain file nor a FIFO")

    def follow(self, on_mark: Callable[[str, float], None]) -> None:
        """Call `on_mark` with (text, unix time) for each line, from a separate thread.

        Lines already present count too; the first invalid line is reported.
        """
        self._on_mark = on_mark
        threading.Thread(target=self._run, name="marks", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                part = os.read(self._descriptor, 65536)
            except BlockingIOError:
                part = None
            except OSError:
                return
            if part:
                self._parse_lines(part)
            elif part == b"" and self._source == "-":
                return
            else:
                time.sleep(_POLL_S)

    def _parse_lines(self, content: bytes) -> None:
        *lines, self._partial_line = (self._partial_line + content).split(b"\n")
        self._partial_line = self._partial_line[:_MAX_LINE_BYTES]
        for line in lines:
            text = line[:_MAX_LINE_BYTES].decode(errors="replace").strip()
            mark = parse_mark(text) if text else None
            if mark is not None and self._on_mark is not None:
                self._on_mark(mark[1], mark[0])
            elif text and not self._has_warned:
                self._has_warned = True
                source, shown = clean(self._source, 100), clean(text, 60)
                print_stderr(f'--mark-file {source}: "{shown}" is no mark: TIME TEXT')
