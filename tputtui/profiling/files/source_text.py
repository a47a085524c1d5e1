"""The source of a profiled function, as the process saw it: below its own root and its own working directory."""

from __future__ import annotations

import os
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.capture import process_facts
from tputtui.text import clean

MAX_BYTES = 4 << 20
MAX_LINES = 100_000
MAX_COLUMNS = 400  # of a line that are kept
START_ROUNDING_S = 1.0  # the kernel tells the time of its boot in whole seconds: a process started up to so much later
CHANGED_NOTE = "changed since the process started: lines may have moved"


@frozen
class SourceText:
    """A source file as it was read, or why it was not. Lines are cleaned."""

    file: str
    lines: tuple[str, ...] = ()
    note: str = ""  # `CHANGED`
    error: str = ""  # why there are no lines


def read_source(
    file: str, pid: int | None, started: float | None = None, root: Path = process_facts.PROC
) -> SourceText:
    """Read a file of a process (None: of a profile whose process is gone, as it lies on this machine). Never raises.

    `started`: unix seconds of the process's start. A pid that has another start by now is another process.
    """
    if not file or file.startswith("<"):
        return SourceText(file, error=f"{file or 'this frame'} is no file")
    alive = pid is not None and _is_same_process(pid, started, root)
    path = _local_path(file, pid if alive else None, root)
    if path is None:
        return SourceText(file, error=f"{file} is relative, and the process is gone")
    try:
        if not path.is_file():
            return SourceText(file, error="there is no such file" if not path.exists() else "not a file")
        stat = path.stat()
        if stat.st_size > MAX_BYTES:
            return SourceText(file, error=f"larger than {MAX_BYTES >> 20} MiB")
        with path.open("rb") as source:
            words = source.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return SourceText(file, error=f"not read: {clean(error.strerror or str(error), 80)}")
    lines = tuple(clean(line.expandtabs(4), MAX_COLUMNS) for line in words.splitlines()[:MAX_LINES])
    changed = started is not None and stat.st_mtime > started + START_ROUNDING_S
    return SourceText(file, lines, CHANGED_NOTE if changed else "")


def _is_same_process(pid: int, started: float | None, root: Path) -> bool:
    found = process_facts.read_facts(pid, root)
    if found is None:
        return False
    now = process_facts.start_time(found, root)
    return started is None or now is None or abs(now - started) <= process_facts.START_TOLERANCE_S


def _local_path(file: str, pid: int | None, root: Path) -> Path | None:
    """Where the file lies for us."""
    if pid is None:
        return Path(file) if file.startswith("/") else None
    own = root / str(pid)
    if not file.startswith("/"):
        return own / "cwd" / file
    try:
        if os.readlink(own / "root") == "/":
            return Path(file)
    except OSError:
        return Path(file)
    return own / "root" / file.lstrip("/")
