"""The limits and the throttling of a process's control group, v1 and v2, also from inside of a container.

Where a group lies is worked out once a process (/proc/PID/cgroup and our own mounts) and remembered; a tick then reads
only the numbers. A limit counts wherever it stands between the group and the root that we can see: the tightest wins,
and throttling and use are read where that limit stands.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tputtui.frozen import frozen
from tputtui.host import procfs
from tputtui.model import Cgroup, ProcessReference
from tputtui.text import clean

_UNLIMITED = 1 << 60  # v1 writes "no limit" as the largest page-aligned number below 2^63


@frozen
class _Mount:
    """A mounted hierarchy: which part of it (`top`) is seen at which place, with which v1 controllers."""

    version: Literal[1, 2]
    root: str
    mount_point: str
    controllers: frozenset[str]


@frozen
class _ControllerPath:
    """Where one controller of one process is read: the group's own directory first, then its parents."""

    version: Literal[1, 2]
    path: str
    directories: tuple[str, ...]


class CgroupReader:
    """Reads control groups below `root` ("/" but in tests)."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = str(root).rstrip("/")
        self._mounts: tuple[_Mount, ...] | None = None
        self._controller_paths: dict[ProcessReference | None, dict[str, _ControllerPath]] = {}

    def read(self, process: ProcessReference | None = None) -> Cgroup | None:
        """Read the group of a process (None: our own); None if none is visible. Never raises.

        The group's paths are cached by the process's identity, so a reused pid is looked up anew.
        """
        places = self._controller_paths.get(process)
        if places is None:
            places = self._find_controllers(process.pid if process is not None else None)
            self._controller_paths[process] = places
        cpu, memory = places.get("cpu"), places.get("memory")
        named = [place for place in (cpu, memory) if place is not None]
        if not named:
            return None
        first = max(
            named, key=lambda place: len(place.path)
        )  # v1 may leave one of the two at its root
        cores, cpu_level = _lowest_limit(cpu, _read_cpu_limit)
        memory_limit, memory_level = _lowest_limit(memory, _read_memory_limit)
        periods, throttled, throttled_s = _read_throttling(cpu, cpu_level)
        return Cgroup(
            path=clean(first.path),
            version=first.version,
            cpu_limit_cores=cores,
            periods=periods,
            throttled_periods=throttled,
            throttled_s=throttled_s,
            memory_limit_bytes=None if memory_limit is None else int(memory_limit),
            memory_used_bytes=_read_memory_used(memory, memory_level),
        )

    def clear_cache(self) -> None:
        """Look every group up anew: those who are gone are dropped, and who was moved to another group is found."""
        self._mounts = None
        self._controller_paths.clear()

    def _find_controllers(self, pid: int | None) -> dict[str, _ControllerPath]:
        if self._mounts is None:
            self._mounts = _read_mounts(self._root)
        try:
            lines = procfs.read(
                f"{self._root}/proc/{'self' if pid is None else pid}/cgroup"
            ).decode(errors="replace")
        except OSError:
            return {}
        memberships = [
            fields
            for fields in (line.split(":", 2) for line in lines.splitlines())
            if len(fields) == 3
        ]
        return {
            controller: place
            for controller in ("cpu", "memory")
            if (place := self._find_controller(controller, memberships)) is not None
        }

    def _find_controller(
        self, controller: str, memberships: list[list[str]]
    ) -> _ControllerPath | None:
        """v1 where the controller is bound to a v1 hierarchy, else v2: a controller lives in one of them only."""
        for version, wanted in ((1, controller), (2, "")):
            for _, controllers, path in memberships:
                if wanted not in controllers.split(","):
                    continue
                for mount in self._mounts or ():
                    if mount.version != version or (wanted and wanted not in mount.controllers):
                        continue
                    levels = _find_directories(self._root, mount, path)
                    if levels:
                        return _ControllerPath(mount.version, path, levels)
        return None


# ------------------------------------------------------------------------------------------------- where it lies


def _read_mounts(root: str) -> tuple[_Mount, ...]:
    """Our own mounts of control groups (proc(5): "36 35 98:0 /top /place opts ... - fstype source superopts")."""
    try:
        lines = (
            procfs.read(f"{root}/proc/self/mountinfo", 4 << 20)
            .decode(errors="replace")
            .splitlines()
        )
    except OSError:
        return ()
    mounts: list[_Mount] = []
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if not dash or len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        mounts.append(
            _Mount(
                2 if kind[0] == "cgroup2" else 1,
                fields[3],
                fields[4],
                frozenset(kind[2].split(",")),
            )
        )
    return tuple(mounts)


def _find_directories(root: str, mount: _Mount, path: str) -> tuple[str, ...]:
    """The directories of a group and its parents as far as this mount shows them, innermost first; empty: not seen.

    A container without a cgroup namespace sees "/docker/4711" and has just that part mounted; one with a namespace
    sees "/", and a process outside of it as "/../other", which has no place here.
    """
    top = mount.root.rstrip("/")
    if path != mount.root and not path.startswith(top + "/"):
        return ()
    inner = path[len(top) :].strip("/")
    if ".." in inner.split("/"):
        return ()
    levels: list[str] = []
    while True:
        directory = (
            posixpath.join(root + mount.mount_point, inner) if inner else root + mount.mount_point
        )
        if Path(directory).is_dir():
            levels.append(directory)
        if not inner:
            return tuple(levels)
        inner = posixpath.dirname(inner)


# ------------------------------------------------------------------------------------------------- its numbers


def _lowest_limit(
    controller_path: _ControllerPath | None,
    read_limit: Callable[[str, Literal[1, 2]], float | None],
) -> tuple[float | None, str | None]:
    """The lowest limit from the group up to the root, and the level that sets it."""
    best: tuple[float | None, str | None] = (None, None)
    for level in controller_path.directories if controller_path else ():
        limit = read_limit(level, controller_path.version) if controller_path else None
        if limit is not None and (best[0] is None or limit < best[0]):
            best = (limit, level)
    return best


def _read_cpu_limit(level: str, version: Literal[1, 2]) -> float | None:
    """Cores: quota by period. "max" and -1 are no limit."""
    try:
        if version == 2:
            quota, period = procfs.read(f"{level}/cpu.max", 64).split()
        else:
            quota = procfs.read(f"{level}/cpu.cfs_quota_us", 64)
            period = procfs.read(f"{level}/cpu.cfs_period_us", 64)
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None


def _read_memory_limit(level: str, version: Literal[1, 2]) -> float | None:
    limit = procfs.read_int(f"{level}/{'memory.max' if version == 2 else 'memory.limit_in_bytes'}")
    return None if limit is None or limit >= _UNLIMITED else limit


def _read_throttling(
    controller_path: _ControllerPath | None, level: str | None
) -> tuple[int | None, int | None, float | None]:
    """Periods, throttled periods, throttled seconds, of the level that limits (of the group, where none does)."""
    if controller_path is None:
        return (None, None, None)
    try:
        stat = procfs.parse_flat_keyed(
            procfs.read(f"{level or controller_path.directories[0]}/cpu.stat")
        )
    except OSError:
        return (None, None, None)
    microseconds, nanoseconds = stat.get(b"throttled_usec"), stat.get(b"throttled_time")
    if microseconds is not None:
        throttled_s: float | None = microseconds / 1e6
    else:
        throttled_s = None if nanoseconds is None else nanoseconds / 1e9
    return (stat.get(b"nr_periods"), stat.get(b"nr_throttled"), throttled_s)


def _read_memory_used(controller_path: _ControllerPath | None, level: str | None) -> int | None:
    """Bytes in use without the page cache that the kernel would drop first (inactive_file), as kubelet counts.

    With it, whoever reads files a lot sits at 100 % of its limit for ever and is fine.
    """
    if controller_path is None:
        return None
    level = level or controller_path.directories[0]
    name, inactive = (
        ("memory.current", b"inactive_file")
        if controller_path.version == 2
        else ("memory.usage_in_bytes", b"total_inactive_file")
    )
    used = procfs.read_int(f"{level}/{name}")
    if used is None:
        return None
    try:
        return max(
            0, used - procfs.parse_flat_keyed(procfs.read(f"{level}/memory.stat")).get(inactive, 0)
        )
    except OSError:
        return used
