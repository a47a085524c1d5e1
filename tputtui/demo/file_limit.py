"""Limit on open files, and so on connections, of a process of the demo."""

from __future__ import annotations

import resource

_WANTED_FILES = 8192


def raise_file_limit() -> None:
    """Raise the soft limit of open files towards the need of an overload; the hard limit stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
