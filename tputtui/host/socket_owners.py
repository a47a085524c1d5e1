"""Find the processes of this machine that serve a target: the holders of its address's sockets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from tputtui.frozen import frozen
from tputtui.host.own_addresses import HostLocation, Ip, OwnAddresses, parse_ip, reached_address
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.sockets import SocketTable, TcpSocket
from tputtui.model import SocketHolder, TargetListeners

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
        self, name: str, host: str, port: int, location: HostLocation, table: SocketTable
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
    sockets: Iterable[TcpSocket], addresses: Iterable[Ip], port: int
) -> tuple[TcpSocket, ...]:
    """Select the listening sockets that a connection to the first address with a listener reaches.

    The order is that of the kernel: a socket of exactly that address before one of all addresses,
    one of the same family before ::.
    """
    on_port = [(socket, parse_ip(socket.address)) for socket in sockets if socket.port == port]
    for address in map(reached_address, addresses):
        exact: list[TcpSocket] = []
        same_family: list[TcpSocket] = []
        both_families: list[TcpSocket] = []
        for socket, own in on_port:
            if own == address:
                exact.append(socket)
            elif own is None or not own.is_unspecified:
                continue
            elif own.version == address.version:
                same_family.append(socket)
            elif own.version == 6:
                both_families.append(socket)
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
