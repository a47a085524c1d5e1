"""Host rates from counters: real elapsed time, and sensible results at falls and gaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.model import (
    Cgroup,
    CpuTimes,
    DiskCounters,
    HostReading,
    HostState,
    NetworkCounters,
    Pressure,
    ProcessReading,
    TcpCounters,
)
from tputtui.signals.host.host_rates import derive_cgroup, derive_host, derive_processes, used_cores

BEFORE = HostReading(
    at=100.0,
    time=1e9,
    cpu=CpuTimes(user=10, system=5, idle=80, iowait=4, steal=1),
    cores=(CpuTimes(user=5, idle=45), CpuTimes(user=5, idle=45)),
    load=(1.0, 2.0, 3.0),
    run_queue=3,
    memory_total_bytes=1000,
    memory_available_bytes=400,
    swap_total_bytes=100,
    swap_used_bytes=10,
    disks=(DiskCounters("sda", 10, 10, 1000, 2000, 1.0, 2.0, 5.0),),
    networks=(NetworkCounters("eth0", 100, 200, 3, 0),),
    tcp=TcpCounters(1000, 10, 5),
    pressure={"cpu": Pressure(38.0, 0.0)},
    fds_used=5,
    fds_limit=10,
    cgroup=Cgroup("/a", 2, 1.5, 100, 10, 1.0, 500, 50),
    missing=(("io pressure", "off"),),
)


def later(seconds: float = 2.0, **changes: object) -> HostReading:
    return replace(BEFORE, at=BEFORE.at + seconds, **changes)  # type: ignore[arg-type]


def cpu(now: CpuTimes) -> HostState:
    return derive_host(BEFORE, later(cpu=now))


def test_cpu_is_percent_of_the_machine_without_idle_and_iowait() -> None:
    state = cpu(CpuTimes(user=12, system=6, idle=85, iowait=5, steal=2)).cpu
    assert state is not None
    assert state.percent == pytest.approx(40.0)
    assert (state.user, state.system, state.iowait, state.steal) == pytest.approx(
        (20.0, 10.0, 10.0, 10.0)
    )
    assert state.cores == 2


def test_each_core_has_its_own_figure() -> None:
    cores = (CpuTimes(user=6, idle=45), CpuTimes(user=5, idle=46))
    state = derive_host(
        BEFORE, later(cpu=CpuTimes(user=11, system=5, idle=81, iowait=4, steal=1), cores=cores)
    ).cpu
    assert state is not None
    assert state.busy_by_core == (100.0, 0.0)


def test_a_falling_counter_gains_nothing() -> None:
    state = cpu(CpuTimes(user=11, system=5, idle=70, iowait=0, steal=1)).cpu
    assert state is not None
    assert (state.percent, state.iowait) == (100.0, 0.0)


def test_all_counters_falling_is_unknown() -> None:
    assert cpu(CpuTimes()).cpu is None


def test_an_unplugged_core_leaves_the_cores_unknown_and_the_machine_known() -> None:
    state = derive_host(
        BEFORE,
        later(cpu=CpuTimes(user=11, system=5, idle=81, iowait=4, steal=1), cores=(CpuTimes(),)),
    ).cpu
    assert state is not None
    assert (state.busy_by_core, state.cores) == ((), 1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, -3600.0])
def test_without_elapsed_time_there_are_levels_and_no_rates(seconds: float) -> None:
    state = derive_host(BEFORE, later(seconds))
    assert (state.cpu, state.disks, state.networks, state.tcp) == (None, (), (), None)
    assert state == derive_host(None, later(seconds))
    assert state.memory is not None
    assert state.cgroup is not None
    assert state.cgroup.throttled_percent is None


def test_levels_need_no_second_reading() -> None:
    state = derive_host(None, BEFORE)
    assert state.memory is not None
    assert (state.memory.percent, state.memory.used_bytes, state.memory.swap_used_bytes) == (
        60.0,
        600,
        10,
    )
    assert state.load == (1.0, 2.0, 3.0)
    assert state.metrics == {"run_queue": 3, "fds_used": 5, "fds_limit": 10}
    assert state.pressure == BEFORE.pressure
    assert state.missing == BEFORE.missing


def test_from_unknown_readings_nothing_is_derived() -> None:
    empty = HostReading(1.0, 1.0)
    assert derive_host(empty, replace(empty, at=2.0)) == HostState()


def test_a_disk_over_the_time_that_passed() -> None:
    (disk,) = derive_host(
        BEFORE, later(disks=(DiskCounters("sda", 14, 16, 3000, 4000, 1.2, 2.3, 6.0),))
    ).disks
    assert (disk.read_bytes_s, disk.write_bytes_s, disk.iops) == (1000.0, 1000.0, 5.0)
    assert disk.util_percent == pytest.approx(50.0)
    assert disk.await_ms == pytest.approx(50.0)


def test_a_disk_at_rest_has_no_await_and_a_late_busy_time_is_no_more_than_all() -> None:
    (disk,) = derive_host(BEFORE, later(disks=(replace(BEFORE.disks[0], busy_s=99.0),))).disks
    assert (disk.iops, disk.await_ms, disk.util_percent) == (0.0, None, 100.0)
    (disk,) = derive_host(BEFORE, later(disks=(replace(BEFORE.disks[0], busy_s=None),))).disks
    assert disk.util_percent is None


def test_a_newly_attached_device_has_no_rate_yet() -> None:
    state = derive_host(
        BEFORE,
        later(
            networks=(NetworkCounters("wlan0", 5, 5, 0, 0), NetworkCounters("eth0", 300, 600, 5, 0))
        ),
    )
    (network,) = state.networks
    assert (network.name, network.rx_bytes_s, network.tx_bytes_s, network.drops_s) == (
        "eth0",
        100.0,
        200.0,
        1.0,
    )


def test_retransmits_are_a_share_of_all_that_was_sent() -> None:
    tcp = derive_host(BEFORE, later(tcp=TcpCounters(1090, 20, 9))).tcp
    assert tcp is not None
    assert tcp.retransmit_percent == 10.0


def test_listen_drops_are_a_rate_once_both_readings_have_them() -> None:
    assert derive_host(BEFORE, later(tcp=TcpCounters(1090, 20, 9))).metrics["listen_drops"] == 2.0
    assert "listen_drops" not in derive_host(None, BEFORE).metrics
    assert "listen_drops" not in derive_host(BEFORE, later(tcp=None)).metrics


def test_partly_known_tcp_counters_give_partial_figures() -> None:
    tcp = derive_host(BEFORE, later(tcp=TcpCounters(None, 20, None))).tcp
    assert tcp is not None
    assert tcp.retransmit_percent is None
    silent = derive_host(BEFORE, later()).tcp
    assert silent is not None
    assert silent.retransmit_percent == 0.0


def test_throttling_is_a_share_of_the_periods_in_between() -> None:
    before = Cgroup("/a", 2, 1.0, periods=100, throttled_periods=10)
    state = derive_cgroup(before, replace(before, periods=120, throttled_periods=18))
    assert state is not None
    assert state.throttled_percent == 40.0


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (Cgroup("/a", 2, 1.0, 100, 10), Cgroup("/a", 2, 1.0, 100, 10), 0.0),
        (Cgroup("/a", 2, 1.0, 100, 10), Cgroup("/b", 2, 1.0, 120, 18), None),
        (Cgroup("/a", 2, 1.0, None, 10), Cgroup("/a", 2, 1.0, 120, 18), None),
        (Cgroup("/a", 2, 1.0, 100, 10), Cgroup("/a", 2, 1.0, 5, 1), 0.0),
        (Cgroup("/a", 2, 1.0, 100, 10), Cgroup("/a", 2, 1.0, 101, 30), 100.0),
        (None, Cgroup("/a", 2, 1.0, 100, 10), None),
    ],
)
def test_throttling_needs_two_readings_of_one_group_and_is_at_most_100_percent(
    before: Cgroup | None, now: Cgroup, percent: float | None
) -> None:
    state = derive_cgroup(before, now)
    assert state is not None
    assert state.throttled_percent == percent


seconds = st.floats(0, 1e9)
times = st.builds(CpuTimes, seconds, seconds, seconds, seconds, seconds)


@given(times, times, st.floats(-10, 10))
def test_percentages_stay_percentages_whatever_the_counters_do(
    before: CpuTimes, now: CpuTimes, elapsed: float
) -> None:
    first = HostReading(0.0, 0.0, cpu=before, cores=(before,))
    state = derive_host(first, HostReading(elapsed, 0.0, cpu=now, cores=(now,))).cpu
    if state is not None:
        for percent in (
            state.percent,
            state.user,
            state.system,
            state.iowait,
            state.steal,
            *state.busy_by_core,
        ):
            assert percent is None or 0 <= percent <= 100.000001


@pytest.mark.parametrize("jump", [1.8e8, 40.0])
@pytest.mark.parametrize("state", ["steal", "iowait", "user"])
def test_a_state_that_jumps_by_more_than_the_time_that_passed_is_left_out(
    state: str, jump: float
) -> None:
    spent = {"user": 1.0, "system": 0.2, "idle": 2.6, "iowait": 0.2, "steal": 0.0}
    spent[state] = jump
    earlier = BEFORE.cpu
    assert earlier is not None
    now = CpuTimes(**{name: getattr(earlier, name) + value for name, value in spent.items()})
    share = cpu(now).cpu
    assert share is not None
    assert getattr(share, state) is None
    rest = {name: value for name, value in spent.items() if name != state}
    busy = sum(rest.get(name, 0.0) for name in ("user", "system", "steal"))
    assert share.percent == pytest.approx(100 * busy / sum(rest.values()))


def test_without_a_possible_idle_time_there_is_no_share_of_it() -> None:
    assert cpu(CpuTimes(user=11, system=5, idle=8e9, iowait=4, steal=1)).cpu is None


def test_real_steal_stays() -> None:
    share = cpu(CpuTimes(user=11, system=5, idle=81, iowait=4, steal=3)).cpu
    assert share is not None
    assert share.steal == pytest.approx(50.0)


APP = ProcessReading(
    7,
    1000.0,
    "app",
    "shop",
    10.0,
    4096,
    3,
    "S",
    "app --x",
    "3.12",
    (80,),
    Cgroup("/a", 2, 1.0, 100, 10),
)


def percents(
    before: list[ProcessReading] | None, now: list[ProcessReading], elapsed_s: float
) -> list[float | None]:
    return [state.cpu_percent for state in derive_processes(before, now, elapsed_s)]


def test_cpu_is_percent_of_one_core() -> None:
    assert percents([APP], [replace(APP, cpu_s=16.0)], 2.0) == [300.0]


def test_the_other_fields_are_passed_on() -> None:
    now = replace(APP, cgroup=Cgroup("/a", 2, 1.0, 120, 18))
    (state,) = derive_processes([APP], [now], 1.0)
    assert state.identity == APP.identity
    assert (state.name, state.user, state.rss_bytes, state.threads) == ("app", "shop", 4096, 3)
    assert (state.state, state.command, state.python, state.ports) == (
        "S",
        "app --x",
        "3.12",
        (80,),
    )
    assert state.cgroup is not None
    assert state.cgroup.throttled_percent == 40.0


def test_a_reused_pid_starts_without_a_rate() -> None:
    assert percents([APP], [replace(APP, started=2000.0, cpu_s=99.0)], 1.0) == [None]


@pytest.mark.parametrize("elapsed_s", [0.0, -1.0])
def test_without_elapsed_time_there_is_no_rate(elapsed_s: float) -> None:
    assert percents([APP], [APP], elapsed_s) == [None]


def test_a_forbidden_counter_is_unknown_and_a_falling_one_is_zero() -> None:
    hidden = replace(APP, cpu_s=None)
    assert percents([hidden], [APP], 1.0) == [None]
    assert percents([APP], [hidden], 1.0) == [None]
    assert percents([APP], [replace(APP, cpu_s=9.0)], 1.0) == [0.0]
    assert percents(None, [APP], 1.0) == [None]


def test_the_shown_processes_use_a_part_of_the_busy_cores() -> None:
    others = [replace(APP, pid=8), replace(APP, pid=9)]
    now = [replace(APP, cpu_s=11.5), replace(APP, pid=8, cpu_s=10.7), replace(APP, pid=10)]
    assert used_cores(derive_processes([APP, *others], now, 1.0)) == pytest.approx(2.2)
