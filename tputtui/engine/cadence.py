"""Times of the ticks: on a fixed grid, just after the scrapes of each interval."""

from __future__ import annotations

from math import ceil

MAX_SHIFT = 0.02
"""Share of an interval by which a tick may shift the grid, to follow the scrapes after targets came
or went.
"""

TOLERANCE = 0.05
"""Share of an interval: closer than this to its preferred position, the grid is not shifted."""


class Cadence:
    """Grid of the ticks.

    All times are monotonic seconds; `preferred_at` is any time at which a tick would suit.
    """

    def __init__(self, interval_s: float, now: float, preferred_at: float | None) -> None:
        """Start after a tick at `now`, at least half an interval later."""
        self._interval_s = interval_s
        # due ticks that were not made: reported, and never made up by a burst
        self.missed_ticks = 0
        self.due = now + interval_s
        if preferred_at is not None:
            self.due = (
                preferred_at + ceil((now + interval_s / 2 - preferred_at) / interval_s) * interval_s
            )

    def on_tick(self, now: float, preferred_at: float | None) -> None:
        """Update the grid after a tick made at `now`."""
        interval = self._interval_s
        late = max(0, int((now - self.due) / interval))
        self.missed_ticks += late
        self.due += (late + 1) * interval
        if preferred_at is None:
            return
        off = (preferred_at - self.due + interval / 2) % interval - interval / 2
        if abs(off) > TOLERANCE * interval:
            self.due += max(-MAX_SHIFT * interval, min(MAX_SHIFT * interval, off))
