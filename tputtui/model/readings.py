"""Raw collected data, which is what a run records.

Counters are stored as read and nothing is computed. A failed scrape is a `Scrape` with an error,
never one with zeros; a counter that the kernel does not offer is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen
from tputtui.model.process_reference import ProcessReference

Labels = tuple[tuple[str, str], ...]
"""Label names and values as exposed, sorted by name: foreign text, not yet cleaned for a screen."""


class Series:
    """Metric name with its labels.

    Interned by the scanner: one object for each series of a target, so identity is equality.
    Compare `key` across targets or runs.
    """

    __slots__ = ("__weakref__", "labels", "name")

    def __init__(self, name: str, labels: Labels = ()) -> None:
        self.name = name
        self.labels = labels

    @property
    def key(self) -> tuple[str, Labels]:
        """Key of the series that is equal across targets and runs."""
        return (self.name, self.labels)

    def label(self, name: str) -> str | None:
        """Return the value of one label; None if the series does not have it."""
        for label, value in self.labels:
            if label == name:
                return value
        return None

    def __repr__(self) -> str:
        inner = ",".join(f"{name}={value!r}" for name, value in self.labels)
        return f"Series({self.name}{{{inner}}})" if inner else f"Series({self.name})"


@frozen
class Family:
    """Metadata of a metric family, by the name in its TYPE, HELP or UNIT line."""

    name: str
    type: str = (
        "untyped"  # counter, gauge, histogram, summary, untyped, info, stateset, gaugehistogram
    )
    help: str = ""
    unit: str = ""


@frozen
class ServerTargetInfo:
    """Properties of samples from a Prometheus-compatible server instead of the target itself."""

    # Span over which the server computed counters as per-second rates; None: raw, for display
    rate_s: float | None
    # Labels by which the server distinguishes its sources: "instance"
    source_labels: tuple[str, ...] = ()
    before: Exposition | None = None  # earlier values of raw samples
    before_s: float | None = None  # age of `before` in seconds


@frozen
class ServerQuery:
    """Query to a server: a sample name, summed by the server over all but a few labels."""

    name: str
    # "limit": summed, without the values that stand for "no limit"
    how: Literal["rate", "sum", "max", "limit"]
    labels: frozenset[str] = frozenset()  # labels kept in the result


@frozen
class Exposition:
    """Parsed answer of a target.

    `samples` holds the first value of each series in the order of the body; only wanted families
    where a selection was read. `series` counts all series of the answer in either case.
    """

    samples: Mapping[Series, float]
    families: Mapping[str, Family]
    series: int
    skipped_lines: int = 0
    duplicates: int = 0
    warning: str | None = None  # "Prometheus would reject this scrape: line 6: …"
    # Sample name -> its series beyond the limit, which are not read
    hidden: Mapping[str, int] = field(default_factory=dict)
    truncated: bool = False  # the body ends in the middle of a line
    served: ServerTargetInfo | None = None  # set if assembled from a server's answers
    # Unix seconds of the samples that carry a timestamp
    timestamps: Mapping[Series, float] = field(default_factory=dict)


@frozen
class Target:
    """Source of metrics. `url` is completed and carries no credentials."""

    name: str
    url: str
    service: str | None = None  # configured name of the service of which it is a replica


@frozen
class Scrape:
    """One attempt at one target: samples or an error, never both."""

    target: str  # the target's name
    at: float  # monotonic seconds of the first byte of the answer (or of the failure)
    time: float  # unix seconds of the same moment
    duration_s: float  # from the request to the end of the answer
    exposition: Exposition | None = None
    size: int | None = None  # bytes of the body, inflated
    error: str | None = None  # a sentence, already cleaned: "connection refused"
    # Error: the connection stands, and no complete answer arrived by the deadline
    late: bool = False
    silent: bool = False  # error: the request was sent and not a byte arrived
    # From the request to the first byte; None: the rest arrived with it
    first_byte_s: float | None = None
    delayed_s: float = 0.0  # part of that time in which this process was kept from running

    @property
    def asked_at(self) -> float:
        """Monotonic seconds of the request."""
        return self.at - (self.duration_s if self.first_byte_s is None else self.first_byte_s)

    @property
    def ended_at(self) -> float:
        """Monotonic seconds of the complete answer (or of the failure)."""
        return self.asked_at + self.duration_s


@frozen
class CpuTimes:
    """Cumulative seconds by state, of one core or of all cores together."""

    user: float = 0.0  # user + nice, guests included
    system: float = 0.0  # system + irq + softirq
    idle: float = 0.0
    iowait: float = 0.0
    steal: float = 0.0

    @property
    def total(self) -> float:
        """Seconds in all states."""
        return self.user + self.system + self.idle + self.iowait + self.steal


@frozen
class DiskCounters:
    """Cumulative counters of one whole disk (no partitions)."""

    name: str
    reads: int
    writes: int
    read_bytes: int
    write_bytes: int
    read_s: float  # cumulative waiting time of finished reads, seconds
    write_s: float
    busy_s: float | None  # time with at least one request in flight, seconds


@frozen
class NetworkCounters:
    """Cumulative counters of one network interface."""

    name: str
    rx_bytes: int
    tx_bytes: int
    drops: int  # in and out
    errors: int


@frozen
class TcpCounters:
    """Cumulative counters of the network stack (/proc/net/snmp, /proc/net/netstat)."""

    segments_out: int | None = None
    retransmits: int | None = None
    listen_drops: int | None = None


@frozen
class Pressure:
    """Pressure stall information of one resource: shares of the last 10 s in percent, totals in
    seconds.
    """

    some_10: float | None = None
    full_10: float | None = None
    some_total_s: float | None = None
    full_total_s: float | None = None


@frozen
class Cgroup:
    """Limits and throttling of one control group, v1 or v2. A limit that is not set is None."""

    path: str
    version: Literal[1, 2]
    cpu_limit_cores: float | None = None
    periods: int | None = None  # cumulative enforcement periods
    throttled_periods: int | None = None
    throttled_s: float | None = None
    memory_limit_bytes: int | None = None
    memory_used_bytes: int | None = None


@frozen
class HostReading:
    """Raw counters and gauges of the host at one moment.

    Values that the kernel does not offer are None, and `missing` has the reason.
    """

    at: float  # monotonic seconds
    time: float  # unix seconds
    cpu: CpuTimes | None = None
    cores: tuple[CpuTimes, ...] = ()
    load: tuple[float, float, float] | None = None
    run_queue: int | None = None  # runnable tasks now, running ones included
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    disks: tuple[DiskCounters, ...] = ()
    networks: tuple[NetworkCounters, ...] = ()
    tcp: TcpCounters | None = None
    pressure: Mapping[str, Pressure] = field(default_factory=dict)  # "cpu", "memory", "io"
    fds_used: int | None = None
    fds_limit: int | None = None
    cgroup: Cgroup | None = None  # the group of this process
    missing: tuple[tuple[str, str], ...] = ()  # ("pressure", "the kernel has no /proc/pressure")
    # By name, what has no field of its own: see `host_metrics.recorded_value`
    metrics: Mapping[str, float] = field(default_factory=dict)


@frozen
class ProcessReading:
    """Raw data of one process."""

    pid: int
    started: float  # unix seconds, as psutil.Process.create_time()
    name: str  # display name, cleaned: "gunicorn: worker"
    user: str | None
    cpu_s: float | None  # cumulative user + system seconds; None where not permitted
    rss_bytes: int | None
    threads: int | None
    state: str  # one letter as in /proc: R S D T Z
    command: str = ""  # cleaned command line, truncated
    python: str | None = None  # "3.12"; "" for Python of an unknown version; None if not Python
    ports: tuple[int, ...] = ()  # TCP ports on which it listens, where known
    cgroup: Cgroup | None = None  # only of watched processes

    @property
    def identity(self) -> ProcessReference:
        """Identity of the process, used for cursors and captures."""
        return ProcessReference(self.pid, self.started)


@frozen
class SocketHolder:
    """Process that holds a target's listening socket, or connections accepted on it."""

    pid: int
    started: float  # unix seconds, as in `ProcessReading`
    parent: int | None = None
    connections: int = 0  # accepted on the target's port and held now
    is_listening: bool = True

    @property
    def identity(self) -> ProcessReference:
        """Identity of the process."""
        return ProcessReference(self.pid, self.started)


@frozen
class TargetListeners:
    """Processes that listen at a target's address, as far as the kernel shows them to this user."""

    target: str
    port: int
    address: str = ""  # "10.0.0.2:8000": address of the target's URL, for display
    # Whether that address belongs to this machine; None: name not resolved yet
    here: bool | None = None
    server: str = ""  # the Prometheus-compatible server that reports the target: no look-up then
    holders: tuple[SocketHolder, ...] = ()
    hidden_users: tuple[
        str, ...
    ] = ()  # owners of listening sockets whose processes this user may not see


@frozen
class Reading:
    """Everything collected in one tick, which is what is recorded."""

    at: float  # monotonic seconds of the tick
    time: float  # unix seconds of it
    scrapes: tuple[Scrape, ...] = ()  # scrapes that ended since the last reading
    host: HostReading | None = None
    processes: tuple[ProcessReading, ...] | None = None  # None: not collected in this tick
    # Target -> seconds by which its answer is late
    waiting: Mapping[str, float] = field(default_factory=dict)
    # Target -> bytes received of a late answer
    partial: Mapping[str, int] = field(default_factory=dict)
    missed_ticks: int = 0  # in total
    self_cpu_s: float | None = None  # cumulative CPU seconds of this program, children included
    self_rss_bytes: int | None = None
    listeners: tuple[TargetListeners, ...] | None = (
        None  # of each target; None: not looked up in this tick
    )
