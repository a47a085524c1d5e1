"""What the kernel tells in /proc and psutil does not: pressure, the run queue, TCP's losses, file descriptors.

Every reader takes the root under which `proc` lies, and raises `Absent` with a reason where there is nothing to read.
"""

from __future__ import annotations

import errno
import math

from tputtui.descriptors import reason
from tputtui.host import procfs
from tputtui.model import Pressure, TcpCounters

PRESSURE_RESOURCES = ("cpu", "memory", "io")


class NotOfferedError(Exception):
    """The kernel does not offer this here; the message says why."""


def not_offered_error(path: str, error: Exception) -> NotOfferedError:
    """The reason in words: what was asked for, and what came instead."""
    if isinstance(error, FileNotFoundError):
        return NotOfferedError(f"the kernel has no {path}")
    if isinstance(error, OSError):
        if error.errno == errno.EOPNOTSUPP:
            return NotOfferedError(f"{path} is switched off in this kernel (boot it with psi=1)")
        return NotOfferedError(f"cannot read {path}: {reason(error)}")
    return NotOfferedError(f"cannot make sense of {path}")


# ------------------------------------------------------------------------------------------------- pressure


def read_pressure(root: str) -> tuple[dict[str, Pressure], tuple[tuple[str, str], ...]]:
    """Pressure of "cpu", "memory" and "io" where it can be read, and ("pressure io", reason) where it cannot.

    Format: Documentation/accounting/psi.rst. PSI may be compiled in and switched off: opening it then works and
    reading fails with EOPNOTSUPP. Before 5.13 the CPU's file has no "full" line.
    """
    found: dict[str, Pressure] = {}
    reasons: list[tuple[str, str]] = []
    for resource in PRESSURE_RESOURCES:
        path = f"/proc/pressure/{resource}"
        try:
            found[resource] = _parse_pressure(procfs.read(root + path))
        except (OSError, ValueError) as error:
            reasons.append((f"{resource} pressure", str(not_offered_error(path, error))))
    if not found and len(
        {reason for _, reason in reasons if reason.startswith("the kernel has no")}
    ) == len(reasons):
        reasons = [("pressure", "the kernel has no /proc/pressure")]
    return found, tuple(reasons)


def _parse_pressure(content: bytes) -> Pressure:
    shares: dict[str, float] = {}
    totals: dict[str, float] = {}
    for line in content.decode("ascii").splitlines():
        kind, *pairs = line.split()
        values = dict(pair.split("=", 1) for pair in pairs)
        if kind in ("some", "full"):
            shares[kind] = _parse_finite(values.get("avg10", ""))
            totals[kind] = _parse_finite(values.get("total", "")) / 1e6
    if not shares:
        raise ValueError("neither some nor full")
    return Pressure(shares.get("some"), shares.get("full"), totals.get("some"), totals.get("full"))


def _parse_finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


# ------------------------------------------------------------------------------------------------- run queue


def read_run_queue(root: str) -> int:
    """Runnable tasks of the machine at this moment, running ones included. Raises Absent.

    From /proc/loadavg, "0.41 0.30 0.12 3/812 4711": its 3 is `procs_running` of /proc/stat (both are the kernel's
    nr_running()) without making the kernel add up every interrupt of every core.
    """
    path = "/proc/loadavg"
    try:
        return int(procfs.read(root + path).split()[3].split(b"/")[0])
    except (OSError, ValueError, IndexError) as error:
        raise not_offered_error(path, error) from None


# ------------------------------------------------------------------------------------------------- TCP


def read_tcp(root: str) -> TcpCounters:
    """Segments sent, segments sent again, and connections dropped at listening sockets. Raises Absent.

    ListenDrops already contains ListenOverflows (tcp_v4_syn_recv_sock counts an overflow as both), so the two are not
    added up.
    """
    path = "/proc/net/snmp"
    try:
        tcp = _parse_header_and_values(procfs.read(root + path), b"Tcp:")
    except (OSError, ValueError) as error:
        raise not_offered_error(path, error) from None
    try:
        extended = _parse_header_and_values(procfs.read(root + "/proc/net/netstat"), b"TcpExt:")
    except (OSError, ValueError):
        extended = {}
    drops = extended.get(b"ListenDrops", extended.get(b"ListenOverflows"))
    counters = TcpCounters(tcp.get(b"OutSegs"), tcp.get(b"RetransSegs"), drops)
    if counters == TcpCounters():
        raise NotOfferedError("/proc/net/snmp says nothing of TCP")
    return counters


def _parse_header_and_values(content: bytes, prefix: bytes) -> dict[bytes, int]:
    """Two lines that begin alike, names and values: the format of /proc/net/snmp and netstat."""
    lines = [line.split()[1:] for line in content.splitlines() if line.startswith(prefix)]
    if len(lines) < 2:
        return {}
    return {name: int(value) for name, value in zip(lines[0], lines[1], strict=False)}


# ------------------------------------------------------------------------------------------------- file descriptors


def read_file_descriptors(root: str) -> tuple[int, int | None]:
    """Open file descriptions of the whole machine, and their limit (None: practically none). Raises Absent."""
    path = "/proc/sys/fs/file-nr"
    try:
        used, _, limit = (int(field) for field in procfs.read(root + path).split())
    except (OSError, ValueError) as error:
        raise not_offered_error(path, error) from None
    return used, limit if limit < 1 << 60 else None
