"""JSON object of a snapshot, as printed by `stream` (schema 1).

Unknown values are null, never NaN or Infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tputtui.model import (
    BreakdownRow,
    CgroupState,
    ErrorState,
    ExtraSignal,
    Headroom,
    HostState,
    LastFigure,
    LatencyState,
    Quantile,
    SaturationState,
    ServiceState,
    Snapshot,
    TargetStatus,
    TrafficState,
    host_metrics,
)

SCHEMA = 1

Json = dict[str, Any]


def to_json(snapshot: Snapshot) -> Json:
    """Build the object of one tick, ready for `json.dumps(..., allow_nan=False)`."""
    return {
        "schema": SCHEMA,
        "time": round(snapshot.time, 3),
        "interval_s": snapshot.interval_s,
        "window_s": snapshot.window_s,
        "targets": [_target(target) for target in snapshot.targets],
        "services": [_service(service) for service in snapshot.services],
        "first_to_saturate": None
        if snapshot.first_to_saturate is None
        else {"name": snapshot.first_to_saturate.name, "reason": snapshot.first_to_saturate.reason},
        "saturation_note": None
        if snapshot.first_to_saturate is not None
        else snapshot.saturation_note or None,
        **_headroom(snapshot.headroom),
        "host": _host(snapshot.host),
        "objectives": [
            {
                "expression": objective.expression,
                "service": objective.service,
                "state": objective.state,
                "reason": objective.reason or None,
                "ok": None if objective.state == "no_data" else objective.state != "missed",
                "value": _finite(objective.value),
                "for_s": _finite(objective.for_s, 3),
                "budget_left": _finite(objective.budget_left),
            }
            for objective in snapshot.objectives
        ],
        "self": {
            "cpu_percent": _finite(snapshot.self_usage.cpu_percent, 2),
            "rss_bytes": snapshot.self_usage.rss_bytes,
            "missed_ticks": snapshot.self_usage.missed_ticks,
        },
    }


def _finite(value: float | None, digits: int | None = None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)


def quantile_key(q: float) -> str:
    """Format a quantile as its shortest decimal: "0.5", "0.99", "0.999"."""
    return repr(round(q, 12))


def _headroom(estimates: Sequence[Headroom]) -> Json:
    """Return the headroom of the service with the lowest known limit; without any, the reason."""
    known = [one for one in estimates if one.value is not None]
    if not known:
        reasons = {f"{one.service}: {one.reason}" for one in estimates}
        return {
            "headroom": None,
            "headroom_reason": "; ".join(sorted(reasons)) or "no objective is set",
        }
    tight = min(known, key=lambda one: (one.kind != "limit", one.value or 0.0))
    return {
        "headroom": {
            "value": _finite(tight.value),
            "bracket": [_finite(tight.low), _finite(tight.high)],
            "kind": tight.kind,
            "unit": "req/s",
            "service": tight.service,
            "objective": tight.objective,
        },
        "headroom_reason": tight.reason or None,
    }


def _target(target: TargetStatus) -> Json:
    up = target.up is True
    return {
        "name": target.name,
        "url": target.url,
        "up": target.up,
        "state": None if target.state == "waiting" else target.state,
        "waiting_s": _finite(target.waiting_s, 3),
        "error": target.error,
        "warning": target.warning,
        "scrape_ms": _finite(None if target.scrape_s is None else target.scrape_s * 1000, 3),
        "bytes": target.size if up else None,
        "series": target.series if up else None,
        "hidden_series": sum(target.hidden.values()) if up else None,
        "skipped_lines": target.skipped_lines if up else None,
        "processes": target.processes,
        "duplicates": target.duplicates if up else None,
        "age_s": _finite(target.age_s, 3),
    }


def _service(service: ServiceState) -> Json:
    return {
        "name": service.name,
        "targets": list(service.targets),
        "traffic": _traffic(service.traffic),
        "errors": _errors(service.errors),
        "latency": _latency(service.latency),
        "signals": [_extra_signal(signal) for signal in service.signals],
        "saturation": [_saturation(resource) for resource in service.saturation],
        "breakdown": _breakdown(service),
    }


def _traffic(traffic: TrafficState | None) -> Json | None:
    if traffic is None:
        return None
    return {
        "family": traffic.family,
        "rps": _finite(traffic.rps),
        "last": _last(traffic.last),
        "unit": traffic.unit,
        "total": _finite(traffic.total),
        "best_60s": _finite(traffic.best_60s),
        "since_start": _finite(traffic.since_start),
        "reason": traffic.reason,
    }


def _last(last: LastFigure | None) -> Json | None:
    """Return the last figure before the answer was late; for a latency, with its quantile."""
    if last is None:
        return None
    which = {} if last.q is None else {"quantile": quantile_key(last.q)}
    return {"value": _finite(last.value), "age_s": _finite(last.age_s, 3), **which}


def _errors(errors: ErrorState | None) -> Json | None:
    if errors is None:
        return None
    return {
        "family": errors.family,
        "label": errors.label,
        "values": list(errors.values),
        "ratio": _finite(errors.ratio),
        "last": _last(errors.last),
        "rps": _finite(errors.rps),
        "by_class": {name: _finite(value) for name, value in sorted(errors.by_class.items())},
    }


def _quantiles(quantiles: Iterable[Quantile], requested: Iterable[Quantile] = ()) -> Json:
    """Return values by quantile, including requested quantiles that are unknown."""
    return {
        **{quantile_key(quantile.q): None for quantile in requested},
        **{quantile_key(quantile.q): _finite(quantile.value) for quantile in quantiles},
    }


def _latency(latency: LatencyState | None) -> Json | None:
    if latency is None:
        return None
    return {
        "family": latency.family,
        "kind": latency.kind,
        "unit": latency.unit,
        "quantiles": _quantiles(latency.quantiles),
        "at_least": [
            quantile_key(quantile.q) for quantile in latency.quantiles if quantile.is_lower_bound
        ],
        "buckets": {quantile_key(quantile.q): _bucket(quantile) for quantile in latency.quantiles},
        "mean": _finite(latency.mean),
        "last": _last(latency.last),
        "since_start": _quantiles(latency.since_start, latency.quantiles),
    }


def _bucket(quantile: Quantile) -> list[float | None] | None:
    """Return the bounds of a quantile's bucket; the upper one is null in the +Inf bucket."""
    if quantile.value is None or (quantile.low is None and quantile.high is None):
        return None
    return [_finite(quantile.low), _finite(quantile.high)]


def _extra_signal(signal: ExtraSignal) -> Json:
    fields: Json = {}
    for part in (_traffic(signal.traffic), _errors(signal.errors), _latency(signal.latency)):
        fields.update(part or {})
    fields.update(kind=signal.kind, name=signal.name, family=signal.family)
    return fields


def _saturation(resource: SaturationState) -> Json:
    return {
        "name": resource.name,
        "family": resource.family,
        "value": _finite(resource.value),
        "limit": _finite(resource.limit),
        "ratio": _finite(resource.ratio),
        "waiting": _finite(resource.waiting),
    }


def _breakdown(service: ServiceState) -> list[Json]:
    asked = service.latency.quantiles if service.latency is not None else ()
    rows = [_row(row, asked, service.breakdown_latency) for row in service.breakdown]
    if service.breakdown_more is not None and service.breakdown_more[0]:
        count, rps = service.breakdown_more
        rows.append({"labels": None, "more": count, "rps": _finite(rps)})
    return rows


def _row(row: BreakdownRow, requested: Iterable[Quantile], family: str | None) -> Json:
    return {
        "labels": dict(row.labels),
        "rps": _finite(row.rps),
        "error_ratio": _finite(row.error_ratio),
        "quantiles": _quantiles(row.quantiles, requested),
        "latency_family": family,
    }


def _host(host: HostState) -> Json:
    fields: Json = {
        "cpu": _cpu(host),
        "load": None if host.load is None else [_finite(value, 2) for value in host.load],
        "memory": _memory(host),
        "pressure": _pressure(host),
        "disks": [
            {
                "name": disk.name,
                "read_bytes_s": _finite(disk.read_bytes_s, 1),
                "write_bytes_s": _finite(disk.write_bytes_s, 1),
                "iops": _finite(disk.iops, 2),
                "util_percent": _finite(disk.util_percent, 2),
                "await_ms": _finite(disk.await_ms, 3),
            }
            for disk in host.disks
        ],
        "networks": [
            {
                "name": network.name,
                "rx_bytes_s": _finite(network.rx_bytes_s, 1),
                "tx_bytes_s": _finite(network.tx_bytes_s, 1),
                "drops_s": _finite(network.drops_s, 2),
            }
            for network in host.networks
        ],
        "tcp": None
        if host.tcp is None
        else {
            "retransmit_percent": _finite(host.tcp.retransmit_percent, 3),
        },
        "cgroup": _cgroup(host.cgroup),
    }
    _add_metrics(fields, host)
    return fields


def _add_metrics(fields: Json, host: HostState) -> None:
    """Add the metrics of the registry, each to its group; a group that is null stays null."""
    for metric in host_metrics.HOST_METRICS:
        if not metric.json_key:
            continue
        group, _, key = metric.json_key.rpartition(".")
        into: Json | None = fields[group] if group else fields
        if into is None:
            continue
        into[key] = _finite(host.metrics.get(metric.name), metric.digits)
        if metric.limit is not None:
            into[f"{key}_limit"] = _finite(metric.limit_in(host), metric.digits)


def _cpu(host: HostState) -> Json | None:
    cpu = host.cpu
    if cpu is None:
        return None
    return {
        "percent": _finite(cpu.percent, 2),
        "user": _finite(cpu.user, 2),
        "system": _finite(cpu.system, 2),
        "iowait": _finite(cpu.iowait, 2),
        "steal": _finite(cpu.steal, 2),
        "cores": cpu.cores,
    }


def _memory(host: HostState) -> Json | None:
    memory = host.memory
    if memory is None:
        return None
    return {
        "percent": _finite(memory.percent, 2),
        "used_bytes": memory.used_bytes,
        "total_bytes": memory.total_bytes,
        "swap_used_bytes": memory.swap_used_bytes,
        "swap_total_bytes": memory.swap_total_bytes,
    }


def _pressure(host: HostState) -> Json | None:
    if not host.pressure:
        return None
    shares: Json = {}
    for resource in host_metrics.PRESSURE_RESOURCES:
        pressure = host.pressure.get(resource.name)
        some, full = (None, None) if pressure is None else (pressure.some_10, pressure.full_10)
        shares[f"{resource.name}_some_10"] = _finite(some)
        shares[f"{resource.name}_full_10"] = _finite(full)
    return shares


def _cgroup(cgroup: CgroupState | None) -> Json | None:
    if cgroup is None:
        return None
    fields: Mapping[str, float | int | None] = {
        "cpu_limit_cores": _finite(cgroup.cpu_limit_cores, 3),
        "throttled_percent": _finite(cgroup.throttled_percent, 2),
        "memory_limit_bytes": cgroup.memory_limit_bytes,
    }
    return dict(fields)
