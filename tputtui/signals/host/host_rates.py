"""Rates of the host and activity of its processes, from their counters in two readings.

`host_saturation`, which is exported from here too, decides which resource is near its limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from tputtui.model import (
    Cgroup,
    CgroupState,
    CpuState,
    CpuTimes,
    DiskCounters,
    DiskState,
    HostReading,
    HostState,
    MemoryState,
    NetworkCounters,
    NetworkState,
    ProcessReading,
    ProcessState,
    TcpCounters,
    TcpState,
    host_metrics,
)
from tputtui.model.host_metrics import recorded_value
from tputtui.signals.host.host_saturation import host_saturation

__all__ = ["derive_cgroup", "derive_host", "host_saturation"]


def derive_host(before: HostReading | None, now: HostReading) -> HostState:
    """Derive the host's state at `now`, with rates over the time elapsed since `before`.

    Without an earlier reading, or if no time has elapsed (a clock was set, the machine slept),
    rates are None or empty; levels are always present. A counter that fell (a core was unplugged, a
    driver was loaded again) counts as unchanged: its increase after the restart cannot be
    distinguished from what was lost.
    """
    elapsed = 0.0 if before is None else now.at - before.at
    earlier = before if elapsed > 0 else None
    return HostState(
        cpu=None if earlier is None else _derive_cpu(earlier, now),
        load=now.load,
        memory=_derive_memory(now),
        pressure=now.pressure,
        disks=tuple(
            _derive_disk(before_disk, disk, elapsed)
            for before_disk, disk in _match_by_name(earlier.disks if earlier else (), now.disks)
        ),
        networks=tuple(
            _derive_network(before_network, network, elapsed)
            for before_network, network in _match_by_name(
                earlier.networks if earlier else (), now.networks
            )
        ),
        tcp=None if earlier is None else _derive_tcp(earlier.tcp, now.tcp),
        cgroup=derive_cgroup(None if earlier is None else earlier.cgroup, now.cgroup),
        missing=now.missing,
        metrics=_derive_metrics(earlier, now, elapsed),
    )


def _derive_metrics(
    before: HostReading | None, now: HostReading, elapsed: float
) -> dict[str, float]:
    """Return levels as they are and counters as rates per second; without what is unknown."""
    values: dict[str, float] = {}
    for metric in host_metrics.HOST_METRICS:
        value = recorded_value(now, metric.name)
        if value is not None and metric.kind == "counter":
            earlier = None if before is None else recorded_value(before, metric.name)
            value = None if earlier is None else _rise(earlier, value) / elapsed
        if value is not None:
            values[metric.name] = value
        limit = recorded_value(now, metric.limit_name) if metric.limit is not None else None
        if limit is not None:
            values[metric.limit_name] = limit
    return values


def derive_cgroup(before: Cgroup | None, now: Cgroup | None) -> CgroupState | None:
    """Derive a control group's state.

    The throttled share is of the enforcement periods since `before`, if that is the same group.
    """
    if now is None:
        return None
    throttled_percent: float | None = None
    if before is not None and before.path == now.path:
        throttled_percent = _throttled_percent(before, now)
    return CgroupState(
        path=now.path,
        cpu_limit_cores=now.cpu_limit_cores,
        throttled_percent=throttled_percent,
        memory_limit_bytes=now.memory_limit_bytes,
        memory_used_bytes=now.memory_used_bytes,
    )


def _throttled_percent(before: Cgroup, now: Cgroup) -> float | None:
    if (
        before.periods is None
        or now.periods is None
        or before.throttled_periods is None
        or now.throttled_periods is None
    ):
        return None
    periods = _rise(before.periods, now.periods)
    throttled = _rise(before.throttled_periods, now.throttled_periods)
    # a group that slept had no period
    return min(100.0, 100.0 * throttled / periods) if periods else 0.0


# ----------------------------------------------------------------------------------- CPU and memory


def _derive_cpu(before: HostReading, now: HostReading) -> CpuState | None:
    if before.cpu is None or now.cpu is None:
        return None
    elapsed, cores = now.at - before.at, len(now.cores) or 1
    spent = _cpu_time_between(before.cpu, now.cpu, elapsed * cores)
    total = _total(spent)
    if total <= 0 or spent["idle"] is None:
        return None
    shares = {
        state: None if seconds is None else 100.0 * seconds / total
        for state, seconds in spent.items()
    }
    busy_by_core: tuple[float, ...] = ()
    if len(before.cores) == len(now.cores):
        busy_by_core = tuple(
            _busy_percent(_cpu_time_between(earlier, later, elapsed))
            for earlier, later in zip(before.cores, now.cores, strict=True)
        )
    return CpuState(
        percent=_busy_percent(spent),
        user=shares["user"],
        system=shares["system"],
        iowait=shares["iowait"],
        steal=shares["steal"],
        cores=cores,
        busy_by_core=busy_by_core,
    )


_CPU_STATES = ("user", "system", "idle", "iowait", "steal")
_CLOCK_FACTOR = 2.0
_CLOCK_SLACK_S = 0.5
"""A reading may be late on a busy machine: only more than this factor and slack is impossible."""


def _cpu_time_between(
    before: CpuTimes, now: CpuTimes, available_s: float
) -> dict[str, float | None]:
    """Return the seconds spent in each state between two readings.

    Negative differences count as zero, because the kernel sometimes lets idle and iowait fall. A
    state that rose by more than the `available_s` seconds of all cores is None: hypervisors let
    steal jump when a machine moves.
    """
    spent: dict[str, float | None] = {}
    for state in _CPU_STATES:
        rise = _rise(getattr(before, state), getattr(now, state))
        spent[state] = rise if _is_possible(rise, available_s) else None
    return spent


def _total(spent: Mapping[str, float | None]) -> float:
    return sum(seconds or 0.0 for seconds in spent.values())


def _is_possible(rise_s: float, available_s: float) -> bool:
    """Tell whether a counter of seconds can have risen so much in the time that there was."""
    return rise_s <= _CLOCK_FACTOR * available_s + _CLOCK_SLACK_S


def _busy_percent(spent: Mapping[str, float | None]) -> float:
    """Return 100 - idle - iowait."""
    total = _total(spent)
    busy = sum(spent[state] or 0.0 for state in ("user", "system", "steal"))
    return 100.0 * busy / total if total > 0 else 0.0


def _derive_memory(now: HostReading) -> MemoryState | None:
    total, available = now.memory_total_bytes, now.memory_available_bytes
    if not total or available is None:
        return None
    used = max(0, total - available)
    return MemoryState(100.0 * used / total, used, total, now.swap_used_bytes, now.swap_total_bytes)


# ------------------------------------------------------------------------------- disks and networks


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _match_by_name(before: Iterable[N], now: Iterable[N]) -> list[tuple[N, N]]:
    """Pair the devices present in both readings, in the current order.

    A device that was just plugged in has no rate yet.
    """
    earlier = {item.name: item for item in before}
    return [(earlier[item.name], item) for item in now if item.name in earlier]


def _derive_disk(before: DiskCounters, now: DiskCounters, elapsed: float) -> DiskState:
    """Derive a disk's state.

    `await_ms` is that of iostat: the time that completed requests took, divided by their number.
    """
    finished = _rise(before.reads, now.reads) + _rise(before.writes, now.writes)
    spent_s = _rise(before.read_s, now.read_s) + _rise(before.write_s, now.write_s)
    busy = None if before.busy_s is None or now.busy_s is None else _rise(before.busy_s, now.busy_s)
    return DiskState(
        name=now.name,
        read_bytes_s=_rise(before.read_bytes, now.read_bytes) / elapsed,
        write_bytes_s=_rise(before.write_bytes, now.write_bytes) / elapsed,
        iops=finished / elapsed,
        util_percent=None if busy is None else min(100.0, 100.0 * busy / elapsed),
        await_ms=1000.0 * spent_s / finished if finished else None,
    )


def _derive_network(before: NetworkCounters, now: NetworkCounters, elapsed: float) -> NetworkState:
    return NetworkState(
        name=now.name,
        rx_bytes_s=_rise(before.rx_bytes, now.rx_bytes) / elapsed,
        tx_bytes_s=_rise(before.tx_bytes, now.tx_bytes) / elapsed,
        drops_s=_rise(before.drops, now.drops) / elapsed,
    )


def _derive_tcp(before: TcpCounters | None, now: TcpCounters | None) -> TcpState | None:
    """Derive the TCP state; retransmits are a share of the segments sent.

    OutSegs does not include them: they are additional.
    """
    if before is None or now is None:
        return None
    retransmits: float | None = None
    if None not in (before.segments_out, now.segments_out, before.retransmits, now.retransmits):
        again = _rise(before.retransmits or 0, now.retransmits or 0)
        sent = again + _rise(before.segments_out or 0, now.segments_out or 0)
        retransmits = 100.0 * again / sent if sent else 0.0
    return TcpState(retransmits)


def _rise(before: float, now: float) -> float:
    return max(0.0, now - before)


def derive_processes(
    before: Iterable[ProcessReading] | None, now: Iterable[ProcessReading], elapsed_s: float
) -> tuple[ProcessState, ...]:
    """Derive the processes as of now; `cpu_percent` is of one core.

    It is taken over the `elapsed_s` seconds since `before`. A process is identified by pid and
    start time: a new process with a reused pid begins without a rate. There is no rate if no time
    has passed or the CPU time may not be read.
    """
    earlier = {reading.identity: reading for reading in before or ()} if elapsed_s > 0 else {}
    return tuple(
        _derive_process(earlier.get(reading.identity), reading, elapsed_s) for reading in now
    )


def used_cores(states: Iterable[ProcessState]) -> float:
    """Return the busy cores these processes use: "these use 2.2 of 7.3 busy cores"."""
    return sum(state.cpu_percent or 0.0 for state in states) / 100


def _derive_process(
    before: ProcessReading | None, now: ProcessReading, elapsed_s: float
) -> ProcessState:
    percent: float | None = None
    if before is not None and before.cpu_s is not None and now.cpu_s is not None:
        percent = 100.0 * max(0.0, now.cpu_s - before.cpu_s) / elapsed_s
    return ProcessState(
        pid=now.pid,
        started=now.started,
        name=now.name,
        user=now.user,
        cpu_percent=percent,
        rss_bytes=now.rss_bytes,
        threads=now.threads,
        state=now.state,
        command=now.command,
        python=now.python,
        ports=now.ports,
        cgroup=derive_cgroup(None if before is None else before.cgroup, now.cgroup),
    )
