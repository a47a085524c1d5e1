"""Set-up of a child process of the demo: its limit on open files, and the pipe from the parent.

The pipe carries commands and ends the child when it breaks. The kernel closes the parent's end
however the parent ends, also after kill -9; hence a pipe and not a signal handler. PR_SET_PDEATHSIG
would follow the parent's *thread*, and the demo may be started from one that ends early.
"""

from __future__ import annotations

import os
import resource
import select
import threading
from collections.abc import Callable

_WANTED_FILES = 8192


def raise_file_limit() -> None:
    """Raise the soft limit of open files towards the need of an overload; the hard limit stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


_PARENT_CHECK_S = 1.0
"""Interval of the check of the parent's pid: a fork of the parent could hold the pipe open beyond
the parent's death.
"""


def watch_parent(on_command: Callable[[str], None]) -> None:
    """Watch standard input from a daemon thread; at its end the process exits.

    `on_command` gets each line, in that thread.
    """
    threading.Thread(
        target=_watch, args=(on_command, os.getppid()), name="lifeline", daemon=True
    ).start()


def _watch(on_command: Callable[[str], None], parent_pid: int) -> None:
    pending = b""
    while os.getppid() == parent_pid:
        ready, _, _ = select.select([0], [], [], _PARENT_CHECK_S)
        if not ready:
            continue
        read = os.read(0, 4096)
        if not read:
            break
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            on_command(line.decode("ascii", "replace"))
    os._exit(0)  # the parent is gone, so an orderly end is pointless
