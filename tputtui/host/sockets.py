"""Which processes listen on which TCP port, from the kernel's lists: nothing is connected to."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import field

import psutil

from tputtui.descriptors import shortage
from tputtui.frozen import frozen
from tputtui.host import procfs
from tputtui.host.command_names import readable_name
from tputtui.model import ProcessReference
from tputtui.text import clean

_ESTABLISHED, _LISTEN = b"01", b"0A"
_MAX_TABLE_BYTES = 64 << 20  # of /proc/net/tcp: 150 bytes a socket
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]")


@frozen
class ListeningSocket:
    """One listening TCP socket and a process that holds it.

    `process` is None where the kernel hides it.
    """

    port: int
    address: str
    process: ProcessReference | None = None
    comm: str = ""  # the kernel's name of the process, cleaned
    command: str = ""  # its command line, cleaned and cut
    name: str = ""  # what a person calls it, as in the process table


@frozen
class TcpSocket:
    """One row of the kernel's list of TCP sockets. `uid` is the user who made the socket."""

    address: str
    port: int
    uid: int
    inode: int


@frozen
class SocketTable:
    """The listening sockets of this network namespace, the connections accepted on them, and who
    holds each.

    psutil names one process of each socket; workers share theirs with their parent, so all holders
    are read here.
    """

    listening: tuple[TcpSocket, ...] = ()
    accepted: tuple[TcpSocket, ...] = ()
    holders: Mapping[int, tuple[int, ...]] = field(
        default_factory=dict
    )  # inode -> pids, without hidden ones

    def ports_by_pid(self) -> dict[int, tuple[int, ...]]:
        """The ports on which each process listens, by pid."""
        found: dict[int, set[int]] = {}
        for one in self.listening:
            for pid in self.holders.get(one.inode, ()):
                found.setdefault(pid, set()).add(one.port)
        return {pid: tuple(sorted(own)) for pid, own in found.items()}


def read_sockets(proc: str = "/proc") -> SocketTable:
    """All listening TCP sockets and their accepted connections, each with the processes that hold
    it. Raises OSError only where descriptors have run out.

    The descriptors of every process are walked: 6 to 12 ms at 80 processes, against 1 to 2 ms for a
    whole tick. So on demand, or every 10 s at most; and not in a thread that must answer at once.
    """
    listening: list[TcpSocket] = []
    connected: list[TcpSocket] = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            content = procfs.read(f"{proc}/net/{name}", _MAX_TABLE_BYTES)
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
    ports = {one.port for one in listening}
    accepted = tuple(one for one in connected if one.port in ports)
    inodes = {one.inode for one in (*listening, *accepted)} - {0}
    return SocketTable(tuple(listening), accepted, _read_holders(inodes, proc) if inodes else {})


def _parse_row(fields: list[bytes], family: socket.AddressFamily) -> TcpSocket:
    """Raises ValueError for a line that is none."""
    address, _, port = fields[1].partition(b":")
    raw = bytes.fromhex(address.decode("ascii"))
    words = [
        raw[at : at + 4][::-1] for at in range(0, len(raw), 4)
    ]  # the kernel prints words of the host's order
    return TcpSocket(
        socket.inet_ntop(family, b"".join(words)), int(port, 16), int(fields[7]), int(fields[9])
    )


def _read_holders(inodes: Collection[int], proc: str) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
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
            found.setdefault(inode, []).append(pid)
    return {inode: tuple(pids) for inode, pids in found.items()}


def _list_directory(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        if shortage(error):
            raise
        return []  # it has ended, or its descriptors are not ours to see


def read_listeners() -> tuple[ListeningSocket, ...]:
    """All listening TCP sockets, as `list_listeners` has them; none where they cannot be listed."""
    try:
        return list_listeners()
    except OSError:
        return ()


def list_listeners() -> tuple[ListeningSocket, ...]:
    """All listening TCP sockets of this network namespace, by port; one that several processes hold
    comes once for each.
    """
    table = read_sockets()
    owners: dict[int, tuple[ProcessReference, str, str, str]] = {}
    found: set[ListeningSocket] = set()
    for one in table.listening:
        pids = table.holders.get(one.inode, ())
        for pid in pids:
            if pid not in owners:
                owners[pid] = _read_owner(pid)
            found.add(ListeningSocket(one.port, one.address, *owners[pid]))
        if not pids:
            found.add(ListeningSocket(one.port, one.address))
    return tuple(sorted(found, key=_sort_key))


def _sort_key(listener: ListeningSocket) -> tuple[int, str, int]:
    """Sort by port, then by address and pid; a hidden process first."""
    pid = listener.process.pid if listener.process is not None else 0
    return (listener.port, listener.address, pid)


def _read_owner(pid: int) -> tuple[ProcessReference, str, str, str]:
    """Reference, kernel's name, command line, readable name; what may not be read stays empty."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            comm, arguments = process.name(), process.cmdline()
            name = readable_name(comm, arguments)
            reference = ProcessReference(pid, process.create_time())
            return (reference, clean(comm, 64), clean(" ".join(arguments), 1024), name)
    except (psutil.Error, OSError):
        return (ProcessReference(pid), "", "", "")
