"""Derive snapshots from readings: one path for live and for replay; no clock and no I/O of its own.

The pipeline connects the collectors' values to the signals: it classifies each target once to bind
its families, keeps each target's window and each service's tracker, writes the figures into the
history, and logs events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from tputtui import text
from tputtui.descriptors import shortage
from tputtui.engine import replica_groups
from tputtui.engine.drilldown import FilteredService, ReplicaTable, ReplicaWatch, ServiceHeatmaps
from tputtui.engine.family_browser import Families, FamilyBrowser, FamilyChart
from tputtui.engine.host_pipeline import HostPipeline
from tputtui.engine.server_history import ServerHistories, resource_level, service_figures
from tputtui.engine.server_tracker import ServerTracker
from tputtui.engine.target_tracker import NO_OVERRIDES, Overrides, TargetTracker, service_waiting_s
from tputtui.model import (
    Bindings,
    ChartedFamily,
    Event,
    Question,
    Reading,
    Scrape,
    ServiceState,
    SignalKind,
    Snapshot,
    SplitState,
    Target,
)
from tputtui.recording.encode import TargetFacts
from tputtui.signals.objectives.headroom import HeadroomTracker
from tputtui.signals.objectives.objective_tracker import (
    ObjectiveLevel,
    ObjectiveTracker,
    add_objective_quantiles,
)
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.history import History
from tputtui.signals.service.bottleneck import BottleneckTracker
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.family_table import FamilyReader, build_override
from tputtui.signals.service.last_figures import LastFigures
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.service_tracker import ServiceTracker
from tputtui.signals.service.traffic_split import (
    SplitArm,
    SplitOption,
    TrafficSplit,
    rates_by_label,
    split_options,
)

MAX_EVENTS = 200
MAX_EVENTS_SHOWN = 50
MAX_ROUTES = 500  # searched for one that an objective names


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
        self._server_histories = ServerHistories(quantiles, interval_s)
        self.replicas: ReplicaTable = {}  # of the newest tick
        self._quantiles = quantiles
        self._objectives = ObjectiveTracker(objectives)
        self._objective_routes = [
            (one.service, one.route) for one in objectives if one.route is not None
        ]
        self._headroom = HeadroomTracker(objectives)
        self._by = by
        self._lock: AbstractContextManager[object] = lock if lock is not None else nullcontext()
        self._newest_scrape_times: tuple[float, float] | None = (
            None  # (at, time) of the newest scrape that a snapshot rests on
        )
        # service -> index of the label it is broken down by
        self._breakdown_index: dict[str, int] = {}
        self._trackers: dict[str, TargetTracker] = {}
        self._services: dict[str, ServiceTracker] = {}
        self._last_figures_by_service: dict[str, LastFigures] = {}  # by service
        self._replica_watches: dict[str, ReplicaWatch] = {}  # of services with several targets
        self._filtered_service: FilteredService | None = None
        self._split_services: tuple[FilteredService, FilteredService] | None = (
            None  # control, treatment
        )
        self._browser: FamilyBrowser | None = None
        self._chart: FamilyChart | None = None
        self._is_grouped = False
        self._has_checked_objectives = False
        self._host_pipeline = HostPipeline()
        self._bottleneck = BottleneckTracker()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)

    # ------------------------------------------------------------------------------------------ targets

    def add_target(
        self, target: Target, overrides: Overrides = NO_OVERRIDES, *, is_from_server: bool = False
    ) -> None:
        """Add a target; `overrides` are the config's bindings (see `signals.classify.overrides`).

        `is_from_server`: its data comes from a server that is queried with `questions`.
        """
        if target.name not in self._trackers:
            self._is_grouped = False
            kind = ServerTracker if is_from_server else TargetTracker
            self._trackers[target.name] = kind(target, self.interval_s, self.window_s, overrides)

    def set_order(self, names: list[str]) -> None:
        """Set the order of the targets and drop those that are not in it."""
        if list(self._trackers) != names:
            self._trackers = {
                name: self._trackers[name] for name in names if name in self._trackers
            }
            self._is_grouped = False

    def browsed_names(self, target: str) -> frozenset[str] | None:
        """Sample names of a target that the metric browser reads; None: all of them.

        May be called during a tick.
        """
        browsing, charting = self._browser, self._chart
        if browsing is not None and browsing.target == target:
            return None
        return (
            charting.sample_names
            if charting is not None and charting.target == target
            else frozenset()
        )

    def questions(self, target: str) -> tuple[Question, ...]:
        """Queries for the server of a target; none before its first classification.

        May be called during a tick.
        """
        tracker = self._trackers.get(target)
        if not isinstance(tracker, ServerTracker) or tracker.bindings is None:
            return ()
        service = self._find_service(target)
        return tracker.questions(
            self._breakdown_labels(service.name if service is not None else target, [tracker])
        )

    def set_bindings(
        self, target: str, bindings: Bindings | None, service_name: str | None, build: str | None
    ) -> None:
        """Set a target's bindings from its next scrape on, as recorded in a run."""
        tracker = self._trackers.get(target)
        if tracker is not None:
            tracker.set_bindings(bindings, service_name, build)
            self._is_grouped = False

    def target_facts(self) -> tuple[TargetFacts, ...]:
        """Facts about each target that a recorder needs beside the newest reading."""
        return tuple(
            TargetFacts(
                one.target,
                one.bindings,
                one.service_name,
                one.build,
                self.wanted_names(name),
                one.names_not_from_zero,
                is_from_server=isinstance(one, ServerTracker),
            )
            for name, one in self._trackers.items()
        )

    @property
    def filtered_service_name(self) -> str | None:
        """Name of the filtered service, which is a part of another service; None without a
        filter.
        """
        return self._filtered_service.part.name if self._filtered_service is not None else None

    def wanted_names(self, target: str) -> frozenset[str] | None:
        """Sample names to read of a target; None before it is known which ones matter."""
        tracker = self._trackers.get(target)
        if tracker is None or (self._browser is not None and self._browser.target == target):
            return None
        charted = self._chart
        if charted is None or charted.target != target or tracker.wanted_names is None:
            return tracker.wanted_names
        return tracker.wanted_names | charted.sample_names

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles; a longer one fills up over time."""
        self.window_s = max(seconds, 2 * self.interval_s)
        for tracker in self._trackers.values():
            tracker.set_window(self.window_s)

    def next_breakdown(self, service: str) -> None:
        """Break a service's traffic down by its next label."""
        self._breakdown_index[service] = self._breakdown_index.get(service, -1) + 1

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional service, the last of the snapshot; None removes
        it.
        """
        self._filtered_service = (
            FilteredService(service_filter, self._quantiles) if service_filter is not None else None
        )

    def set_split(self, split: TrafficSplit | None) -> None:
        """Also show the two arms of a traffic split; None removes them."""
        arms = (split.control, split.treatment) if split is not None else ()
        views = [FilteredService(arm, self._quantiles) for arm in arms]
        self._split_services = (views[0], views[1]) if views else None

    def find_split_options(self, service: str) -> tuple[SplitOption, ...]:
        """List how a service may be split, as of the newest tick. Must not be called during
        a tick.
        """
        tracker = self._services.get(service)
        if tracker is None:
            return ()
        traffic = tracker.bindings.traffic
        likewise = [
            one
            for one in self._services.values()
            if one is not tracker
            and traffic is not None
            and (other := one.bindings.traffic)
            and other.unit == traffic.unit
        ]
        return split_options(
            service,
            {
                name: replica.rps if (replica := self.replicas.get(name)) else None
                for name in tracker.targets
            },
            {one.name: sum(rate for _, rate in one.counted_rates()) for one in likewise},
            rates_by_label(tracker.counted_rates()),
        )

    # ------------------------------------------------------------------------------------------ browsing

    def browse(self, target: str | None, *, is_partial: bool = False) -> None:
        """Read all families of a target from its next scrape on; None stops it.

        `is_partial`: accept incomplete expositions.
        """
        if target is None or self._browser is None or self._browser.target != target:
            self._browser = (
                FamilyBrowser(target, is_partial=is_partial) if target is not None else None
            )

    def families(self) -> Families | None:
        """Families of the browsed target; None before its first complete scrape."""
        browsing = self._browser
        tracker = self._trackers.get(browsing.target) if browsing is not None else None
        if browsing is None or browsing.last_exposition is None or tracker is None:
            return None
        replicas = tuple(
            (one.target.name, one.target.url) for one in self._replica_trackers(tracker)
        )
        return browsing.families(tracker.bindings, tracker.overrides, replicas)

    def family_history(self, family: str, columns: int) -> list[float | None]:
        """Most recent figures of a family of the browsed target."""
        return (
            self._browser.family_history(family, columns)
            if self._browser is not None
            else [None] * columns
        )

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis until another replaces it; None removes it.

        A family that the target does not have is shown as unknown.
        """
        if charted is None:
            self._chart = None
            return
        target, family = charted
        browsing = self._browser
        known = (
            browsing.sample_names(family)
            if browsing is not None and browsing.target == target
            else frozenset[str]()
        )
        samples = known or FamilyReader.likely_sample_names(family)
        self._chart = FamilyChart(target, family, samples)

    def bind_signal(self, target: str, signal: SignalKind, family: str, time: float) -> None:
        """Bind a signal of a target and of its replicas to a family; the event log gets the
        result.
        """
        tracker, browsing = self._trackers.get(target), self._browser
        if (
            tracker is None
            or browsing is None
            or browsing.target != target
            or browsing.last_exposition is None
        ):
            return
        named = f"{signal} of {tracker.availability.name}"
        try:
            words = build_override(signal, family, browsing.last_exposition)
            for one in self._replica_trackers(tracker):
                one.override_binding(signal, words, browsing.last_exposition)
        except ValueError as error:
            self.log_event(Event(time, "warning", f"{named} stays as it is: {error}", target))
            return
        self._is_grouped = False
        self.log_event(
            Event(time, "note", f"{named} is read from {text.clean(family, 80)} now", target)
        )

    def _replica_trackers(self, tracker: TargetTracker) -> list[TargetTracker]:
        """Trackers of all targets of the target's service, itself included."""
        service = self._find_service(tracker.target.name)
        return (
            [self._trackers[other] for other in service.targets]
            if service is not None
            else [tracker]
        )

    def _find_service(self, target: str) -> ServiceTracker | None:
        """Service that a target belongs to; None before it was grouped.

        May be called during a tick.
        """
        return next((one for one in tuple(self._services.values()) if target in one.targets), None)

    def log_event(self, event: Event) -> None:
        """Add an event to the event log."""
        self._events.append(event)

    # ------------------------------------------------------------------------------------------ the tick

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
        self._events.extend(self._host_pipeline.add_reading(reading))
        services = self._service_states(reading.at)
        self._update_replicas(reading)
        machine = self._host_pipeline
        host_rows = machine.saturation
        owned = [(service.name, row) for service in services for row in service.saturation]
        owned += [("", row) for row in host_rows]
        objectives, missed = self._objectives.evaluate(
            reading.at, reading.time, [*map(self._with_all_routes, services)]
        )
        self._events.extend(missed)
        self._check_objective_services(reading.time, is_discovering)
        headroom = self._headroom.update(reading.at, self.window_s, services)
        self._update_newest_scrape(reading)
        snapshot = Snapshot(
            time=self._newest_scrape_times[1]
            if self._newest_scrape_times is not None
            else reading.time,
            at=reading.at,
            interval_s=self.interval_s,
            window_s=self.window_s,
            targets=tuple(tracker.status(reading.at) for tracker in self._trackers.values()),
            services=(*services, *self._filtered_states()),
            host=machine.host,
            host_saturation=host_rows,
            first_to_saturate=self._bottleneck.update(
                owned, [service.name for service in services]
            ),
            processes=machine.processes,
            listeners=machine.listeners,
            busy_cores=machine.busy_cores,
            objectives=objectives,
            headroom=headroom,
            events=tuple(self._events)[-MAX_EVENTS_SHOWN:],
            self_usage=machine.update_self_usage(reading),
            charted=self._charted_family(),
            split=self._split_state(),
            history_s=self._history_s(),
            is_ready=not is_discovering
            and all(tracker.availability.is_settled for tracker in self._trackers.values()),
        )
        self._server_histories.on_tick(reading.at)
        figures = self._history_values(snapshot)
        with self._lock:
            self.history.append(reading.at, figures)
            self.heatmaps.add_tick(reading.at, snapshot.services)
        return snapshot

    def _charted_family(self) -> ChartedFamily | None:
        """Charted family; without a figure while its target's answer is late by more than a
        window.
        """
        now = self._chart.charted_family if self._chart is not None else None
        tracker = self._trackers.get(now.target) if now is not None else None
        if now is None or tracker is None or not tracker.availability.is_overdue:
            return now
        return replace(now, value=None, rate=None)

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
            service = self._find_service(scrape.target)
            figures = self._server_histories.figures(
                tracker, service.name if service is not None else scrape.target, scrape
            )
            at = scrape.at - scrape.duration_s
            while at < scrape.at:
                at += max(1.0, self.interval_s)
                with self._lock:
                    self.history.append(min(at, scrape.at), figures)

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
        if self._browser is not None and self._browser.target == scrape.target:
            self._browser.add_scrape(scrape)
        if self._chart is not None and self._chart.target == scrape.target and not scrape.late:
            self._chart.add_scrape(scrape)
        if tracker.bindings is not bindings:
            self._is_grouped = False  # regroup at the next tick

    def _update_newest_scrape(self, reading: Reading) -> None:
        """Update the newest scrape behind the snapshot: a good one; a failed one if all targets are
        down.
        """
        any_up = any(tracker.availability.is_up for tracker in self._trackers.values())
        told = [
            (scrape.at, scrape.time)
            for scrape in reading.scrapes
            if scrape.error is None or not any_up
        ]
        self._newest_scrape_times = max(
            [
                *told,
                *([self._newest_scrape_times] if self._newest_scrape_times is not None else []),
            ],
            default=None,
        )

    # ------------------------------------------------------------------------------------------ services

    def _service_states(self, at: float) -> tuple[ServiceState, ...]:
        if not self._is_grouped:
            self._group_services()
            self._is_grouped = True
        states = []
        for name, tracker in self._services.items():
            members = [self._trackers[target] for target in tracker.targets]
            by = self._breakdown_labels(name, members)
            windows = {m.target.name: m.window for m in members if m.window is not None}
            last = self._last_figures_by_service.setdefault(name, LastFigures())
            state, is_overdue = (
                tracker.state(windows, by),
                any(member.availability.is_overdue for member in members),
            )
            states.append(
                last.add_last_figures(
                    state, windows.values(), at, service_waiting_s(members), is_overdue=is_overdue
                )
            )
        return tuple(states)

    def _check_objective_services(self, time: float, is_discovering: bool) -> None:
        """Warn about objectives of unknown services, once all services are known."""
        if (
            self._has_checked_objectives
            or is_discovering
            or not self._trackers
            or not all(one.availability.is_up for one in self._trackers.values())
        ):
            return
        self._has_checked_objectives = True
        self._events.extend(self._objectives.unknown_service_events(time, list(self._services)))

    def _with_all_routes(self, state: ServiceState) -> ServiceState:
        """Add the rows of all routes to a service's state.

        Needed where an objective names a route that is not shown, because another label is, or only
        the busiest routes are.
        """
        wanted = {
            route for service, route in self._objective_routes if service in (None, state.name)
        }
        if not wanted or wanted <= {history_keys.find_route(row.labels) for row in state.breakdown}:
            return state
        tracker = self._services[state.name]
        return replace(
            state,
            breakdown=tracker.breakdown(default_breakdown(tracker.bindings.breakdown), MAX_ROUTES)[
                0
            ],
        )

    def _filtered_states(self) -> tuple[ServiceState, ...]:
        state = (
            self._filtered_state(self._filtered_service)
            if self._filtered_service is not None
            else None
        )
        return (state,) if state is not None else ()

    def _split_state(self) -> SplitState | None:
        return (
            SplitState(*map(self._filtered_state, self._split_services))
            if self._split_services is not None
            else None
        )

    def _filtered_state(self, filtered_service: FilteredService) -> ServiceState | None:
        """State of a filtered service or of an arm of a split; None where it has no data."""
        service = self._services.get(filtered_service.part.service)
        if service is None:
            return None
        members = [self._trackers[target] for target in service.targets]
        by = (
            ()
            if isinstance(filtered_service.part, SplitArm)
            else self._breakdown_labels(filtered_service.part.name, members)
        )
        return filtered_service.state(members, by)

    def _update_replicas(self, reading: Reading) -> None:
        found = [
            watch.update(reading.time, self.window_s) for watch in self._replica_watches.values()
        ]
        self.replicas = {replica.target: replica for replicas, _ in found for replica in replicas}
        for _, events in found:
            self._events.extend(events)

    def _breakdown_labels(
        self, service: str, members: list[TargetTracker]
    ) -> tuple[str, ...] | None:
        if self._by:
            return self._by
        found = members[0].bindings.breakdown if members and members[0].bindings else ()
        chosen = self._breakdown_index.get(service)
        if chosen is None or not found:
            return None
        singles = list(found)
        at = (chosen + 1) % (len(singles) + 1)
        return None if at == 0 else (singles[at - 1],)

    def _group_services(self) -> None:
        """Group targets into services: replicas form one service."""
        before, self._services = self._services, {}
        lasts, self._last_figures_by_service = self._last_figures_by_service, {}
        watches, self._replica_watches = self._replica_watches, {}
        for members in replica_groups.group_replicas(self._trackers.values()):
            name = replica_groups.choose_service_name(members, self._trackers, self._services)
            targets = tuple(member.target.name for member in members)
            bindings = members[0].bindings or Bindings()
            old = before.get(name)
            if old is None or (old.targets, old.bindings) != (targets, bindings):
                old = ServiceTracker(name, targets, bindings, self._quantiles, previous=old)
            self._services[name] = old
            self._last_figures_by_service[name] = lasts.get(name) or LastFigures()
            watch = watches.get(name)
            if len(members) > 1:
                kept = watch is not None and watch.is_current(members)
                self._replica_watches[name] = (
                    watch if kept and watch else ReplicaWatch(members, self._quantiles)
                )

    # ------------------------------------------------------------------------------------------ figures

    def _history_values(self, snapshot: Snapshot) -> Mapping[str, float | None]:
        figures: dict[str, float | None] = {}
        for service in snapshot.services:
            figures |= service_figures(service)
        for resource in snapshot.host_saturation:
            figures[history_keys.saturation("", resource.name)] = resource_level(resource)
        arms = (
            (snapshot.split.control, snapshot.split.treatment) if snapshot.split is not None else ()
        )
        for arm in arms:
            figures |= service_figures(arm) if arm is not None else {}
        if (charted := snapshot.charted) is not None:
            figures[history_keys.family(charted.target, charted.name)] = charted.charted_value
        return figures
