"""Values derived at one tick: drawn by a screen, printed by ``stream``, never recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen
from tputtui.model.host import HostState, ProcessState
from tputtui.model.readings import TargetListeners
from tputtui.model.services import SaturationState, ServiceState, SplitState

TargetState = Literal["waiting", "up", "slow", "down"]
ObjectiveState = Literal["ok", "at_risk", "missed", "no_data"]

LATE_FACTOR = 1.5
"""Factor of the previous answer's duration up to which a late answer is not reported."""


@frozen
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
    age_s: float | None = None  # since the last successful scrape
    since_s: float | None = None  # time in this state
    hidden: Mapping[str, int] = field(default_factory=dict)
    waiting_s: float | None = None  # how long the answer has been late; None: no late answer
    partial: int | None = None  # bytes received of that answer; None: none
    silent: bool = False  # while down: not a byte arrived; it refuses, resets or cannot be reached
    was_up: bool | None = (
        None  # while slow: whether the newest answer was good; None: there was none
    )
    processes: int = 1  # number of processes that answer in turn
    duplicates: int | None = None  # samples whose series occurs in the answer more than once

    @property
    def up(self) -> bool | None:
        """Whether it is up; while an answer is late, whether it was. None before the first answer
        or refusal.
        """
        if self.state == "slow":
            return self.was_up
        return None if self.state == "waiting" else self.state == "up"

    @property
    def is_answering(self) -> bool:
        """Whether its answers arrive and can be read."""
        return self.up is True and not self.is_overdue

    @property
    def is_overdue(self) -> bool:
        """Whether its answer is later than usual.

        A target that always takes longer than an interval is slow, as usual.
        """
        return self.state == "slow" and (self.waiting_s or 0.0) > LATE_FACTOR * (
            self.scrape_s or 0.0
        )


CANNOT_BE_DECIDED = "cannot be decided"
"""Beginning of an objective's reason while a bucket that is too wide holds its level."""


@frozen
class ObjectiveStatus:
    """An objective as of one tick; `value` in s, ratio or 1/s."""

    expression: str
    state: ObjectiveState
    value: float | None
    for_s: float | None
    budget_left: float | None = None  # budget of this run, as a ratio; below 0: overspent
    reason: str = ""  # why there are no data, where known: "slow"
    # the service that it is about; of an objective on all, the one with the worst value
    service: str | None = None


@frozen
class Headroom:
    """Highest sustained throughput at which a service meets its objectives (1/s), and its
    bracket.
    """

    service: str
    value: float | None  # None: `reason` has the explanation
    low: float | None  # the highest level of load that met them
    high: float | None  # the lowest that did not; None if the limit was never reached
    kind: Literal["limit", "at_least"] | None
    objective: str  # the binding objective
    reason: str = ""


@frozen
class FirstToSaturate:
    """The resource that is closest to its limit, with the evidence."""

    name: str  # prefixed by the service if several have resources: "checkout: db pool"
    reason: str  # "3 waiting", "91 % of 8 cores"
    owner: str = ""  # the service; "" for the host
    resource: str = ""  # the row's name


@frozen
class Event:
    """Event for the log: a reset, a target down or up, a mark."""

    time: float
    kind: Literal["down", "slow", "up", "reset", "warning", "mark", "profile", "objective", "note"]
    text: str  # cleaned
    target: str | None = None


@frozen
class ChartedFamily:
    """Family charted on the live screen, as of one tick: the sum of its series. None is unknown."""

    target: str
    name: str
    type: str = "untyped"
    unit: str = ""
    is_counter: bool = False  # increases only: its rate is charted
    value: float | None = None  # for a histogram or summary, its observations
    rate: float | None = None  # increase per second since the previous scrape

    @property
    def charted_value(self) -> float | None:
        """The charted figure."""
        return self.rate if self.is_counter else self.value


@frozen
class SelfState:
    """Resource use of this program: percent of one core, children included."""

    cpu_percent: float | None
    rss_bytes: int | None
    missed_ticks: int
    recent_missed_ticks: int = 0  # of these, in the last minute


@frozen
class Snapshot:
    """Everything derived at one tick: drawn by a screen, printed by ``stream``, never recorded."""

    time: float  # unix seconds of the newest scrape used (of the tick, if there is none)
    at: float  # monotonic seconds of the tick
    interval_s: float
    window_s: float
    targets: tuple[TargetStatus, ...] = ()
    services: tuple[ServiceState, ...] = ()
    host: HostState = field(default_factory=HostState)
    host_saturation: tuple[SaturationState, ...] = ()
    first_to_saturate: FirstToSaturate | None = None
    saturation_note: str = ""  # without a first to saturate: the resource nearest to its limit
    processes: tuple[ProcessState, ...] | None = None
    # Processes that serve each target; None: not looked up yet
    listeners: tuple[TargetListeners, ...] | None = None
    busy_cores: float | None = None  # of the machine
    objectives: tuple[ObjectiveStatus, ...] = ()
    headroom: tuple[Headroom, ...] = ()  # of each service with objectives
    events: tuple[Event, ...] = ()  # the newest, oldest first
    self_usage: SelfState = field(default_factory=lambda: SelfState(None, None, 0))
    is_ready: bool = False  # every target has two scrapes, has failed or is slow
    charted: ChartedFamily | None = None  # chosen on the screen; absent in `stream`
    split: SplitState | None = None  # likewise
    history_s: float = 0.0  # history before the first tick, from a server's memory, in seconds
