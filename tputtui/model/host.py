"""Values derived of the host and its processes at one tick: shares and rates since the previous
tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tputtui.frozen import frozen
from tputtui.model.process_reference import ProcessReference
from tputtui.model.readings import Pressure


@frozen
class CpuState:
    """Percent of the whole machine over the last tick; `percent` = 100 - idle - iowait.

    A state is None, and in no total, if its counter jumped by more than the time that passed.
    """

    percent: float
    user: float | None
    system: float | None
    iowait: float | None
    steal: float | None
    cores: int
    busy_by_core: tuple[float, ...] = ()


@frozen
class MemoryState:
    """`used_bytes` = total - available."""

    percent: float
    used_bytes: int
    total_bytes: int
    swap_used_bytes: int | None = None
    swap_total_bytes: int | None = None


@frozen
class DiskState:
    """Rates of one disk over the last tick."""

    name: str
    read_bytes_s: float
    write_bytes_s: float
    iops: float
    util_percent: float | None
    await_ms: float | None  # None: no request finished


@frozen
class NetworkState:
    """Rates of one interface over the last tick."""

    name: str
    rx_bytes_s: float
    tx_bytes_s: float
    drops_s: float


@frozen
class TcpState:
    """Rates of the network stack over the last tick."""

    retransmit_percent: float | None


@frozen
class CgroupState:
    """Limits of a control group and the share of periods in which it was throttled over the last
    tick.
    """

    path: str
    cpu_limit_cores: float | None
    throttled_percent: float | None
    memory_limit_bytes: int | None
    memory_used_bytes: int | None = None


@frozen
class HostState:
    """The host as of one tick."""

    cpu: CpuState | None = None
    load: tuple[float, float, float] | None = None
    memory: MemoryState | None = None
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    disks: tuple[DiskState, ...] = ()
    networks: tuple[NetworkState, ...] = ()
    tcp: TcpState | None = None
    cgroup: CgroupState | None = None
    missing: tuple[tuple[str, str], ...] = ()
    # Levels and rates of `host_metrics.HOST_METRICS` and their limits, by name
    metrics: Mapping[str, float] = field(default_factory=dict)


@frozen
class ProcessState:
    """One process as of one tick; `cpu_percent` is of one core."""

    pid: int
    started: float
    name: str
    user: str | None
    cpu_percent: float | None
    rss_bytes: int | None
    threads: int | None
    state: str
    command: str = ""
    python: str | None = None
    ports: tuple[int, ...] = ()
    cgroup: CgroupState | None = None

    @property
    def identity(self) -> ProcessReference:
        """Identity of the process, used for cursors and captures."""
        return ProcessReference(self.pid, self.started)
