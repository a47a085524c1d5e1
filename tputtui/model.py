"""The words of tputtui as values: what is collected (a reading) and what is derived (a snapshot).

A *reading* is raw: counters as they were found, nothing computed. It is what a run records. A *snapshot* is everything
derived from the readings up to one tick: it is what a screen draws and what ``stream`` prints, and it is never recorded.
``None`` means unknown, everywhere; a zero is a measured zero. Times called ``at`` are seconds on a monotonic clock and
are what rates divide by; times called ``time`` are unix seconds and are for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name, as exposed: foreign text, not yet cleaned for a screen."""

SignalKind = Literal["traffic", "errors", "latency", "saturation"]
MetricKind = Literal["counter", "gauge", "histogram", "summary", "mean"]
TargetState = Literal["waiting", "up", "down"]
ObjectiveState = Literal["ok", "at_risk", "missed", "no_data"]


# ------------------------------------------------------------------------------------------ what is collected: raw


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


@dataclass(frozen=True, slots=True)
class Family:
    """What an exposition says of a metric family, by the name that stands in its TYPE, HELP or UNIT line."""

    name: str
    type: str = "untyped"  # counter, gauge, histogram, summary, untyped, info, stateset, gaugehistogram
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """What is different where the samples come from a Prometheus-compatible server and not from the target itself."""

    rate_s: float | None  # counters hold rates per second that the server took over so long; None: raw, to look at
    source_labels: tuple[str, ...] = ()  # what the server tells its sources apart by, where they differ: "instance"
    before: Exposition | None = None  # of raw values: what they were
    before_s: float | None = None  # so many seconds earlier


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask a server for: a sample name, added up by the server over everything but a few labels."""

    name: str
    how: Literal["rate", "sum", "max", "limit"]  # "limit": added up, without what stands for "no limit"
    labels: frozenset[str] = frozenset()  # kept apart


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is asked for numbers. `url` is completed and carries no credentials."""

    name: str
    url: str
    service: str | None = None  # the config's word for the service it is a replica of


@dataclass(frozen=True, slots=True)
class Scrape:
    """One attempt at one target: samples or an error, never both."""

    target: str  # the target's name
    at: float  # monotonic seconds when the answer (or the failure) was complete
    time: float  # unix seconds of the same moment
    duration_s: float
    exposition: Exposition | None = None
    size: int | None = None  # bytes of the body, inflated
    error: str | None = None  # a sentence, already cleaned: "connection refused"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class NetworkCounters:
    """Cumulative counters of one interface."""

    name: str
    rx_bytes: int
    tx_bytes: int
    drops: int  # in and out
    errors: int


@dataclass(frozen=True, slots=True)
class TcpCounters:
    """Cumulative counters of the network stack (/proc/net/snmp, /proc/net/netstat)."""

    segments_out: int | None = None
    retransmits: int | None = None
    listen_drops: int | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """Pressure stall information of one resource: shares of the last 10 s in percent, totals in seconds."""

    some_10: float | None = None
    full_10: float | None = None
    some_total_s: float | None = None
    full_total_s: float | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was collected in one tick. This is what is recorded."""

    at: float
    time: float
    scrapes: tuple[Scrape, ...] = ()  # those that ended since the last reading
    host: HostReading | None = None
    processes: tuple[ProcessReading, ...] | None = None  # None: not collected in this tick
    missed_ticks: int = 0  # in all
    self_cpu_s: float | None = None  # our own cumulative CPU seconds, children included
    self_rss_bytes: int | None = None


# ------------------------------------------------------------------------------------------ what the numbers mean


@dataclass(frozen=True, slots=True)
class Match:
    """One condition on a label: series that do not meet it stay outside of a binding. A missing label counts as ""."""

    label: str
    op: Literal["=", "!=", "=~", "!~"]  # the regular expressions are anchored at both ends
    value: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Which family and labels of a target feed a signal."""

    signal: SignalKind
    kind: MetricKind
    family: str
    """Traffic and errors: the sample name as exposed. Latency: the base name, without _bucket, _sum, _count."""
    unit: str | None = None
    """What `scale` leads to: "req/s", "By/s", "tokens/s", "msg/s" for traffic; "s" for latency; else None."""
    scale: float = 1.0  # raw value × scale = value in `unit`
    name: str = ""  # a person's word for it: "in flight", "db pool", "time to first token"
    match: tuple[Match, ...] = ()
    label: str | None = None  # errors: the status label on the series
    values: tuple[str, ...] = ()  # errors: the values of `label` that count as errors, where they are listed
    limit: str | None = None  # saturation: the sample name of the limit
    waiting: bool = False  # saturation: the value counts waiting work (a queue), not use
    denominator: str | None = None  # mean: the sample name of the counter that divides; errors: of what is counted
    score: float = 0.0
    reason: str = ""  # for a person: "counter, has a status label, named for requests"
    origin: Literal["found", "config"] = "found"


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is bound on one target. An empty slot says in `reasons` why nothing fits."""

    traffic: Binding | None = None
    errors: Binding | None = None
    latency: Binding | None = None
    saturation: tuple[Binding, ...] = ()
    signals: tuple[Binding, ...] = ()  # further ecosystems and time-to-first-… on the same target
    breakdown: tuple[str, ...] = ()  # label names worth breaking down by, best first
    reasons: Mapping[str, str] = field(default_factory=dict)  # "traffic" -> "no counter of requests found"

    def all(self) -> tuple[Binding, ...]:
        """Every binding that is in force."""
        main = [b for b in (self.traffic, self.errors, self.latency) if b is not None]
        return (*main, *self.saturation, *self.signals)


# ------------------------------------------------------------------------------------------ what is derived: a snapshot


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of the observations in the window, with the bucket it was interpolated in."""

    q: float
    value: float | None
    low: float | None = None
    high: float | None = None
    at_least: bool = False  # it fell into the +Inf bucket: the value is a floor


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target as of one tick."""

    name: str
    url: str
    state: TargetState = "waiting"
    error: str | None = None
    warning: str | None = None
    scrape_s: float | None = None
    size: int | None = None
    series: int | None = None
    skipped_lines: int | None = None
    age_s: float | None = None  # since the last good scrape
    since_s: float | None = None  # in this state
    hidden: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrafficState:
    """Throughput of one service; `rps` is in `unit`."""

    family: str
    rps: float | None
    unit: str = "req/s"
    total: float | None = None  # increase since we started
    best_60s: float | None = None  # highest mean over any 60 s so far
    since_start: float | None = None  # mean over its life up to our first scrape: what was normal before we came
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ErrorState:
    """Errors of one service: 5xx and server-side gRPC codes; 4xx stands in `by_class` only."""

    family: str
    label: str | None
    values: tuple[str, ...]
    ratio: float | None
    rps: float | None
    by_class: Mapping[str, float] = field(default_factory=dict)  # "2xx" -> per second
    since_start: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LatencyState:
    """Latency of one service; in `unit` ("s"), or raw where the unit is not known (None)."""

    family: str
    kind: MetricKind
    unit: str | None
    quantiles: tuple[Quantile, ...] = ()
    mean: float | None = None
    since_start: tuple[Quantile, ...] = ()  # over its life up to our first scrape
    buckets: tuple[tuple[float, float], ...] = ()  # (upper bound, observations per second in it), for the heat map
    reason: str = ""
    note: str = ""  # "only 3 buckets: p99 says little"


@dataclass(frozen=True, slots=True)
class FurtherSignal:
    """One more signal on the same target: another ecosystem's traffic, or a time to first byte or token."""

    kind: SignalKind
    name: str
    family: str
    traffic: TrafficState | None = None
    errors: ErrorState | None = None
    latency: LatencyState | None = None


@dataclass(frozen=True, slots=True)
class SaturationState:
    """One resource of a service or of the host: how much of it is used, of which limit, and how much work waits."""

    name: str
    family: str | None
    value: float | None
    limit: float | None = None
    ratio: float | None = None  # 0 to 1
    waiting: float | None = None
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """Traffic, errors and quantiles of one combination of label values."""

    labels: Labels
    rps: float | None
    error_ratio: float | None = None
    quantiles: tuple[Quantile, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service as of one tick. What has no binding is None; bound but unknown is an object with None inside."""

    name: str
    targets: tuple[str, ...]
    traffic: TrafficState | None = None
    errors: ErrorState | None = None
    latency: LatencyState | None = None
    signals: tuple[FurtherSignal, ...] = ()
    saturation: tuple[SaturationState, ...] = ()
    breakdown_by: tuple[str, ...] = ()
    breakdown: tuple[BreakdownRow, ...] = ()
    breakdown_more: tuple[int, float] | None = None  # rows not shown, their traffic in all
    resets: int = 0
    lifetime_s: float | None = (
        None  # for how long its traffic had been counted when the `since_start` figures were taken
    )
    covered_s: float | None = None  # how much of the window the rates rest on
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a slot is empty


@dataclass(frozen=True, slots=True)
class CpuState:
    """Percent of the whole machine over the last tick; `percent` = 100 - idle - iowait."""

    percent: float
    user: float
    system: float
    iowait: float
    steal: float
    cores: int
    busy_by_core: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryState:
    """`used_bytes` = total - available."""

    percent: float
    used_bytes: int
    total_bytes: int
    swap_used_bytes: int | None = None
    swap_total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DiskState:
    """Rates of one disk over the last tick."""

    name: str
    read_bytes_s: float
    write_bytes_s: float
    iops: float
    util_percent: float | None
    await_ms: float | None  # None: no request finished


@dataclass(frozen=True, slots=True)
class NetworkState:
    """Rates of one interface over the last tick."""

    name: str
    rx_bytes_s: float
    tx_bytes_s: float
    drops_s: float


@dataclass(frozen=True, slots=True)
class TcpState:
    """Rates of the network stack over the last tick."""

    retransmit_percent: float | None
    listen_drops_s: float | None


@dataclass(frozen=True, slots=True)
class CgroupState:
    """Limits of a control group and the share of periods in which it was throttled over the last tick."""

    path: str
    cpu_limit_cores: float | None
    throttled_percent: float | None
    memory_limit_bytes: int | None
    memory_used_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class HostState:
    """The host as of one tick."""

    cpu: CpuState | None = None
    load: tuple[float, float, float] | None = None
    run_queue: int | None = None
    memory: MemoryState | None = None
    pressure: Mapping[str, Pressure] = field(default_factory=dict)
    disks: tuple[DiskState, ...] = ()
    networks: tuple[NetworkState, ...] = ()
    tcp: TcpState | None = None
    fds_used: int | None = None
    fds_limit: int | None = None
    cgroup: CgroupState | None = None
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process as of one tick; `cpu_percent` is of one core."""

    pid: int
    started: float
    name: str
    user: str | None
    cpu_percent: float | None
    rss_bytes: int | None
    threads: int | None
    state: str
    command: str = ""
    python: str | None = None
    ports: tuple[int, ...] = ()
    cgroup: CgroupState | None = None

    @property
    def identity(self) -> tuple[int, float]:
        """What a cursor or a capture belongs to."""
        return (self.pid, self.started)


@dataclass(frozen=True, slots=True)
class ObjectiveStatus:
    """An objective as of one tick; `value` in s, ratio or 1/s."""

    expression: str
    state: ObjectiveState
    value: float | None
    for_s: float | None
    budget_left: float | None = None  # of this run, as a ratio; below 0: overdrawn


@dataclass(frozen=True, slots=True)
class Headroom:
    """The highest throughput at which a service meets its objectives for as long as that lasts (1/s), and its bracket."""

    service: str
    value: float | None  # None: `reason` says why nothing can be said
    low: float | None  # the highest level of load that met them
    high: float | None  # the lowest that did not; None where the limit was never reached
    kind: Literal["limit", "at_least"] | None
    objective: str  # the one that binds
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FirstToSaturate:
    """The resource that is closest to its limit, with the evidence."""

    name: str  # of several services with its own: "checkout: db pool"
    reason: str  # "3 waiting", "91 % of 8 cores"
    owner: str = ""  # the service; "" for the host
    resource: str = ""  # the row's name


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a line in the log: a reset, a target down or up, a mark."""

    time: float
    kind: Literal["down", "up", "reset", "warning", "mark", "profile", "objective", "note"]
    text: str  # cleaned
    target: str | None = None


@dataclass(frozen=True, slots=True)
class ChartedFamily:
    """A family that somebody put on the live screen, as of one tick: all its series added up. None is unknown."""

    target: str
    name: str
    type: str = "untyped"
    unit: str = ""
    counts: bool = False  # it only rises: its rate is what is charted
    value: float | None = None  # of a histogram or summary its observations
    rate: float | None = None  # its rise per second since the scrape before

    @property
    def now(self) -> float | None:
        """The charted figure."""
        return self.rate if self.counts else self.value


@dataclass(frozen=True, slots=True)
class SelfState:
    """What we cost: percent of one core, children included."""

    cpu_percent: float | None
    rss_bytes: int | None
    missed_ticks: int


@dataclass(frozen=True, slots=True)
class SplitState:
    """The two arms of a split as of one tick; None: nothing of it is there."""

    control: ServiceState | None
    treatment: ServiceState | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything derived at one tick. A screen draws it, ``stream`` prints it, nothing records it."""

    time: float  # unix seconds of the newest scrape it rests on (of the tick, where there is none)
    at: float
    interval_s: float
    window_s: float
    targets: tuple[TargetStatus, ...] = ()
    services: tuple[ServiceState, ...] = ()
    host: HostState = field(default_factory=HostState)
    host_saturation: tuple[SaturationState, ...] = ()
    first: FirstToSaturate | None = None
    processes: tuple[ProcessState, ...] | None = None
    busy_cores: float | None = None  # of the machine
    objectives: tuple[ObjectiveStatus, ...] = ()
    headroom: tuple[Headroom, ...] = ()  # of each service with objectives
    events: tuple[Event, ...] = ()  # the newest, oldest first
    self_: SelfState = field(default_factory=lambda: SelfState(None, None, 0))
    ready: bool = False  # every target has two scrapes or has failed
    charted: ChartedFamily | None = None  # chosen on the screen; `stream` has none
    split: SplitState | None = None  # likewise
    history_s: float = 0.0  # figures are known from so long before the first tick on: a server remembered them
