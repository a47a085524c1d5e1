"""Position on the time axis and its span. Pure: no screen, no clock."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Snapshot

SPANS = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 43200.0, 86400.0)
_STEPS_PER_SPAN = 60


class Timeline:
    """Position of the user in time. `moment` is monotonic seconds; None: now, which moves on."""

    def __init__(self, interval_s: float, span_s: float = 600.0) -> None:
        self.moment: float | None = None
        self.is_frozen = False  # the picture is held; False after going to a moment
        self.span_s = span_s  # as chosen; `shown_span` is limited by the data
        self._past_axis_end = 0.0  # end of the axis while in the past: fixed then
        self._interval_s = interval_s
        self._first_at: float | None = None
        self._history_s = 0.0  # history from before the first snapshot
        self._newest_at = 0.0
        self._newest_time = 0.0

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Note the newest snapshot; in a replay, the one that is shown."""
        if self._first_at is None or snapshot.at < self._first_at:
            self._first_at = snapshot.at
        self._newest_at, self._newest_time = snapshot.at, snapshot.time
        self._history_s = snapshot.history_s

    @property
    def behind_s(self) -> float:
        """Seconds from the moment to the newest snapshot; 0 now, and while frozen."""
        return (
            0.0
            if self.moment is None or self.is_frozen
            else max(0.0, self._newest_at - self.moment)
        )

    @property
    def axis_end(self) -> float | None:
        """End of the time axis; None: now, which moves on."""
        if self.moment is None:
            return None
        return self.moment if self.is_frozen else self._past_axis_end

    @property
    def cursor(self) -> tuple[float, float] | None:
        """(end of the axis, moment) while in the past: the moment is marked on the axis."""
        return None if self.moment is None or self.is_frozen else (self._past_axis_end, self.moment)

    def shown_span(self) -> float:
        """Return the span of the axis: it grows from a minute to the chosen span with the data."""
        if self._first_at is None:
            return SPANS[0]
        lived = self._newest_at - self._first_at + self._history_s
        return min(self.span_s, next((span for span in SPANS if span >= lived), SPANS[-1]))

    def toggle_freeze(self) -> None:
        """Freeze the picture, or continue."""
        if self.moment is None and self._first_at is not None:
            self.moment, self.is_frozen = self._newest_at, True
        else:
            self.go_live()

    def go_live(self) -> None:
        """Go back to now."""
        self.moment, self.is_frozen = None, False

    @property
    def step_s(self) -> float:
        """Length of one step in time, seconds."""
        return max(self._interval_s, self.shown_span() / _STEPS_PER_SPAN)

    def step(self, steps: float) -> None:
        """Go steps forward, or back if negative, between the first snapshot and now."""
        if self._first_at is None:
            return
        self.go_to((self._newest_at if self.moment is None else self.moment) + steps * self.step_s)

    def go_to(self, moment: float) -> None:
        """Go to a moment between the first snapshot and now."""
        if self._first_at is None or moment >= self._newest_at:
            self.go_live()
        else:
            self._go_to_past(max(self._first_at, moment))

    def _go_to_past(self, moment: float) -> None:
        """Go to a past moment. The axis stays, unless the moment would lie outside of it."""
        if self.moment is None or self.is_frozen:
            self._past_axis_end = self._newest_at if self.moment is None else self.moment
        self.moment, self.is_frozen = moment, False
        self._scroll_axis()

    def _scroll_axis(self) -> None:
        span = self.shown_span()
        if (
            self.moment is not None
            and not self._past_axis_end - span <= self.moment <= self._past_axis_end
        ):
            self._past_axis_end = min(self._newest_at, self.moment + span / 2)

    def jump(self, time_text: str, zone_offset_s: float) -> bool:
        """Go to "14:03:22", "14:03" or "-90s"; False: no time, or before the data."""
        time_text = time_text.strip()
        wanted = text.parse_time_of_day(time_text)
        if wanted is not None:
            back = ((self._newest_time + zone_offset_s) % 86400 - wanted) % 86400
        else:
            try:
                back = abs(text.parse_duration(time_text.removeprefix("-")))
            except ValueError:
                return False
        moment = self._newest_at - back
        if self._first_at is None or moment < self._first_at - SPANS[0]:
            return False
        self._go_to_past(max(self._first_at, moment))
        return True

    def zoom_in(self) -> None:
        """Choose the next shorter span than the shown one."""
        shown = self.shown_span()
        self.span_s = next((span for span in reversed(SPANS) if span < shown), SPANS[0])
        self._scroll_axis()

    def zoom_out(self) -> None:
        """Choose the next longer span."""
        self.span_s = next((span for span in SPANS if span > self.span_s), SPANS[-1])
