"""Source text of a profiled function as the process sees it.

Paths are below the process's own root and its own working directory.
"""

from __future__ import annotations

import os
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.model.process_reference import START_TOLERANCE_S, ProcessReference
from tputtui.profiling.capture import process_facts
from tputtui.text import clean

MAX_BYTES = 4 << 20
MAX_LINES = 100_000
MAX_COLUMNS = 400  # of a line; the rest is cut
# the kernel reports its boot time in whole seconds: the real start is up to this much later
START_ROUNDING_S = 1.0
CHANGED_NOTE = "changed since the process started: lines may have moved"


@frozen
class SourceText:
    """Source file as read, or the reason why it could not be read. Lines are cleaned."""

    file: str
    lines: tuple[str, ...] = ()
    note: str = ""  # empty or `CHANGED_NOTE`
    error: str = ""  # why there are no lines


def read_source(
    file: str,
    process: ProcessReference | None,
    since: float | None = None,
    root: Path = process_facts.PROC,
) -> SourceText:
    """Read a source file of a process. Never raises.

    Args:
        file: the path as the process has it.
        process: the process; None if it is gone, then the file of this machine is read.
        since: when the process started, in unix seconds, if `process` does not tell.
        root: the /proc directory.

    """
    if not file or file.startswith("<"):
        return SourceText(file, error=f"{file or 'this frame'} is no file")
    is_alive = process is not None and _is_alive(process, root)
    path = _local_path(file, process.pid if process is not None and is_alive else None, root)
    if path is None:
        return SourceText(file, error=f"{file} is relative, and the process is gone")
    try:
        if not path.is_file():
            return SourceText(
                file, error="there is no such file" if not path.exists() else "not a file"
            )
        stat = path.stat()
        if stat.st_size > MAX_BYTES:
            return SourceText(file, error=f"larger than {MAX_BYTES >> 20} MiB")
        with path.open("rb") as source:
            content = source.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return SourceText(file, error=f"not read: {clean(error.strerror or str(error), 80)}")
    lines = tuple(
        clean(line.expandtabs(4), MAX_COLUMNS) for line in content.splitlines()[:MAX_LINES]
    )
    started = process.started if process is not None else since
    changed = started is not None and stat.st_mtime > started + START_ROUNDING_S
    return SourceText(file, lines, CHANGED_NOTE if changed else "")


def _is_alive(process: ProcessReference, root: Path) -> bool:
    facts = process_facts.read_facts(process.pid, root)
    if facts is None:
        return False
    return process.matches(process_facts.reference(facts, root), START_TOLERANCE_S)


def _local_path(file: str, pid: int | None, root: Path) -> Path | None:
    """Path at which this program can open the file."""
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
