"""Read the machine's processes: figures every tick, facts such as the name once.

psutil is the source of the host's numbers, but not of these: for the five figures of a row,
`process_iter` with `oneshot` costs 23 to 34 ms of CPU a tick at 207 processes (two busy cores). One
read of each /proc/PID/stat, which has all five, costs 5 ms. tests/host/test_process_collector.py
checks that both agree.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import psutil

from tputtui.descriptors import shortage
from tputtui.host import kernel_files
from tputtui.host.cgroup import CgroupReader
from tputtui.host.command_names import (
    executable_python_version,
    mapped_python_version,
    readable_name,
)
from tputtui.host.sockets import SocketTable, read_sockets
from tputtui.model import ProcessReading, ProcessReference
from tputtui.text import clean

MAX_COMMAND_LENGTH = 1024
"""Characters kept of a command line."""

_MAX_ARGUMENTS_BYTES = 4096  # read of a command line, which may hold megabytes
# Bytes read of a process's maps: libpython is mapped at the start, among the first hundreds
_MAX_MAPS_BYTES = 512 * 1024
# Processes whose maps are read in one read, because 30,000 lines of maps cost milliseconds
_MAX_MAPS_PER_READ = 4
# Reads after which the facts of a process are read again: titles change, programs exec
_REFRESH_READS = 32
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD of include/linux/sched.h
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_REAL_UID = re.compile(rb"^Uid:\s+(\d+)", re.MULTILINE)
NOT_PERMITTED = "not permitted"


@dataclass(slots=True)
class _Facts:
    """Facts remembered of one process."""

    started_ticks: int
    comm: bytes
    name: str
    user: str | None
    command: str
    python: str | None
    has_read_maps: bool  # it is known whether Python is embedded
    # Content that `reading` was made of; most processes sleep, and an equal one is not parsed again
    stat: bytes = b""
    reading: ProcessReading | None = None


class ProcessCollector:
    """Collector of the processes below `root` ("/" except in tests), without kernel threads.

    Not thread-safe: it belongs to the thread of the ticks.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = str(root).rstrip("/")
        self._proc = f"{self._root}/proc"
        # Read once: a start time is part of a process's identity and must not change with the clock
        self._boot = psutil.boot_time()
        self._facts: dict[int, _Facts] = {}
        self._kernel_threads: set[int] = set()
        self._cgroups = CgroupReader(root)
        self._ports: dict[int, tuple[int, ...]] = {}
        self._users: dict[int, str] | None = None
        self._reads = 0

    def read(
        self, watched_pids: frozenset[int] = frozenset(), only_watched: bool = False
    ) -> tuple[ProcessReading, ...]:
        """Read all processes (or only `watched_pids`), by pid; watched ones with their control
        group.

        Ended processes are left out; what is not permitted is None. Raises OSError only if
        descriptors or memory have run out, because no process may be reported as ended for that
        reason.
        """
        self._reads += 1
        pids = sorted(watched_pids) if only_watched else self._pids()
        maps_left = _MAX_MAPS_PER_READ
        readings: list[ProcessReading] = []
        for pid in pids:
            is_refresh = (pid + self._reads) % _REFRESH_READS == 0
            if pid in self._kernel_threads and not is_refresh:
                continue
            is_watched = pid in watched_pids
            # Whether a process that serves a target is Python has to be known at once.
            reading, has_read_maps = self._read_process(
                pid, is_refresh, maps_left > 0 or is_watched, is_watched
            )
            maps_left -= has_read_maps
            if reading is not None:
                readings.append(reading)
        if not only_watched:
            self._drop_ended({reading.pid for reading in readings}, set(pids))
        return tuple(readings)

    def read_sockets(self) -> SocketTable:
        """Read the listening sockets and their holders; from then on `read` includes the ports.

        Costs 6 to 12 ms at 80 processes (see `sockets.read_sockets`): on demand, or every 10 s at
        most. Raises OSError if descriptors have run out.
        """
        table = read_sockets(self._proc)
        self._ports = table.ports_by_pid()
        for facts in self._facts.values():
            facts.reading = None  # it has the earlier ports
        return table

    def start_and_parent(self, pid: int) -> tuple[float, int] | None:
        """Read the start time, as in a reading, and the parent's pid; None if it ended or is
        hidden.
        """
        try:
            content = kernel_files.read(f"{self._proc}/{pid}/stat", 2048)
            fields = content[content.rfind(b")") + 2 :].split()
            return self._boot + int(fields[19]) / _CLOCK_TICKS, int(fields[1])
        except (OSError, IndexError, ValueError):
            return None

    # -------------------------------------------------------------------------------------- figures

    def _pids(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(self._proc) if name.isdigit())
        except OSError as error:
            if shortage(error):
                raise
            return []

    def _read_process(
        self, pid: int, is_refresh: bool, maps_allowed: bool, is_watched: bool
    ) -> tuple[ProcessReading | None, bool]:
        """Read one process (None: ended, or of the kernel), and tell whether its maps were read."""
        try:
            descriptor = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                content = os.read(descriptor, 2048)
            finally:
                os.close(descriptor)
        except PermissionError:
            return ProcessReading(pid, 0.0, NOT_PERMITTED, None, None, None, None, "?"), False
        except OSError as error:
            if shortage(error):
                raise
            return None, False  # it ended after it was listed
        known = self._facts.get(pid)
        if (
            known is not None
            and known.reading is not None
            and known.stat == content
            and not is_refresh
            and not is_watched
        ):
            return known.reading, False
        # "4711 (a name) with) any bytes) S 1 4711 ...": field 3, the state, is after the last ")".
        comm = content[content.find(b"(") + 1 : content.rfind(b")")]
        fields = content[content.rfind(b")") + 2 :].split()
        try:
            state, flags, ticks, rss = (
                fields[0].decode("ascii"),
                int(fields[6]),
                int(fields[19]),
                int(fields[21]),
            )
            cpu_s = (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
            threads = int(fields[17])
        except (IndexError, ValueError):
            return None, False
        if flags & _KERNEL_THREAD:
            self._kernel_threads.add(pid)
            return None, False
        self._kernel_threads.discard(pid)
        if known is not None and (known.started_ticks, known.comm) != (ticks, comm):
            known = None  # another program
        facts = known
        if facts is None or is_refresh:
            facts = self._read_facts(pid, ticks, comm, known)
        self._facts[pid] = facts
        reads_maps = maps_allowed and not facts.has_read_maps
        if reads_maps:
            facts.has_read_maps = True
            facts.python = self._find_embedded_python(pid)
        started = self._boot + ticks / _CLOCK_TICKS
        reading = ProcessReading(
            pid=pid,
            started=started,
            name=facts.name,
            user=facts.user,
            cpu_s=cpu_s,
            rss_bytes=max(0, rss) * _PAGE_BYTES,
            threads=threads,
            state=state,
            command=facts.command,
            python=facts.python,
            ports=self._ports.get(pid, ()),
            cgroup=self._cgroups.read(ProcessReference(pid, started)) if is_watched else None,
        )
        facts.stat = content
        facts.reading = reading if facts.has_read_maps and not is_watched else None
        return reading, reads_maps

    # ---------------------------------------------------------------------------------------- facts

    def _read_facts(self, pid: int, ticks: int, comm: bytes, known: _Facts | None) -> _Facts:
        """Read name, user, command line and Python; `known` are earlier facts of this program."""
        directory = f"{self._proc}/{pid}"
        try:
            raw = kernel_files.read(f"{directory}/cmdline", _MAX_ARGUMENTS_BYTES).decode(
                errors="replace"
            )
        except OSError:
            raw = ""
        arguments = raw.rstrip("\0").split("\0") if raw.strip("\0") else []
        kernel_name = comm.decode(errors="replace")
        if known is not None:
            python, is_final = known.python, known.has_read_maps
        else:
            python, is_final = self._find_python(directory, kernel_name)
        return _Facts(
            started_ticks=ticks,
            comm=comm,
            name=readable_name(kernel_name, arguments),
            user=self._read_user(directory) if known is None or known.user is None else known.user,
            command=clean(" ".join(arguments), MAX_COMMAND_LENGTH),
            python=python,
            has_read_maps=is_final or not arguments,
        )

    def _find_python(self, directory: str, comm: str) -> tuple[str | None, bool]:
        """Find Python's version by the executable, and whether that is final (else its maps
        decide).
        """
        try:
            python = executable_python_version(os.readlink(f"{directory}/exe"))
        except OSError:
            # Another user's process: its maps cannot be read either
            return executable_python_version(comm), True
        return python, python is not None

    def _find_embedded_python(self, pid: int) -> str | None:
        try:
            return mapped_python_version(
                kernel_files.read(f"{self._proc}/{pid}/maps", _MAX_MAPS_BYTES)
            )
        except OSError:
            return None

    def _read_user(self, directory: str) -> str | None:
        """Read the name of the real user.

        From /etc/passwd only, because a query to a directory service could block the tick.
        """
        try:
            uid = _REAL_UID.search(kernel_files.read(f"{directory}/status", 4096))
        except OSError:
            return None
        if uid is None:
            return None
        return self.user_name(int(uid[1]))

    def user_name(self, uid: int) -> str:
        """Return the name of a user as in /etc/passwd; the number if it has none."""
        if self._users is None:
            self._users = _read_users(f"{self._root}/etc/passwd")
        return self._users.get(uid, str(uid))

    def _drop_ended(self, read_pids: set[int], listed: set[int]) -> None:
        """Drop the facts of processes that have ended."""
        if len(self._facts) > len(read_pids):
            self._facts = {pid: facts for pid, facts in self._facts.items() if pid in read_pids}
        self._kernel_threads &= listed
        if self._reads % _REFRESH_READS == 0:
            self._cgroups.clear_cache()


def _read_users(path: str) -> dict[int, str]:
    users: dict[int, str] = {}
    try:
        lines = kernel_files.read(path).decode(errors="replace").splitlines()
    except OSError:
        return users
    for line in lines:
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdigit():
            users.setdefault(int(fields[2]), clean(fields[0], 64))
    return users
