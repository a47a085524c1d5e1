"""Which process is offered to the profiler when none was chosen: the one that serves a target, then the busiest Python."""

from __future__ import annotations

from urllib.parse import urlsplit

from tputtui.model import ProcessState, ServiceState, Snapshot

_LOCAL = frozenset(("127.0.0.1", "localhost", "::1", "0.0.0.0"))  # noqa: S104  # names of this machine, nothing is bound


def target_ports(snapshot: Snapshot) -> frozenset[int]:
    """The ports of targets on this machine."""
    return frozenset(port for target in snapshot.targets if (port := port_of(target.url)) is not None)


def port_of(url: str) -> int | None:
    """The port of a target on this machine; None on another."""
    parts = urlsplit(url)
    if parts.hostname not in _LOCAL:
        return None
    return parts.port or (443 if parts.scheme == "https" else 80)


def offered(snapshot: Snapshot) -> ProcessState | None:
    """The process to profile: a Python one on a target's port, then any Python one, the busiest first; else none."""
    ports = target_ports(snapshot)
    candidates = [process for process in snapshot.processes or () if process.python is not None]
    if not candidates:
        return None
    return max(candidates, key=lambda p: (bool(ports.intersection(p.ports)), p.cpu_percent or 0.0, -p.pid))


def served_by(snapshot: Snapshot, ports: tuple[int, ...]) -> ServiceState | None:
    """The service that a process with these ports answers for; None where it serves no target."""
    for target in snapshot.targets:
        if port_of(target.url) in ports:
            return next((service for service in snapshot.services if target.name in service.targets), None)
    return None
