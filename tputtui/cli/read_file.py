"""Reading of a user's file without blocking on special files."""

from __future__ import annotations

import os
import stat

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
