"""File descriptors of this process: a limit that fits the number of targets, and a reserve.

A kept connection occupies one descriptor per target. Descriptors are numbered from the lowest free
number, so the number of a new one shows how many are in use; nothing has to be counted. The numbers
at the top of the range stay free of target connections: the recording, /proc, py-spy and imports
need a few at any time.
"""

from __future__ import annotations

import errno
import os
import resource

MAX_DESCRIPTORS = 1 << 20  # upper bound of the requested limit, whatever the hard limit allows
_RESERVE = 64  # a capture needs about 15, a pass over /proc 3, opening a screen 2
_OWN = 64  # standard streams, event loops, log and run files, certificate stores
_EXHAUSTED = (errno.EMFILE, errno.ENFILE)

TOO_MANY = "too many open files here: raise the limit (ulimit -n)"
TOO_MANY_ON_MACHINE = "too many open files on this machine: raise fs.file-max"
NO_MEMORY = "not enough memory here: free some, or raise the limit (ulimit -v)"
NO_THREAD = "no thread can be started here: raise the limit (ulimit -u)"

_inherited: int | None = None  # soft limit at start-up, set once it was raised


class ExhaustedError(OSError):
    """All descriptors but the reserve are in use."""

    def __init__(self) -> None:
        super().__init__(errno.EMFILE, os.strerror(errno.EMFILE))


def make_room(targets: int) -> None:
    """Raise the soft limit if so many kept connections need it.

    Never beyond the hard limit. Never raises.
    """
    global _inherited
    needed = targets + _RESERVE + _OWN
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        highest = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
        raised = min(highest, 1 << max(0, needed - 1).bit_length())
        if soft == resource.RLIM_INFINITY or soft >= min(needed, raised):
            return
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    # A sandbox may forbid it: connections that do not fit are reported for each target
    except (OSError, ValueError):
        return
    _inherited = soft if _inherited is None else _inherited


def inherited_limit() -> int | None:
    """Return the soft limit to restore in a child; None if it was not raised."""
    return _inherited


def require_room() -> None:
    """Raise ExhaustedError where one more connection would use up the reserve."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.close(descriptor)
    if descriptor >= soft - min(_RESERVE, soft * 3 // 8):
        raise ExhaustedError


def shortage(error: BaseException) -> str | None:
    """Describe what this process or machine has run out of; None for any other error."""
    if isinstance(error, BaseExceptionGroup):
        shortages = filter(None, map(shortage, error.exceptions))
        return next(shortages, None)
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        return NO_MEMORY
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        return TOO_MANY if error.errno == errno.EMFILE else TOO_MANY_ON_MACHINE
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return NO_THREAD
    return None


def reason(error: OSError) -> str:
    """Return the system's reason in lower case, with the remedy for an exhausted resource."""
    return shortage(error) or (error.strerror or str(error)).lower()
