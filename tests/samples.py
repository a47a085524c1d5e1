"""A plausible snapshot for tests of views and screens.

A shop under load, its host, and a target that is down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tputtui.model import (
    BreakdownRow,
    CgroupState,
    CpuState,
    DiskState,
    ErrorState,
    Event,
    FirstToSaturate,
    HostState,
    LatencyState,
    MemoryState,
    NetworkState,
    Pressure,
    ProcessState,
    Quantile,
    SaturationState,
    SelfState,
    ServiceState,
    Snapshot,
    SocketHolder,
    TargetListeners,
    TargetStatus,
    TcpState,
    TrafficState,
)
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.signals.rates.past import MadeColumns, Past, PastRequest
from tputtui.signals.service.replicas import ReplicaFigures

NOON = 1_790_000_000.0


def quantiles(*values: float) -> tuple[Quantile, ...]:
    return tuple(
        Quantile(q, value, value * 0.8, value * 1.25)
        for q, value in zip((0.5, 0.9, 0.99), values, strict=True)
    )


ROUTES = (
    ("GET", "/items/{id}", 612.0, 0.0, 0.0061, 0.022),
    ("POST", "/checkout", 301.4, 0.0011, 0.031, 0.188),
    ("GET", "/search", 240.9, 0.0, 0.012, 0.064),
    ("GET", "/cart", 101.2, 0.0, 0.004, 0.012),
    ("POST", "/payment", 11.5, 0.098, 0.088, 0.402),
    ("GET", "/item/{id}/reviews", 6.8, 0.0, 0.0077, 0.031),
    ("PUT", "/cart/{id}", 6.1, 0.0, 0.0052, 0.015),
    ("GET", "/healthz", 1.0, 0.0, 0.0004, 0.0011),
)


def service(name: str = "checkout", **changes: Any) -> ServiceState:
    fields: dict[str, Any] = {
        "name": name,
        "targets": ("web-01", "web-02"),
        "traffic": TrafficState(
            "http_requests_total",
            1284.0,
            total=96_000.0,
            best_60s=1690.0,
            since_start=950.0,
            reason="named for requests",
        ),
        "errors": ErrorState(
            "http_requests_total",
            "status",
            ("500",),
            0.0012,
            1.5,
            {"2xx": 1280.0, "5xx": 1.5, "4xx": 2.5},
        ),
        "latency": LatencyState(
            "http_request_duration_seconds",
            "histogram",
            "s",
            quantiles(0.0082, 0.021, 0.0881),
            mean=0.0121,
            since_start=quantiles(0.008, 0.0201, 0.071),
        ),
        "saturation": (
            SaturationState("db pool", "db_pool_in_use", 18, 20, 0.9, 3, reason="3 waiting"),
            SaturationState("in flight", "http_requests_in_flight", 14),
        ),
        "breakdown_by": ("method", "route"),
        "breakdown": tuple(
            BreakdownRow(
                (("method", method), ("route", route)),
                rps,
                errors,
                (Quantile(0.5, p50), Quantile(0.99, p99)),
            )
            for method, route, rps, errors, p50, p99 in ROUTES
        ),
        "breakdown_more": (214, 2.6),
        "lifetime_s": 273_600.0,
        "covered_s": 10.0,
    }
    return ServiceState(**{**fields, **changes})


def host() -> HostState:
    return HostState(
        cpu=CpuState(91.0, 74.0, 15.0, 2.0, 0.0, 8, (91.0,) * 8),
        load=(7.1, 6.2, 4.4),
        memory=MemoryState(41.0, 14_066_000_000, 34_252_000_000, 0, 0),
        pressure={"cpu": Pressure(38.0), "memory": Pressure(0.0, 0.0), "io": Pressure(0.4, 0.1)},
        disks=(DiskState("nvme0n1", 1_258_291.0, 19_293_798.0, 240.0, 12.0, 0.4),),
        networks=(NetworkState("eth0", 13_002_342.0, 92_274_688.0, 0.0),),
        tcp=TcpState(0.1),
        metrics={"run_queue": 11, "fds_used": 4000, "fds_limit": 1_000_000, "listen_drops": 0.0},
        cgroup=CgroupState("/", None, 0.0, None),
    )


HOST_SATURATION = (
    SaturationState("cpu", None, 7.28, 8, 0.91, 3, "cores", "91 % of 8 cores"),
    SaturationState("io wait", None, 0.16, 8, 0.02, None, "cores", "2 % of 8 cores"),
    SaturationState("memory", None, 14_066_000_000, 34_252_000_000, 0.41, None, "By", "41 %"),
    SaturationState("network", None, 105_277_030.0, None, None, None, "By/s", "no limit known"),
    SaturationState("disk", None, 0.12, 1, 0.12, None, "", "nvme0n1 busy 12 %"),
)

PROCESSES = tuple(
    ProcessState(
        pid,
        NOON - 9000 - pid,
        name,
        "app",
        cpu,
        rss * 1_000_000,
        threads,
        state,
        python=python,
        ports=ports,
    )
    for pid, name, cpu, rss, threads, state, python, ports in (
        (23990, "gunicorn: worker", 312.4, 212, 12, "R", "3.12", (8000,)),
        (23991, "gunicorn: worker", 298.0, 209, 12, "R", "3.12", (8000,)),
        (24220, "postgres: checkout", 91.0, 88, 1, "S", None, ()),
        (1187, "node_exporter", 1.2, 24, 9, "S", None, (9100,)),
        (24601, "envoy", 0.9, 71, 18, "S", None, (9901,)),
        (23988, "gunicorn: master", 0.3, 41, 1, "S", "3.12", (8000,)),
        (912, "redis-server", 0.2, 19, 5, "S", None, (6379,)),
        (1, "systemd", 0.0, 12, 1, "S", None, ()),
    )
)


def targets() -> tuple[TargetStatus, ...]:
    return (
        TargetStatus(
            "web-01",
            "http://127.0.0.1:8000/metrics",
            "up",
            None,
            None,
            0.0031,
            48_211,
            512,
            0,
            0.1,
            751.0,
        ),
        TargetStatus(
            "web-02",
            "http://10.0.0.2:8000/metrics",
            "up",
            None,
            None,
            0.0041,
            47_911,
            509,
            0,
            0.4,
            731.0,
        ),
        TargetStatus(
            "web-03",
            "http://10.0.0.3:8000/metrics",
            "down",
            "connection refused",
            age_s=31.0,
            since_s=31.0,
        ),
    )


def listeners() -> tuple[TargetListeners, ...]:
    """Return the listeners of the targets.

    gunicorn's arbiter and its two workers share web-01's socket; the others are remote.
    """
    started = {process.pid: process.started for process in PROCESSES}
    holders = tuple(
        SocketHolder(pid, started[pid], parent, connections)
        for pid, parent, connections in ((23988, 1, 0), (23990, 23988, 2), (23991, 23988, 1))
    )
    return (
        TargetListeners("web-01", 8000, "127.0.0.1:8000", here=True, holders=holders),
        TargetListeners("web-02", 8000, "10.0.0.2:8000", here=False),
        TargetListeners("web-03", 8000, "10.0.0.3:8000", here=False),
    )


def snapshot(**changes: Any) -> Snapshot:
    fields: dict[str, Any] = {
        "time": NOON,
        "at": 5000.0,
        "interval_s": 1.0,
        "window_s": 10.0,
        "targets": targets(),
        "services": (
            service(),
            service("node", targets=("web-03",), traffic=None, errors=None, latency=None),
        ),
        "host": host(),
        "host_saturation": HOST_SATURATION,
        "first_to_saturate": FirstToSaturate("db pool", "3 waiting"),
        "processes": PROCESSES,
        "listeners": listeners(),
        "busy_cores": 7.28,
        "events": (
            Event(NOON - 132, "reset", "counter reset on web-02 (restart)", "web-02"),
            Event(NOON - 31, "down", "web-03: connection refused", "web-03"),
        ),
        "self_usage": SelfState(0.9, 58_000_000, 0),
        "is_ready": True,
    }
    return Snapshot(**{**fields, **changes})


def replicas() -> dict[str, ReplicaFigures]:
    """Return the figures of the shop's two replicas."""
    tails = quantiles(0.0082, 0.021, 0.0881)[-1:]
    return {
        "web-01": ReplicaFigures("web-01", 684.0, tail=tails[0], error_ratio=0.0012),
        "web-02": ReplicaFigures("web-02", 600.0, tail=tails[0], error_ratio=0.0012),
    }


def heat(columns: int) -> LatencyHeatmap:
    """Return a heat map: most requests below 25 ms, a few above, and a burst of slow ones."""
    bounds = (0.025, 0.1, 0.25, 0.5, 1.0, math.inf)
    usual, slow = (0.9, 0.08, 0.02, 0.0, 0.0, 0.0), (0.4, 0.3, 0.2, 0.07, 0.025, 0.005)
    burst = range(columns * 2 // 3, columns * 2 // 3 + 3)
    return LatencyHeatmap(
        bounds,
        tuple(
            None if at == columns // 3 else slow if at in burst else usual for at in range(columns)
        ),
    )


class SamplePast(Past):
    """History that varies around the snapshot's figures, with a gap after a third.

    It has every figure. With a request it has those only, and fails where another is drawn.
    """

    def __init__(
        self,
        level: Callable[[str], float] | None = None,
        request: PastRequest | None = None,
        heatmap: Callable[[int], LatencyHeatmap | None] | None = None,
    ) -> None:
        super().__init__()
        vars(self).update(_level=level or SAMPLE_LEVELS.get, _request=request, _heatmap=heatmap)

    def reuse(self, _made: MadeColumns) -> Past:
        return self

    def columns(self, figure: str, columns: int) -> Sequence[float | None]:
        request: PastRequest | None = vars(self)["_request"]
        if request is not None:
            assert figure in request.names.figures, f"{figure} is drawn and not declared"
            assert columns >= request.least_columns
        height = vars(self)["_level"](figure)
        if height is None:
            return [None] * columns
        return [
            None if at == columns // 3 else height * (0.8 + 0.2 * math.sin(at / 4 + len(figure)))
            for at in range(columns)
        ]

    def heatmap(self, service: str, columns: int) -> LatencyHeatmap | None:
        request: PastRequest | None = vars(self)["_request"]
        if request is not None:
            assert service in request.names.heatmaps, f"{service} is drawn and not declared"
        made = vars(self)["_heatmap"]
        return made(columns) if made is not None else None


SAMPLE_LEVELS: Mapping[str, float] = {
    history_keys.traffic("checkout"): 1284.0,
    history_keys.status_class("checkout", "2xx"): 1280.0,
    history_keys.status_class("checkout", "4xx"): 2.5,
    history_keys.status_class("checkout", "5xx"): 1.5,
    history_keys.latency("checkout", 0.5): 0.0082,
    history_keys.latency("checkout", 0.9): 0.021,
    history_keys.latency("checkout", 0.99): 0.0881,
    history_keys.saturation("checkout", "db pool"): 0.9,
    history_keys.saturation("", "cpu"): 0.9,
    history_keys.saturation("", "memory"): 0.41,
    history_keys.saturation("", "io wait"): 0.02,
}


def past(level: Callable[[str], float] | None = None) -> Past:
    """Return a history that varies around the snapshot's figures."""
    return SamplePast(level)
