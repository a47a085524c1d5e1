"""Environment of a run: properties that must match before two runs may be compared, as comparable
texts.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tputtui.host import kernel_files
from tputtui.host.cgroup import CgroupReader
from tputtui.model import Exposition
from tputtui.text import clean

MAX_BUILDS = 8  # build-info metrics of one target
_MAX_VALUE_LENGTH = 200
_HYPERVISORS = (
    "KVMKVMKVM",
    "Microsoft",
    "VMware",
    "Xen",
    "QEMU",
    "VirtualBox",
    "Amazon EC2",
    "Google",
)


def read_environment(root: Path = Path("/")) -> dict[str, str]:
    """Read the current machine's environment. Unknown fields are left out. Never raises."""
    base = str(root).rstrip("/")
    environment = {
        "host": platform.node(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": _cpu_model(f"{base}/proc/cpuinfo"),
        "cpus": str(psutil.cpu_count() or ""),
        "governor": _read_line(f"{base}/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory_bytes": str(psutil.virtual_memory().total),
        "virtualisation": _virtualisation(base),
        "python": platform.python_version(),
        "boot": _read_line(f"{base}/proc/sys/kernel/random/boot_id"),
    }
    with contextlib.suppress(AttributeError, OSError):
        environment["affinity"] = str(len(os.sched_getaffinity(0)))
    cgroup = CgroupReader(root).read()
    if cgroup is not None:
        environment["cgroup"] = cgroup.path
        if cgroup.cpu_limit_cores is not None:
            environment["cgroup_cpus"] = f"{cgroup.cpu_limit_cores:g}"
        if cgroup.memory_limit_bytes is not None:
            environment["cgroup_memory_bytes"] = str(cgroup.memory_limit_bytes)
    return {name: clean(value, _MAX_VALUE_LENGTH) for name, value in environment.items() if value}


def read_builds(exposition: Exposition) -> dict[str, str]:
    """Build info exposed by a target: "app_build_info" -> "revision=4f2a, version=1.4.2"."""
    builds: dict[str, str] = {}
    for series in exposition.samples:
        if series.name.endswith("_info") and series.labels and len(builds) < MAX_BUILDS:
            labels = ", ".join(f"{name}={value}" for name, value in series.labels)
            builds[clean(series.name, _MAX_VALUE_LENGTH)] = clean(labels, _MAX_VALUE_LENGTH)
    return builds


def differing_fields(
    first: Mapping[str, str], other: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """(field, value in the first, value in the second) of every difference."""
    names = sorted({*first, *other})
    return [
        (n, first.get(n, ""), other.get(n, ""))
        for n in names
        if first.get(n, "") != other.get(n, "")
    ]


def _read_line(path: str) -> str:
    try:
        return kernel_files.read(path, 4096).decode(errors="replace").strip()
    except OSError:
        return ""


def _cpu_model(path: str) -> str:
    try:
        lines = kernel_files.read(path, 65536).decode(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.strip() in ("model name", "Model", "cpu model", "Hardware"):
            return value.strip()
    return ""


def _virtualisation(base: str) -> str:
    """Name of the container or hypervisor, from the files that identify it; "" without one."""
    if os.path.exists(f"{base}/.dockerenv"):
        return "docker"
    if os.path.exists(f"{base}/run/.containerenv"):
        return "podman"
    dmi = f"{base}/sys/class/dmi/id"
    vendor = f"{_read_line(f'{dmi}/sys_vendor')} {_read_line(f'{dmi}/product_name')}"
    known = next((name for name in _HYPERVISORS if name.lower() in vendor.lower()), "")
    if known:
        return vendor.strip()
    try:
        is_guest = b" hypervisor" in kernel_files.read(f"{base}/proc/cpuinfo", 65536)
    except OSError:
        is_guest = False
    return "a hypervisor" if is_guest else ""


def describe_version() -> str:
    """Versions of tputtui and Python, for the header."""
    from tputtui import __version__

    return f"{__version__} (Python {'.'.join(map(str, sys.version_info[:3]))})"
