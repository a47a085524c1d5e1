"""What this program costs: its own CPU time, and that of the helpers it has started (py-spy)."""

from __future__ import annotations

import os
import resource
import threading

from tputtui.host import procfs

_TICKS = os.sysconf("SC_CLK_TCK")
_lock = threading.Lock()  # helpers are started by other threads
_helpers: set[int] = set()


def count_in(pid: int) -> None:
    """Count a child that was started, until it ends. The demo's processes are none: they are what is watched."""
    with _lock:
        _helpers.add(pid)


class SelfUsage:
    """Adds up CPU seconds. A helper counts while it runs: all of its cost at its end would be a peak that never was."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._running: dict[int, float] = {}  # a helper's seconds when it was last seen
        self._ended = 0.0

    def read(self) -> float:
        """User and system seconds so far; never less than before."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with _lock:
            pids = tuple(_helpers)
        for pid in pids:
            seconds = self._seconds(pid)
            if seconds is not None:
                self._running[pid] = max(seconds, self._running.get(pid, 0.0))
                continue
            self._ended += self._running.pop(pid, 0.0)
            with _lock:
                _helpers.discard(pid)
        return usage.ru_utime + usage.ru_stime + self._ended + sum(self._running.values())

    def _seconds(self, pid: int) -> float | None:
        """Of one helper, and of those of its own children that have ended; None where it is no longer there."""
        try:
            content = procfs.read(f"{self._proc}/{pid}/stat", 2048)
            fields = content[content.rfind(b")") + 2 :].split()
            return sum(map(int, fields[11:15])) / _TICKS
        except (OSError, ValueError):
            return None
