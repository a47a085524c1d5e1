"""The host's counters: psutil for all that it offers, our own readers for what it does not.

Nothing is computed here, and nothing that is missing is an error: it is None (or empty) with a reason in `missing`.
No call of this file asks a file system (statfs), so a dead mount cannot hold it up.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tputtui.descriptors import shortage
from tputtui.host import kernel
from tputtui.host.cgroup import CgroupReader
from tputtui.model import CpuTimes, DiskCounters, HostReading, NetworkCounters
from tputtui.text import clean

T = TypeVar("T")

_NOT_DISK = re.compile(
    r"(loop|ram|zram|sr|fd)\d+|nvme\d+c\d+n\d+"
)  # the last: one path of a multipath disk
_DISK_BY_NAME = re.compile(r"(sd|hd|vd|xvd)[a-z]+|(nvme\d+n|mmcblk|md|nbd)\d+")


class HostCollector:
    """Reads the host. `root` is where our own readers look for /proc and /sys; psutil reads the real ones."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = str(root).rstrip("/")
        self._cgroups = CgroupReader(root)
        self._is_counted_by_name: dict[str, bool] = {}  # disk name -> is it counted
        # psutil warns on stderr where a container hides part of /proc, and stderr is the screen.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"psutil(\..*)?")

    def read(self) -> HostReading:
        """All counters now. About 1 ms of CPU; never raises."""
        at, now = time.monotonic(), time.time()
        missing: list[tuple[str, str]] = []

        def get(what: str, reader: Callable[[], T]) -> T | None:
            try:
                return reader()
            except kernel.NotOfferedError as absent:
                missing.append((what, str(absent)))
            except (
                Exception
            ) as error:  # psutil raises what it meets: OSError, KeyError, NotImplementedError, ...
                missing.append(
                    (what, shortage(error) or clean(f"psutil cannot read it: {error}", 200))
                )
            return None

        memory = get("memory", psutil.virtual_memory)
        swap = get("swap", psutil.swap_memory)
        descriptors = get("file descriptors", lambda: kernel.read_file_descriptors(self._root))
        pressure, no_pressure = get("pressure", lambda: kernel.read_pressure(self._root)) or (
            {},
            (),
        )
        cgroup = get("cgroup", self._cgroups.read)
        missing.extend(no_pressure)
        if cgroup is None and not any(what == "cgroup" for what, _ in missing):
            missing.append(("cgroup", "no control group of ours is mounted here"))
        return HostReading(
            at=at,
            time=now,
            cpu=get("cpu", lambda: _sum_cpu_times(psutil.cpu_times())),
            cores=get(
                "cores",
                lambda: tuple(_sum_cpu_times(core) for core in psutil.cpu_times(percpu=True)),
            )
            or (),
            load=get("load", psutil.getloadavg),
            run_queue=get("run queue", lambda: kernel.read_run_queue(self._root)),
            memory_total_bytes=None if memory is None else memory.total,
            memory_available_bytes=None if memory is None else memory.available,
            swap_total_bytes=None if swap is None else swap.total,
            swap_used_bytes=None if swap is None else swap.used,
            disks=get("disks", self._read_disks) or (),
            networks=get("networks", _read_networks) or (),
            tcp=get("tcp", lambda: kernel.read_tcp(self._root)),
            pressure=pressure,
            fds_used=None if descriptors is None else descriptors[0],
            fds_limit=None if descriptors is None else descriptors[1],
            cgroup=cgroup,
            missing=tuple(missing),
        )

    def _read_disks(self) -> tuple[DiskCounters, ...]:
        # nowrap=False: psutil would hide a counter that starts again; a fall is ours to judge.
        found = psutil.disk_io_counters(perdisk=True, nowrap=False)
        disks: list[DiskCounters] = []
        for name, io in found.items():
            counted = self._is_counted_by_name.get(name)
            if counted is None:
                counted = self._is_counted_by_name[name] = is_counted_disk(name, self._root)
            if not counted or not (io.read_count or io.write_count):
                continue  # what was never used since the boot (an empty card reader, nbd0 to nbd15) has no row
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


def is_counted_disk(name: str, root: str) -> bool:
    """Is it a whole disk whose traffic is counted nowhere else?

    Not a partition (its disk has no other counters), not a loop or RAM disk, and nothing that rests on other disks
    (md, dm, bcache: /sys/block/NAME/slaves names them), for what it moves is seen at those disks already.
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


def _sum_cpu_times(times: Any) -> CpuTimes:
    """Five states of the fields that psutil gives, which vary with the platform. Guests are part of user and nice already."""
    return CpuTimes(
        user=times.user + getattr(times, "nice", 0.0),
        system=times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0),
        idle=times.idle,
        iowait=getattr(times, "iowait", 0.0),
        steal=getattr(times, "steal", 0.0),
    )


def _read_networks() -> tuple[NetworkCounters, ...]:
    """All interfaces that ever carried a byte, without the loopback."""
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
