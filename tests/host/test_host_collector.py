"""Host counters: their values, the agreement with psutil, and harmless absence."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from fake_proc import copy_proc_files, write_files

from tputtui.host import kernel_files
from tputtui.host.host_collector import HostCollector, is_counted_disk
from tputtui.model import Pressure, TcpCounters

# ---------------------------------------------------------------------------------- our own readers


def test_pressure_is_read_in_percent_and_seconds(tmp_path: Path) -> None:
    pressures, missing = kernel_files.read_pressure(str(copy_proc_files(tmp_path)))
    assert missing == ()
    assert pressures["cpu"] == Pressure(38.04, 0.0, 7.511891, 0.0)
    assert pressures["io"].full_10 == 0.25


def test_a_cpu_file_without_a_full_line_leaves_full_unknown(tmp_path: Path) -> None:
    copy_proc_files(tmp_path)
    write_files(tmp_path, {"proc/pressure/cpu": "some avg10=2.00 avg60=0 avg300=0 total=1000000\n"})
    pressures, _ = kernel_files.read_pressure(str(tmp_path))
    assert pressures["cpu"] == Pressure(2.0, None, 1.0, None)


def test_the_part_of_the_zfs_cache_that_shrinks_is_available_memory(tmp_path: Path) -> None:
    rows = "13 1 0x01 3 4 5 6\nname type data\nhits 4 99\nc_min 4 1000\nsize 4 5000\n"
    write_files(tmp_path, {"proc/spl/kstat/zfs/arcstats": rows})
    assert kernel_files.read_zfs_cache(str(tmp_path)) == 4000
    write_files(tmp_path, {"proc/spl/kstat/zfs/arcstats": "size 4 500\nc_min 4 1000\nsize x\n"})
    assert kernel_files.read_zfs_cache(str(tmp_path)) == 0


def test_without_zfs_nothing_is_added(tmp_path: Path) -> None:
    assert kernel_files.read_zfs_cache(str(tmp_path)) == 0


def test_available_memory_is_never_more_than_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "size 4 900\nc_min 4 100\n"
    write_files(copy_proc_files(tmp_path), {"proc/spl/kstat/zfs/arcstats": rows})
    for available, expected in ((100, 900), (500, 1000)):
        memory = SimpleNamespace(total=1000, available=available)
        monkeypatch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
        assert HostCollector(tmp_path).read().memory_available_bytes == expected


def test_a_kernel_without_pressure_is_reported_once(tmp_path: Path) -> None:
    assert kernel_files.read_pressure(str(tmp_path)) == (
        {},
        (("pressure", "the kernel has no /proc/pressure"),),
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense\n",
        "some\n",
        "some avg10=x total=1\n",
        "some avg10=nan total=1\n",
        b"some avg10=\xff\n",
        "some avg10=1\n",
    ],
)
def test_a_malformed_pressure_file_affects_only_itself(
    tmp_path: Path, content: str | bytes
) -> None:
    write_files(copy_proc_files(tmp_path), {"proc/pressure/io": content})
    pressures, missing = kernel_files.read_pressure(str(tmp_path))
    assert set(pressures) == {"cpu", "memory"}
    assert missing == (("io pressure", "cannot make sense of /proc/pressure/io"),)


def test_disabled_pressure_files_come_with_the_way_to_enable_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, limit: int = 0) -> bytes:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)

    monkeypatch.setattr(kernel_files, "read", refuse)
    pressures, missing = kernel_files.read_pressure(str(tmp_path))
    assert pressures == {}
    assert missing[0] == (
        "cpu pressure",
        "/proc/pressure/cpu is switched off in this kernel (boot it with psi=1)",
    )


def test_tcp_losses_do_not_count_an_overflow_twice(tmp_path: Path) -> None:
    reading = HostCollector(copy_proc_files(tmp_path)).read()
    assert reading.tcp == TcpCounters(912345, 321, 42)


def test_without_netstat_the_listen_drops_are_unknown_with_a_reason(tmp_path: Path) -> None:
    (copy_proc_files(tmp_path) / "proc/net/netstat").unlink()
    reading = HostCollector(tmp_path).read()
    assert reading.tcp == TcpCounters(912345, 321, None)
    assert dict(reading.missing)["listen drops"] == "the kernel has no /proc/net/netstat"


@pytest.mark.parametrize("content", [None, "", "x y z\n", b"\xff\xfe"])
def test_missing_or_malformed_tcp_counters_are_unavailable_with_a_reason(
    tmp_path: Path, content: str | bytes | None
) -> None:
    if content is not None:
        write_files(tmp_path, {"proc/net/snmp": content})
    with pytest.raises(kernel_files.NotOfferedError, match=r"/proc/net/snmp"):
        kernel_files.read_tcp(str(tmp_path))


def test_a_long_file_is_read_in_full_up_to_a_limit(tmp_path: Path) -> None:
    write_files(tmp_path, {"long": b"x" * 100_000})
    assert len(kernel_files.read(str(tmp_path / "long"))) == 100_000
    assert len(kernel_files.read(str(tmp_path / "long"), 20_000)) == 20_000


# ------------------------------------------------------------------------------------ the collector


def test_this_machine_is_read_and_agrees_with_psutil() -> None:
    reading = HostCollector().read()
    memory = psutil.virtual_memory()
    assert reading.cpu is not None
    assert reading.cpu.total > 0
    assert len(reading.cores) == psutil.cpu_count()
    assert reading.memory_total_bytes == memory.total
    assert reading.load is not None
    assert reading.run_queue is not None
    assert reading.run_queue >= 1, "whoever reads it is running"
    assert abs(reading.at - time.monotonic()) < 60
    assert abs(reading.time - time.time()) < 60


def test_our_proc_reader_and_psutil_agree() -> None:
    """Both read the load average; a growing counter lies between two values of psutil."""
    before = psutil.cpu_times()
    reading = HostCollector().read()
    after = psutil.cpu_times()
    assert reading.cpu is not None
    assert before.user + before.nice <= reading.cpu.user <= after.user + after.nice
    assert before.idle - 1 <= reading.cpu.idle <= after.idle + 1
    load = [float(field) for field in kernel_files.read("/proc/loadavg").split()[:3]]
    assert load == pytest.approx(psutil.getloadavg(), abs=0.5)


def test_it_works_without_proc_and_sys(tmp_path: Path) -> None:
    reading = HostCollector(tmp_path).read()
    assert (reading.run_queue, reading.tcp, reading.fds_used, reading.cgroup) == (
        None,
        None,
        None,
        None,
    )
    assert reading.pressure == {}
    reasons = dict(reading.missing)
    assert set(reasons) >= {"run queue", "tcp", "file descriptors", "pressure", "cgroup"}
    assert all(reasons.values())
    assert reading.cpu is not None, "what psutil offers is there all the same"


def test_a_failure_of_psutil_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise NotImplementedError("no \x1b[31m/proc/diskstats")

    for name in (
        "cpu_times",
        "virtual_memory",
        "swap_memory",
        "disk_io_counters",
        "net_io_counters",
        "getloadavg",
    ):
        monkeypatch.setattr(psutil, name, fail)
    reading = HostCollector(copy_proc_files(tmp_path)).read()
    assert (reading.cpu, reading.cores, reading.memory_total_bytes, reading.load) == (
        None,
        (),
        None,
        None,
    )
    assert reading.run_queue == 3
    reasons = dict(reading.missing)
    assert {"cpu", "cores", "memory", "swap", "disks", "networks", "load"} <= set(reasons)
    assert "\x1b" not in reasons["disks"]


def test_networks_are_all_interfaces_with_traffic_except_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def card(received: int) -> SimpleNamespace:
        return SimpleNamespace(
            bytes_recv=received, bytes_sent=5, dropin=1, dropout=2, errin=3, errout=4
        )

    idle = SimpleNamespace(bytes_recv=0, bytes_sent=0, dropin=0, dropout=0, errin=0, errout=0)
    monkeypatch.setattr(
        psutil, "net_io_counters", lambda **_: {"lo": card(9), "eth0": card(7), "ifb0": idle}
    )
    (network,) = HostCollector().read().networks
    assert (network.name, network.rx_bytes, network.tx_bytes, network.drops, network.errors) == (
        "eth0",
        7,
        5,
        3,
        7,
    )


# -------------------------------------------------------------------------------- which disks count


@pytest.fixture
def blocks(tmp_path: Path) -> str:
    """Create /sys/block of a machine with several kinds of disks.

    A disk, NVMe behind LVM and a RAID, and a controller with a slash in its name.
    """
    for name, below in {
        "sda": (),
        "sdb": (),
        "nvme0n1": (),
        "cciss!c0d0": (),
        "dm-0": ("nvme0n1",),
        "md0": ("sda", "sdb"),
        "loop0": (),
        "zram0": (),
        "dm-9": (),
    }.items():
        slaves = tmp_path / "sys/block" / name / "slaves"
        slaves.mkdir(parents=True)
        for lower in below:
            (slaves / lower).touch()
    return str(tmp_path)


@pytest.mark.parametrize("name", ["sda", "nvme0n1", "cciss/c0d0", "dm-9"])
def test_whole_disks_count(blocks: str, name: str) -> None:
    assert is_counted_disk(name, blocks)


@pytest.mark.parametrize(
    "name", ["sda1", "nvme0n1p2", "dm-0", "md0", "loop0", "zram0", "ram3", "sr0", "nvme0c1n1"]
)
def test_no_byte_counts_twice(blocks: str, name: str) -> None:
    assert not is_counted_disk(name, blocks)


@pytest.mark.parametrize(
    ("name", "counted"),
    [("sda", True), ("sda1", False), ("nvme0n1", True), ("nvme0n1p1", False), ("mmcblk0p1", False)],
)
def test_without_sys_the_name_decides(tmp_path: Path, name: str, counted: bool) -> None:
    assert is_counted_disk(name, str(tmp_path)) is counted


def test_disks_are_in_bytes_and_seconds_and_only_the_used_ones(
    blocks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(reads: int) -> SimpleNamespace:
        return SimpleNamespace(
            read_count=reads,
            write_count=0,
            read_bytes=4096,
            write_bytes=0,
            read_time=1500,
            write_time=0,
            busy_time=700,
        )

    monkeypatch.setattr(
        psutil, "disk_io_counters", lambda **_: {"sda": disk(3), "sda1": disk(3), "sdb": disk(0)}
    )
    (counters,) = HostCollector(Path(blocks)).read().disks
    assert (counters.name, counters.reads, counters.read_bytes) == ("sda", 3, 4096)
    assert (counters.read_s, counters.busy_s) == (1.5, 0.7)
