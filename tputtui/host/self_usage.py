"""CPU time used by this program and by the child processes it started (py-spy)."""

from __future__ import annotations

import os
import resource
import threading

from tputtui.host import kernel_files

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_lock = threading.Lock()  # other threads start children
_child_pids: set[int] = set()


def track_child(pid: int) -> None:
    """Count a child process until it ends.

    The demo's processes are not counted, because they are what is observed.
    """
    with _lock:
        _child_pids.add(pid)


class SelfUsage:
    """Sum of CPU seconds.

    A child counts while it runs: its whole cost at its end would appear as a peak.
    """

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._running_seconds: dict[int, float] = {}  # last known, by pid
        self._ended_seconds = 0.0

    def read(self) -> float:
        """Return the user and system seconds so far; never less than before."""
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
        """Read the seconds of a child and of its own children that ended; None if it has ended."""
        try:
            content = kernel_files.read(f"{self._proc}/{pid}/stat", 2048)
            fields = content[content.rfind(b")") + 2 :].split()
            return sum(map(int, fields[11:15])) / _CLOCK_TICKS
        except (OSError, ValueError):
            return None
