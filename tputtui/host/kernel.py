"""Read pressure and TCP's losses from /proc, which psutil does not offer.

Every reader gets the root below which `proc` lies. A plain number in a file of the kernel needs no
reader: it is a row of `model.host_metrics`.
"""

from __future__ import annotations

import errno
import math

from tputtui.descriptors import reason
from tputtui.host import procfs
from tputtui.model import Pressure, TcpCounters, host_metrics


class NotOfferedError(Exception):
    """The kernel does not offer this here; the message says why."""


def not_offered_error(path: str, error: Exception) -> NotOfferedError:
    """Make the error that says which file could not be read or parsed, and why."""
    if isinstance(error, FileNotFoundError):
        return NotOfferedError(f"the kernel has no {path}")
    if isinstance(error, OSError):
        if error.errno == errno.EOPNOTSUPP:
            return NotOfferedError(f"{path} is switched off in this kernel (boot it with psi=1)")
        return NotOfferedError(f"cannot read {path}: {reason(error)}")
    return NotOfferedError(f"cannot make sense of {path}")


# ---------------------------------------------------------------------------------------- pressure


def read_pressure(root: str) -> tuple[dict[str, Pressure], tuple[tuple[str, str], ...]]:
    """Read the pressure of each resource where possible, and ("io pressure", reason) where not.

    Format: Documentation/accounting/psi.rst. PSI may be compiled in and switched off: then the file
    can be opened, and reading it fails with EOPNOTSUPP. Before Linux 5.13 the CPU's file has no
    "full" line.
    """
    pressures: dict[str, Pressure] = {}
    reasons: list[tuple[str, str]] = []
    for resource in host_metrics.PRESSURE_RESOURCES:
        path = f"/proc/pressure/{resource.name}"
        try:
            pressures[resource.name] = _parse_pressure(procfs.read(root + path))
        except (OSError, ValueError) as error:
            reasons.append((f"{resource.name} pressure", str(not_offered_error(path, error))))
    if not pressures and all(reason.startswith("the kernel has no") for _, reason in reasons):
        reasons = [("pressure", "the kernel has no /proc/pressure")]
    return pressures, tuple(reasons)


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


# --------------------------------------------------------------------------------------------- TCP


def read_tcp(root: str) -> TcpCounters:
    """Read the segments sent and retransmitted, and the connections dropped at listening sockets.

    ListenDrops already contains ListenOverflows (tcp_v4_syn_recv_sock counts an overflow as both),
    so the two are not added up. Raises NotOfferedError.
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
    """Parse two lines with the same prefix, the names and the values, as in /proc/net/snmp."""
    lines = [line.split()[1:] for line in content.splitlines() if line.startswith(prefix)]
    if len(lines) < 2:
        return {}
    return {name: int(value) for name, value in zip(lines[0], lines[1], strict=False)}
