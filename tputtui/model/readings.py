"""What is collected: readings, raw. Counters are as they were found and nothing is computed; this is what a run records.

A failed scrape is a `Scrape` with an error, never one with zeros; a counter that the kernel does not offer is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name, as exposed: foreign text, not yet cleaned for a screen."""


class Series:
    """A metric name with its labels. Interned by its scanner: one object a series and target, so identity is equality.

    Compare `key` where two targets (or two runs) meet.
    """

    __slots__ = ("__weakref__", "labels", "name")

    def __init__(self, name: str, labels: Labels = ()) -> None:
        self.name = name
        self.labels = labels

    @property
    def key(self) -> tuple[str, Labels]:
        """What makes the series the same in another target or another run."""
        return (self.name, self.labels)

    def label(self, name: str) -> str | None:
        """The value of one label; None where the series does not carry it."""
        for label, value in self.labels:
            if label == name:
                return value
        return None

    def __repr__(self) -> str:
        inner = ",".join(f"{name}={value!r}" for name, value in self.labels)
        return f"Series({self.name}{{{inner}}})" if inner else f"Series({self.name})"


@frozen
class Family:
    """What an exposition says of a metric family, by the name that stands in its TYPE, HELP or UNIT line."""

    name: str
    type: str = "untyped"  # counter, gauge, histogram, summary, untyped, info, stateset, gaugehistogram
    help: str = ""
    unit: str = ""


@frozen
class Served:
    """What is different where the samples come from a Prometheus-compatible server and not from the target itself."""

    rate_s: float | None  # counters hold rates per second that the server took over so long; None: raw, to look at
    source_labels: tuple[str, ...] = ()  # what the server tells its sources apart by, where they differ: "instance"
    before: Exposition | None = None  # of raw values: what they were
    before_s: float | None = None  # so many seconds earlier


@frozen
class Question:
    """One thing to ask a server for: a sample name, added up by the server over everything but a few labels."""

    name: str
    how: Literal["rate", "sum", "max", "limit"]  # "limit": added up, without what stands for "no limit"
    labels: frozenset[str] = frozenset()  # kept apart


@frozen
class Exposition:
    """One answer of a target, read.

    `samples` holds the first value of each series in the order of the body; where only wanted families were read,
    only theirs. `series` counts all series of the answer all the same.
    """

    samples: Mapping[Series, float]
    families: Mapping[str, Family]
    series: int
    skipped_lines: int = 0
    duplicates: int = 0
    warning: str | None = None  # "Prometheus would reject this scrape: line 6: …"
    hidden: Mapping[str, int] = field(default_factory=dict)  # sample name -> its series beyond the limit, not read
    truncated: bool = False  # the body ends in the middle of a line
    served: Served | None = None  # it was put together from a server's answers
    timestamps: Mapping[Series, float] = field(default_factory=dict)  # unix seconds, of the samples that carry one


@frozen
class Target:
    """One thing that is asked for numbers. `url` is completed and carries no credentials."""

    name: str
    url: str
    service: str | None = None  # the config's word for the service it is a replica of


@frozen
class Scrape:
    """One attempt at one target: samples or an error, never both."""

    target: str  # the target's name
    at: float  # monotonic seconds when the first byte of the answer came (or the attempt failed)
    time: float  # unix seconds of the same moment
    duration_s: float  # from the question to the end of the answer
    exposition: Exposition | None = None
    size: int | None = None  # bytes of the body, inflated
    error: str | None = None  # a sentence, already cleaned: "connection refused"
    late: bool = False  # the error: the connection stands, and no whole answer came by the deadline
    silent: bool = False  # the error: it was asked, and not a byte came
    first_byte_s: float | None = None  # from the question to the first byte; None: the rest came with it
    delayed_s: float = 0.0  # of that time, in which we were kept from running

    @property
    def asked_at(self) -> float:
        """Monotonic seconds when the question was asked."""
        return self.at - (self.duration_s if self.first_byte_s is None else self.first_byte_s)

    @property
    def ended_at(self) -> float:
        """Monotonic seconds when the answer was complete (or the attempt failed)."""
        return self.asked_at + self.duration_s


@frozen
class CpuTimes:
    """Cumulative seconds by state, of one core or of all together."""

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
    read_s: float  # time that finished reads spent waiting, seconds
    write_s: float
    busy_s: float | None  # time with at least one request in flight, seconds


@frozen
class NetworkCounters:
    """Cumulative counters of one interface."""

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
    """Pressure stall information of one resource: shares of the last 10 s in percent, totals in seconds."""

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
    """The host's raw counters and gauges at one moment. What the kernel does not offer is None, and `missing` says why."""

    at: float
    time: float
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
    cgroup: Cgroup | None = None  # the one we run in
    missing: tuple[tuple[str, str], ...] = ()  # ("pressure", "the kernel has no /proc/pressure")


@frozen
class ProcessReading:
    """One process, raw. Its identity is `pid` with `started`: a pid alone may be reused."""

    pid: int
    started: float  # unix seconds, as psutil.Process.create_time()
    name: str  # what it is called to a person: cleaned, "gunicorn: worker"
    user: str | None
    cpu_s: float | None  # cumulative user + system seconds; None where not permitted
    rss_bytes: int | None
    threads: int | None
    state: str  # one letter as in /proc: R S D T Z
    command: str = ""  # cleaned command line, cut
    python: str | None = None  # "3.12", "" when Python of an unknown version, None when not Python
    ports: tuple[int, ...] = ()  # TCP ports it listens on, where known
    cgroup: Cgroup | None = None  # only of watched processes

    @property
    def identity(self) -> tuple[int, float]:
        """What a cursor or a capture belongs to."""
        return (self.pid, self.started)


@frozen
class SocketHolder:
    """A process that holds a target's listening socket, or connections that were accepted on it."""

    pid: int
    started: float  # unix seconds, as in `ProcessReading`
    parent: int | None = None
    connections: int = 0  # accepted on the target's port and held now
    is_listening: bool = True


@frozen
class TargetListeners:
    """Which processes listen at a target's address, as far as the kernel shows them to this user."""

    target: str
    port: int
    address: str = ""  # "10.0.0.2:8000": where the target's URL leads, for a sentence
    here: bool | None = None  # whether that address belongs to this machine; None: the name is not resolved yet
    server: str = ""  # the Prometheus-compatible server that reports the target: nothing is looked up then
    holders: tuple[SocketHolder, ...] = ()
    hidden_users: tuple[str, ...] = ()  # owners of listening sockets whose processes this user may not see


@frozen
class Reading:
    """Everything that was collected in one tick. This is what is recorded."""

    at: float
    time: float
    scrapes: tuple[Scrape, ...] = ()  # those that ended since the last reading
    host: HostReading | None = None
    processes: tuple[ProcessReading, ...] | None = None  # None: not collected in this tick
    waiting: Mapping[str, float] = field(default_factory=dict)  # target -> seconds for which its answer is late
    partial: Mapping[str, int] = field(default_factory=dict)  # target -> bytes of a late answer that came in part
    missed_ticks: int = 0  # in all
    self_cpu_s: float | None = None  # our own cumulative CPU seconds, children included
    self_rss_bytes: int | None = None
    listeners: tuple[TargetListeners, ...] | None = None  # of each target; None: not looked up in this tick
