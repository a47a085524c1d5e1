"""Decide whether the host of a URL is this machine.

Its addresses are compared with those of the interfaces; its name alone is never enough.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable

import psutil

from tputtui.frozen import frozen

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_AGE_S = 300.0
"""Seconds for which the addresses of a name are cached: as long as a connection to it is kept."""

PATIENCE_S = 1.0
"""Seconds for which one pass waits for name look-ups; a later answer is used in the next pass."""

_MAX_LOOKUPS = 16  # names that are being resolved at the same time


@frozen
class HostLocation:
    """Location of a host.

    `is_local`: whether all its addresses belong to this machine; None while that is not known.
    """

    addresses: tuple[Ip, ...] = ()
    is_local: bool | None = None


class OwnAddresses:
    """Resolver that compares hosts with the addresses of this machine.

    To be used by one thread at a time.
    """

    def __init__(self) -> None:
        # (time, addresses) of each name; no addresses: the look-up failed
        self._resolved: dict[str, tuple[float, tuple[Ip, ...]]] = {}
        self._running: dict[str, threading.Thread] = {}

    def locate(self, hosts: Iterable[str]) -> dict[str, HostLocation]:
        """Locate each host. Waits up to `PATIENCE_S` for names; a literal address costs nothing."""
        wanted = dict.fromkeys(hosts)
        literal = {host: address for host in wanted if (address := parse_ip(host)) is not None}
        self._resolve([host for host in wanted if host not in literal])
        own = _interface_addresses()
        locations: dict[str, HostLocation] = {}
        for host in wanted:
            if host in literal:
                addresses: tuple[Ip, ...] = (literal[host],)
            else:
                addresses = self._resolved.get(host, (0.0, ()))[1]
            is_local = all(_is_own(address, own) for address in addresses) if addresses else None
            locations[host] = HostLocation(addresses, is_local)
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
            and (name not in self._resolved or now - self._resolved[name][0] > MAX_AGE_S)
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


def parse_ip(text: str) -> Ip | None:
    """Parse an address without its scope; None for a name.

    An IPv4 address mapped into IPv6 becomes the IPv4 address.
    """
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def reached_address(address: Ip) -> Ip:
    """Return the address that a connection reaches: for 0.0.0.0 and ::, the loopback."""
    if not address.is_unspecified:
        return address
    return ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")


def _is_own(address: Ip, own: frozenset[Ip]) -> bool:
    return address.is_loopback or address.is_unspecified or address in own


def _interface_addresses() -> frozenset[Ip]:
    try:
        interfaces = psutil.net_if_addrs()
    except (OSError, psutil.Error):
        return frozenset()
    internet = (socket.AF_INET, socket.AF_INET6)
    addresses: set[Ip] = set()
    for entries in interfaces.values():
        for entry in entries:
            address = parse_ip(entry.address) if entry.family in internet else None
            if address is not None:
                addresses.add(address)
    return frozenset(addresses)
