"""Pipeline of the machine across readings: the host, its processes, and the usage of tputtui
itself.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from tputtui.model import (
    Event,
    HostReading,
    HostState,
    ProcessReading,
    ProcessState,
    Reading,
    SaturationState,
    SelfState,
    TargetListeners,
)
from tputtui.signals.host.host_rates import derive_host, derive_processes, host_saturation
from tputtui.signals.host.host_saturation import cgroup_saturation

RECENT_S: Final = 60.0
"""Seconds for which a missed tick is reported on the screen."""


class HostPipeline:
    """State of the machine; values missing from a reading keep their last state."""

    def __init__(self) -> None:
        self.host = HostState()
        self.processes: tuple[ProcessState, ...] | None = None
        self.listeners: tuple[TargetListeners, ...] | None = None
        self._previous_host: HostReading | None = None
        self._host_saturation: tuple[SaturationState, ...] = ()
        # features missing in the kernel, each reported once
        self._reported_missing: set[str] = set()
        self._previous_processes: tuple[float, tuple[ProcessReading, ...]] | None = None
        self._previous_self: tuple[float, float] | None = None
        self._recent_missed: deque[tuple[float, int]] = deque()  # (at, ticks) of recent misses
        self._previous_missed = 0

    def add_reading(self, reading: Reading) -> list[Event]:
        """Add the next reading and return the events for the log."""
        if reading.listeners is not None:
            self.listeners = reading.listeners
        if reading.processes is not None:
            self._update_processes(reading.at, reading.processes)
        return self._update_host(reading.time, reading.host) if reading.host is not None else []

    def _update_host(self, time: float, host: HostReading) -> list[Event]:
        unreported: dict[str, str] = {}
        for what, why in host.missing:
            if what not in self._reported_missing:
                unreported.setdefault(what, why)
        self._reported_missing.update(unreported)
        self.host = derive_host(self._previous_host, host)
        self._previous_host = host
        self._host_saturation = host_saturation(self.host)
        return [Event(time, "note", f"{what}: {why}") for what, why in unreported.items()]

    def _update_processes(self, at: float, processes: tuple[ProcessReading, ...]) -> None:
        before = self._previous_processes
        elapsed = at - before[0] if before is not None else 0.0
        states = derive_processes(before[1] if before is not None else None, processes, elapsed)
        self.processes = tuple(
            sorted(states, key=lambda state: (-(state.cpu_percent or 0.0), state.pid))
        )
        self._previous_processes = (at, processes)

    @property
    def saturation(self) -> tuple[SaturationState, ...]:
        """Saturation of the host's resources, then of the limits of control groups of relevant
        processes, except our own.
        """
        ours = self.host.cgroup.path if self.host.cgroup is not None else None
        groups = {
            process.cgroup.path: (process.name, process.cgroup)
            for process in self.processes or ()
            if process.cgroup is not None
        }
        group_rows = [
            cgroup_saturation(group, name) for path, (name, group) in groups.items() if path != ours
        ]
        return (*self._host_saturation, *(row for rows in group_rows for row in rows))

    @property
    def busy_cores(self) -> float | None:
        """Number of busy cores; None before the second host reading."""
        cpu = self.host.cpu
        return None if cpu is None else cpu.percent / 100 * cpu.cores

    def update_self_usage(self, reading: Reading) -> SelfState:
        """Resource usage of tputtui since the reading before; to be called once a reading."""
        percent: float | None = None
        before = self._previous_self
        if reading.self_cpu_s is not None:
            if before is not None and reading.at > before[0]:
                percent = 100 * max(0.0, reading.self_cpu_s - before[1]) / (reading.at - before[0])
            self._previous_self = (reading.at, reading.self_cpu_s)
        if (missed := reading.missed_ticks - self._previous_missed) > 0:
            self._recent_missed.append((reading.at, missed))
        self._previous_missed = reading.missed_ticks
        while self._recent_missed and self._recent_missed[0][0] <= reading.at - RECENT_S:
            self._recent_missed.popleft()
        lately = sum(count for _, count in self._recent_missed)
        return SelfState(percent, reading.self_rss_bytes, reading.missed_ticks, lately)
