"""Tracker of one target across scrapes: its state, bindings, window and events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from tputtui import text
from tputtui.model import (
    Binding,
    Bindings,
    Event,
    Exposition,
    Scrape,
    SignalKind,
    Target,
    TargetState,
    TargetStatus,
)
from tputtui.model.snapshot import USUAL
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.rates.target_window import TargetWindow
from tputtui.signals.service.service_tracker import followed_names, names_to_read

Overrides = Mapping[str, Mapping[str, object]]
"""The config's bindings of a target, in the terms of `signals.classify.overrides`."""

NO_OVERRIDES: Final[Overrides] = MappingProxyType({})

MAX_SEARCH_SCRAPES = 120
"""Scrapes after which only the bound families are read of a target with traffic, even if it lacks
another signal.
"""

NEW_BINDING_SCRAPES = 3
"""Scrapes after a binding change in which newly followed series do not count from zero.

They cover a scrape under way, which did not read those series, and the ones around it.
"""

REPEAT_WARNING_S = 300.0
"""Seconds for which a warning about counters is not repeated in the log."""

LARGE_TARGET_SERIES = 5_000
"""Series from which on a target is not classified again while no series comes or goes: it takes 5
µs a series.
"""

_CLASSIFY_AT_SCRAPES = (3, 5, 10, 20, 40, 80)
"""Numbers of the scrapes at which a target that lacks a signal is classified again."""


class TargetTracker:
    """State of one target across scrapes."""

    def __init__(
        self,
        target: Target,
        interval_s: float,
        window_s: float,
        overrides: Overrides = NO_OVERRIDES,
    ) -> None:
        self.target = target
        self.bindings: Bindings | None = None
        self.window: TargetWindow | None = None
        self.wanted_names: frozenset[str] | None = None
        self.service_name: str | None = None  # from the target itself: target_info's service.name
        self._build: object | None = None  # its build info with its job, where it exposes both
        self.overrides = overrides
        self.names_not_from_zero: frozenset[str] = (
            frozenset()
        )  # names whose new series did not count from zero in the newest scrape
        self._has_fixed_bindings = False  # the bindings come from a run
        self._classified = Bindings()  # result of the classification, before the overrides
        self._newly_followed: tuple[frozenset[str], int] = (
            frozenset(),
            0,
        )  # newly bound names -> remaining scrapes
        self._interval_s = interval_s
        self._window_s = window_s
        self._last_scrape: Scrape | None = None
        self._last_good_scrape: Scrape | None = None
        self._good_scrapes = 0
        self._state_since: float | None = None
        # the newest attempt, where its deadline passed without an answer
        self._late_scrape: Scrape | None = None
        self._waiting_s: float | None = None  # seconds for which its answer has been late
        self._partial: int | None = None  # bytes received of it
        self._slow_since: float | None = None  # when it was reported as slow
        self._logged_at: dict[str, float] = {}  # logged warnings and when they were logged

    @property
    def name(self) -> str:
        """Display name of the target."""
        return text.clean(self.target.name, 60)

    @property
    def is_settled(self) -> bool:
        """Whether the initial state is known: two good scrapes, a failure, or a late answer."""
        return (
            self._good_scrapes >= 2
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
        if waiting_s is None or waiting_s <= USUAL * self._usual_s:
            return None
        return waiting_s

    @property
    def is_overdue(self) -> bool:
        """Whether its answer is late by more than the window, so that its figures are out
        of date.
        """
        return self._waiting_s is not None and self._waiting_s > max(
            self._window_s, 2 * self._usual_s
        )

    @property
    def _usual_s(self) -> float:
        return self._last_good_scrape.duration_s if self._last_good_scrape is not None else 0.0

    @property
    def identity(self) -> object | None:
        """Identity shared by replicas of one service; None: a service of its own.

        The job from file-based discovery is its `service`; a target that was typed has a job only
        where it exposes one itself.
        """
        return self.target.service or self.service_name or self._build

    @property
    def build(self) -> str | None:
        """Text that is equal for the same builds and job; None where the target does not expose
        both.
        """
        return (
            None
            if self._build is None
            else hashlib.sha256(repr(self._build).encode()).hexdigest()[:16]
        )

    def set_window(self, window_s: float) -> None:
        """Change the window; a longer one fills up over time."""
        self._window_s = window_s
        if self.window is not None:
            self.window.window_s = window_s

    def override_binding(
        self, signal: SignalKind, override: Mapping[str, object], exposition: Exposition
    ) -> None:
        """Bind a signal by an override from now on.

        `exposition` (its own or a replica's) determines the kind of the family.
        """
        before = frozenset().union(*followed_names(self.bindings or Bindings()))
        self.overrides = {**self.overrides, signal: override}
        self._apply_classification(self._classified, exposition)
        if self.bindings is not None:
            self._newly_followed = (
                frozenset().union(*followed_names(self.bindings)) - before,
                NEW_BINDING_SCRAPES,
            )
            self.wanted_names = (
                names_to_read(self.bindings) if self.wanted_names is not None else None
            )

    # ------------------------------------------------------------------------------------------ scrapes

    def add_scrape(self, scrape: Scrape, forgotten: frozenset[str] = frozenset()) -> list[Event]:
        """Add the next scrape and return the events for the log."""
        self._late_scrape = scrape if scrape.late else None
        if scrape.late:  # still under way: no result yet
            if self.window is not None:
                self.window.add(scrape)
            return []
        events = self._state_events(scrape)
        self._last_scrape = scrape
        exposition = scrape.exposition
        if exposition is not None:
            self._good_scrapes += 1
            self._update_bindings(scrape, exposition)
            self._last_good_scrape = scrape
        if self.window is not None:
            newly, scrapes = self._newly_followed
            if scrapes and exposition is not None:
                self._newly_followed = (newly, scrapes - 1)
            self.names_not_from_zero = forgotten | newly if scrapes else forgotten
            self.window.add(scrape, self.names_not_from_zero)
            events += self._counter_events(scrape, self.window)
        return events

    def _counter_events(self, scrape: Scrape, window: TargetWindow) -> list[Event]:
        """Events that the counters give evidence of: a restart, or several processes answering in
        turn.
        """
        events = []
        for kind, sentence in window.pop_notices():
            last = self._logged_at.get(sentence)
            if kind == "reset":
                events.append(self._create_event(scrape, "reset", f"{self.name} {sentence}"))
            elif last is None or scrape.at - last > REPEAT_WARNING_S:
                self._logged_at[sentence] = scrape.at
                events.append(self._create_event(scrape, "warning", f"{self.name}: {sentence}"))
        return events

    def update_wait(
        self, waiting_s: float | None, at: float, time: float, partial: int | None = None
    ) -> list[Event]:
        """Update, at every tick, for how long the target's answer has been late, and return the
        events.

        `waiting_s`: None where it is not late. Beyond the window its figures are no longer shown as
        current. A target whose answers always take long, such as 3 s in a window of 2 s, has twice
        that time.
        """
        self._waiting_s, self._partial = waiting_s, partial
        if self.window is not None:
            self.window.is_overdue = self.is_overdue
        if waiting_s is None or not self.is_overdue or self._slow_since is not None:
            return []
        self._slow_since = at - waiting_s
        words = f"{self.name}: {text.late(waiting_s, partial)}"
        return [Event(time, "slow", words, self.target.name)]

    def _update_bindings(self, scrape: Scrape, exposition: Exposition) -> None:
        """Classify the exposition at the first two scrapes, then when new families may have
        appeared.
        """
        before = self._last_good_scrape
        earlier = before.exposition if before is not None else None
        if self._has_fixed_bindings:
            return
        if self.wanted_names is None and self._is_classification_due(exposition, earlier):
            elapsed = scrape.at - before.at if before is not None else None
            self._apply_classification(classify(exposition, earlier, elapsed), exposition)
        bound = self.bindings or Bindings()
        complete = None not in (bound.traffic, bound.errors, bound.latency)
        if (
            self._good_scrapes >= 2
            and bound.traffic is not None
            and (complete or self._good_scrapes > MAX_SEARCH_SCRAPES)
        ):
            self.wanted_names = names_to_read(bound)

    def _is_classification_due(self, exposition: Exposition, earlier: Exposition | None) -> bool:
        """Whether to classify this exposition.

        Labelled metrics of most client libraries appear with the first request only: new series are
        classified while there is no traffic yet; other missing signals are searched for at growing
        distances.
        """
        if self._good_scrapes <= 2:
            return True
        bound = self.bindings
        if (
            (bound is None or bound.traffic is None)
            and earlier is not None
            and exposition.series != earlier.series
        ):
            return True
        if (
            exposition.series > LARGE_TARGET_SERIES
            and earlier is not None
            and exposition.series == earlier.series
        ):
            return False
        return (
            self._good_scrapes in _CLASSIFY_AT_SCRAPES
            or self._good_scrapes % MAX_SEARCH_SCRAPES == 0
        )

    def _apply_classification(self, bindings: Bindings, exposition: Exposition) -> None:
        """Apply the bindings.

        Where the traffic's binding changed, the window begins with the scrape before, which was
        read completely: series created since then count from zero.
        """
        self._classified = bindings = merge_bindings(bindings, self._classified)
        self.service_name = self.service_name or _target_info_label(exposition, "service_name")
        self._build = self._build or _build_and_job(exposition)
        self._apply_bindings(apply_overrides(bindings, self.overrides, exposition))

    def set_bindings(
        self, bindings: Bindings | None, service_name: str | None, build: str | None
    ) -> None:
        """Set fixed bindings from a run for the scrapes that follow; classification stays off."""
        self._has_fixed_bindings = True
        self.service_name, self._build = service_name, build
        if bindings is not None:
            self._apply_bindings(bindings)

    def _apply_bindings(self, bindings: Bindings) -> None:
        old = self.bindings
        if old is not None and bindings == old:
            return
        self.bindings = bindings
        if (
            self.window is not None
            and old is not None
            and old.traffic is not None
            and bindings.traffic == old.traffic
        ):
            self.window.follow(*followed_names(bindings))
            return
        self.window = self._create_window(bindings)
        if self._last_good_scrape is not None:
            self.window.add(self._last_good_scrape)

    def _create_window(self, bindings: Bindings) -> TargetWindow:
        counters, gauges = followed_names(bindings)
        return TargetWindow(self._window_s, self._interval_s, counters, gauges)

    # ------------------------------------------------------------------------------------------ state

    def _state_events(self, scrape: Scrape) -> list[Event]:
        was_down = self._last_scrape is not None and self._last_scrape.error is not None
        is_down = scrape.error is not None
        slow_since, self._slow_since = self._slow_since, None
        if self._last_scrape is None or was_down != is_down:
            since, self._state_since = self._state_since, scrape.at
            if is_down:
                return [self._create_event(scrape, "down", f"{self.name}: {scrape.error}")]
            if was_down and since is not None:
                return [
                    self._create_event(
                        scrape,
                        "up",
                        f"{self.name}, after {text.format_duration(scrape.at - since)}",
                    )
                ]
        if slow_since is not None and not is_down:
            return [
                self._create_event(
                    scrape,
                    "up",
                    f"{self.name}, after {text.format_duration(scrape.at - slow_since)}",
                )
            ]
        return []

    def _create_event(self, scrape: Scrape, kind: str, message: str) -> Event:
        return Event(scrape.time, kind, message, self.target.name)  # type: ignore[arg-type]

    def status(self, at: float) -> TargetStatus:
        """Status of the target as of a tick."""
        last, good, waiting_s = self._last_scrape, self._last_good_scrape, self._waiting_s
        error = self._late_scrape.error if self._late_scrape is not None else None
        if last is None:
            state: TargetState = "waiting" if waiting_s is None else "slow"
            return TargetStatus(
                self.target.name,
                self.target.url,
                state,
                error=error,
                warning=self._incomplete(),
                since_s=waiting_s,
                waiting_s=waiting_s,
                partial=self._partial,
            )
        exposition = last.exposition
        state = "down" if last.error is not None else "up"
        since_s = None if self._state_since is None else max(0.0, at - self._state_since)
        if waiting_s is not None:
            state, since_s = "slow", waiting_s
        return TargetStatus(
            name=self.target.name,
            url=self.target.url,
            state=state,
            error=error or last.error,
            warning=self._incomplete()
            or (self._describe_warning(last, exposition) if exposition is not None else None),
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
            processes=self.window.processes.process_count if self.window is not None else 1,
            duplicates=exposition.duplicates if exposition is not None else None,
        )

    def _incomplete(self) -> str | None:
        """Note that an answer which is later than usual has arrived in part."""
        return (
            text.late(self._waiting_s, self._partial)
            if self._partial and self.overdue_s is not None
            else None
        )

    def _describe_warning(self, scrape: Scrape, exposition: Exposition) -> str | None:
        """Warning about an answer and about the process that sent it."""
        warnings = [
            describe_exposition_warning(exposition)
            or describe_slow_scrapes(scrape.duration_s, self._interval_s)
        ]
        if self.window is not None and (several := self.window.processes.process_count) > 1:
            warnings.insert(0, describe_several_processes(several))
        return "; ".join(warning for warning in warnings if warning) or None


def service_waiting_s(members: Iterable[TargetTracker]) -> float | None:
    """Seconds for which no target of a service has answered; None where one is not later than
    usual.
    """
    waits: list[float] = []
    for member in members:
        if member.overdue_s is not None:
            waits.append(member.overdue_s)
        elif member.is_up or not member.is_settled:
            return None
    return min(waits, default=None)


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


_SUGGESTED_INTERVALS = (1, 2, 5, 10, 15, 30, 60)


def describe_slow_scrapes(duration_s: float, interval_s: float) -> str | None:
    """Advice for a target that takes longer than an interval: scrape it half as often as it could
    answer.

    The remedy comes first, because a panel cuts the end.
    """
    if duration_s <= interval_s:
        return None
    took = f"{text.format_duration(round(duration_s, 1))} a scrape"
    better = suiting_interval(duration_s, interval_s)
    return f"slow: use --interval {better}s ({took})" if better is not None else f"slow: {took}"


def suiting_interval(duration_s: float, interval_s: float) -> int | None:
    """Interval in s at which scrapes of that duration finish in time.

    None: no longer one is, up to a minute.
    """
    return next(
        (one for one in _SUGGESTED_INTERVALS if one >= 2 * duration_s and one > interval_s), None
    )


def merge_bindings(new: Bindings, previous: Bindings) -> Bindings:
    """Merge new bindings with the previous ones, which stay where they read the same series.

    Only points and the reason may differ then. A signal stays bound while it has no series: one
    incomplete scrape must not restart its total.
    """
    known = {_binding_identity(one): one for one in previous.all()}

    def of(binding: Binding) -> Binding:
        return known.get(_binding_identity(binding), binding)

    traffic = of(new.traffic) if new.traffic is not None else previous.traffic
    # errors are a share of the traffic: those of another traffic are dropped
    same = traffic == previous.traffic
    return replace(
        new,
        traffic=traffic,
        errors=of(new.errors) if new.errors is not None else previous.errors if same else None,
        latency=of(new.latency) if new.latency is not None else previous.latency,
        saturation=tuple(map(of, new.saturation)),
        signals=tuple(map(of, new.signals)),
    )


def _binding_identity(binding: Binding) -> Binding:
    """Part of a binding that determines what is read."""
    return replace(binding, score=0.0, reason="")


def _target_info_label(exposition: Exposition, label: str) -> str | None:
    """Value of a label of target_info."""
    return next(
        (series.label(label) for series in exposition.samples if series.name == "target_info"), None
    )


def _build_and_job(exposition: Exposition) -> object | None:
    """Build infos and job of a target; None where one is missing.

    Both are needed, because the same program may serve different jobs.
    """
    builds = [series for series in exposition.samples if series.name.endswith("_build_info")]
    jobs = {
        job
        for job in (
            _target_info_label(exposition, "job"),
            *(series.label("job") for series in builds),
        )
        if job
    }
    return (
        (tuple(sorted(series.key for series in builds)), tuple(sorted(jobs)))
        if builds and jobs
        else None
    )
