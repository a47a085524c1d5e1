"""What this program costs: its own CPU time, and that of the helpers it has started (py-spy)."""

from __future__ import annotations

import os
import resource
import threading

from tputtui.host import procfs

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_lock = threading.Lock()  # helpers are started by other threads
_child_pids: set[int] = set()


def track_child(pid: int) -> None:
    """Count a child that was started, until it ends. The demo's processes are none: they are what is watched."""
    with _lock:
        _child_pids.add(pid)


class SelfUsage:
    """Adds up CPU seconds. A helper counts while it runs: all of its cost at its end would be a peak that never was."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._running_seconds: dict[int, float] = {}  # a helper's seconds when it was last seen
        self._ended_seconds = 0.0

    def read(self) -> float:
        """User and system seconds so far; never less than before."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with _lock:
            pids = tuple(_child_pids)
        for pid in pids:
            seconds = self._read_seconds(pid)
            if seconds is not None:
                self._running_seconds[pid] = max(seconds, self._running_seconds.get(pid, 0.0))
                continue
            self._ended_seconds += self._running_seconds.pop(pid, 0.0)
            with _lock:
                _child_pids.discard(pid)
        return (
            usage.ru_utime
            + usage.ru_stime
            + self._ended_seconds
            + sum(self._running_seconds.values())
        )

    def _read_seconds(self, pid: int) -> float | None:
        """Of one helper, and of those of its own children that have ended; None where it is no longer there."""
        try:
            content = procfs.read(f"{self._proc}/{pid}/stat", 2048)
            fields = content[content.rfind(b")") + 2 :].split()
            return sum(map(int, fields[11:15])) / _CLOCK_TICKS
        except (OSError, ValueError):
            return None
