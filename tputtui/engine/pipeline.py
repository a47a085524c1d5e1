"""Derive snapshots from readings: one path for live and for replay; no clock and no I/O of its own.

The pipeline connects the collectors' values to the signals. Its parts are the target trackers
(bindings and window of each target), `services` (states of services and replicas), `selection`
(families that a user browses or charts) and the host. It writes the figures into the history, and
logs events.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from operator import attrgetter

from tputtui.descriptors import shortage
from tputtui.engine.drilldown import ServiceHeatmaps
from tputtui.engine.family_browser import FamilySelection
from tputtui.engine.host_pipeline import HostPipeline
from tputtui.engine.server_tracker import (
    ServerHistories,
    ServerTracker,
    resource_level,
    service_figures,
)
from tputtui.engine.service_pipeline import ServicePipeline
from tputtui.engine.target_tracker import NO_OVERRIDES, Overrides, TargetTracker
from tputtui.model import (
    Bindings,
    Event,
    Reading,
    Scrape,
    ServerQuery,
    ServiceState,
    SignalKind,
    Snapshot,
    Target,
)
from tputtui.recording.encode import TargetFacts
from tputtui.signals.objectives.headroom_tracker import HeadroomTracker
from tputtui.signals.objectives.objective_tracker import (
    ObjectiveLevel,
    ObjectiveTracker,
    add_objective_quantiles,
)
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.history import History
from tputtui.signals.rates.past import Past, PastRequest, TimeAxis
from tputtui.signals.service import bottleneck
from tputtui.signals.service.bottleneck import BottleneckTracker
from tputtui.signals.service.family_table import build_override
from tputtui.text import clean

MAX_EVENTS = 200
MAX_EVENTS_SHOWN = 50

_past_versions = itertools.count(1)


class SnapshotPipeline:
    """Derives one snapshot from each reading."""

    def __init__(
        self,
        *,
        interval_s: float,
        window_s: float,
        quantiles: tuple[float, ...],
        objectives: tuple[ObjectiveLevel, ...] = (),
        by: tuple[str, ...] = (),
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Args: times in seconds; `by` names labels of the breakdown in place of those detected.

        `lock` is held while data that another thread may read (`history`, `heatmaps`) is written.
        """
        quantiles = add_objective_quantiles(quantiles, objectives)
        self.interval_s = interval_s
        self.window_s = window_s
        self.history = History(interval_s)
        self.heatmaps = ServiceHeatmaps(interval_s)
        self._past_version = next(_past_versions)  # another one when earlier values are filled in
        self._lock: AbstractContextManager[object] = lock if lock is not None else nullcontext()
        self._trackers: dict[str, TargetTracker] = {}
        self.services = ServicePipeline(self._trackers, quantiles, by)
        self.selection = FamilySelection(self._trackers, self.services)
        self._host_pipeline = HostPipeline()
        self._server_histories = ServerHistories(quantiles, interval_s)
        self._objectives = ObjectiveTracker(objectives)
        self._objective_routes = [
            (objective.service, objective.route)
            for objective in objectives
            if objective.route is not None
        ]
        self._has_checked_objectives = False
        self._headroom = HeadroomTracker(objectives)
        self._bottleneck = BottleneckTracker()
        # (at, time) of the newest scrape that a snapshot rests on
        self._newest_scrape_times: tuple[float, float] | None = None
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)

    # -------------------------------------------------------------------------------------- targets

    def add_target(
        self, target: Target, overrides: Overrides = NO_OVERRIDES, *, is_from_server: bool = False
    ) -> None:
        """Add a target; `overrides` are the config's bindings (see `signals.classify.overrides`).

        `is_from_server`: its data comes from a server that is queried with `questions`.
        """
        if target.name not in self._trackers:
            self.services.regroup()
            kind = ServerTracker if is_from_server else TargetTracker
            self._trackers[target.name] = kind(target, self.interval_s, self.window_s, overrides)

    def set_order(self, names: list[str]) -> None:
        """Set the order of the targets and drop those that are not in it."""
        if list(self._trackers) != names:
            kept = {name: self._trackers[name] for name in names if name in self._trackers}
            self._trackers.clear()
            self._trackers.update(kept)
            self.services.regroup()

    def browsed_names(self, target: str) -> frozenset[str] | None:
        """Sample names of a target that the metric browser reads; None: all of them.

        May be called during a tick.
        """
        if self.selection.is_browsed(target):
            return None
        return self.selection.charted_names(target)

    def questions(self, target: str) -> tuple[ServerQuery, ...]:
        """Queries for the server of a target; none before its first classification.

        May be called during a tick.
        """
        tracker = self._trackers.get(target)
        if not isinstance(tracker, ServerTracker) or tracker.bindings is None:
            return ()
        service = self.services.service_name(target)
        return tracker.questions(self.services.breakdown_labels(service, [tracker]))

    def set_bindings(
        self, target: str, bindings: Bindings | None, service_name: str | None, build: str | None
    ) -> None:
        """Set a target's bindings from its next scrape on, as recorded in a run."""
        tracker = self._trackers.get(target)
        if tracker is not None:
            tracker.set_bindings(bindings, service_name, build)
            self.services.regroup()

    def bind_signal(self, target: str, signal: SignalKind, family: str, time: float) -> None:
        """Bind a signal of the browsed target and of its replicas to a family; the event log gets
        the result.
        """
        tracker = self._trackers.get(target)
        exposition = self.selection.browsed_exposition(target)
        if tracker is None or exposition is None:
            return
        signal_name = f"{signal} of {tracker.availability.name}"
        try:
            override = build_override(signal, family, exposition)
            for replica in self.services.replica_trackers(tracker):
                replica.override_binding(signal, override, exposition)
        except ValueError as error:
            sentence = f"{signal_name} stays as it is: {error}"
            self.log_event(Event(time, "warning", sentence, target))
            return
        self.services.regroup()
        sentence = f"{signal_name} is read from {clean(family, 80)} now"
        self.log_event(Event(time, "note", sentence, target))

    def target_facts(self) -> tuple[TargetFacts, ...]:
        """Facts about each target that a recorder needs beside the newest reading."""
        return tuple(
            TargetFacts(
                tracker.target,
                tracker.bindings,
                tracker.service_name,
                tracker.build,
                self.wanted_names(name),
                tracker.names_not_from_zero,
                is_from_server=isinstance(tracker, ServerTracker),
            )
            for name, tracker in self._trackers.items()
        )

    def wanted_names(self, target: str) -> frozenset[str] | None:
        """Sample names to read of a target; None before it is known which ones matter."""
        tracker = self._trackers.get(target)
        if tracker is None or tracker.wanted_names is None or self.selection.is_browsed(target):
            return None
        charted_names = self.selection.charted_names(target)
        return tracker.wanted_names | charted_names if charted_names else tracker.wanted_names

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles; a longer one fills up over time."""
        self.window_s = max(seconds, 2 * self.interval_s)
        for tracker in self._trackers.values():
            tracker.set_window(self.window_s)

    def log_event(self, event: Event) -> None:
        """Add an event to the event log."""
        self._events.append(event)

    # ------------------------------------------------------------------------------------- the tick

    def derive_snapshot(
        self,
        reading: Reading,
        *,
        is_discovering: bool = False,
        forgotten: Callable[[str], frozenset[str]] = lambda _: frozenset(),
    ) -> Snapshot:
        """Derive the snapshot of one tick.

        `is_discovering`: discovery still runs, so nothing is settled. `forgotten`: for a target,
        the sample names of which its scanner has dropped series (a new series may be an old one
        that came back).
        """
        for scrape in reading.scrapes:
            self._add_scrape(scrape, forgotten(scrape.target))
        for name, tracker in self._trackers.items():
            self._events.extend(
                tracker.update_wait(
                    reading.waiting.get(name), reading.at, reading.time, reading.partial.get(name)
                )
            )
        machine = self._host_pipeline
        self._events.extend(machine.add_reading(reading))
        services = self.services.states(reading.at)
        self._events.extend(self.services.update_replicas(reading.time, self.window_s))
        host_rows = machine.saturation
        resources = [(service.name, row) for service in services for row in service.saturation]
        resources += [("", row) for row in host_rows]
        objectives, missed = self._objectives.evaluate(
            reading.at, reading.time, [self._with_objective_routes(service) for service in services]
        )
        self._events.extend(missed)
        self._check_objective_services(reading.time, is_discovering)
        headroom = self._headroom.update(reading.at, self.window_s, services)
        self._update_newest_scrape(reading)
        newest = self._newest_scrape_times
        are_all_settled = all(
            tracker.availability.is_settled for tracker in self._trackers.values()
        )
        snapshot = Snapshot(
            time=newest[1] if newest is not None else reading.time,
            at=reading.at,
            interval_s=self.interval_s,
            window_s=self.window_s,
            targets=tuple(tracker.status(reading.at) for tracker in self._trackers.values()),
            services=(*services, *self.services.filtered_states()),
            host=machine.host,
            host_saturation=host_rows,
            first_to_saturate=self._bottleneck.update(
                resources, [service.name for service in services], reading.at
            ),
            saturation_note=bottleneck.describe_highest(row for _, row in resources),
            processes=machine.processes,
            listeners=machine.listeners,
            busy_cores=machine.busy_cores,
            objectives=objectives,
            headroom=headroom,
            # In order of time: a profile or a late answer tells of a moment that has passed.
            events=tuple(sorted(self._events, key=attrgetter("time")))[-MAX_EVENTS_SHOWN:],
            self_usage=machine.update_self_usage(reading),
            charted=self.selection.charted_family(),
            split=self.services.split_state(),
            history_s=self._history_s(),
            is_ready=not is_discovering and are_all_settled,
        )
        self._server_histories.on_tick(reading.at)
        figures = self._history_values(snapshot)
        with self._lock:
            self.history.append(reading.at, figures)
            self.heatmaps.add_tick(reading.at, snapshot.services)
        return snapshot

    def _history_s(self) -> float:
        """Seconds of known history before the first tick.

        Directly scraped targets have none, and all targets share one axis.
        """
        all_served = all(isinstance(tracker, ServerTracker) for tracker in self._trackers.values())
        return self._server_histories.span_s if all_served else 0.0

    def add_backfill(self, scrapes: Iterable[Scrape]) -> None:
        """Write a server's past samples into the history.

        Each time stands for the span since the one before it.
        """
        for scrape in scrapes:
            tracker = self._trackers.get(scrape.target)
            if not isinstance(tracker, ServerTracker) or tracker.bindings is None:
                continue
            service = self.services.service_name(scrape.target)
            figures = self._server_histories.figures(tracker, service, scrape)
            at = scrape.at - scrape.duration_s
            while at < scrape.at:
                at += max(1.0, self.interval_s)
                with self._lock:
                    self.history.append(min(at, scrape.at), figures)
                    self._past_version = next(_past_versions)

    def read_past(self, request: PastRequest, newest_at: float) -> Past:
        """Copy what a frame needs of the past; the caller holds the lock.

        `newest_at`: `at` of the newest tick that is shown.
        """
        end_at = newest_at if request.until is None else request.until
        axis = TimeAxis(end_at, request.span_s, self.interval_s, self._past_version)
        copied = axis.copy_range(request.least_columns)
        names = request.names
        return Past(
            self.history.copy_cells(names.figures, copied),
            {name: self.heatmaps.copy_cells(name, copied) for name in names.heatmaps},
            axis,
        )

    def _add_scrape(self, scrape: Scrape, forgotten: frozenset[str]) -> None:
        tracker = self._trackers.get(scrape.target)
        if tracker is None:
            return
        bindings = tracker.bindings
        try:
            self._events.extend(tracker.add_scrape(scrape, forgotten))
        except MemoryError as error:  # one target's answer is too large: the others continue
            scrape = replace(scrape, exposition=None, error=shortage(error))
            self._events.extend(tracker.add_scrape(scrape, forgotten))
        self.selection.add_scrape(scrape)
        if tracker.bindings is not bindings:
            self.services.regroup()

    def _update_newest_scrape(self, reading: Reading) -> None:
        """Update the newest scrape behind the snapshot: a good one; a failed one if all targets are
        down.
        """
        is_any_up = any(tracker.availability.is_up for tracker in self._trackers.values())
        for scrape in reading.scrapes:
            times = (scrape.at, scrape.time)
            newest = self._newest_scrape_times
            is_shown = scrape.error is None or not is_any_up
            if is_shown and (newest is None or times > newest):
                self._newest_scrape_times = times

    # ----------------------------------------------------------------------------------- objectives

    def _check_objective_services(self, time: float, is_discovering: bool) -> None:
        """Warn about objectives of unknown services, once all services are known."""
        if self._has_checked_objectives or is_discovering or not self._trackers:
            return
        if not all(tracker.availability.is_up for tracker in self._trackers.values()):
            return
        self._has_checked_objectives = True
        self._events.extend(self._objectives.unknown_service_events(time, self.services.names))

    def _with_objective_routes(self, state: ServiceState) -> ServiceState:
        """Add the rows of the routes that an objective names to a service's state."""
        routes = {
            route for service, route in self._objective_routes if service in (None, state.name)
        }
        return self.services.with_routes(state, routes)

    # -------------------------------------------------------------------------------------- figures

    def _history_values(self, snapshot: Snapshot) -> Mapping[str, float | None]:
        figures: dict[str, float | None] = {}
        for service in snapshot.services:
            figures |= service_figures(service)
        for resource in snapshot.host_saturation:
            figures[history_keys.saturation("", resource.name)] = resource_level(resource)
        if snapshot.split is not None:
            for arm in (snapshot.split.control, snapshot.split.treatment):
                if arm is not None:
                    figures |= service_figures(arm)
        if (charted := snapshot.charted) is not None:
            figures[history_keys.family(charted.target, charted.name)] = charted.charted_value
        return figures
