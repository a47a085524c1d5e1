"""Identity of a process: the only place that decides whether two are the same process."""

from __future__ import annotations

from typing import Final, NamedTuple

START_TOLERANCE_S: Final = 2.0
"""Largest difference between start times of one process that were read from two sources.

They differ by rounding, and by the slew of a stepped wall clock.
"""


class ProcessReference(NamedTuple):
    """Process identified by pid and start time, because a pid may be reused.

    Two references are equal if both are. A tuple, because the process table hashes and compares
    hundreds of them at every tick.
    """

    pid: int
    started: float | None = None  # unix seconds, as psutil's create_time(); None: unknown

    def matches(self, other: ProcessReference, tolerance_s: float = 0.0) -> bool:
        """Whether both may be the same process: a start time that is unknown matches any.

        `tolerance_s` is `START_TOLERANCE_S` where the start times come from two sources.
        """
        if self.pid != other.pid:
            return False
        if self.started is None or other.started is None:
            return True
        return abs(self.started - other.started) <= tolerance_s
