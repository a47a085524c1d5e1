"""Host metrics that are a number in a file of the kernel: one row each in `HOST_METRICS`.

From its row a metric is read (`host/kernel_files.py`), recorded, turned into a rate if it is a
counter, added to `stream`'s JSON under `json_key`, and shown as a resource of the saturation panel
if it has a limit. No screen shows a metric without a limit by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Literal

from tputtui.frozen import frozen
from tputtui.model.host import HostState
from tputtui.model.readings import HostReading


@frozen
class KernelNumber:
    """Number in a text file of /proc or /sys, whose words are separated by blanks and slashes."""

    path: str  # "/proc/loadavg"
    # Place of the number among the words of its line. A name: the number is in the column of that
    # name, in the second of two lines that begin alike (/proc/net/snmp)
    word: int | str = 0
    line: str = ""  # first word of its line; "": the first line
    unknown_from: float = inf  # from this value on it is no number: "no limit" is 2^63 - 1


@frozen
class HostMetric:
    """One metric of the machine."""

    name: str  # it is recorded under this name
    label: str  # on the screen, and in the history if it has a limit: "open files"
    source: KernelNumber
    # A counter becomes a rate per second
    kind: Literal["level", "counter"] = "level"
    unit: str = ""  # of the level or of the rate, as in `text.format_amount`: "By", "s", "By/s"
    limit: KernelNumber | float | None = None  # read from the kernel, or constant
    # Key in the host object of `stream`, or "GROUP.KEY" in one of its groups; "": not in it
    json_key: str = ""
    digits: int | None = None  # of the value in JSON; None: in full
    missing_name: str = ""  # name in `HostReading.missing`; "": the label

    @property
    def limit_name(self) -> str:
        """Name under which a limit that is read is recorded: "fds_limit" of "fds_used"."""
        return f"{self.name.removesuffix('_used')}_limit"

    @property
    def reason_name(self) -> str:
        """Name under which the reason is recorded if the kernel does not offer the metric."""
        return self.missing_name or self.label

    def limit_in(self, state: HostState) -> float | None:
        """Return the limit in force; None if there is none or it is unknown."""
        if isinstance(self.limit, KernelNumber):
            return state.metrics.get(self.limit_name)
        return self.limit


HOST_METRICS: tuple[HostMetric, ...] = (
    # Runnable tasks, running ones included: `procs_running` of /proc/stat (both are the kernel's
    # nr_running()) without making the kernel add up every interrupt of every core.
    HostMetric(
        "run_queue", "run queue", KernelNumber("/proc/loadavg", word=3), json_key="cpu.run_queue"
    ),
    # Open file descriptions of the whole machine
    HostMetric(
        "fds_used",
        "open files",
        KernelNumber("/proc/sys/fs/file-nr", word=0),
        limit=KernelNumber("/proc/sys/fs/file-nr", word=2, unknown_from=1 << 60),
        missing_name="file descriptors",
    ),
    # Connections dropped at listening sockets. ListenDrops already contains ListenOverflows
    # (tcp_v4_syn_recv_sock counts an overflow as both), so the two are not added up.
    HostMetric(
        "listen_drops",
        "listen drops",
        KernelNumber("/proc/net/netstat", line="TcpExt:", word="ListenDrops"),
        kind="counter",
        unit="/s",
        json_key="tcp.listen_drops_s",
        digits=2,
    ),
)
"""All metrics. The order is that of the saturation rows and of the keys in JSON."""

_RECORDED_FIELDS: Mapping[str, Callable[[HostReading], float | None]] = {
    "run_queue": lambda reading: reading.run_queue,
    "fds_used": lambda reading: reading.fds_used,
    "fds_limit": lambda reading: reading.fds_limit,
    "listen_drops": lambda reading: None if reading.tcp is None else reading.tcp.listen_drops,
}
"""Metrics that are fields of `HostReading`, because runs of the first version hold them there.

All others are in `HostReading.metrics`.
"""


def recorded_value(reading: HostReading, name: str) -> float | None:
    """Return the value of a metric in a reading; None if it is not in it."""
    field_value = _RECORDED_FIELDS.get(name)
    return reading.metrics.get(name) if field_value is None else field_value(reading)


@frozen
class PressureResource:
    """Resource for which tasks can stall, as reported by /proc/pressure."""

    name: str  # name of its file
    label: str  # in a sentence: "tasks waited for I/O"
    line: Literal["some", "full"]  # the line of the file that is compared with the threshold
    threshold_percent: float  # of the last 10 s, from which it counts as waiting work


PRESSURE_RESOURCES: tuple[PressureResource, ...] = (
    # "some": tasks wait a little on every busy machine
    PressureResource("cpu", "cpu", "some", 30.0),
    # "some": a tenth is already serious (systemd-oomd and Android's lmkd act in that region)
    PressureResource("memory", "memory", "some", 10.0),
    # "full", because some task nearly always waits for a disk
    PressureResource("io", "I/O", "full", 20.0),
)
"""All resources with pressure. The order is that of the rows and of the keys in JSON."""
