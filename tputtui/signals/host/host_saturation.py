"""Saturation of the host: how close each resource is to its limit.

Work waits where runnable tasks have no core, where the kernel throttles a control group, where
tasks stall for CPU, memory or I/O, and where listening sockets drop connections.
"""

from __future__ import annotations

from tputtui import text
from tputtui.model import CgroupState, HostState, SaturationState, host_metrics
from tputtui.model.host_metrics import HostMetric

THROTTLED_PERCENT = 1.0
"""Percent of enforcement periods from which throttling counts as waiting work."""

IOWAIT_PERCENT = 20.0
"""Percent of the machine's time from which I/O wait counts as waiting work."""

BUSY_PERCENT = 80.0
"""CPU percentage below which a run queue is a momentary burst.

The queue is counted at one instant, the percentage over the tick.
"""

_OWN_TASKS = 1  # the process that counts runnable tasks is running itself


# --------------------------------------------------------------------------------- rows of the host


def host_saturation(state: HostState) -> tuple[SaturationState, ...]:
    """Return a row for each resource of the host, in a fixed order.

    A resource that cannot be read says so in `reason`. Units are those of `text.format_amount`:
    "cores", "By", "By/s", "ratio". Swap, limits and pressure have a row only if there is swap, a
    limit is set, or pressure is high.
    """
    missing_reasons = dict(state.missing)
    rows = [
        _cpu_row(state, missing_reasons),
        _io_wait_row(state, missing_reasons),
        _memory_row(state, missing_reasons),
        _disk_row(state, missing_reasons),
        _network_row(state, missing_reasons),
        *(
            _metric_row(metric, state, missing_reasons)
            for metric in host_metrics.HOST_METRICS
            if metric.limit is not None
        ),
    ]
    memory = state.memory
    if memory is not None and memory.swap_total_bytes and memory.swap_used_bytes is not None:
        rows.append(_usage_row("swap", memory.swap_used_bytes, memory.swap_total_bytes))
    if state.cgroup is not None:
        rows += cgroup_saturation(state.cgroup)
    rows += _pressure_rows(state)
    return tuple(rows)


def cgroup_saturation(group: CgroupState, owner: str = "") -> tuple[SaturationState, ...]:
    """Return rows for the limits that are set on a control group.

    `owner` names its owner if it is not this program's own group.
    """
    name = f"{owner} cgroup".lstrip()
    rows: list[SaturationState] = []
    if group.cpu_limit_cores is not None:
        rows.append(_throttling_row(f"{name} cpu", group.cpu_limit_cores, group.throttled_percent))
    if group.memory_limit_bytes and group.memory_used_bytes is not None:
        rows.append(_usage_row(f"{name} memory", group.memory_used_bytes, group.memory_limit_bytes))
    return tuple(rows)


def _throttling_row(
    name: str, limit_cores: float, throttled_percent: float | None
) -> SaturationState:
    digits = f"{limit_cores:.2f}".rstrip("0").rstrip(".")
    limit = f"limit {digits} core{'' if digits == '1' else 's'}"
    if throttled_percent is None:
        return _unknown_row(name, f"{limit}, not known yet if throttled")
    reason = f"not throttled, {limit}"
    if throttled_percent:
        reason = f"throttled in {text.format_percent(throttled_percent)} % of periods, {limit}"
    share = throttled_percent / 100
    waiting = share if throttled_percent >= THROTTLED_PERCENT else 0.0
    return SaturationState(name, None, share, None, share, waiting, "ratio", reason)


def _cpu_row(state: HostState, missing_reasons: dict[str, str]) -> SaturationState:
    cpu = state.cpu
    if cpu is None:
        return _unknown_row("cpu", missing_reasons.get("cpu"))
    waiting: float | None = None
    run_queue = state.metrics.get("run_queue")
    if run_queue is not None:
        queued = max(0, run_queue - _OWN_TASKS - cpu.cores)
        waiting = float(queued) if cpu.percent >= BUSY_PERCENT else 0.0
    reason = f"{text.format_percent(cpu.percent)} % of {_format_cores(cpu.cores)}"
    if waiting:
        reason = f"{text.format_number(waiting)} waiting (run queue {run_queue:.0f}), {reason}"
    ratio = cpu.percent / 100
    busy_cores = ratio * cpu.cores
    return SaturationState("cpu", None, busy_cores, cpu.cores, ratio, waiting, "cores", reason)


def _io_wait_row(state: HostState, missing_reasons: dict[str, str]) -> SaturationState:
    """Return the row of I/O wait: cores that were idle while a task of theirs waited for I/O.

    This is a lower bound of the number of waiting tasks.
    """
    cpu = state.cpu
    if cpu is None:
        return _unknown_row("io wait", missing_reasons.get("cpu"))
    if cpu.iowait is None:
        return _unknown_row("io wait", "its counter jumped by more than the time that passed")
    share = cpu.iowait / 100
    waiting = share * cpu.cores if cpu.iowait >= IOWAIT_PERCENT else 0.0
    reason = f"{text.format_percent(cpu.iowait)} % of {_format_cores(cpu.cores)} idle for I/O"
    return SaturationState("io wait", None, share, None, share, waiting, "ratio", reason)


def _memory_row(state: HostState, missing_reasons: dict[str, str]) -> SaturationState:
    memory = state.memory
    if memory is None:
        return _unknown_row("memory", missing_reasons.get("memory"))
    return _usage_row("memory", memory.used_bytes, memory.total_bytes)


def _disk_row(state: HostState, missing_reasons: dict[str, str]) -> SaturationState:
    """Return the row of the busiest disk. Its limit is 100 % of the time.

    A disk that serves many requests at once may do more at 100 %.
    """
    disk = max(state.disks, key=lambda disk: (disk.util_percent or 0.0, disk.iops), default=None)
    if disk is None:
        return _unknown_row(
            "disk",
            missing_reasons.get("disks")
            or ("no disk has been used" if state.cpu is not None else None),
        )
    if disk.util_percent is None:
        return _unknown_row("disk", f"{disk.name} does not say how long it is busy")
    share = disk.util_percent / 100
    reason = f"{disk.name} busy {text.format_percent(disk.util_percent)} % of the time"
    if disk.await_ms is not None:
        digits, unit = text.format_seconds(disk.await_ms / 1000)
        reason += f", {digits} {unit} a request"
    return SaturationState("disk", None, share, 1.0, share, None, "ratio", reason)


def _network_row(state: HostState, missing_reasons: dict[str, str]) -> SaturationState:
    """Return the row of the busiest interface.

    Its speed is not known, so it has no ratio; it is judged by dropped connections.
    """
    drops = state.metrics.get("listen_drops")
    refused = (
        f"{text.format_rate(drops)} connections/s dropped at full listen queues" if drops else ""
    )
    busiest = max(
        state.networks, key=lambda network: network.rx_bytes_s + network.tx_bytes_s, default=None
    )
    if busiest is None:
        nothing = missing_reasons.get("networks") or (
            "no interface has carried anything" if state.cpu is not None else None
        )
        row = _unknown_row("network", nothing)
        return (
            SaturationState("network", None, None, waiting=drops, reason=refused)
            if refused
            else row
        )
    traffic = busiest.rx_bytes_s + busiest.tx_bytes_s
    reason = refused or f"busiest is {busiest.name}"
    return SaturationState("network", None, traffic, None, None, drops, "By/s", reason)


def _metric_row(
    metric: HostMetric, state: HostState, missing_reasons: dict[str, str]
) -> SaturationState:
    """Return the row of a metric of the registry, beside its limit."""
    value = state.metrics.get(metric.name)
    if value is None:
        return _unknown_row(metric.label, missing_reasons.get(metric.reason_name))
    limit = metric.limit_in(state)
    if not limit:
        return SaturationState(metric.label, None, value, unit=metric.unit, reason="no limit")
    used, unit = text.format_amount(value, metric.unit)
    available, limit_unit = text.format_amount(limit, metric.unit)
    amount = used if unit == limit_unit else f"{used} {unit}"
    reason = f"{amount} of {available} {limit_unit}".rstrip()
    ratio = value / limit
    return SaturationState(metric.label, None, value, limit, ratio, None, metric.unit, reason)


def _pressure_rows(state: HostState) -> list[SaturationState]:
    """Return rows for stalls at or above their threshold.

    Below it, they appear as evidence in the rows of the resources.
    """
    rows: list[SaturationState] = []
    for resource in host_metrics.PRESSURE_RESOURCES:
        pressure = state.pressure.get(resource.name)
        if pressure is None:
            continue
        percent = pressure.full_10 if resource.line == "full" else pressure.some_10
        if percent is None or percent < resource.threshold_percent:
            continue
        share = percent / 100
        tasks = "all tasks" if resource.line == "full" else "some tasks"
        stalled = f"{text.format_percent(percent)} % of the time"
        reason = f"{tasks} waited for {resource.label} {stalled}"
        rows.append(
            SaturationState(
                f"{resource.name} pressure", None, share, None, share, share, "ratio", reason
            )
        )
    return rows


def _usage_row(name: str, used: int, total: int) -> SaturationState:
    """Return a row of bytes used of the bytes available."""
    digits, unit = text.format_size(total)
    ratio = used / total
    reason = f"{text.format_percent(100 * ratio)} % of {digits} {unit}"
    return SaturationState(name, None, used, total, ratio, None, "By", reason)


def _unknown_row(name: str, reason: str | None) -> SaturationState:
    return SaturationState(name, None, None, reason=reason or "known from the second reading on")


def _format_cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"
