"""What the views look at: one snapshot, the past of its figures, and where the user stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from math import floor
from typing import TYPE_CHECKING, Literal

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Headroom, ServiceState, Snapshot
from tputtui.views.shared.comparison_base import Baseline, BaselineFigure, difference
from tputtui.views.shared.styled_text import Line, TextSpan, mark

if TYPE_CHECKING:
    from tputtui.experiments.confidence_sequence import SequenceResult
    from tputtui.experiments.effect_estimate import EffectEstimate
    from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
    from tputtui.signals.service.replicas import ReplicaFigures
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import TrafficSplit
    from tputtui.views.live.split_view import SplitFigure

Past = Callable[[str, int], Sequence[float | None]]
"""(name of a figure as in signals.names, columns) -> its mean in each column of the time axis, oldest first; None is a gap."""

Judge = Callable[[str], "SequenceResult | None"]
"""name of a figure -> how far it has been from the baseline since; None where that cannot be told yet."""

ApartOf = Callable[["SplitFigure"], "EffectEstimate | str"]
"""A figure of a split -> how far its arms are apart since; else why that cannot be told yet."""

HeatPast = Callable[[str, int], "LatencyHeatmap | None"]
"""(service, columns) -> where its requests fell in each column of the time axis; None where it has no buckets."""

PanelName = Literal[
    "throughput", "latency", "saturation", "targets", "routes", "processes", "events", "metric", "split"
]
PANELS: tuple[PanelName, ...] = (
    "throughput",
    "latency",
    "saturation",
    "targets",
    "routes",
    "processes",
    "events",
    "metric",
    "split",
)
"""In the order of Tab and of the keys 1 to 9; "metric" is there while one is charted, "split" while a service is split."""


@frozen
class ListState:
    """How one list is looked at. The cursor is a row's key, never its place."""

    cursor: Hashable | None = None
    top: int = 0
    sort: str = ""
    inverted: bool = False
    filter: str = ""


@frozen
class ReplayStatus:
    """How a recorded run plays."""

    seconds: float  # from its beginning
    of_s: float
    speed: float = 1.0
    paused: bool = False
    read: float = 1.0  # how much of it was read, 0 to 1


@frozen
class ActiveSplit:
    """A service that is split, and since when (monotonic seconds)."""

    split: TrafficSplit
    since: float
    silent_s: float | None = None  # for so long the treatment has had no traffic, while the control had


@frozen
class ViewState:
    """Where the user stands: all that decides what is shown and is not data."""

    service: str | None = None  # None: the first one with traffic
    span_s: float = 600.0
    shown_span_s: float = 60.0  # grows to span_s with the data there is
    behind_s: float = 0.0  # how far back from the newest snapshot; 0 is live
    frozen: bool = False
    focus: PanelName | None = None
    recording: str | None = None  # how long and how large by now, while something is recorded
    replay: ReplayStatus | None = None  # a recorded run is shown
    marks: tuple[float, ...] = ()  # `at` of each mark
    profiled: tuple[float, ...] = ()  # `at` of each profile that was taken
    baseline: Baseline | None = None  # what all figures are held against
    status: str = ""  # a passing sentence in the place of the footer
    lists: dict[str, ListState] = field(default_factory=dict)
    read_only: bool = False
    followed: tuple[int, float] | None = None  # a process by pid and start: it stands first
    panels: frozenset[str] = frozenset()  # shown where there is room; empty: all
    charted: tuple[str, str] | None = None  # the (target, family) in the panel "metric"
    lens: ServiceFilter | None = None  # the service is looked at through it
    split: ActiveSplit | None = None  # control and treatment stand in place of throughput and latency
    cursor: tuple[float, float] | None = None  # (`at` of the axis' end, `at` of the moment), when looking back
    ascii: bool = False  # shades have no ASCII look-alikes: who draws them must know

    def wants(self, panel: PanelName) -> bool:
        """Whether a panel may have a place: one that was left out comes while it is the focused one."""
        return not self.panels or panel in self.panels or panel == self.focus

    def list(self, panel: str) -> ListState:
        """How the list of `panel` is looked at."""
        return self.lists.get(panel) or ListState()


@frozen
class Frame:
    """All that a view may use."""

    snapshot: Snapshot
    past: Past
    viewpoint: ViewState
    host_name: str = ""
    zone_offset_s: float = 0.0  # local time = unix time + this
    heat: HeatPast = lambda _service, _columns: None
    replicas: Mapping[str, ReplicaFigures] = field(default_factory=dict)  # by target; of the newest tick only
    judge: Judge = lambda _name: None
    apart: ApartOf = lambda _figure: ""

    def base(self, figure: str) -> BaselineFigure | None:
        """What the baseline holds of a figure of that name; None without one."""
        baseline = self.viewpoint.baseline
        return baseline.figures.get(figure) if baseline is not None else None

    def against(self, figure: str, now: float | None, better: int = 0, unit: str | None = None) -> list[TextSpan]:
        """How a figure differs from the baseline; nothing without one. See `views.baseline.difference`."""
        found = self.base(figure)
        return difference(found, now, self.judge(figure), better, unit) if found is not None else []

    @property
    def service(self) -> ServiceState | None:
        """The service that the panels show."""
        return chosen_service(self.snapshot, self.viewpoint.service)

    @property
    def headroom(self) -> Headroom | None:
        """What is known of the highest throughput that the service can sustain; None without objectives."""
        service = self.service
        return next((one for one in self.snapshot.headroom if service and one.service == service.name), None)

    @property
    def is_split(self) -> bool:
        """Whether the service that is shown is split, and neither of the panels that give way to it has the focus."""
        look, service = self.viewpoint.split, self.service
        if look is None or service is None or service.name not in look.split.services:
            return False
        return self.viewpoint.focus not in ("throughput", "latency")

    @property
    def looks_through(self) -> ServiceFilter | None:
        """The lens, where the service that is shown is the one seen through it."""
        lens, service = self.viewpoint.lens, self.service
        return lens if lens is not None and service is not None and service.name == lens.name else None

    def cursor_column(self, columns: int) -> int | None:
        """Which of `columns` of the time axis the moment lies in that one looks back at; None while live."""
        return self._column(self.viewpoint.cursor[1], columns) if self.viewpoint.cursor is not None else None

    def strike(self, line: Line, start: int, columns: int) -> Line:
        """A line of a chart whose time axis begins at cell `start`, with its marks and the moment that is looked at."""
        for column in self.mark_columns(columns):
            line = mark(line, start + column)
        cursor = self.cursor_column(columns)
        return line if cursor is None else mark(line, start + cursor)

    def mark_columns(self, columns: int) -> tuple[int, ...]:
        """In which of `columns` of the time axis marks lie, and profiles."""
        found = (self._column(moment, columns) for moment in (*self.viewpoint.marks, *self.viewpoint.profiled))
        return tuple(sorted({column for column in found if column is not None}))

    def _column(self, moment: float, columns: int) -> int | None:
        if columns <= 0:
            return None
        end = self.viewpoint.cursor[0] if self.viewpoint.cursor is not None else self.snapshot.at
        width = self.viewpoint.shown_span_s / columns
        column = columns - 1 - (floor(end / width + 1e-6) - floor(moment / width + 1e-6))
        return column if 0 <= column < columns else None

    @property
    def axis_end(self) -> str:
        """What stands at the right end of the time axis."""
        if self.viewpoint.replay is not None:
            return self.clock(self.snapshot.time)
        if self.viewpoint.cursor is None:
            return "now"
        end, moment = self.viewpoint.cursor
        return self.clock(self.snapshot.time + end - moment)

    def clock(self, time: float, with_seconds: bool = True) -> str:
        """A moment as the wall clock showed it."""
        day = int(time + self.zone_offset_s) % 86400
        shown = f"{day // 3600:02d}:{day // 60 % 60:02d}"
        return f"{shown}:{day % 60:02d}" if with_seconds else shown


@frozen
class PanelView:
    """What one panel shows: lines, which of them the cursor is on, and which row each line stands for."""

    lines: tuple[Line, ...]
    cursor: int | None = None
    keys: tuple[Hashable | None, ...] = ()
    list: ListState | None = None  # with `top` brought up to date
    sorts: tuple[str, ...] = ()  # the columns that are shown, by which it may be sorted
    sort: str = ""  # the one it is sorted by


def chosen_service(snapshot: Snapshot, name: str | None) -> ServiceState | None:
    """The service of that name, else the first that has traffic, else the first."""
    fallback: ServiceState | None = None
    for service in snapshot.services:
        if service.name == name:
            return service
        if fallback is None or (fallback.traffic is None and service.traffic is not None):
            fallback = service
    return fallback


def busiest_service(snapshot: Snapshot) -> str | None:
    """The service to begin with where nobody named one: answers requests, and has most of them. None: none has any."""
    busy = [service for service in snapshot.services if service.traffic is not None and (service.traffic.rps or 0) > 0]
    if not busy:
        return None
    best = max(busy, key=_liveliness)
    return best.name


def _liveliness(service: ServiceState) -> tuple[bool, bool, float]:
    traffic = service.traffic
    requests = traffic is not None and traffic.unit == "req/s"
    return (service.latency is not None, requests, (traffic.rps or 0.0) if traffic is not None else 0.0)


def scrolled(top: int, cursor: int | None, rows: int, height: int) -> int:
    """The first row to show: as before, moved only as far as the cursor or the end of the list demands."""
    if cursor is not None:
        top = min(top, cursor)
        top = max(top, cursor - height + 1)
    return max(0, min(top, rows - height))


def unit_of(service: ServiceState | None) -> str:
    """The unit of the service's traffic."""
    return service.traffic.unit if service is not None and service.traffic is not None else "req/s"


def traffic_figure(value: float | None, unit: str) -> tuple[str, str]:
    """Traffic as (number, unit) for a person."""
    return text.amount(value, unit)
