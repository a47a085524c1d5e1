"""Which processes of this machine serve a target: the holders of the sockets that its address leads
to.
"""

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
    """A target to look up. `server`: the Prometheus-compatible server that reports it, else empty."""

    name: str
    url: str
    server: str = ""


class ServingLookup:
    """Looks up the processes behind targets. To be used by one thread at a time; blocks for some 10
    ms.
    """

    def __init__(self, processes: ProcessCollector) -> None:
        self._processes = processes
        self._addresses = OwnAddresses()

    def read(
        self, targets: Sequence[LookedUpTarget], *, with_sockets: bool = True
    ) -> tuple[TargetListeners, ...]:
        """What listens at each target's address.

        The sockets are read where a target is on this machine, and, with `with_sockets`, in any
        case: the process table shows the ports.
        """
        parts = {target.name: urlsplit(target.url) for target in targets if not target.server}
        places = self._addresses.locate(one.hostname or "" for one in parts.values())
        table = SocketTable()
        if with_sockets or any(place.is_local for place in places.values()):
            table = self._processes.read_sockets()
        found: list[TargetListeners] = []
        for target in targets:
            if target.server:
                found.append(TargetListeners(target.name, 0, server=target.server))
                continue
            one = parts[target.name]
            port = one.port or _DEFAULT_PORTS.get(one.scheme, 80)
            place = places[one.hostname or ""]
            found.append(self._listeners(target.name, one.hostname or "", port, place, table))
        return tuple(found)

    def read_port(self, port: int) -> TargetListeners:
        """What listens on a port of this machine: where `:8000` leads as a target, else on any
        address of it.
        """
        table = self._processes.read_sockets()
        loopback = (parse_ip("127.0.0.1"), parse_ip("::1"))
        place = HostLocation(
            tuple(address for address in loopback if address is not None), is_local=True
        )
        sockets = matching_sockets(table.listening, place.addresses, port)
        sockets = sockets or tuple(one for one in table.listening if one.port == port)
        return self._with_holders(
            TargetListeners(f":{port}", port, f":{port}", here=True), sockets, table
        )

    def _listeners(
        self, name: str, host: str, port: int, location: HostLocation, table: SocketTable
    ) -> TargetListeners:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        found = TargetListeners(name, port, shown, location.is_local)
        if not location.is_local:
            return found
        return self._with_holders(
            found, matching_sockets(table.listening, location.addresses, port), table
        )

    def _with_holders(
        self, listeners: TargetListeners, sockets: Sequence[TcpSocket], table: SocketTable
    ) -> TargetListeners:
        listening = {pid for one in sockets for pid in table.holders.get(one.inode, ())}
        connections: dict[int, int] = {}
        for one in table.accepted:
            if any(_accepts(socket, one) for socket in sockets):
                for pid in table.holders.get(one.inode, ()):
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
            self._processes.user_name(one.uid)
            for one in sockets
            if not table.holders.get(one.inode)
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
    """The listening sockets that a connection to the first of these addresses with a listener
    reaches.

    As the kernel chooses: a socket of that very address before one of all addresses, one of its own
    family before ::.
    """
    on_port = [(one, parse_ip(one.address)) for one in sockets if one.port == port]
    for address in map(reached_address, addresses):
        exact = [one for one, own in on_port if own == address]
        unspecified = [(one, own) for one, own in on_port if own is not None and own.is_unspecified]
        same_family = [one for one, own in unspecified if own.version == address.version]
        both_families = [
            one for one, own in unspecified if own.version == 6 and address.version == 4
        ]
        for group in (exact, same_family, both_families):
            if group:
                return tuple(group)
    return ()


def _accepts(listener: TcpSocket, connection: TcpSocket) -> bool:
    """Whether a connection may have been accepted on a listening socket: its own end has that port
    and address.
    """
    own = parse_ip(listener.address)
    here = own is not None and (own.is_unspecified or own == parse_ip(connection.address))
    return here and listener.port == connection.port
