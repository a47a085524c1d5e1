"""Find the processes of this machine that serve a target: the holders of its address's sockets.

The addresses of a URL's host are compared with those of the interfaces; its name alone is never
enough.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import psutil

from tputtui.frozen import frozen
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.sockets import SocketTable, TcpSocket
from tputtui.model import SocketHolder, TargetListeners

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_AGE_S = 300.0
"""Seconds for which the addresses of a name are cached: as long as a connection to it is kept."""

PATIENCE_S = 1.0
"""Seconds for which one pass waits for name look-ups; a later answer is used in the next pass."""

_MAX_LOOKUPS = 16  # names that are being resolved at the same time


@frozen
class _HostLocation:
    """Location of a host.

    `is_local`: whether all its addresses belong to this machine; None while that is not known.
    """

    addresses: tuple[_Ip, ...] = ()
    is_local: bool | None = None


class OwnAddresses:
    """Resolver that compares hosts with the addresses of this machine.

    To be used by one thread at a time.
    """

    def __init__(self) -> None:
        # (time, addresses) of each name; no addresses: the look-up failed
        self._resolved: dict[str, tuple[float, tuple[_Ip, ...]]] = {}
        self._running: dict[str, threading.Thread] = {}

    def locate(self, hosts: Iterable[str]) -> dict[str, _HostLocation]:
        """Locate each host. Waits up to `PATIENCE_S` for names; a literal address costs nothing."""
        wanted = dict.fromkeys(hosts)
        literal = {host: address for host in wanted if (address := parse_ip(host)) is not None}
        self._resolve([host for host in wanted if host not in literal])
        own = _interface_addresses()
        locations: dict[str, _HostLocation] = {}
        for host in wanted:
            if host in literal:
                addresses: tuple[_Ip, ...] = (literal[host],)
            else:
                addresses = self._resolved.get(host, (0.0, ()))[1]
            is_local = all(_is_own(address, own) for address in addresses) if addresses else None
            locations[host] = _HostLocation(addresses, is_local)
        return locations

    def _resolve(self, names: list[str]) -> None:
        now = time.monotonic()
        self._running = {
            name: thread for name, thread in self._running.items() if thread.is_alive()
        }
        due = [
            name
            for name in names
            if name not in self._running
            and (name not in self._resolved or now - self._resolved[name][0] > _MAX_AGE_S)
        ]
        for name in due[: _MAX_LOOKUPS - len(self._running)]:
            # A daemon thread: a name server that hangs must not hold up the exit.
            thread = threading.Thread(
                target=self._look_up_name, args=(name,), name="resolve", daemon=True
            )
            self._running[name] = thread
            thread.start()
        for thread in self._running.values():
            thread.join(max(0.0, now + PATIENCE_S - time.monotonic()))

    def _look_up_name(self, name: str) -> None:
        try:
            entries = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            entries = []
        parsed = (parse_ip(str(entry[4][0])) for entry in entries)
        addresses = tuple(dict.fromkeys(address for address in parsed if address is not None))
        self._resolved[name] = (time.monotonic(), addresses)


def parse_ip(text: str) -> _Ip | None:
    """Parse an address without its scope; None for a name.

    An IPv4 address mapped into IPv6 becomes the IPv4 address.
    """
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _reached_address(address: _Ip) -> _Ip:
    """Return the address that a connection reaches: for 0.0.0.0 and ::, the loopback."""
    if not address.is_unspecified:
        return address
    return ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")


def _is_own(address: _Ip, own: frozenset[_Ip]) -> bool:
    return address.is_loopback or address.is_unspecified or address in own


def _interface_addresses() -> frozenset[_Ip]:
    try:
        interfaces = psutil.net_if_addrs()
    except (OSError, psutil.Error):
        return frozenset()
    internet = (socket.AF_INET, socket.AF_INET6)
    addresses: set[_Ip] = set()
    for entries in interfaces.values():
        for entry in entries:
            address = parse_ip(entry.address) if entry.family in internet else None
            if address is not None:
                addresses.add(address)
    return frozenset(addresses)


_DEFAULT_PORTS = {"http": 80, "https": 443}


@frozen
class LookedUpTarget:
    """Target to look up. `server`: the Prometheus-compatible server that reports it, else empty."""

    name: str
    url: str
    server: str = ""


class ServingLookup:
    """Look-up of the processes behind targets.

    To be used by one thread at a time; blocks for some 10 ms.
    """

    def __init__(self, processes: ProcessCollector) -> None:
        self._processes = processes
        self._addresses = OwnAddresses()

    def read(
        self, targets: Sequence[LookedUpTarget], *, with_sockets: bool = True
    ) -> tuple[TargetListeners, ...]:
        """List what listens at each target's address.

        The sockets are read if a target is on this machine, and with `with_sockets` in any case,
        because the process table shows the ports.
        """
        parts = {target.name: urlsplit(target.url) for target in targets if not target.server}
        locations = self._addresses.locate(url.hostname or "" for url in parts.values())
        table = SocketTable()
        if with_sockets or any(location.is_local for location in locations.values()):
            table = self._processes.read_sockets()
        listeners: list[TargetListeners] = []
        for target in targets:
            if target.server:
                listeners.append(TargetListeners(target.name, 0, server=target.server))
                continue
            url = parts[target.name]
            host = url.hostname or ""
            port = url.port or _DEFAULT_PORTS.get(url.scheme, 80)
            listeners.append(self._listeners(target.name, host, port, locations[host], table))
        return tuple(listeners)

    def read_port(self, port: int) -> TargetListeners:
        """List what listens on a port of this machine: on loopback, as `:8000` means, else on any
        address.
        """
        table = self._processes.read_sockets()
        loopback = (parse_ip("127.0.0.1"), parse_ip("::1"))
        addresses = [address for address in loopback if address is not None]
        sockets = matching_sockets(table.listening, addresses, port)
        sockets = sockets or tuple(socket for socket in table.listening if socket.port == port)
        return self._with_holders(
            TargetListeners(f":{port}", port, f":{port}", here=True), sockets, table
        )

    def _listeners(
        self, name: str, host: str, port: int, location: _HostLocation, table: SocketTable
    ) -> TargetListeners:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        listeners = TargetListeners(name, port, shown, location.is_local)
        if not location.is_local:
            return listeners
        sockets = matching_sockets(table.listening, location.addresses, port)
        return self._with_holders(listeners, sockets, table)

    def _with_holders(
        self, listeners: TargetListeners, sockets: Sequence[TcpSocket], table: SocketTable
    ) -> TargetListeners:
        listening = {pid for socket in sockets for pid in table.holders.get(socket.inode, ())}
        connections: dict[int, int] = {}
        for accepted in table.accepted:
            if any(_accepts(socket, accepted) for socket in sockets):
                for pid in table.holders.get(accepted.inode, ()):
                    connections[pid] = connections.get(pid, 0) + 1
        holders: list[SocketHolder] = []
        for pid in sorted(listening | set(connections)):
            known = self._processes.start_and_parent(pid)
            if known is not None:
                started, parent = known
                holders.append(
                    SocketHolder(pid, started, parent, connections.get(pid, 0), pid in listening)
                )
        users = [
            self._processes.user_name(socket.uid)
            for socket in sockets
            if not table.holders.get(socket.inode)
        ]
        return TargetListeners(
            listeners.target,
            listeners.port,
            listeners.address,
            listeners.here,
            holders=tuple(holders),
            hidden_users=tuple(dict.fromkeys(users)),
        )


def matching_sockets(
    sockets: Iterable[TcpSocket], addresses: Iterable[_Ip], port: int
) -> tuple[TcpSocket, ...]:
    """Select the listening sockets that a connection to the first address with a listener reaches.

    The order is that of the kernel: a socket of exactly that address before one of all addresses,
    one of the same family before ::.
    """
    on_port = [(socket, parse_ip(socket.address)) for socket in sockets if socket.port == port]
    for address in map(_reached_address, addresses):
        exact: list[TcpSocket] = []
        same_family: list[TcpSocket] = []
        both_families: list[TcpSocket] = []
        for listener, own in on_port:
            if own == address:
                exact.append(listener)
            elif own is None or not own.is_unspecified:
                continue
            elif own.version == address.version:
                same_family.append(listener)
            elif own.version == 6:
                both_families.append(listener)
        for group in (exact, same_family, both_families):
            if group:
                return tuple(group)
    return ()


def _accepts(listener: TcpSocket, connection: TcpSocket) -> bool:
    """Whether a connection may have been accepted on a listening socket.

    It may if its own end has the same port and address.
    """
    own = parse_ip(listener.address)
    if own is None or listener.port != connection.port:
        return False
    return own.is_unspecified or own == parse_ip(connection.address)
