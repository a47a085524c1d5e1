"""Read the host's counters: from psutil where it offers them, otherwise from the kernel's files.

Nothing is computed here. A missing value is no error: it is None (or empty), with a reason in
`missing`. No call in this file asks a file system (statfs), so a dead mount cannot block it.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tputtui.descriptors import shortage
from tputtui.host import kernel_files
from tputtui.host.cgroup import CgroupReader
from tputtui.host.kernel_files import MetricFiles
from tputtui.model import CpuTimes, DiskCounters, HostReading, NetworkCounters
from tputtui.text import clean

T = TypeVar("T")

# The last alternative: one path of a multipath disk
_NOT_DISK = re.compile(r"(loop|ram|zram|sr|fd)\d+|nvme\d+c\d+n\d+")
_DISK_BY_NAME = re.compile(r"(sd|hd|vd|xvd)[a-z]+|(nvme\d+n|mmcblk|md|nbd)\d+")


class HostCollector:
    """Collector of the host's counters.

    `root` is where our own readers find /proc and /sys; psutil reads the real ones.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = str(root).rstrip("/")
        self._cgroups = CgroupReader(root)
        self._metric_files = MetricFiles(self._root)
        self._is_counted_by_name: dict[str, bool] = {}  # disk name -> is it counted
        # psutil warns on stderr where a container hides part of /proc, and stderr is the screen.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"psutil(\..*)?")

    def read(self) -> HostReading:
        """Read all counters. Takes about 1 ms of CPU; never raises."""
        at, now = time.monotonic(), time.time()
        missing: list[tuple[str, str]] = []

        def get(name: str, reader: Callable[[], T]) -> T | None:
            """Call a reader; if it fails, add the reason to `missing`."""
            try:
                return reader()
            except kernel_files.NotOfferedError as error:
                missing.append((name, str(error)))
            except Exception as error:  # psutil: OSError, KeyError, NotImplementedError, ...
                reason = shortage(error) or clean(f"psutil cannot read it: {error}", 200)
                missing.append((name, reason))
            return None

        memory = get("memory", psutil.virtual_memory)
        swap = get("swap", psutil.swap_memory)
        metrics, metric_reasons = get("kernel metrics", self._metric_files.read) or ({}, {})
        pressures = get("pressure", lambda: kernel_files.read_pressure(self._root))
        pressure, pressure_reasons = pressures or ({}, ())
        tcp = get("tcp", lambda: kernel_files.read_tcp(self._root))
        listen_drops = _pop_int(metrics, "listen_drops")
        cgroup = get("cgroup", self._cgroups.read)
        missing.extend(metric_reasons.items())
        missing.extend(pressure_reasons)
        if cgroup is None and not any(name == "cgroup" for name, _ in missing):
            missing.append(("cgroup", "the control group of this process is not mounted here"))
        return HostReading(
            at=at,
            time=now,
            cpu=get("cpu", _read_cpu),
            cores=get("cores", _read_cores) or (),
            load=get("load", psutil.getloadavg),
            run_queue=_pop_int(metrics, "run_queue"),
            memory_total_bytes=None if memory is None else memory.total,
            memory_available_bytes=None if memory is None else self._available_bytes(memory),
            swap_total_bytes=None if swap is None else swap.total,
            swap_used_bytes=None if swap is None else swap.used,
            disks=get("disks", self._read_disks) or (),
            networks=get("networks", _read_networks) or (),
            tcp=None if tcp is None else replace(tcp, listen_drops=listen_drops),
            pressure=pressure,
            fds_used=_pop_int(metrics, "fds_used"),
            fds_limit=_pop_int(metrics, "fds_limit"),
            cgroup=cgroup,
            missing=tuple(missing),
            metrics={name: float(value) for name, value in metrics.items()},
        )

    def _available_bytes(self, memory: Any) -> int:
        """Return the memory that programs can get, the reclaimable part of ZFS's cache included."""
        cache = kernel_files.read_zfs_cache(self._root)
        return min(int(memory.total), int(memory.available) + cache)

    def _read_disks(self) -> tuple[DiskCounters, ...]:
        # nowrap=False: psutil would hide a counter that starts again; `derive_host` decides on it.
        counters = psutil.disk_io_counters(perdisk=True, nowrap=False)
        disks: list[DiskCounters] = []
        for name, io in counters.items():
            is_counted = self._is_counted_by_name.get(name)
            if is_counted is None:
                is_counted = is_counted_disk(name, self._root)
                self._is_counted_by_name[name] = is_counted
            if not is_counted or not (io.read_count or io.write_count):
                # Unused since the boot: an empty card reader, nbd0 to nbd15
                continue
            busy_ms = getattr(io, "busy_time", None)
            disks.append(
                DiskCounters(
                    name=clean(name, 64),
                    reads=io.read_count,
                    writes=io.write_count,
                    read_bytes=io.read_bytes,
                    write_bytes=io.write_bytes,
                    read_s=io.read_time / 1e3,
                    write_s=io.write_time / 1e3,
                    busy_s=None if busy_ms is None else busy_ms / 1e3,
                )
            )
        return tuple(disks)


def _pop_int(metrics: dict[str, float], name: str) -> int | None:
    """Take a whole number out of the metrics, because `HostReading` has a field for it."""
    value = metrics.pop(name, None)
    return None if value is None else int(value)


def is_counted_disk(name: str, root: str) -> bool:
    """Whether a device is a whole disk whose traffic is counted nowhere else.

    Not a partition (its disk has no other counters), not a loop or RAM disk, and nothing on top of
    other disks (md, dm, bcache: /sys/block/NAME/slaves names them), because its traffic is in the
    counters of those disks already.
    """
    if _NOT_DISK.fullmatch(name):
        return False
    block = f"{root}/sys/block"
    try:
        return not os.listdir(f"{block}/{name.replace('/', '!')}/slaves")
    except NotADirectoryError:
        return False
    except OSError:
        pass
    if os.path.isdir(block):
        return os.path.isdir(f"{block}/{name.replace('/', '!')}")
    return _DISK_BY_NAME.fullmatch(name) is not None


def _read_cpu() -> CpuTimes:
    return _sum_cpu_times(psutil.cpu_times())


def _read_cores() -> tuple[CpuTimes, ...]:
    return tuple(_sum_cpu_times(core) for core in psutil.cpu_times(percpu=True))


def _sum_cpu_times(times: Any) -> CpuTimes:
    """Reduce the fields of psutil, which vary with the platform, to five states.

    Guests are part of user and nice already.
    """
    return CpuTimes(
        user=times.user + getattr(times, "nice", 0.0),
        system=times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0),
        idle=times.idle,
        iowait=getattr(times, "iowait", 0.0),
        steal=getattr(times, "steal", 0.0),
    )


def _read_networks() -> tuple[NetworkCounters, ...]:
    """Read all interfaces that ever carried a byte, except the loopback."""
    return tuple(
        NetworkCounters(
            name=clean(name, 64),
            rx_bytes=io.bytes_recv,
            tx_bytes=io.bytes_sent,
            drops=io.dropin + io.dropout,
            errors=io.errin + io.errout,
        )
        for name, io in psutil.net_io_counters(pernic=True, nowrap=False).items()
        if name != "lo" and (io.bytes_recv or io.bytes_sent)
    )
