"""Throughput of a service from its counter (or from a gauge that is a rate already)."""

from __future__ import annotations

from collections import deque

from tputtui.model import Binding, Series, TrafficState
from tputtui.signals.flat import Layout, Numbers, Tick, condition, gauge_values, lifetime
from tputtui.signals.window import Tally, TargetWindow

BEST_S = 60.0
"""Sustained, not peak: the best mean over this long."""


class _Minute:
    """What one target counted over the last minute without a gap."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()
        self._segment = -1

    def rate(self, window: TargetWindow, counted: float) -> float | None:
        """Per second over a whole minute; None before one has passed."""
        if window.at is None:
            return None
        if window.segment != self._segment or (self._points and counted < self._points[-1][1]):
            self._points.clear()
            self._segment = window.segment
        if not self._points or window.at > self._points[-1][0]:
            self._points.append((window.at, counted))
        slack = window.interval_s / 2
        while len(self._points) > 2 and self._points[1][0] <= window.at - BEST_S + slack:
            self._points.popleft()
        at, before = self._points[0]
        return (counted - before) / (window.at - at) if window.at - at >= BEST_S - slack else None


class Traffic:
    """Reads one traffic binding, tick by tick."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.meets = condition(binding.match)
        self.places: list[tuple[int, Series]] = []
        self._numbers: Numbers = []
        self._ever: list[Numbers] = []  # by window, numbers within it, gone series too
        self._tallies: dict[int, Tally] = {}  # by window: what series had gained that it has dropped
        self._minutes: dict[int, _Minute] = {}
        self._best: float | None = None
        self._since_start: float | None = None

    def plan(self, layout: Layout) -> None:
        """Find the series that count."""
        self.places = layout.pick(self.binding.family, self.meets)
        self._numbers = [number for number, _ in self.places]
        ends = [*layout.starts[1:], sum(len(window.series) for window in layout.windows)]
        ever = [number for number, series in layout.ever.get(self.binding.family, ()) if self.meets(series)]
        self._ever = [
            [number - start for number in ever if start <= number < end]
            for start, end in zip(layout.starts, ends, strict=True)
        ]
        for window in layout.windows:
            if window.serial not in self._tallies:
                self._tallies[window.serial] = window.tally(self.binding.family, self.meets)

    def begin(self, layout: Layout) -> None:
        """Take the mean over the processes' lives from what the counters carry now."""
        family = self.binding.family
        ages = [window.age_s(family) for window in layout.windows if window.at is not None]
        if self.binding.kind == "gauge" or not self._numbers or None in ages:
            return
        raw = lifetime(layout).rates
        means = [
            sum(raw[start + number] for number in numbers) / age
            for start, numbers, window in zip(layout.starts, self._ever, layout.windows, strict=True)
            if (age := window.age_s(family))
        ]
        self._since_start = sum(means) * self.binding.scale if means else None

    def state(self, tick: Tick) -> TrafficState:
        """Throughput now."""
        binding = self.binding
        rps = total = None
        if binding.kind == "gauge":
            values = gauge_values(tick.layout.windows, binding.family, self.meets)
            rps = sum(value for _, value in values) * binding.scale if values else None
        elif tick.live and (self._numbers or tick.declared(binding.family)):
            rps = tick.add(self._numbers) * binding.scale
            total = self._count(tick) * binding.scale
        return TrafficState(
            family=binding.family,
            rps=rps,
            unit=binding.unit or "req/s",
            total=total,
            best_60s=self._best,
            since_start=self._since_start,
            reason=binding.reason,
        )

    def _count(self, tick: Tick) -> float:
        """All that was counted since we started; and, on the way, whether this minute is the best."""
        total = sum(tally.gained for tally in self._tallies.values())
        minute: float | None = 0.0
        for window, numbers in zip(tick.layout.windows, self._ever, strict=True):
            counted = sum(map(window.gained.__getitem__, numbers))
            total += counted
            if window.up and minute is not None:
                rate = self._minutes.setdefault(window.serial, _Minute()).rate(window, counted)
                minute = None if rate is None else minute + rate
        if minute is not None:
            self._best = max(self._best or 0.0, minute * self.binding.scale)
        return total
