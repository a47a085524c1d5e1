"""Read the limits and the throttling of a process's control group, v1 and v2, also in a container.

The directories of a group are found once for each process (from /proc/PID/cgroup and our own
mounts) and cached; a tick reads only the numbers. A limit may be set at any level between the group
and the visible root: the lowest applies, and throttling and use are read at its level.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tputtui.frozen import frozen
from tputtui.host import kernel_files
from tputtui.model import Cgroup, ProcessReference
from tputtui.text import clean

_UNLIMITED = 1 << 60  # v1 writes "no limit" as the largest page-aligned number below 2^63


@frozen
class _Mount:
    """Mounted hierarchy: its part `root` is visible at `mount_point`, with its v1 controllers."""

    version: Literal[1, 2]
    root: str
    mount_point: str
    controllers: frozenset[str]


@frozen
class _ControllerPath:
    """Directories of one controller of one process: that of the group first, then its parents."""

    version: Literal[1, 2]
    path: str
    directories: tuple[str, ...]


class CgroupReader:
    """Reader of control groups below `root` ("/" except in tests)."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = str(root).rstrip("/")
        self._mounts: tuple[_Mount, ...] | None = None
        self._controller_paths: dict[ProcessReference | None, dict[str, _ControllerPath]] = {}

    def read(self, process: ProcessReference | None = None) -> Cgroup | None:
        """Read the group of a process (None: our own); None if it is not visible. Never raises.

        The directories are cached by the process, so those of a reused pid are found anew.
        """
        controllers = self._controller_paths.get(process)
        if controllers is None:
            controllers = self._find_controllers(process.pid if process is not None else None)
            self._controller_paths[process] = controllers
        cpu, memory = controllers.get("cpu"), controllers.get("memory")
        available = [controller for controller in (cpu, memory) if controller is not None]
        if not available:
            return None
        # v1 may leave one of the two at its root
        deepest = max(available, key=lambda controller: len(controller.path))
        cores, cpu_level = _lowest_limit(cpu, _read_cpu_limit)
        memory_limit, memory_level = _lowest_limit(memory, _read_memory_limit)
        periods, throttled, throttled_s = _read_throttling(cpu, cpu_level)
        return Cgroup(
            path=clean(deepest.path),
            version=deepest.version,
            cpu_limit_cores=cores,
            periods=periods,
            throttled_periods=throttled,
            throttled_s=throttled_s,
            memory_limit_bytes=None if memory_limit is None else int(memory_limit),
            memory_used_bytes=_read_memory_used(memory, memory_level),
        )

    def clear_cache(self) -> None:
        """Find all directories anew, because processes end or move to another group."""
        self._mounts = None
        self._controller_paths.clear()

    def _find_controllers(self, pid: int | None) -> dict[str, _ControllerPath]:
        if self._mounts is None:
            self._mounts = _read_mounts(self._root)
        process = "self" if pid is None else str(pid)
        try:
            content = kernel_files.read(f"{self._root}/proc/{process}/cgroup").decode(
                errors="replace"
            )
        except OSError:
            return {}
        lines = [line.split(":", 2) for line in content.splitlines()]
        memberships = [fields for fields in lines if len(fields) == 3]
        controllers: dict[str, _ControllerPath] = {}
        for name in ("cpu", "memory"):
            controller = self._find_controller(name, memberships)
            if controller is not None:
                controllers[name] = controller
        return controllers

    def _find_controller(
        self, controller: str, memberships: list[list[str]]
    ) -> _ControllerPath | None:
        """Find a controller: in v1 if it is bound to a v1 hierarchy, otherwise in v2."""
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


# ------------------------------------------------------------------------------------- directories


def _read_mounts(root: str) -> tuple[_Mount, ...]:
    """Read our own mounts of control groups.

    Format, from proc(5): "36 35 98:0 /root /mount/point opts ... - fstype source superopts".
    """
    try:
        lines = (
            kernel_files.read(f"{root}/proc/self/mountinfo", 4 << 20)
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
    """List the directories of a group and its parents that this mount shows, innermost first.

    A container without a cgroup namespace sees "/docker/4711" and has only that part mounted; one
    with a namespace sees "/", and a process outside of it as "/../other", for which no directory is
    visible.
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


# ----------------------------------------------------------------------------------------- numbers


def _lowest_limit(
    controller_path: _ControllerPath | None,
    read_limit: Callable[[str, Literal[1, 2]], float | None],
) -> tuple[float | None, str | None]:
    """Return the lowest limit from the group up to the root, and the directory that sets it."""
    if controller_path is None:
        return None, None
    lowest: tuple[float | None, str | None] = (None, None)
    for directory in controller_path.directories:
        limit = read_limit(directory, controller_path.version)
        if limit is not None and (lowest[0] is None or limit < lowest[0]):
            lowest = (limit, directory)
    return lowest


def _read_cpu_limit(level: str, version: Literal[1, 2]) -> float | None:
    """Read the limit in cores: quota divided by period. "max" and -1 mean no limit."""
    try:
        if version == 2:
            quota, period = kernel_files.read(f"{level}/cpu.max", 64).split()
        else:
            quota = kernel_files.read(f"{level}/cpu.cfs_quota_us", 64)
            period = kernel_files.read(f"{level}/cpu.cfs_period_us", 64)
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None


def _read_memory_limit(level: str, version: Literal[1, 2]) -> float | None:
    limit = kernel_files.read_int(
        f"{level}/{'memory.max' if version == 2 else 'memory.limit_in_bytes'}"
    )
    return None if limit is None or limit >= _UNLIMITED else limit


def _read_throttling(
    controller_path: _ControllerPath | None, level: str | None
) -> tuple[int | None, int | None, float | None]:
    """Read (periods, throttled periods, throttled seconds) at the level of the limit.

    Without a limit, at the level of the group.
    """
    if controller_path is None:
        return (None, None, None)
    try:
        stat = kernel_files.parse_flat_keyed(
            kernel_files.read(f"{level or controller_path.directories[0]}/cpu.stat")
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
    """Read the bytes in use without the page cache that is dropped first (inactive_file).

    This is how kubelet counts. With it, a process that reads many files would stay at 100 % of its
    limit although nothing is wrong.
    """
    if controller_path is None:
        return None
    level = level or controller_path.directories[0]
    name, inactive = (
        ("memory.current", b"inactive_file")
        if controller_path.version == 2
        else ("memory.usage_in_bytes", b"total_inactive_file")
    )
    used = kernel_files.read_int(f"{level}/{name}")
    if used is None:
        return None
    try:
        stat = kernel_files.parse_flat_keyed(kernel_files.read(f"{level}/memory.stat"))
    except OSError:
        return used
    return max(0, used - stat.get(inactive, 0))
