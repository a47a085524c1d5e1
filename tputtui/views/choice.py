"""Which process is offered to the profiler when none was chosen: the one that serves a target, then the busiest Python."""

from __future__ import annotations

from urllib.parse import urlsplit

from tputtui.model import ProcessState, Snapshot

_LOCAL = frozenset(("127.0.0.1", "localhost", "::1", "0.0.0.0"))  # noqa: S104  # names of this machine, nothing is bound


def target_ports(snapshot: Snapshot) -> frozenset[int]:
    """The ports of targets on this machine."""
    ports = set()
    for target in snapshot.targets:
        parts = urlsplit(target.url)
        if parts.hostname in _LOCAL:
            ports.add(parts.port or (443 if parts.scheme == "https" else 80))
    return frozenset(ports)


def offered(snapshot: Snapshot) -> ProcessState | None:
    """The process to profile: a Python one on a target's port, then any Python one, the busiest first; else none."""
    ports = target_ports(snapshot)
    candidates = [process for process in snapshot.processes or () if process.python is not None]
    if not candidates:
        return None
    return max(candidates, key=lambda p: (bool(ports.intersection(p.ports)), p.cpu_percent or 0.0, -p.pid))
