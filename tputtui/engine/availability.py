"""Warnings about a target's answers, with the remedy."""

from __future__ import annotations

from typing import Final

from tputtui import text
from tputtui.model import Event, Exposition, Scrape, Target, TargetState, TargetStatus
from tputtui.model.snapshot import LATE_FACTOR

_SUGGESTED_INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60)

TARGET_SETTLED_SCRAPES: Final = 2
"""Good scrapes after which the initial state of a target is known: rates need two."""


def _describe_answer_warnings(
    exposition: Exposition, duration_s: float, interval_s: float, processes: int
) -> str | None:
    """Warnings about an answer and about the processes that sent it; None without any."""
    warnings: list[str | None] = []
    if processes > 1:
        warnings.append(describe_several_processes(processes))
    warnings.append(
        describe_exposition_warning(exposition) or _describe_slow_scrapes(duration_s, interval_s)
    )
    return "; ".join(warning for warning in warnings if warning) or None


def describe_several_processes(processes: int) -> str:
    """Warning that several processes answer in turn, with the remedy."""
    return (
        f"{processes} processes answer in turn, each with its own counters: rates are added up. "
        "Multi-process mode is missing (replicas: name each as a target)"
    )


def describe_exposition_warning(exposition: Exposition) -> str | None:
    """Warning about a parsed exposition: it breaks the format, is empty, or is too large."""
    if exposition.warning is not None:
        return exposition.warning
    if hidden := sum(exposition.hidden.values()):
        return f"{hidden:,} series beyond the limit are not read: raise limits.series_per_target"
    return "the answer is empty: it holds no metric" if exposition.series == 0 else None


def _describe_slow_scrapes(duration_s: float, interval_s: float) -> str | None:
    """Advice for a target that takes longer than an interval: scrape it half as often as it could
    answer.

    The remedy comes first, because a panel cuts the end.
    """
    if duration_s <= interval_s:
        return None
    took = f"{text.format_duration(round(duration_s, 1))} a scrape"
    better = suggest_interval(duration_s, interval_s)
    return f"slow: use --interval {better}s ({took})" if better is not None else f"slow: {took}"


def suggest_interval(duration_s: float, interval_s: float) -> int | None:
    """Interval in s at which scrapes of that duration finish in time.

    None: no longer one is, up to a minute.
    """
    for suggested in _SUGGESTED_INTERVALS:
        if suggested >= 2 * duration_s and suggested > interval_s:
            return suggested
    return None


class TargetAvailability:
    """State of one target across its scrapes and the waits for them."""

    def __init__(
        self,
        target: Target,
        interval_s: float,
        window_s: float,
        settled_scrapes: int = TARGET_SETTLED_SCRAPES,
    ) -> None:
        self.target = target
        self.window_s = window_s
        self.good_scrapes = 0
        self._interval_s = interval_s
        self._settled_scrapes = settled_scrapes
        self._last_scrape: Scrape | None = None
        # set by the tracker once it has read the exposition, for which memory may not suffice
        self.last_good_scrape: Scrape | None = None
        self._state_since: float | None = None
        # the newest attempt, where its deadline passed without an answer
        self._late_scrape: Scrape | None = None
        self._waiting_s: float | None = None  # seconds for which its answer has been late
        self._partial: int | None = None  # bytes received of it
        self._slow_since: float | None = None  # when it was reported as slow

    @property
    def name(self) -> str:
        """Display name of the target."""
        return text.clean(self.target.name, 60)

    @property
    def is_settled(self) -> bool:
        """Whether the initial state is known: enough good scrapes, a failure, or a late answer."""
        return (
            self.good_scrapes >= self._settled_scrapes
            or self._waiting_s is not None
            or (self._last_scrape is not None and not self.is_up)
        )

    @property
    def is_up(self) -> bool:
        """Whether its newest answer was good; stays true while the next one is late."""
        return self._last_scrape is not None and self._last_scrape.error is None

    @property
    def overdue_s(self) -> float | None:
        """Seconds for which its answer has been later than usual; None: it is not."""
        waiting_s = self._waiting_s
        if waiting_s is None or waiting_s <= LATE_FACTOR * self._usual_s:
            return None
        return waiting_s

    @property
    def is_overdue(self) -> bool:
        """Whether its answer is late by more than the window, so that its figures are out of date.

        A target whose answers always take long, such as 3 s in a window of 2 s, has twice that
        time.
        """
        if self._waiting_s is None:
            return False
        return self._waiting_s > max(self.window_s, 2 * self._usual_s)

    @property
    def _usual_s(self) -> float:
        return self.last_good_scrape.duration_s if self.last_good_scrape is not None else 0.0

    def add_scrape(self, scrape: Scrape) -> list[Event]:
        """Add the next scrape and return the events for the log: the target is down, or up."""
        self._late_scrape = scrape if scrape.late else None
        if scrape.late:  # still under way: no result yet
            return []
        events = self._state_events(scrape)
        self._last_scrape = scrape
        if scrape.exposition is not None:
            self.good_scrapes += 1
        return events

    def update_wait(
        self, waiting_s: float | None, at: float, time: float, partial: int | None
    ) -> list[Event]:
        """Update, at every tick, for how long the target's answer has been late, and return the
        events.

        `waiting_s`: None where it is not late; `partial`: bytes received of the answer.
        """
        self._waiting_s, self._partial = waiting_s, partial
        if waiting_s is None or not self.is_overdue or self._slow_since is not None:
            return []
        self._slow_since = at - waiting_s
        sentence = f"{self.name}: {text.describe_late_answer(waiting_s, partial)}"
        return [Event(time, "slow", sentence, self.target.name)]

    def _state_events(self, scrape: Scrape) -> list[Event]:
        is_first = self._last_scrape is None
        was_down = not is_first and not self.is_up
        is_down = scrape.error is not None
        slow_since, self._slow_since = self._slow_since, None
        if is_first or was_down != is_down:
            since, self._state_since = self._state_since, scrape.at
            if is_down:
                sentence = f"{self.name}: {scrape.error}"
                return [Event(scrape.time, "down", sentence, self.target.name)]
            if was_down and since is not None:
                return [self._create_up_event(scrape, since)]
        if slow_since is not None and not is_down:
            return [self._create_up_event(scrape, slow_since)]
        return []

    def _create_up_event(self, scrape: Scrape, since: float) -> Event:
        sentence = f"{self.name}, after {text.format_duration(scrape.at - since)}"
        return Event(scrape.time, "up", sentence, self.target.name)

    def status(self, at: float, processes: int) -> TargetStatus:
        """Status of the target as of a tick; `processes` is the number that answer in turn."""
        last, good, waiting_s = self._last_scrape, self.last_good_scrape, self._waiting_s
        error = self._late_scrape.error if self._late_scrape is not None else None
        if last is None:
            return TargetStatus(
                self.target.name,
                self.target.url,
                "waiting" if waiting_s is None else "slow",
                error=error,
                warning=self._describe_partial_answer(),
                since_s=waiting_s,
                waiting_s=waiting_s,
                partial=self._partial,
            )
        state: TargetState = "down" if last.error is not None else "up"
        since_s = None if self._state_since is None else max(0.0, at - self._state_since)
        if waiting_s is not None:
            state, since_s = "slow", waiting_s
        exposition = last.exposition
        warning = self._describe_partial_answer()
        if warning is None and exposition is not None:
            warning = _describe_answer_warnings(
                exposition, last.duration_s, self._interval_s, processes
            )
        return TargetStatus(
            name=self.target.name,
            url=self.target.url,
            state=state,
            error=error or last.error,
            warning=warning,
            scrape_s=last.duration_s,
            size=last.size,
            series=exposition.series if exposition is not None else None,
            skipped_lines=exposition.skipped_lines if exposition is not None else None,
            age_s=None if good is None else max(0.0, at - good.at),
            since_s=since_s,
            hidden=exposition.hidden if exposition is not None else {},
            waiting_s=waiting_s,
            partial=self._partial,
            silent=last.silent,
            was_up=last.error is None,
            processes=processes,
            duplicates=exposition.duplicates if exposition is not None else None,
        )

    def _describe_partial_answer(self) -> str | None:
        """Note that an answer which is later than usual has arrived in part."""
        if not self._partial or self.overdue_s is None:
            return None
        return text.describe_late_answer(self._waiting_s, self._partial)
