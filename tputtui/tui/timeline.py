"""Which moment is looked at, and how long the time axis is. No screen, no clock."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Snapshot

SPANS = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 10800.0, 43200.0, 86400.0)
_STEPS_PER_SPAN = 60


class Timeline:
    """Where the user stands in time. `moment` is monotonic seconds; None is now, which moves on."""

    def __init__(self, interval_s: float, span_s: float = 600.0) -> None:
        self.moment: float | None = None
        self.is_frozen = False  # the picture was held, in contrast to having travelled
        self.span_s = span_s  # as chosen; `shown_span` is what the data there is allows
        self._past_axis_end = 0.0  # where the axis ends while one looks back: it stands still then
        self._interval_s = interval_s
        self._first_at: float | None = None
        self._history_s = 0.0  # what is known of the time before the first snapshot
        self._newest_at = 0.0
        self._newest_time = 0.0

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Take note of the newest snapshot; in a replay, of the one that is shown."""
        if self._first_at is None or snapshot.at < self._first_at:
            self._first_at = snapshot.at
        self._newest_at, self._newest_time = snapshot.at, snapshot.time
        self._history_s = snapshot.history_s

    @property
    def behind_s(self) -> float:
        """How far the moment lies behind the newest snapshot; 0 is now, or a picture that is only held."""
        return (
            0.0
            if self.moment is None or self.is_frozen
            else max(0.0, self._newest_at - self.moment)
        )

    @property
    def axis_end(self) -> float | None:
        """Where the time axis ends; None is now, which moves on."""
        return (
            None if self.moment is None else self.moment if self.is_frozen else self._past_axis_end
        )

    @property
    def cursor(self) -> tuple[float, float] | None:
        """(the axis' end, the moment) while one looks back: the moment is marked within the axis."""
        return None if self.moment is None or self.is_frozen else (self._past_axis_end, self.moment)

    def shown_span(self) -> float:
        """The axis starts at one minute and grows to the chosen span with the data there is."""
        if self._first_at is None:
            return SPANS[0]
        lived = self._newest_at - self._first_at + self._history_s
        return min(self.span_s, next((span for span in SPANS if span >= lived), SPANS[-1]))

    def toggle_freeze(self) -> None:
        """Freeze the picture, or go on."""
        if self.moment is None and self._first_at is not None:
            self.moment, self.is_frozen = self._newest_at, True
        else:
            self.go_live()

    def go_live(self) -> None:
        """Back to now."""
        self.moment, self.is_frozen = None, False

    @property
    def step_s(self) -> float:
        """How far one step in time goes."""
        return max(self._interval_s, self.shown_span() / _STEPS_PER_SPAN)

    def step(self, steps: float) -> None:
        """So many steps forward (or, negative, back); not before the first snapshot, and now is the end."""
        if self._first_at is None:
            return
        self.go_to((self._newest_at if self.moment is None else self.moment) + steps * self.step_s)

    def go_to(self, moment: float) -> None:
        """Go to a moment; not before the first snapshot, and now is the end."""
        if self._first_at is None or moment >= self._newest_at:
            self.go_live()
        else:
            self._go_to_past(max(self._first_at, moment))

    def _go_to_past(self, moment: float) -> None:
        """Look at a past moment. The axis stands where it stood, unless the moment would lie outside of it."""
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
        """Go to "14:03:22", "14:03" or "-90s"; False where that is no time, or lies outside of what was seen."""
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
        """The next shorter span than the one that is shown."""
        shown = self.shown_span()
        self.span_s = next((span for span in reversed(SPANS) if span < shown), SPANS[0])
        self._scroll_axis()

    def zoom_out(self) -> None:
        """The next longer span."""
        self.span_s = next((span for span in SPANS if span > self.span_s), SPANS[-1])
