"""The host's rows, and which resource saturates first: waiting work outranks percentages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tputtui.model import (
    CgroupState,
    CpuState,
    DiskState,
    HostState,
    MemoryState,
    NetworkState,
    Pressure,
    SaturationState,
    TcpState,
)
from tputtui.signals.host.host_rates import host_saturation
from tputtui.signals.host.host_saturation import cgroup_saturation
from tputtui.signals.service.bottleneck import (
    BottleneckTracker,
    describe_highest,
    first_to_saturate,
    sort_by_urgency,
    urgency_key,
)

CALM = HostState(
    cpu=CpuState(20.0, 15.0, 5.0, 1.0, 0.0, 8),
    memory=MemoryState(41.0, 41 << 28, 100 << 28),
    disks=(DiskState("sdb", 0, 0, 1, 3.0, None), DiskState("nvme0n1", 1, 1, 9, 12.0, 0.4)),
    networks=(NetworkState("eth0", 1000.0, 500.0, 0.0), NetworkState("eth1", 1.0, 1.0, 0.0)),
    tcp=TcpState(0.1),
    metrics={"run_queue": 2, "fds_used": 100, "fds_limit": 1000},
    pressure={name: Pressure(1.0, 0.5) for name in ("cpu", "memory", "io")},
)


def row(state: HostState, name: str) -> SaturationState:
    (match,) = [row for row in host_saturation(state) if row.name == name]
    return match


def first(state: HostState) -> tuple[str, str]:
    first = first_to_saturate(host_saturation(state))
    assert first is not None
    return first.name, first.reason


def busy(percent: float, run_queue: int | None, cores: int = 8, iowait: float = 0.0) -> HostState:
    metrics = {name: value for name, value in CALM.metrics.items() if name != "run_queue"}
    if run_queue is not None:
        metrics["run_queue"] = run_queue
    return replace(CALM, cpu=CpuState(percent, percent, 0.0, iowait, 0.0, cores), metrics=metrics)


# --------------------------------------------------------------------------------------------- rows


def test_a_calm_host_has_six_rows_without_waiting_work() -> None:
    rows = host_saturation(CALM)
    assert [row.name for row in rows] == [
        "cpu",
        "io wait",
        "memory",
        "disk",
        "network",
        "open files",
    ]
    assert not any(row.waiting for row in rows)


def test_cpu_is_in_cores() -> None:
    cpu = row(busy(91.0, 8), "cpu")
    assert (cpu.value, cpu.ratio) == pytest.approx((7.28, 0.91))
    assert (cpu.limit, cpu.unit) == (8, "cores")
    assert cpu.reason == "91 % of 8 cores"


@pytest.mark.parametrize(
    ("percent", "run_queue", "cores", "waiting"),
    [
        (91.0, 12, 8, 3.0),
        (100.0, 3, 2, 0.0),  # two workers, and the counting process itself
        (100.0, 4, 2, 1.0),
        (30.0, 9, 2, 0.0),  # a burst at the moment of the reading
        (100.0, 1, 2, 0.0),
        (100.0, None, 2, None),
    ],
)
def test_the_queue_is_without_us_and_counts_on_a_busy_machine(
    percent: float, run_queue: int | None, cores: int, waiting: float | None
) -> None:
    assert row(busy(percent, run_queue, cores), "cpu").waiting == waiting


def test_an_idle_two_core_machine_is_not_near_a_limit() -> None:
    rows = host_saturation(busy(3.0, 3, 2))
    assert first_to_saturate(rows) is None
    assert describe_highest(rows) == "nothing near a limit (highest: memory 41 %)"


def test_the_busiest_disk_is_shown() -> None:
    disk = row(CALM, "disk")
    assert (disk.ratio, disk.reason) == (0.12, "nvme0n1 busy 12 % of the time, 400 µs a request")


def test_a_disk_that_hides_its_busy_time_has_no_ratio() -> None:
    disk = row(replace(CALM, disks=(DiskState("sda", 0, 0, 1, None, None),)), "disk")
    assert (disk.ratio, disk.reason) == (None, "sda does not say how long it is busy")


def test_the_network_has_traffic_and_no_ratio() -> None:
    network = row(CALM, "network")
    assert (network.value, network.ratio, network.unit) == (1500.0, None, "By/s")


def test_dropped_connections_are_waiting_work() -> None:
    dropping = replace(CALM, metrics={**CALM.metrics, "listen_drops": 12.0})
    assert first(dropping) == ("network", "12.0 connections/s dropped at full listen queues")
    assert first(replace(dropping, networks=()))[0] == "network"


def test_swap_has_a_row_and_is_never_first() -> None:
    full = replace(
        CALM, memory=MemoryState(41.0, 41, 100, swap_used_bytes=99, swap_total_bytes=100)
    )
    assert row(full, "swap").ratio == 0.99
    assert first_to_saturate(host_saturation(full)) is None
    assert describe_highest(host_saturation(full)).endswith("(highest: memory 41 %)")


def test_without_swap_or_limits_there_are_no_such_rows() -> None:
    bare = replace(
        CALM, memory=MemoryState(41.0, 41, 100, 0, 0), cgroup=CgroupState("/", None, 0.0, None, 5)
    )
    assert not {"swap", "cgroup cpu", "cgroup memory"} & {row.name for row in host_saturation(bare)}


def test_no_limit_on_open_files_is_no_ratio() -> None:
    assert row(replace(CALM, metrics={"fds_used": 100}), "open files").ratio is None


def test_missing_figures_have_a_reason() -> None:
    nothing = HostState(
        missing=(("cpu", "not here"), ("memory", "nor here"), ("file descriptors", "no /proc/sys"))
    )
    rows = {row.name: row for row in host_saturation(nothing)}
    assert all(row.value is None and row.ratio is None and row.reason for row in rows.values())
    assert rows["cpu"].reason == rows["io wait"].reason == "not here"
    assert rows["open files"].reason == "no /proc/sys"
    assert first_to_saturate(rows.values()) is None


@pytest.mark.parametrize(
    ("resource", "pressure", "there"),
    [
        ("cpu", Pressure(29.0, 0.0), False),
        ("cpu", Pressure(30.0, 0.0), True),
        ("memory", Pressure(9.0, 9.0), False),
        ("memory", Pressure(10.0, 1.0), True),
        ("io", Pressure(90.0, 19.0), False),
        ("io", Pressure(90.0, 20.0), True),
        ("io", Pressure(90.0, None), False),
    ],
)
def test_pressure_is_a_row_only_while_it_is_high(
    resource: str, pressure: Pressure, there: bool
) -> None:
    names = [row.name for row in host_saturation(replace(CALM, pressure={resource: pressure}))]
    assert (f"{resource} pressure" in names) is there


# -------------------------------------------------------------------------------- first to saturate


def test_waiting_work_outranks_a_higher_percentage() -> None:
    starved = replace(busy(85.0, 12), memory=MemoryState(97.0, 97, 100))
    assert first(starved) == ("cpu", "3 waiting (run queue 12), 85 % of 8 cores")


def test_throttling_outranks_percentages() -> None:
    throttled = replace(busy(90.0, 3), cgroup=CgroupState("/a", 1.5, 40.0, None))
    assert first(throttled) == ("cgroup cpu", "throttled in 40 % of periods, limit 1.5 cores")


def test_a_trace_of_throttling_does_not() -> None:
    assert first(replace(busy(90.0, 3), cgroup=CgroupState("/a", 1.5, 0.5, None)))[0] == "cpu"


def test_memory_pressure_outranks_a_busy_cpu() -> None:
    pressed = replace(busy(95.0, 3), pressure={"memory": Pressure(22.0, 10.0)})
    assert first(pressed) == ("memory pressure", "some tasks waited for memory 22 % of the time")


def test_io_wait_is_waiting_work_from_a_fifth_on() -> None:
    assert first_to_saturate(host_saturation(busy(10.0, 1, iowait=19.0))) is None
    assert first(busy(10.0, 1, iowait=45.0)) == ("io wait", "45 % of 8 cores idle for I/O")


def test_the_service_s_own_queue_comes_before_the_host_s() -> None:
    pool = SaturationState(
        "db pool", "db_pool_in_use", 18, 20, 0.9, 3, "", "gauge named for a pool"
    )
    first = first_to_saturate([*host_saturation(busy(100.0, 40)), pool])
    assert first is not None
    assert (first.name, first.reason) == ("db pool", "3 waiting, 90 % of 20")


def test_without_waiting_the_highest_ratio_is_named_from_seventy_percent() -> None:
    pool = SaturationState(
        "db pool", "db_pool_in_use", 19, 20, 0.95, None, "", "gauge named for a pool"
    )
    highest = first_to_saturate([*host_saturation(CALM), pool])
    assert highest is not None
    assert (highest.name, highest.reason) == ("db pool", "95 % of 20")
    low = replace(pool, value=13, ratio=0.65)
    assert first_to_saturate([low]) is None
    assert first_to_saturate([replace(low, waiting=1)]) is not None
    assert describe_highest([low]) == "nothing near a limit (highest: db pool 65 %)"
    assert describe_highest([]) == ""


@pytest.mark.parametrize("name", ["cpu pressure", "throttled periods"])
def test_pressure_and_throttling_count_as_waiting(name: str) -> None:
    held = SaturationState(name, "x", 0.2, None, 0.2)
    pool = SaturationState("db pool", "db_pool_in_use", 19, 20, 0.95)
    named = first_to_saturate([pool, held])
    assert named is not None
    assert named.name == name
    assert first_to_saturate([replace(held, value=0.05, ratio=0.05)]) is None


def grow(ratios: list[float]) -> str | None:
    """Return the evidence of one resource after its ratios, five seconds apart."""
    tracker, named = BottleneckTracker(), None
    for tick, ratio in enumerate(ratios):
        pool = SaturationState("db pool", "db_pool_in_use", ratio, 1.0, ratio)
        disk = SaturationState("disk", None, 0.9, 1.0, 0.9)
        named = tracker.update([("shop", pool), ("", disk)], ["shop"], 5.0 * tick)
    return f"{named.name}: {named.reason}" if named is not None else None


def test_a_steady_slope_to_the_limit_comes_first() -> None:
    evidence = grow([0.2 + 0.005 * tick for tick in range(60)])
    assert evidence is not None
    assert evidence.startswith("db pool: ")
    assert evidence.endswith("reaches its limit in 8 min 25 s")


@pytest.mark.parametrize(
    "ratios",
    [
        [0.2 + 0.3 * ((tick * 7919) % 13) / 13 for tick in range(60)],
        [0.2 + 0.00002 * tick for tick in range(60)],
        [0.8 - 0.005 * tick for tick in range(60)],
        [0.2 + 0.005 * tick for tick in range(10)],
        [0.92] * 60,
        [min(1.0, 0.8 + 0.02 * tick) for tick in range(60)],
    ],
    ids=["noise", "hardly grows", "falls", "too short", "stands still", "at its limit"],
)
def test_without_a_steady_slope_nothing_is_foretold(ratios: list[float]) -> None:
    evidence = grow(ratios)
    assert evidence is not None
    assert "reaches" not in evidence


def test_a_gauge_without_a_limit_is_near_nothing() -> None:
    gauge = SaturationState("in flight", "in_flight", 1e6)
    assert first_to_saturate([gauge]) is None
    assert first_to_saturate([]) is None


def test_another_group_s_rows_carry_its_owner() -> None:
    rows = cgroup_saturation(CgroupState("/a", 2.0, None, 1000, 900), owner="shop")
    assert [row.name for row in rows] == ["shop cgroup cpu", "shop cgroup memory"]
    assert (rows[0].value, rows[1].ratio) == (None, 0.9)


def test_nearly_equal_rows_do_not_alternate_and_the_rows_agree_with_the_title() -> None:
    first, named = BottleneckTracker(), []
    for tick in range(12):
        cpu = SaturationState("cpu", None, 2, 2, 1.0, 3.0 if tick % 2 else 0.0, "cores", "2 cores")
        stall = SaturationState(
            "cpu pressure", None, 0.4, None, 0.4, 0.4, "ratio", "some tasks waited"
        )
        rows = [("", stall), ("", cpu)]
        named_first = first.update(rows)
        assert named_first is not None
        named.append(named_first.resource)
        assert sort_by_urgency(rows, named_first)[0][1].name == named_first.resource
    assert len(set(named)) == 1


def test_a_lasting_lead_is_named_soon() -> None:
    first = BottleneckTracker()
    disk, memory = (
        SaturationState(name, None, share, 1.0, share)
        for name, share in (("disk", 0.75), ("memory", 0.8))
    )
    full = SaturationState("disk", None, 0.9, 1.0, 0.9)
    named = [first.update([("", item), ("", memory)]) for item in (disk, full, full, full)]
    assert [first.name if first else None for first in named] == [
        "memory",
        "memory",
        "memory",
        "disk",
    ]


def test_of_several_services_the_first_names_its_own() -> None:
    pool = SaturationState(
        "db pool", "db_pool_in_use", 19, 20, 0.95, None, "", "gauge named for a pool"
    )
    rows = [("till", pool), *(("", row) for row in host_saturation(CALM))]
    several, alone = (
        BottleneckTracker().update(rows, ["shop", "till"]),
        BottleneckTracker().update(rows, ["till"]),
    )
    assert several is not None
    assert alone is not None
    assert (several.name, several.owner, alone.name) == ("till: db pool", "till", "db pool")


def test_the_rows_are_ordered_by_the_rule_of_the_first_to_saturate() -> None:
    rows = [*host_saturation(busy(100.0, 40))]
    first = first_to_saturate(rows)
    assert first is not None
    assert min(rows, key=urgency_key).name == first.name
