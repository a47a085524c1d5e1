"""Read small files of the kernel: unbuffered, as bytes, up to a limit; and the metrics in them.

Pressure and TCP's losses are read here because psutil does not offer them. Every reader gets the
root below which `proc` lies. A plain number in a file of the kernel needs no reader of its own: it
is a row of `model.host_metrics`, and each file is read once a reading.
"""

from __future__ import annotations

import errno
import math
import os

from tputtui.descriptors import reason
from tputtui.model import Pressure, TcpCounters, host_metrics
from tputtui.model.host_metrics import HostMetric, KernelNumber


def read(path: str, limit: int = 1 << 20) -> bytes:
    """Read the first `limit` bytes of a file of /proc or /sys. Raises OSError as the kernel gives
    it.

    Half the cost of `open(path, "rb").read()`, which is noticeable at hundreds of reads a tick.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, min(limit, 16384))
        while content and len(content) < limit:
            # The kernel returns long files in pieces, however large the buffer
            more = os.read(descriptor, min(limit - len(content), 65536))
            if not more:
                break
            content += more
        return content
    finally:
        os.close(descriptor)


def read_int(path: str) -> int | None:
    """Read the whole number in a file; None without such a file or number."""
    try:
        return int(read(path, 64))
    except (OSError, ValueError):
        return None


def parse_flat_keyed(content: bytes) -> dict[bytes, int]:
    """Parse lines of "name number", as in cpu.stat and memory.stat. Other lines are left out."""
    values: dict[bytes, int] = {}
    for line in content.splitlines():
        name, _, value = line.partition(b" ")
        if value.strip().isdigit():
            values[name] = int(value)
    return values


def read_zfs_cache(root: str) -> int:
    """Return the bytes of ZFS's read cache that it gives back when memory is short; 0 without ZFS.

    The kernel counts them as used, unlike its page cache. The cache keeps `c_min`.
    """
    try:
        content = read(f"{root}/proc/spl/kstat/zfs/arcstats", 1 << 16)
    except OSError:
        return 0
    rows = (line.split() for line in content.splitlines())
    values = {row[0]: int(row[2]) for row in rows if len(row) == 3 and row[2].isdigit()}
    return max(0, values.get(b"size", 0) - values.get(b"c_min", 0))


class NotOfferedError(Exception):
    """The kernel does not offer this here; the message says why."""


def _not_offered_error(path: str, error: Exception) -> NotOfferedError:
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
            pressures[resource.name] = _parse_pressure(read(root + path))
        except (OSError, ValueError) as error:
            reasons.append((f"{resource.name} pressure", str(_not_offered_error(path, error))))
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
    """Read the segments sent and retransmitted. Raises NotOfferedError."""
    path = "/proc/net/snmp"
    try:
        tcp = _parse_header_and_values(read(root + path), b"Tcp:")
    except (OSError, ValueError) as error:
        raise _not_offered_error(path, error) from None
    counters = TcpCounters(tcp.get(b"OutSegs"), tcp.get(b"RetransSegs"))
    if counters == TcpCounters():
        raise NotOfferedError("/proc/net/snmp says nothing of TCP")
    return counters


def _parse_header_and_values(content: bytes, prefix: bytes) -> dict[bytes, int]:
    """Parse two lines with the same prefix, the names and the values, as in /proc/net/snmp."""
    lines = [line.split()[1:] for line in content.splitlines() if line.startswith(prefix)]
    if len(lines) < 2:
        return {}
    return {name: int(value) for name, value in zip(lines[0], lines[1], strict=False)}


class MetricFiles:
    """Reader of the files that the metrics name, below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._metrics = [(metric, _numbers(metric)) for metric in host_metrics.HOST_METRICS]

    def read(self) -> tuple[dict[str, float], dict[str, str]]:
        """Read the values by metric name, and by `HostMetric.reason_name` why one is missing.

        Never raises. A metric whose limit cannot be read is missing, too.
        """
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        lines_by_path: dict[str, list[bytes]] = {}
        for metric, numbers in self._metrics:
            metric_values: dict[str, float] = {}
            for name, number in numbers:
                try:
                    lines = lines_by_path.get(number.path)
                    if lines is None:
                        lines = lines_by_path[number.path] = self._read_lines(number.path)
                    value = _parse_number(lines, number)
                except (OSError, ValueError, IndexError) as error:
                    reasons[metric.reason_name] = str(_not_offered_error(number.path, error))
                    break
                if value < number.unknown_from:
                    metric_values[name] = value
            else:
                values.update(metric_values)
        return values, reasons

    def _read_lines(self, path: str) -> list[bytes]:
        return read(self._root + path).replace(b"/", b" ").splitlines()


def _numbers(metric: HostMetric) -> list[tuple[str, KernelNumber]]:
    """List what is read for one metric, with the names under which it is recorded."""
    numbers = [(metric.name, metric.source)]
    if isinstance(metric.limit, KernelNumber):
        numbers.append((metric.limit_name, metric.limit))
    return numbers


def _parse_number(lines: list[bytes], number: KernelNumber) -> float:
    """Find one number in a file. Raises ValueError or IndexError if it is not there."""
    word = _find_word(lines, number)
    if word.isdigit():
        return int(word)
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word!r} is no number")
    return value


def _find_word(lines: list[bytes], number: KernelNumber) -> bytes:
    if not number.line:
        rows = [lines[0].split()]
    else:
        first_word = number.line.encode()
        candidates = [line.split() for line in lines if line.startswith(first_word)]
        rows = [words for words in candidates if words[0] == first_word]
    if isinstance(number.word, int):
        return rows[0][number.word]
    names, values = rows[0], rows[1]
    return values[names.index(number.word.encode())]
