"""When the next tick is due: on a fixed grid, just after the scrapes of its interval."""

from __future__ import annotations

from math import ceil

MAX_SHIFT = 0.02
"""Of an interval: by so much the grid may move at a tick, to get behind the scrapes again when targets came or went."""

TOLERANCE = 0.05
"""Of an interval: nearer than this to where it should be, the grid stands."""


class Cadence:
    """The grid of the ticks. All times are monotonic seconds; `wish` is any moment at which a tick would suit."""

    def __init__(self, interval_s: float, now: float, preferred_at: float | None) -> None:
        """Begin after a tick at `now`, at least half an interval later."""
        self._interval_s = interval_s
        self.missed_ticks = 0  # ticks that were due and not made: shown, and never made up by a burst
        self.due = now + interval_s
        if preferred_at is not None:
            self.due = preferred_at + ceil((now + interval_s / 2 - preferred_at) / interval_s) * interval_s

    def on_tick(self, now: float, preferred_at: float | None) -> None:
        """The tick that was due has been made, as of `now`."""
        interval = self._interval_s
        late = max(0, int((now - self.due) / interval))
        self.missed_ticks += late
        self.due += (late + 1) * interval
        if preferred_at is None:
            return
        off = (preferred_at - self.due + interval / 2) % interval - interval / 2
        if abs(off) > TOLERANCE * interval:
            self.due += max(-MAX_SHIFT * interval, min(MAX_SHIFT * interval, off))
