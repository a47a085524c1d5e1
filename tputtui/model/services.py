"""Values derived of a service at one tick: its four signals, their breakdown and its resources.

A signal without a binding is None; a bound signal that is unknown in this tick is an object with
None inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tputtui.frozen import frozen
from tputtui.model.bindings import MetricKind, SignalKind
from tputtui.model.readings import Labels

COARSE_FACTOR = 2.0 * (1 + 1e-9)
"""Ratio of a bucket's bounds beyond which a place within it says little."""


@frozen
class Quantile:
    """A quantile of the observations in the window, with the bucket it was interpolated in."""

    q: float
    value: float | None
    low: float | None = None
    high: float | None = None
    is_lower_bound: bool = False  # it fell into the +Inf bucket: the value is a lower bound

    @property
    def is_coarse(self) -> bool:
        """Whether its bucket is the first one, or wider than a factor of 2."""
        if self.high is None:
            return False
        return self.low is None or self.low <= 0 or self.high > COARSE_FACTOR * self.low


@frozen
class LastFigure:
    """Figure as of the target's last answer, while the next answer is late."""

    value: float
    age_s: float
    q: float | None = None  # the quantile, for a latency quantile


REQUEST_UNITS = frozenset(("req/s", "tasks/s", "jobs/s", "acquires/s", "reconciles/s"))
"""Units of traffic that count requests, or the work of a service that serves none."""


@frozen
class TrafficState:
    """Throughput of one service; `rps` is in `unit`.

    A figure that accumulates since the start, here and in the classes below, is in
    `without_history` of the replay too, which leaves it out while the start was not read.
    """

    family: str
    rps: float | None
    unit: str = "req/s"
    total: float | None = None  # increase since tputtui started
    best_60s: float | None = None  # highest mean over any 60 s so far
    mean_60s: float | None = None  # mean over the last 60 s, without unconfirmed gains
    # Mean over its lifetime up to the first scrape: the normal level before tputtui started
    since_start: float | None = None
    reason: str = ""  # reason for the binding; without a rate, why there is none
    last: LastFigure | None = None  # of `rps`

    @property
    def counts_requests(self) -> bool:
        """Whether a unit of traffic is a piece of work, not a byte, a token or a message."""
        return self.unit in REQUEST_UNITS


@frozen
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
    last: LastFigure | None = None  # of `ratio`


@frozen
class LatencyState:
    """Latency of one service; in `unit` ("s"), or raw where the unit is not known (None)."""

    family: str
    kind: MetricKind
    unit: str | None
    quantiles: tuple[Quantile, ...] = ()
    mean: float | None = None
    since_start: tuple[Quantile, ...] = ()  # over its lifetime up to the first scrape
    buckets: tuple[
        tuple[float, float], ...
    ] = ()  # (upper bound, observations per second in it), for the heat map
    reason: str = ""
    note: str = ""  # "only 3 buckets: p99 says little"
    last: LastFigure | None = None  # of the last quantile, or the mean


@frozen
class ExtraSignal:
    """Additional signal on the same target: traffic of another ecosystem, or a time to first byte
    or token.
    """

    kind: SignalKind
    name: str
    family: str
    traffic: TrafficState | None = None
    errors: ErrorState | None = None
    latency: LatencyState | None = None


@frozen
class SaturationState:
    """One resource of a service or of the host: its use, its limit, and the waiting work."""

    name: str
    family: str | None
    value: float | None
    limit: float | None = None
    ratio: float | None = None  # 0 to 1
    waiting: float | None = None
    unit: str = ""
    reason: str = ""


@frozen
class BreakdownRow:
    """Traffic, errors and quantiles of one combination of label values."""

    labels: Labels
    rps: float | None
    error_ratio: float | None = None
    quantiles: tuple[Quantile, ...] = ()


@frozen
class ServiceState:
    """Service as of one tick.

    A signal without a binding is None; bound but unknown is an object with None inside.
    """

    name: str
    targets: tuple[str, ...]
    traffic: TrafficState | None = None
    errors: ErrorState | None = None
    latency: LatencyState | None = None
    signals: tuple[ExtraSignal, ...] = ()
    saturation: tuple[SaturationState, ...] = ()
    breakdown_by: tuple[str, ...] = ()
    breakdown: tuple[BreakdownRow, ...] = ()
    breakdown_more: tuple[int, float] | None = None  # rows not shown, and their total traffic
    # family of the rows' quantiles where it is not that of `latency`, which lacks the labels
    breakdown_latency: str | None = None
    resets: int = 0
    # How long its traffic had been counted when `since_start` was computed
    lifetime_s: float | None = None
    covered_s: float | None = None  # part of the window that the rates cover
    why_unknown: str | None = None  # why there are no rates though its targets answer
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a slot is empty
    # How long an answer of one of its targets has been late; None: no late answer
    waiting_s: float | None = None
    overdue: bool = False  # one is late by more than a window: its counts are not in the figures


@frozen
class SplitState:
    """Both arms of a split as of one tick; None: an arm without data."""

    control: ServiceState | None
    treatment: ServiceState | None
