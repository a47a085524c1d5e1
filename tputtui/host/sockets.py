"""List the processes that listen on each TCP port, from the kernel's tables, without connecting."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import field

import psutil

from tputtui.descriptors import shortage
from tputtui.frozen import frozen
from tputtui.host import kernel_files
from tputtui.host.command_names import readable_name
from tputtui.model import ProcessReference
from tputtui.text import clean

_ESTABLISHED, _LISTEN = b"01", b"0A"
_MAX_TABLE_BYTES = 64 << 20  # of /proc/net/tcp: 150 bytes a socket
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")


@frozen
class ListeningSocket:
    """Listening TCP socket with one process that holds it.

    `process` is None if the kernel hides it.
    """

    port: int
    address: str
    process: ProcessReference | None = None
    comm: str = ""  # the kernel's name of the process, cleaned
    command: str = ""  # its command line, cleaned and truncated
    name: str = ""  # its display name, as in the process table


@frozen
class TcpSocket:
    """One row of the kernel's table of TCP sockets. `uid` is the user who created the socket."""

    address: str
    port: int
    uid: int
    inode: int


@frozen
class SocketTable:
    """Listening sockets of this network namespace, their accepted connections, and all holders.

    psutil names one process of each socket; workers share theirs with their parent, so all holders
    are read here.
    """

    listening: tuple[TcpSocket, ...] = ()
    accepted: tuple[TcpSocket, ...] = ()
    # Inode -> pids, without hidden processes
    holders: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def ports_by_pid(self) -> dict[int, tuple[int, ...]]:
        """Return the ports on which each process listens, by pid."""
        ports_by_pid: dict[int, set[int]] = {}
        for listening in self.listening:
            for pid in self.holders.get(listening.inode, ()):
                ports_by_pid.setdefault(pid, set()).add(listening.port)
        return {pid: tuple(sorted(ports)) for pid, ports in ports_by_pid.items()}


def read_sockets(proc: str = "/proc") -> SocketTable:
    """Read all listening TCP sockets and their accepted connections, each with its holders.

    Walks the descriptors of every process: 6 to 12 ms at 80 processes, against 1 to 2 ms for a
    whole tick. Hence on demand, or every 10 s at most; and not in a thread that must answer at
    once. Raises OSError only if descriptors have run out.
    """
    listening: list[TcpSocket] = []
    connected: list[TcpSocket] = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            content = kernel_files.read(f"{proc}/net/{name}", _MAX_TABLE_BYTES)
        except OSError as error:
            if shortage(error):
                raise
            continue
        for line in content.splitlines()[1:]:
            fields = line.split(None, 10)
            if len(fields) < 10 or fields[3] not in (_LISTEN, _ESTABLISHED):
                continue
            try:
                row = _parse_row(fields, family)
            except ValueError:
                continue
            (listening if fields[3] == _LISTEN else connected).append(row)
    ports = {row.port for row in listening}
    accepted = tuple(row for row in connected if row.port in ports)
    inodes = {row.inode for row in (*listening, *accepted)} - {0}
    return SocketTable(tuple(listening), accepted, _read_holders(inodes, proc) if inodes else {})


def _parse_row(fields: list[bytes], family: socket.AddressFamily) -> TcpSocket:
    """Parse one row. Raises ValueError if it is malformed."""
    address, _, port = fields[1].partition(b":")
    raw = bytes.fromhex(address.decode("ascii"))
    # The kernel prints words of 32 bits in the byte order of the machine
    words = [raw[at : at + 4][::-1] for at in range(0, len(raw), 4)]
    return TcpSocket(
        socket.inet_ntop(family, b"".join(words)), int(port, 16), int(fields[7]), int(fields[9])
    )


def _read_holders(inodes: Collection[int], proc: str) -> dict[int, tuple[int, ...]]:
    pids_by_inode: dict[int, list[int]] = {}
    for pid in sorted(int(name) for name in _list_directory(proc) if name.isdigit()):
        folder = f"{proc}/{pid}/fd"
        own: set[int] = set()
        for name in _list_directory(folder):
            try:
                link = _SOCKET_LINK.fullmatch(os.readlink(f"{folder}/{name}"))
            except OSError:
                continue
            if link is not None:
                own.add(int(link[1]))
        for inode in own.intersection(inodes):
            pids_by_inode.setdefault(inode, []).append(pid)
    return {inode: tuple(pids) for inode, pids in pids_by_inode.items()}


def _list_directory(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        if shortage(error):
            raise
        return []  # it has ended, or its descriptors are not visible to this user


def read_listeners() -> tuple[ListeningSocket, ...]:
    """List all listening TCP sockets as `list_listeners` does; empty if that fails."""
    try:
        return list_listeners()
    except OSError:
        return ()


def list_listeners() -> tuple[ListeningSocket, ...]:
    """List all listening TCP sockets of this network namespace by port, once for each holder."""
    table = read_sockets()
    owners: dict[int, tuple[ProcessReference, str, str, str]] = {}
    listeners: set[ListeningSocket] = set()
    for row in table.listening:
        pids = table.holders.get(row.inode, ())
        for pid in pids:
            if pid not in owners:
                owners[pid] = _read_owner(pid)
            listeners.add(ListeningSocket(row.port, row.address, *owners[pid]))
        if not pids:
            listeners.add(ListeningSocket(row.port, row.address))
    return tuple(sorted(listeners, key=_sort_key))


def _sort_key(listener: ListeningSocket) -> tuple[int, str, int]:
    """Sort by port, then by address and pid; a hidden process first."""
    pid = listener.process.pid if listener.process is not None else 0
    return (listener.port, listener.address, pid)


def _read_owner(pid: int) -> tuple[ProcessReference, str, str, str]:
    """Read reference, kernel's name, command line and display name; empty where not permitted."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            comm, arguments = process.name(), process.cmdline()
            name = readable_name(comm, arguments)
            reference = ProcessReference(pid, process.create_time())
            return (reference, clean(comm, 64), clean(" ".join(arguments), 1024), name)
    except (psutil.Error, OSError):
        return (ProcessReference(pid), "", "", "")
