"""When the next tick is due: on a fixed grid, just after the scrapes of its interval."""

from __future__ import annotations

from math import ceil

SLEW = 0.02
"""Of an interval: by so much the grid may move at a tick, to get behind the scrapes again when targets came or went."""

CLOSE = 0.05
"""Of an interval: nearer than this to where it should be, the grid stands."""


class Cadence:
    """The grid of the ticks. All times are monotonic seconds; `wish` is any moment at which a tick would suit."""

    def __init__(self, interval_s: float, now: float, wish: float | None) -> None:
        """Begin after a tick at `now`, at least half an interval later."""
        self._interval_s = interval_s
        self.missed = 0  # ticks that were due and not made: shown, and never made up by a burst
        self.due = now + interval_s
        if wish is not None:
            self.due = wish + ceil((now + interval_s / 2 - wish) / interval_s) * interval_s

    def ticked(self, now: float, wish: float | None) -> None:
        """The tick that was due has been made, as of `now`."""
        interval = self._interval_s
        late = max(0, int((now - self.due) / interval))
        self.missed += late
        self.due += (late + 1) * interval
        if wish is None:
            return
        off = (wish - self.due + interval / 2) % interval - interval / 2
        if abs(off) > CLOSE * interval:
            self.due += max(-SLEW * interval, min(SLEW * interval, off))
