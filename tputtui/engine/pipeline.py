"""The tick's meaning: readings in, snapshots out. One path for live and for replay; no clock, no I/O of its own.

The monitor introduces the collectors' values to the signals' meaning: it decides once which families of a target are
bound, keeps each target's window and each service's tracker, writes the figures into the history, and notes what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from tputtui import text
from tputtui.descriptors import shortage
from tputtui.engine import replica_groups
from tputtui.engine.drilldown import FilteredService, HeatMaps, ReplicaTable, ReplicaWatch
from tputtui.engine.family_browser import Families, FamilyBrowser, FamilyChart
from tputtui.engine.host_pipeline import HostPipeline
from tputtui.engine.server_history import ServerHistories, level, service_figures
from tputtui.engine.server_tracker import ServerTracker
from tputtui.engine.target_tracker import NO_OVERRIDES, Overrides, TargetTracker, waiting_of
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
from tputtui.recording.encode import TargetState
from tputtui.signals.objectives.headroom import HeadroomTracker
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel, ObjectiveTracker, with_their_quantiles
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.history import History
from tputtui.signals.service.bottleneck import BottleneckTracker
from tputtui.signals.service.breakdown import default_by
from tputtui.signals.service.family_table import FamilyReader, words_for
from tputtui.signals.service.last_figures import LastFigures
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.service_tracker import ServiceTracker
from tputtui.signals.service.traffic_split import SplitArm, SplitOption, TrafficSplit, by_label, ways

EVENTS_KEPT = 200
EVENTS_SHOWN = 50
MOST_ROUTES = 500  # that are looked through for one that an objective names


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
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        """Times in seconds; `by` names labels of the breakdown in place of those found. `guard` is held while what
        another thread may read (`history`, `heat`) is written.
        """
        quantiles = with_their_quantiles(quantiles, objectives)
        self.interval_s = interval_s
        self.window_s = window_s
        self.history = History(interval_s)
        self.heat = HeatMaps(interval_s)
        self._pasts = ServerHistories(quantiles, interval_s)
        self.replicas: ReplicaTable = {}  # of the newest tick
        self._quantiles = quantiles
        self._objectives = ObjectiveTracker(objectives)
        self._routes = [(one.service, one.route) for one in objectives if one.route is not None]
        self._headroom = HeadroomTracker(objectives)
        self._by = by
        self._guard: AbstractContextManager[object] = guard if guard is not None else nullcontext()
        self._newest: tuple[float, float] | None = None  # (at, time) of the newest scrape that a snapshot rests on
        self._chosen_by: dict[str, int] = {}  # service -> which of its labels it is broken down by
        self._targets: dict[str, TargetTracker] = {}
        self._services: dict[str, ServiceTracker] = {}
        self._last_figures: dict[str, LastFigures] = {}  # by service
        self._watches: dict[str, ReplicaWatch] = {}  # of services with several targets
        self._lens: FilteredService | None = None
        self._split: tuple[FilteredService, FilteredService] | None = None  # control, treatment
        self._browsing: FamilyBrowser | None = None
        self._charting: FamilyChart | None = None
        self._grouped = False
        self._knows_all = False
        self._machine = HostPipeline()
        self._first = BottleneckTracker()
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)

    # ------------------------------------------------------------------------------------------ targets

    def add_target(self, target: Target, overrides: Overrides = NO_OVERRIDES, *, served: bool = False) -> None:
        """Watch one more target; `overrides` is the config's word on its bindings (see `signals.overrides`).

        `served`: what is known of it comes from a server that is asked `questions`.
        """
        if target.name not in self._targets:
            self._grouped = False
            kind = ServerTracker if served else TargetTracker
            self._targets[target.name] = kind(target, self.interval_s, self.window_s, overrides)

    def arrange(self, names: list[str]) -> None:
        """Show the targets in this order; those that are not in it are watched no longer."""
        if list(self._targets) != names:
            self._targets = {name: self._targets[name] for name in names if name in self._targets}
            self._grouped = False

    def looked_for(self, target: str) -> frozenset[str] | None:
        """The sample names of a target that somebody looks at as they are; None: all of them. May be called during a tick."""
        browsing, charting = self._browsing, self._charting
        if browsing is not None and browsing.target == target:
            return None
        return charting.samples if charting is not None and charting.target == target else frozenset()

    def questions(self, target: str) -> tuple[Question, ...]:
        """What to ask the server for that knows a target; nothing before it was looked at. May be called during a tick."""
        tracker = self._targets.get(target)
        if not isinstance(tracker, ServerTracker) or tracker.bindings is None:
            return ()
        service = self._service_of(target)
        return tracker.questions(self._breakdown_of(service.name if service is not None else target, [tracker]))

    def tell(self, target: str, bindings: Bindings | None, service_name: str | None, build: str | None) -> None:
        """What is bound on a target from its next scrape on, as a run tells it."""
        tracker = self._targets.get(target)
        if tracker is not None:
            tracker.tell(bindings, service_name, build)
            self._grouped = False

    def told(self) -> tuple[TargetState, ...]:
        """What a recorder has to know of each target beside the reading that was just taken."""
        return tuple(
            TargetState(
                one.target,
                one.bindings,
                one.service_name,
                one.build,
                self.wanted(name),
                one.not_from_zero,
                served=isinstance(one, ServerTracker),
            )
            for name, one in self._targets.items()
        )

    @property
    def lens_name(self) -> str | None:
        """What the service is called that is only a closer look at another one."""
        return self._lens.lens.name if self._lens is not None else None

    def wanted(self, target: str) -> frozenset[str] | None:
        """The sample names to read of a target; None while it is not known which matter."""
        tracker = self._targets.get(target)
        if tracker is None or (self._browsing is not None and self._browsing.target == target):
            return None
        charted = self._charting
        if charted is None or charted.target != target or tracker.wanted is None:
            return tracker.wanted
        return tracker.wanted | charted.samples

    def set_window(self, seconds: float) -> None:
        """Take rates and quantiles over another window from now on; a longer one fills up."""
        self.window_s = max(seconds, 2 * self.interval_s)
        for tracker in self._targets.values():
            tracker.set_window(self.window_s)

    def next_breakdown(self, service: str) -> None:
        """Break a service's traffic down by its next label."""
        self._chosen_by[service] = self._chosen_by.get(service, -1) + 1

    def look_through(self, lens: ServiceFilter | None) -> None:
        """Show a service through a lens: as one more service, the last of the snapshot. None takes it away."""
        self._lens = FilteredService(lens, self._quantiles) if lens is not None else None

    def split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a split besides; None: no longer."""
        arms = (split.control, split.treatment) if split is not None else ()
        views = [FilteredService(arm, self._quantiles) for arm in arms]
        self._split = (views[0], views[1]) if views else None

    def ways(self, service: str) -> tuple[SplitOption, ...]:
        """How a service may be split, as of the newest tick. May not be called during one."""
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
        return ways(
            service,
            {name: replica.rps if (replica := self.replicas.get(name)) else None for name in tracker.targets},
            {one.name: sum(rate for _, rate in one.counted()) for one in likewise},
            by_label(tracker.counted()),
        )

    # ------------------------------------------------------------------------------------------ browsing

    def browse(self, target: str | None, *, partly: bool = False) -> None:
        """Read a target whole from its next scrape on, to look at its families; None: nobody looks any more.

        `partly`: take what there is of it.
        """
        if target is None or self._browsing is None or self._browsing.target != target:
            self._browsing = FamilyBrowser(target, partly=partly) if target is not None else None

    def families(self) -> Families | None:
        """The families of the target that is looked at; None before its first whole scrape."""
        browsing = self._browsing
        tracker = self._targets.get(browsing.target) if browsing is not None else None
        if browsing is None or browsing.last is None or tracker is None:
            return None
        replicas = tuple((one.target.name, one.target.url) for one in self._replicas_of(tracker))
        return browsing.families(tracker.bindings, tracker.overrides, replicas)

    def trail(self, family: str, columns: int) -> list[float | None]:
        """The last figures of a family of the target that is looked at."""
        return self._browsing.trail(family, columns) if self._browsing is not None else [None] * columns

    def chart(self, chosen: tuple[str, str] | None) -> None:
        """Read a (target, family) from now on for the time axis, too, until another takes its place; None: none.

        Of a family that the target does not have nothing is known.
        """
        if chosen is None:
            self._charting = None
            return
        target, family = chosen
        browsing = self._browsing
        known = browsing.samples_of(family) if browsing is not None and browsing.target == target else frozenset[str]()
        samples = known or FamilyReader.likely_samples(family)
        self._charting = FamilyChart(target, family, samples)

    def bind(self, target: str, slot: SignalKind, family: str, time: float) -> None:
        """Read a signal of a target, and of its replicas, from a family from now on. The event log says how it went."""
        tracker, browsing = self._targets.get(target), self._browsing
        if tracker is None or browsing is None or browsing.target != target or browsing.last is None:
            return
        named = f"{slot} of {tracker.name}"
        try:
            words = words_for(slot, family, browsing.last)
            for one in self._replicas_of(tracker):
                one.choose(slot, words, browsing.last)
        except ValueError as error:
            self.note(Event(time, "warning", f"{named} stays as it is: {error}", target))
            return
        self._grouped = False
        self.note(Event(time, "note", f"{named} is read from {text.clean(family, 80)} now", target))

    def _replicas_of(self, tracker: TargetTracker) -> list[TargetTracker]:
        """All targets of a target's service, itself among them."""
        service = self._service_of(tracker.target.name)
        return [self._targets[other] for other in service.targets] if service is not None else [tracker]

    def _service_of(self, target: str) -> ServiceTracker | None:
        """The service that a target is (part of); None before it was grouped. May be called during a tick."""
        return next((one for one in tuple(self._services.values()) if target in one.targets), None)

    def note(self, event: Event) -> None:
        """Put something into the event log."""
        self._events.append(event)

    # ------------------------------------------------------------------------------------------ the tick

    def take(
        self,
        reading: Reading,
        *,
        looking: bool = False,
        forgotten: Callable[[str], frozenset[str]] = lambda _: frozenset(),
    ) -> Snapshot:
        """The snapshot of one tick.

        `looking`: targets are still being looked for, so that nothing is settled. `forgotten`: for a target, the sample
        names of which its scanner has dropped series (a new one may be an old one come back).
        """
        for scrape in reading.scrapes:
            self._take_scrape(scrape, forgotten(scrape.target))
        for name, tracker in self._targets.items():
            self._events.extend(
                tracker.wait(reading.waiting.get(name), reading.at, reading.time, reading.partial.get(name))
            )
        self._events.extend(self._machine.take(reading))
        services = self._service_states(reading.at)
        self._watch_replicas(reading)
        machine = self._machine
        host_rows = machine.saturation
        owned = [(service.name, row) for service in services for row in service.saturation]
        owned += [("", row) for row in host_rows]
        objectives, missed = self._objectives.judge(reading.at, reading.time, [*map(self._with_routes, services)])
        self._events.extend(missed)
        self._look_for_strangers(reading.time, looking)
        headroom = self._headroom.take(reading.at, self.window_s, services)
        self._note_time(reading)
        snapshot = Snapshot(
            time=self._newest[1] if self._newest is not None else reading.time,
            at=reading.at,
            interval_s=self.interval_s,
            window_s=self.window_s,
            targets=tuple(tracker.status(reading.at) for tracker in self._targets.values()),
            services=(*services, *self._through_lens()),
            host=machine.host,
            host_saturation=host_rows,
            first=self._first.judge(owned, [service.name for service in services]),
            processes=machine.processes,
            listeners=machine.listeners,
            busy_cores=machine.busy_cores,
            objectives=objectives,
            headroom=headroom,
            events=tuple(self._events)[-EVENTS_SHOWN:],
            self_=machine.ourselves(reading),
            charted=self._charted(),
            split=self._split_state(),
            history_s=self._history_s(),
            ready=not looking and all(tracker.settled for tracker in self._targets.values()),
        )
        self._pasts.began(reading.at)
        figures = self._figures(snapshot)
        with self._guard:
            self.history.append(reading.at, figures)
            self.heat.take(reading.at, snapshot.services)
        return snapshot

    def _charted(self) -> ChartedFamily | None:
        """The family on the time axis; without a figure while its target's answer is late by more than a window."""
        now = self._charting.now if self._charting is not None else None
        tracker = self._targets.get(now.target) if now is not None else None
        if now is None or tracker is None or not tracker.is_overdue:
            return now
        return replace(now, value=None, rate=None)

    def _history_s(self) -> float:
        """How much is known of the time before: of targets of our own nothing is, and the axis is the same for all."""
        all_served = all(isinstance(tracker, ServerTracker) for tracker in self._targets.values())
        return self._pasts.span_s if all_served else 0.0

    def remember(self, scrapes: Iterable[Scrape]) -> None:
        """Put what a server remembers into the history. Each moment stands for the time since the one before it."""
        for scrape in scrapes:
            tracker = self._targets.get(scrape.target)
            if not isinstance(tracker, ServerTracker) or tracker.bindings is None:
                continue
            service = self._service_of(scrape.target)
            figures = self._pasts.figures(tracker, service.name if service is not None else scrape.target, scrape)
            at = scrape.at - scrape.duration_s
            while at < scrape.at:
                at += max(1.0, self.interval_s)
                with self._guard:
                    self.history.append(min(at, scrape.at), figures)

    def _take_scrape(self, scrape: Scrape, forgotten: frozenset[str]) -> None:
        tracker = self._targets.get(scrape.target)
        if tracker is None:
            return
        bindings = tracker.bindings
        try:
            self._events.extend(tracker.take(scrape, forgotten))
        except MemoryError as error:  # one target's answer is too much: the others go on
            scrape = replace(scrape, exposition=None, error=shortage(error))
            self._events.extend(tracker.take(scrape, forgotten))
        if self._browsing is not None and self._browsing.target == scrape.target:
            self._browsing.take(scrape)
        if self._charting is not None and self._charting.target == scrape.target and not scrape.late:
            self._charting.take(scrape)
        if tracker.bindings is not bindings:
            self._grouped = False  # who belongs together is asked anew at the next tick

    def _note_time(self, reading: Reading) -> None:
        """Note the newest scrape that what is shown rests on: a good one; where all targets are down, a failed one."""
        any_up = any(tracker.is_up for tracker in self._targets.values())
        told = [(scrape.at, scrape.time) for scrape in reading.scrapes if scrape.error is None or not any_up]
        self._newest = max([*told, *([self._newest] if self._newest is not None else [])], default=None)

    # ------------------------------------------------------------------------------------------ services

    def _service_states(self, at: float) -> tuple[ServiceState, ...]:
        if not self._grouped:
            self._group()
            self._grouped = True
        states = []
        for name, tracker in self._services.items():
            members = [self._targets[target] for target in tracker.targets]
            by = self._breakdown_of(name, members)
            windows = {m.target.name: m.window for m in members if m.window is not None}
            last = self._last_figures.setdefault(name, LastFigures())
            state, is_overdue = tracker.state(windows, by), any(member.is_overdue for member in members)
            states.append(last.fill(state, windows.values(), at, waiting_of(members), is_overdue=is_overdue))
        return tuple(states)

    def _look_for_strangers(self, time: float, looking: bool) -> None:
        """Once all services are known: does every objective's service exist?"""
        if self._knows_all or looking or not self._targets or not all(one.is_up for one in self._targets.values()):
            return
        self._knows_all = True
        self._events.extend(self._objectives.strangers(time, list(self._services)))

    def _with_routes(self, state: ServiceState) -> ServiceState:
        """A service with the rows of all its routes, where an objective names one that is not shown: another label is, or
        the busiest alone.
        """
        wanted = {route for service, route in self._routes if service in (None, state.name)}
        if not wanted or wanted <= {history_keys.route_of(row.labels) for row in state.breakdown}:
            return state
        tracker = self._services[state.name]
        return replace(state, breakdown=tracker.breakdown(default_by(tracker.bindings.breakdown), MOST_ROUTES)[0])

    def _through_lens(self) -> tuple[ServiceState, ...]:
        state = self._part(self._lens) if self._lens is not None else None
        return (state,) if state is not None else ()

    def _split_state(self) -> SplitState | None:
        return SplitState(*map(self._part, self._split)) if self._split is not None else None

    def _part(self, view: FilteredService) -> ServiceState | None:
        """What a lens, or an arm of a split, shows of its service; None where nothing of it is there."""
        service = self._services.get(view.lens.service)
        if service is None:
            return None
        members = [self._targets[target] for target in service.targets]
        by = () if isinstance(view.lens, SplitArm) else self._breakdown_of(view.lens.name, members)
        return view.state(members, by)

    def _watch_replicas(self, reading: Reading) -> None:
        found = [watch.take(reading.time, self.window_s) for watch in self._watches.values()]
        self.replicas = {replica.target: replica for replicas, _ in found for replica in replicas}
        for _, events in found:
            self._events.extend(events)

    def _breakdown_of(self, service: str, members: list[TargetTracker]) -> tuple[str, ...] | None:
        if self._by:
            return self._by
        found = members[0].bindings.breakdown if members and members[0].bindings else ()
        chosen = self._chosen_by.get(service)
        if chosen is None or not found:
            return None
        singles = list(found)
        at = (chosen + 1) % (len(singles) + 1)
        return None if at == 0 else (singles[at - 1],)

    def _group(self) -> None:
        """Targets become services: replicas are one."""
        before, self._services = self._services, {}
        lasts, self._last_figures = self._last_figures, {}
        watches, self._watches = self._watches, {}
        for members in replica_groups.replicas(self._targets.values()):
            name = replica_groups.name_of(members, self._targets, self._services)
            targets = tuple(member.target.name for member in members)
            bindings = members[0].bindings or Bindings()
            old = before.get(name)
            if old is None or (old.targets, old.bindings) != (targets, bindings):
                old = ServiceTracker(name, targets, bindings, self._quantiles, before=old)
            self._services[name] = old
            self._last_figures[name] = lasts.get(name) or LastFigures()
            watch = watches.get(name)
            if len(members) > 1:
                kept = watch is not None and watch.still_holds(members)
                self._watches[name] = watch if kept and watch else ReplicaWatch(members, self._quantiles)

    # ------------------------------------------------------------------------------------------ figures

    def _figures(self, snapshot: Snapshot) -> Mapping[str, float | None]:
        figures: dict[str, float | None] = {}
        for service in snapshot.services:
            figures |= service_figures(service)
        for resource in snapshot.host_saturation:
            figures[history_keys.saturation("", resource.name)] = level(resource)
        arms = (snapshot.split.control, snapshot.split.treatment) if snapshot.split is not None else ()
        for arm in arms:
            figures |= service_figures(arm) if arm is not None else {}
        if (charted := snapshot.charted) is not None:
            figures[history_keys.family(charted.target, charted.name)] = charted.now
        return figures
