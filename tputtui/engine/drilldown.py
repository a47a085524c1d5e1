"""Drill-down into services: each replica, a filtered service, and latency distributions over
time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import Bindings, Event, ServiceState
from tputtui.signals.rates.history import CopyRange
from tputtui.signals.rates.latency_heatmap import HeatmapCells, HeatmapRing, row_bounds
from tputtui.signals.service.replicas import OutlierHysteresis, ReplicaFigures, replica_figures
from tputtui.signals.service.service_filter import ServiceFilter, narrow_bindings
from tputtui.signals.service.service_tracker import ServiceTracker
from tputtui.signals.service.traffic_split import SplitArm

MAX_HEATMAPS = 32
"""Services whose heat maps are kept: 116 kB each, 3.7 MB."""


class FilteredService:
    """Part of a service selected by a filter or an arm of a split, as a service of its own.

    It is derived in addition, and changes nothing else.
    """

    def __init__(self, part: ServiceFilter | SplitArm, quantiles: tuple[float, ...]) -> None:
        self.part = part
        self._quantiles = quantiles
        self._version: object = None
        self._tracker: ServiceTracker | None = None

    def state(
        self, members: Sequence[TargetTracker], by: tuple[str, ...] | None
    ) -> ServiceState | None:
        """State of the filtered service; None where it has no data."""
        selected = [member for member in members if self.part.covers(member.target.name)]
        windows = {
            member.target.name: member.window for member in selected if member.window is not None
        }
        if not windows:
            return None
        bindings = selected[0].bindings or Bindings()
        version = (
            bindings,
            tuple((name, window.serial, window.layout_version) for name, window in windows.items()),
        )
        if self._tracker is None or version != self._version:
            self._version = version
            series = (followed for window in windows.values() for followed in window.series)
            if isinstance(self.part, SplitArm):
                bindings = _main_bindings(bindings)
            narrowed = narrow_bindings(bindings, self.part.matches, series)
            targets = tuple(member.target.name for member in selected)
            old = self._tracker
            if old is None or (old.targets, old.bindings) != (targets, narrowed):
                self._tracker = ServiceTracker(self.part.name, targets, narrowed, self._quantiles)
        return self._tracker.state(windows, by) if self._tracker is not None else None


class ReplicaWatch:
    """Tracker of each replica of one service and of those that deviate from the others."""

    def __init__(self, members: Sequence[TargetTracker], quantiles: tuple[float, ...]) -> None:
        self.bindings = tuple(member.bindings for member in members)
        self._members = tuple(members)
        self._hysteresis = OutlierHysteresis()
        self._trackers = [
            ServiceTracker(
                member.target.name,
                (member.target.name,),
                _main_bindings(member.bindings),
                quantiles,
            )
            for member in members
        ]

    def is_current(self, members: Sequence[TargetTracker]) -> bool:
        """Whether the replicas and their bindings are still the tracked ones."""
        return self._members == tuple(members) and self.bindings == tuple(
            member.bindings for member in members
        )

    def update(
        self, time: float, window_s: float
    ) -> tuple[tuple[ReplicaFigures, ...], list[Event]]:
        """Figures of the replicas as of one tick, and an event for each that started to deviate."""
        figures = []
        for member, tracker in zip(self._members, self._trackers, strict=True):
            windows = {member.target.name: member.window} if member.window is not None else {}
            figures.append(replica_figures(member.target.name, tracker.state(windows, ())))
        replicas, began = self._hysteresis.update(figures, window_s)
        return replicas, [
            Event(
                time,
                "warning",
                f"{member.availability.name} is unlike the other replicas: {replica.outlier_reason}",
                replica.target,
            )
            for replica in began
            for member in self._members
            if member.target.name == replica.target
        ]


def _main_bindings(bindings: Bindings | None) -> Bindings:
    """The three signals by which replicas are compared."""
    known = bindings or Bindings()
    return Bindings(known.traffic, known.errors, known.latency)


class ServiceHeatmaps:
    """Latency distribution of each service over time."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._rings: dict[str, HeatmapRing] = {}

    def add_tick(self, at: float, services: Sequence[ServiceState]) -> None:
        """Add one tick's buckets. A service that has gone frees its place."""
        current_names = {service.name for service in services}
        for name in [name for name in self._rings if name not in current_names]:
            del self._rings[name]
        for service in services:
            latency = service.latency
            if latency is None or latency.kind != "histogram":
                continue
            ring = self._rings.get(service.name)
            if ring is None or ring.family != latency.family:
                if not any(density > 0 for _, density in latency.buckets):
                    continue
                if ring is None and len(self._rings) >= MAX_HEATMAPS:
                    continue
                bounds = row_bounds(latency.buckets)
                ring = self._rings[service.name] = HeatmapRing(
                    latency.family, bounds, self._interval_s
                )
            ring.add(at, latency.buckets)

    def copy_cells(self, service: str, copied: CopyRange) -> HeatmapCells | None:
        """Copy the cells of a service; None without any observation."""
        ring = self._rings.get(service)
        return ring.copy_cells(copied) if ring is not None else None


ReplicaTable = Mapping[str, ReplicaFigures]
"""Each replica's figures by its target's name; targets without other replicas are not in it."""
