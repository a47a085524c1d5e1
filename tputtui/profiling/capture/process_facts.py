"""Facts about a process that profiling needs, read from /proc.

The root directory is a parameter, so that tests can provide their own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.host.command_names import readable_name
from tputtui.model.process_reference import ProcessReference
from tputtui.text import clean

PROC = Path("/proc")
_KERNEL_THREAD_FLAG = 0x00200000  # PF_KTHREAD
_PYTHON = re.compile(
    r"(?:^|/)(?:lib)?python(\d(?:\.\d+)?t?)?[a-z]*(?:\.so[\d.]*)?(?: \(deleted\))?$"
)


@frozen
class ProcessFacts:
    """Facts about one process from the kernel.

    `start_ticks` is in clock ticks since boot; with the pid it identifies the process.
    """

    pid: int
    name: str
    state: str
    parent_pid: int
    start_ticks: int
    is_kernel_thread: bool
    uid: int | None
    tracer_pid: int
    thread_count: int
    namespace_pid: int | None  # pid in its own namespace, if that is a different one


def read_facts(pid: int, proc: Path = PROC) -> ProcessFacts | None:
    """Read the facts about a process; None if it does not exist."""
    try:
        raw = (proc / str(pid) / "stat").read_bytes().decode("utf-8", "replace")
        name, _, rest = raw.partition("(")[2].rpartition(")")
        fields = rest.split()
        status = _read_status(proc / str(pid) / "status")
        inner = status.get("NSpid", "").split()
        uid = status.get("Uid", "").split()
        return ProcessFacts(
            pid,
            clean(name, 60),
            fields[0],
            int(fields[1]),
            int(fields[19]),
            bool(int(fields[6]) & _KERNEL_THREAD_FLAG),
            int(uid[0]) if uid else None,
            int(status.get("TracerPid", "0")),
            int(status.get("Threads", "1")),
            int(inner[-1]) if len(inner) > 1 else None,
        )
    except (OSError, IndexError, ValueError):
        return None


def read_again(facts: ProcessFacts, proc: Path = PROC) -> ProcessFacts | None:
    """Read the facts about the same process again.

    None if it has ended, is a zombie, or its pid belongs to another process by now. The start time
    is compared in the kernel's ticks, without the rounding of `reference`.
    """
    current = read_facts(facts.pid, proc)
    if current is None or current.start_ticks != facts.start_ticks or current.state in ("Z", "X"):
        return None
    return current


def _read_status(path: Path) -> dict[str, str]:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def reference(facts: ProcessFacts, proc: Path = PROC) -> ProcessReference:
    """Reference to the process; without a start time if the kernel does not tell its boot time."""
    try:
        for line in (proc / "stat").read_text().splitlines():
            if line.startswith("btime "):
                boot_time = int(line.split()[1])
                started = boot_time + facts.start_ticks / os.sysconf("SC_CLK_TCK")
                return ProcessReference(facts.pid, started)
    except (OSError, ValueError, IndexError):
        pass
    return ProcessReference(facts.pid)


def executable_path(pid: int, proc: Path = PROC) -> str | None:
    """Path of the executable, cleaned; None if it cannot be read."""
    try:
        return clean(os.readlink(proc / str(pid) / "exe"), 300)
    except OSError:
        return None


def display_name(facts: ProcessFacts, proc: Path = PROC) -> str:
    """Short name for display: "app.py", "uvicorn app:app".

    The command line itself is never shown, because it may contain a password.
    """
    try:
        raw = (proc / str(facts.pid) / "cmdline").read_bytes()[:4096].decode("utf-8", "replace")
    except OSError:
        raw = ""
    return readable_name(facts.name, raw.rstrip("\0").split("\0") if raw.strip("\0") else [])


def python_version(pid: int, proc: Path = PROC) -> str | None:
    """Python version ("3.12", "" if unknown); None if there is no evidence that it is Python."""
    path = executable_path(pid, proc)
    match = _PYTHON.search(path) if path else None
    if match and match[1] and "." in match[1]:
        return match[1]
    try:
        with (proc / str(pid) / "maps").open("rb") as maps:
            for line in maps.read(4 << 20).splitlines():
                library = _PYTHON.search(line.decode("utf-8", "replace"))
                if library and "libpython" in library[0] and library[1]:
                    return library[1]
    except OSError:
        pass
    return "" if match else None


def descendants(pid: int, proc: Path = PROC) -> list[ProcessFacts]:
    """All descendants, nearest first."""
    by_parent: dict[int, list[ProcessFacts]] = {}
    for entry in os.listdir(proc):
        if entry.isdigit() and (facts := read_facts(int(entry), proc)) is not None:
            by_parent.setdefault(facts.parent_pid, []).append(facts)
    processes: list[ProcessFacts] = []
    waiting = [pid]
    while waiting and len(processes) < 1000:
        children = by_parent.pop(waiting.pop(0), [])
        processes += children
        waiting += [child.pid for child in children]
    return processes


def has_ptrace_capability(proc: Path = PROC) -> bool:
    """Whether we have CAP_SYS_PTRACE (bit 19 of the effective set)."""
    try:
        return bool(int(_read_status(proc / "self" / "status").get("CapEff", "0"), 16) >> 19 & 1)
    except (OSError, ValueError):
        return False


def ptrace_scope(proc: Path = PROC) -> int:
    """Yama's kernel.yama.ptrace_scope; 0 if the kernel has no Yama."""
    try:
        return int((proc / "sys" / "kernel" / "yama" / "ptrace_scope").read_text())
    except (OSError, ValueError):
        return 0


def thread_times(pid: int, proc: Path = PROC) -> dict[int, tuple[float, float]]:
    """Seconds on a CPU and seconds ready to run without one so far, by thread id.

    A thread is ready without a CPU because of other threads or a CPU limit. Empty if the kernel
    does not report it. Takes some microseconds per thread.
    """
    out: dict[int, tuple[float, float]] = {}
    try:
        for tid in os.listdir(proc / str(pid) / "task"):
            used, waited = (proc / str(pid) / "task" / tid / "schedstat").read_bytes().split()[:2]
            out[int(tid)] = int(used) / 1e9, int(waited) / 1e9
    except (OSError, ValueError, IndexError):
        pass
    return out
