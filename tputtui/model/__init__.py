"""The words of tputtui as values: what is collected (a reading) and what is derived (a snapshot).

A *reading* is raw (`readings`), and `bindings` says what its families mean: both are what a run records. A *snapshot*
is everything derived from the readings up to one tick (`services`, `machine`, `snapshot`): it is never recorded. Nothing
that is derived is known to what is read. The rest of the program imports all of them from here.

``None`` means unknown, everywhere; a zero is a measured zero. Times called ``at`` are seconds on a monotonic clock and
are what rates divide by; times called ``time`` are unix seconds and are for people.
"""

from tputtui.model.bindings import (
    Binding,
    Bindings,
    Match,
    MetricKind,
    SignalKind,
)
from tputtui.model.machine import (
    CgroupState,
    CpuState,
    DiskState,
    HostState,
    MemoryState,
    NetworkState,
    ProcessState,
    TcpState,
)
from tputtui.model.readings import (
    Cgroup,
    CpuTimes,
    DiskCounters,
    Exposition,
    Family,
    HostReading,
    Labels,
    NetworkCounters,
    Pressure,
    ProcessReading,
    Question,
    Reading,
    Scrape,
    Series,
    Served,
    Target,
    TcpCounters,
)
from tputtui.model.services import (
    BreakdownRow,
    ErrorState,
    FurtherSignal,
    LatencyState,
    Quantile,
    SaturationState,
    ServiceState,
    TrafficState,
)
from tputtui.model.snapshot import (
    ChartedFamily,
    Event,
    FirstToSaturate,
    Headroom,
    ObjectiveState,
    ObjectiveStatus,
    SelfState,
    Snapshot,
    TargetState,
    TargetStatus,
)

__all__ = [
    "Binding",
    "Bindings",
    "BreakdownRow",
    "Cgroup",
    "CgroupState",
    "ChartedFamily",
    "CpuState",
    "CpuTimes",
    "DiskCounters",
    "DiskState",
    "ErrorState",
    "Event",
    "Exposition",
    "Family",
    "FirstToSaturate",
    "FurtherSignal",
    "Headroom",
    "HostReading",
    "HostState",
    "Labels",
    "LatencyState",
    "Match",
    "MemoryState",
    "MetricKind",
    "NetworkCounters",
    "NetworkState",
    "ObjectiveState",
    "ObjectiveStatus",
    "Pressure",
    "ProcessReading",
    "ProcessState",
    "Quantile",
    "Question",
    "Reading",
    "SaturationState",
    "Scrape",
    "SelfState",
    "Series",
    "Served",
    "ServiceState",
    "SignalKind",
    "Snapshot",
    "Target",
    "TargetState",
    "TargetStatus",
    "TcpCounters",
    "TcpState",
    "TrafficState",
]
