"""Services of a pipeline: targets grouped into replicas, a state for each at every tick.

A filtered service and the two arms of a traffic split are derived in addition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tputtui.engine.drilldown import FilteredService, ReplicaTable, ReplicaWatch
from tputtui.engine.target_tracker import TargetTracker, service_waiting_s
from tputtui.model import Binding, Bindings, Event, ServiceState, SplitState
from tputtui.signals.rates import history_keys
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.replicas import ReplicaFigures
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.service_tracker import LastFigures, ServiceTracker
from tputtui.signals.service.traffic_split import (
    SplitArm,
    SplitOption,
    TrafficSplit,
    rates_by_label,
    split_options,
)

MAX_ROUTES: Final = 500  # searched for one that an objective names


class ServicePipeline:
    """State of every service across readings."""

    def __init__(
        self,
        trackers: Mapping[str, TargetTracker],
        quantiles: tuple[float, ...],
        by: tuple[str, ...],
    ) -> None:
        """Args: `trackers` of all targets by name; between ticks the pipeline changes them.

        `by` names labels of the breakdown in place of those detected.
        """
        self.replicas: ReplicaTable = {}  # of the newest tick
        self._trackers = trackers
        self._quantiles = quantiles
        self._by = by
        self._services: dict[str, ServiceTracker] = {}
        self._last_figures_by_service: dict[str, LastFigures] = {}
        self._replica_watches: dict[str, ReplicaWatch] = {}  # of services with several targets
        # service -> index of the label it is broken down by
        self._breakdown_index: dict[str, int] = {}
        self._filtered_service: FilteredService | None = None
        self._split_arms: tuple[FilteredService, FilteredService] | None = None
        self._is_grouped = False

    @property
    def names(self) -> list[str]:
        """Names of all services as of the newest tick."""
        return list(self._services)

    @property
    def filtered_service_name(self) -> str | None:
        """Name of the filtered service, a part of another one; None without a filter."""
        return self._filtered_service.part.name if self._filtered_service is not None else None

    # -------------------------------------------------------------------------------------- choices

    def next_breakdown(self, service: str) -> None:
        """Break a service's traffic down by its next label."""
        self._breakdown_index[service] = self._breakdown_index.get(service, -1) + 1

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional one, the last of the snapshot; None removes
        it.
        """
        self._filtered_service = None
        if service_filter is not None:
            self._filtered_service = FilteredService(service_filter, self._quantiles)

    def set_split(self, split: TrafficSplit | None) -> None:
        """Also show the two arms of a traffic split; None removes them."""
        self._split_arms = None
        if split is not None:
            self._split_arms = (
                FilteredService(split.control, self._quantiles),
                FilteredService(split.treatment, self._quantiles),
            )

    def find_split_options(self, service: str) -> tuple[SplitOption, ...]:
        """List how a service may be split, as of the newest tick. Must not be called during
        a tick.
        """
        tracker = self._services.get(service)
        if tracker is None:
            return ()
        rate_by_target: dict[str, float | None] = {}
        for name in tracker.targets:
            replica = self.replicas.get(name)
            rate_by_target[name] = replica.rps if replica is not None else None
        rate_by_service = {
            other.name: sum(rate for _, rate in other.counted_rates())
            for other in self._services.values()
            if other is not tracker and _have_same_unit(tracker.bindings, other.bindings)
        }
        labels = rates_by_label(tracker.counted_rates())
        return split_options(service, rate_by_target, rate_by_service, labels)

    # ------------------------------------------------------------------------------------- grouping

    def regroup(self) -> None:
        """Group the targets again at the next tick."""
        self._is_grouped = False

    def find_service(self, target: str) -> ServiceTracker | None:
        """Service that a target belongs to; None before it was grouped.

        May be called during a tick.
        """
        for service in tuple(self._services.values()):
            if target in service.targets:
                return service
        return None

    def service_name(self, target: str) -> str:
        """Name of the service of a target; the target's own before it was grouped."""
        service = self.find_service(target)
        return service.name if service is not None else target

    def replica_trackers(self, tracker: TargetTracker) -> list[TargetTracker]:
        """Trackers of all targets of the target's service, itself included."""
        service = self.find_service(tracker.target.name)
        if service is None:
            return [tracker]
        return [self._trackers[other] for other in service.targets]

    def _group_services(self) -> None:
        """Group targets into services: replicas form one service."""
        before, self._services = self._services, {}
        lasts, self._last_figures_by_service = self._last_figures_by_service, {}
        watches, self._replica_watches = self._replica_watches, {}
        for members in group_replicas(self._trackers.values()):
            name = choose_service_name(members, self._trackers, self._services)
            targets = tuple(member.target.name for member in members)
            bindings = members[0].bindings or Bindings()
            tracker = before.get(name)
            if tracker is None or (tracker.targets, tracker.bindings) != (targets, bindings):
                tracker = ServiceTracker(name, targets, bindings, self._quantiles, previous=tracker)
            self._services[name] = tracker
            self._last_figures_by_service[name] = lasts.get(name) or LastFigures()
            if len(members) > 1:
                watch = watches.get(name)
                if watch is None or not watch.is_current(members):
                    watch = ReplicaWatch(members, self._quantiles)
                self._replica_watches[name] = watch

    # ------------------------------------------------------------------------------------- the tick

    def states(self, at: float) -> tuple[ServiceState, ...]:
        """State of each service as of a tick, without those of filters and splits."""
        if not self._is_grouped:
            self._group_services()
            self._is_grouped = True
        states = []
        for name, tracker in self._services.items():
            members = [self._trackers[target] for target in tracker.targets]
            windows = {m.target.name: m.window for m in members if m.window is not None}
            state = tracker.state(windows, self.breakdown_labels(name, members))
            last = self._last_figures_by_service.setdefault(name, LastFigures())
            states.append(
                last.add_last_figures(
                    state,
                    windows.values(),
                    at,
                    service_waiting_s(members),
                    is_overdue=any(member.availability.is_overdue for member in members),
                )
            )
        return tuple(states)

    def update_replicas(self, time: float, window_s: float) -> list[Event]:
        """Update the figures of each replica, and return an event for each that began to
        deviate.
        """
        replicas: dict[str, ReplicaFigures] = {}
        events: list[Event] = []
        for watch in self._replica_watches.values():
            figures, began = watch.update(time, window_s)
            replicas.update((replica.target, replica) for replica in figures)
            events += began
        self.replicas = replicas
        return events

    def filtered_states(self) -> tuple[ServiceState, ...]:
        """State of the filtered service; empty without a filter, and where it has no data."""
        if self._filtered_service is None:
            return ()
        state = self._filtered_state(self._filtered_service)
        return (state,) if state is not None else ()

    def split_state(self) -> SplitState | None:
        """State of the two arms of a traffic split; None without one."""
        if self._split_arms is None:
            return None
        control, treatment = self._split_arms
        return SplitState(self._filtered_state(control), self._filtered_state(treatment))

    def _filtered_state(self, filtered_service: FilteredService) -> ServiceState | None:
        """State of a filtered service or of an arm of a split; None where it has no data."""
        part = filtered_service.part
        service = self._services.get(part.service)
        if service is None:
            return None
        members = [self._trackers[target] for target in service.targets]
        if isinstance(part, SplitArm):
            return filtered_service.state(members, ())
        return filtered_service.state(members, self.breakdown_labels(part.name, members))

    def with_routes(self, state: ServiceState, routes: Collection[str]) -> ServiceState:
        """Add the rows of all routes to a service's state where one of `routes` is not shown.

        That is where another label is shown, or only the busiest routes are.
        """
        if not routes:
            return state
        shown = {history_keys.find_route(row.labels) for row in state.breakdown}
        if shown.issuperset(routes):
            return state
        tracker = self._services[state.name]
        labels = default_breakdown(tracker.bindings.breakdown)
        rows, *_ = tracker.breakdown(labels, MAX_ROUTES)
        return replace(state, breakdown=rows)

    def breakdown_labels(
        self, service: str, members: Sequence[TargetTracker]
    ) -> tuple[str, ...] | None:
        """Labels that a service is broken down by; None: the default ones."""
        if self._by:
            return self._by
        labels = members[0].bindings.breakdown if members and members[0].bindings else ()
        chosen = self._breakdown_index.get(service)
        if chosen is None or not labels:
            return None
        index = (chosen + 1) % (len(labels) + 1)
        return None if index == 0 else (labels[index - 1],)


def _have_same_unit(bindings: Bindings, other: Bindings) -> bool:
    """Whether both have traffic, in the same unit."""
    if bindings.traffic is None or other.traffic is None:
        return False
    return bindings.traffic.unit == other.traffic.unit


def group_replicas(trackers: Iterable[TargetTracker]) -> list[list[TargetTracker]]:
    """Group the targets by service, in order: replicas have equal bindings and an equal
    identity.
    """
    groups: dict[tuple[object, ...], list[TargetTracker]] = {}
    for tracker in trackers:
        identity = tracker.identity
        bound = _bound_families(tracker.bindings)
        key: tuple[object, ...] = (
            (identity, bound) if identity is not None else (tracker.target.name,)
        )
        groups.setdefault(key, []).append(tracker)
    return list(groups.values())


def choose_service_name(
    members: Sequence[TargetTracker], target_names: Collection[str], used_names: Collection[str]
) -> str:
    """Choose a service's name: from the config, its replicas' own name, or its target's name.

    A name that is another target's, or another service's, is replaced by the target's own.
    """
    first = members[0]
    own = first.target.name
    word = first.target.service or (first.service_name if len(members) > 1 else None)
    usable = (
        word is not None and (word == own or word not in target_names) and word not in used_names
    )
    name = word if word is not None and usable else own
    while name in used_names:
        name += "'"
    return name


def _bound_families(bindings: Bindings | None) -> tuple[object, ...]:
    """Families that two targets must share to be replicas: the same ones for the same signals."""
    if bindings is None:
        return ()

    def of(binding: Binding | None) -> object:
        return None if binding is None else (binding.signal, binding.family, binding.label)

    return (of(bindings.traffic), of(bindings.errors), of(bindings.latency))
