"""Files that the user names: read without blocking on special files, open a run, write a file.

Each fails with one sentence.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tputtui.cli.output import OutputError, print_stderr
from tputtui.cli.parser import UsageError
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.reader import Run


_MIB = 1024 * 1024


class UnreadableFileError(Exception):
    """The file cannot be read; the text is a clause about it, without its name."""


class MissingFileError(UnreadableFileError):
    """There is no such file."""


def read(path: str, max_bytes: int) -> tuple[bytes, os.stat_result]:
    """Read a regular file of at most `max_bytes`, with its status. Raises UnreadableFileError."""
    try:
        # O_NONBLOCK: a FIFO at the path must not block
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError("there is no such file") from None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"it cannot be read: {_reason(error)}") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableFileError("it is a folder; name the file in it")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError("it is not a plain file")
        content = b""
        while len(content) <= max_bytes and (
            part := os.read(descriptor, max_bytes + 1 - len(content))
        ):
            content += part
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read: {_reason(error)}") from None
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise UnreadableFileError(
            f"it is larger than {max_bytes // _MIB} MiB"
            if max_bytes >= _MIB
            else f"it is larger than {max_bytes // 1024} KiB"
        )
    return content, status


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return "that is no path"


@contextmanager
def open_run(path: str) -> Iterator[Run]:
    """Open a run, and afterwards print a line for each damaged part. Raises UsageError."""
    from tputtui.recording.reader import NotARunError, Run

    try:
        run = Run(path)
    except NotARunError as error:
        raise UsageError(f"{clean(path, 200)}: {error}") from None
    with run:
        yield run
        for sentence in run.damage:
            print_stderr(f"{clean(path, 200)}: {sentence}")


def check_is_other_file(run: str, output: str) -> None:
    """Raise UsageError if the output is the run that is read, which --force would destroy."""
    with contextlib.suppress(OSError, ValueError):
        if os.path.samefile(run, output):
            raise UsageError(f"{clean(output, 200)} is the run itself: name another file")


def write_lines(pieces: Iterable[str], output: str | None, force: bool) -> None:
    """Write to a new file of mode 0600, or to stdout.

    Raises UsageError if the file exists or cannot be created; OutputError.
    """
    if output is None or output == "-":
        _write_stdout(pieces)
    else:
        _write_file(pieces, output, _create_file(output, force))


def _write_stdout(pieces: Iterable[str]) -> None:
    """Write to stdout. Raises UsageError, OutputError, or BrokenPipeError (reader has gone)."""
    if sys.stdout is None:
        raise UsageError("stdout is closed: there is nowhere to write to")
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"stdout cannot be written: {reason}") from None


def _create_file(path: str, force: bool) -> int:
    """Create a file of mode 0600 and return its descriptor; `force` replaces a plain file.

    Raises UsageError.
    """
    shown = clean(path, 200)
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_EXCL
    try:
        if force and os.path.lexists(path):
            if os.path.islink(path) or not os.path.isfile(path):
                raise UsageError(f"{shown} is not a plain file: it is not overwritten")
            os.unlink(path)
        return os.open(path, flags, 0o600)
    except FileExistsError:
        raise UsageError(f"{shown} exists: name another file, or say --force") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{shown}: {(reason or 'cannot be written').lower()}") from None


def _write_file(pieces: Iterable[str], path: str, descriptor: int) -> None:
    """Write to the descriptor of a new file; on failure the file is removed, because half an
    export could be mistaken for a complete one.

    Raises OutputError.
    """
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            for piece in pieces:
                file.write(piece)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(path)
        if isinstance(error, OSError):
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"{clean(path, 200)}: {reason}") from None
        raise
