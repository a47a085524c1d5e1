"""Tracker of one target across scrapes: its state, bindings, window and events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar, Final

from tputtui.engine.availability import TARGET_SETTLED_SCRAPES, TargetAvailability
from tputtui.model import (
    Binding,
    Bindings,
    Event,
    Exposition,
    Scrape,
    SignalKind,
    Target,
    TargetStatus,
)
from tputtui.scrape.address import url_path
from tputtui.signals.classify import label_names
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

    SETTLED_SCRAPES: ClassVar[int] = TARGET_SETTLED_SCRAPES

    def __init__(
        self,
        target: Target,
        interval_s: float,
        window_s: float,
        overrides: Overrides = NO_OVERRIDES,
    ) -> None:
        self.target = target
        self.availability = TargetAvailability(target, interval_s, window_s, self.SETTLED_SCRAPES)
        self.bindings: Bindings | None = None
        self.window: TargetWindow | None = None
        self.wanted_names: frozenset[str] | None = None
        self.service_name: str | None = None  # from the target itself: target_info's service.name
        self._build: object | None = None  # its build info with its job, where it exposes both
        self.overrides = overrides
        # names whose new series did not count from zero in the newest scrape
        self.names_not_from_zero: frozenset[str] = frozenset()
        self._has_fixed_bindings = False  # the bindings come from a run
        self._classified = Bindings()  # result of the classification, before the overrides
        # names bound newly, and the scrapes for which they are new
        self._newly_followed: tuple[frozenset[str], int] = (frozenset(), 0)
        self._interval_s = interval_s
        self._window_s = window_s
        self._own_path = url_path(target.url)  # its requests are scrapes
        self._logged_at: dict[str, float] = {}  # logged warnings and when they were logged

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
        if self._build is None:
            return None
        return hashlib.sha256(repr(self._build).encode()).hexdigest()[:16]

    def set_window(self, window_s: float) -> None:
        """Change the window; a longer one fills up over time."""
        self._window_s = self.availability.window_s = window_s
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

    # -------------------------------------------------------------------------------------- scrapes

    def add_scrape(self, scrape: Scrape, forgotten: frozenset[str] = frozenset()) -> list[Event]:
        """Add the next scrape and return the events for the log."""
        events = self.availability.add_scrape(scrape)
        if scrape.late:  # still under way: no result yet
            if self.window is not None:
                self.window.add(scrape)
            return events
        exposition = scrape.exposition
        if exposition is not None:
            self._update_bindings(scrape, exposition)
            self.availability.last_good_scrape = scrape
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
            name = self.availability.name
            last = self._logged_at.get(sentence)
            if kind == "reset":
                reset = f"{name} {sentence}"
                events.append(Event(scrape.time, "reset", reset, self.target.name))
            elif last is None or scrape.at - last > REPEAT_WARNING_S:
                self._logged_at[sentence] = scrape.at
                warning = f"{name}: {sentence}"
                events.append(Event(scrape.time, "warning", warning, self.target.name))
        return events

    def update_wait(
        self, waiting_s: float | None, at: float, time: float, partial: int | None
    ) -> list[Event]:
        """Update, at every tick, for how long the target's answer has been late, and return the
        events.

        `waiting_s`: None where it is not late. Beyond the window its figures are no longer shown as
        current.
        """
        events = self.availability.update_wait(waiting_s, at, time, partial)
        if self.window is not None:
            self.window.is_overdue = self.availability.is_overdue
        return events

    def status(self, at: float) -> TargetStatus:
        """Status of the target as of a tick."""
        processes = self.window.processes.process_count if self.window is not None else 1
        return self.availability.status(at, processes)

    def _update_bindings(self, scrape: Scrape, exposition: Exposition) -> None:
        """Classify the exposition at the first two scrapes, then when new families may have
        appeared.
        """
        before = self.availability.last_good_scrape
        earlier = before.exposition if before is not None else None
        if self._has_fixed_bindings:
            return
        if self.wanted_names is None and self._is_classification_due(exposition, earlier):
            elapsed = scrape.at - before.at if before is not None else None
            bindings = classify(exposition, earlier, elapsed, own_path=self._own_path)
            self._apply_classification(bindings, exposition)
        bound = self.bindings or Bindings()
        complete = None not in (bound.traffic, bound.errors, bound.latency)
        if (
            self.availability.good_scrapes >= 2
            and bound.traffic is not None
            and (complete or self.availability.good_scrapes > MAX_SEARCH_SCRAPES)
        ):
            self.wanted_names = names_to_read(bound)

    def _is_classification_due(self, exposition: Exposition, earlier: Exposition | None) -> bool:
        """Whether to classify this exposition.

        Labelled metrics of most client libraries appear with the first request only: new series are
        classified while there is no traffic yet; other missing signals are searched for at growing
        distances.
        """
        if self.availability.good_scrapes <= 2:
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
            self.availability.good_scrapes in _CLASSIFY_AT_SCRAPES
            or self.availability.good_scrapes % MAX_SEARCH_SCRAPES == 0
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
        if self.availability.last_good_scrape is not None:
            self.window.add(self.availability.last_good_scrape)

    def _create_window(self, bindings: Bindings) -> TargetWindow:
        counters, gauges = followed_names(bindings)
        return TargetWindow(self._window_s, self._interval_s, counters, gauges)


def service_waiting_s(members: Iterable[TargetTracker]) -> float | None:
    """Seconds for which no target of a service has answered; None where one is not later than
    usual.
    """
    waits: list[float] = []
    for member in members:
        availability = member.availability
        overdue_s = availability.overdue_s
        if overdue_s is not None:
            waits.append(overdue_s)
        elif availability.is_up or not availability.is_settled:
            return None
    return min(waits, default=None)


def merge_bindings(new: Bindings, previous: Bindings) -> Bindings:
    """Merge new bindings with the previous ones, which stay where they read the same series.

    Only points and the reason may differ then. A signal stays bound while it has no series: one
    incomplete scrape must not restart its total.
    """
    known = {_binding_identity(binding): binding for binding in previous.all()}

    def keep(binding: Binding) -> Binding:
        return known.get(_binding_identity(binding), binding)

    traffic = keep(new.traffic) if new.traffic is not None else previous.traffic
    errors, latency = previous.errors, previous.latency
    if new.errors is not None:
        errors = keep(new.errors)
    elif traffic != previous.traffic:  # errors are a share of the traffic: of another one, unknown
        errors = None
    if new.latency is not None:
        latency = keep(new.latency)
    return replace(
        new,
        traffic=traffic,
        errors=errors,
        latency=latency,
        saturation=tuple(map(keep, new.saturation)),
        signals=tuple(map(keep, new.signals)),
    )


def _binding_identity(binding: Binding) -> Binding:
    """Part of a binding that determines what is read."""
    return replace(binding, score=0.0, reason="")


def _target_info_label(exposition: Exposition, label: str) -> str | None:
    """Value of a label of target_info."""
    for series in exposition.samples:
        if series.name == "target_info":
            return label_names.find_value(series.labels, label)
    return None


def _build_and_job(exposition: Exposition) -> object | None:
    """Build infos and job of a target; None where one is missing.

    Both are needed, because the same program may serve different jobs.
    """
    builds = [series for series in exposition.samples if series.name.endswith("_build_info")]
    jobs = {series.label("job") for series in builds}
    jobs.add(_target_info_label(exposition, "job"))
    named_jobs = sorted(job for job in jobs if job)
    if not builds or not named_jobs:
        return None
    return tuple(sorted(series.key for series in builds)), tuple(named_jobs)
