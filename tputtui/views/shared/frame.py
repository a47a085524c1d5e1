"""What the views look at: one snapshot, the past of its figures, and where the user stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from math import floor
from typing import TYPE_CHECKING, Literal

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Headroom, ServiceState, Snapshot
from tputtui.views.shared.comparison_base import Baseline, BaselineFigure, difference_spans
from tputtui.views.shared.styled_text import Line, TextSpan, mark_cell

if TYPE_CHECKING:
    from tputtui.experiments.confidence_sequence import SequenceResult
    from tputtui.experiments.effect_estimate import EffectEstimate
    from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
    from tputtui.signals.service.replicas import ReplicaFigures
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import TrafficSplit
    from tputtui.views.live.split_view import SplitFigure

HistoryReader = Callable[[str, int], Sequence[float | None]]
"""(name of a figure as in signals.names, columns) -> its mean in each column of the time axis, oldest first; None is a gap."""

BaselineEvaluator = Callable[[str], "SequenceResult | None"]
"""name of a figure -> how far it has been from the baseline since; None where that cannot be told yet."""

EffectEvaluator = Callable[["SplitFigure"], "EffectEstimate | str"]
"""A figure of a split -> how far its arms are apart since; else why that cannot be told yet."""

HeatmapReader = Callable[[str, int], "LatencyHeatmap | None"]
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
    sort_column: str = ""
    is_inverted: bool = False
    filter_text: str = ""


@frozen
class ReplayStatus:
    """How a recorded run plays."""

    seconds: float  # from its beginning
    length_s: float
    speed: float = 1.0
    is_paused: bool = False
    read_ratio: float = 1.0  # how much of it was read, 0 to 1


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
    is_frozen: bool = False
    focus: PanelName | None = None
    recording_status: str | None = None  # how long and how large by now, while something is recorded
    replay: ReplayStatus | None = None  # a recorded run is shown
    mark_times: tuple[float, ...] = ()  # `at` of each mark
    profile_times: tuple[float, ...] = ()  # `at` of each profile that was taken
    baseline: Baseline | None = None  # what all figures are held against
    status: str = ""  # a passing sentence in the place of the footer
    list_states: dict[str, ListState] = field(default_factory=dict)
    is_read_only: bool = False
    followed: tuple[int, float] | None = None  # a process by pid and start: it stands first
    panels: frozenset[str] = frozenset()  # shown where there is room; empty: all
    charted: tuple[str, str] | None = None  # the (target, family) in the panel "metric"
    service_filter: ServiceFilter | None = None  # the service is looked at through it
    split: ActiveSplit | None = None  # control and treatment stand in place of throughput and latency
    cursor: tuple[float, float] | None = None  # (`at` of the axis' end, `at` of the moment), when looking back
    ascii_only: bool = False  # shades have no ASCII look-alikes: who draws them must know

    def is_panel_enabled(self, panel: PanelName) -> bool:
        """Whether a panel may have a place: one that was left out comes while it is the focused one."""
        return not self.panels or panel in self.panels or panel == self.focus

    def list_state(self, panel: str) -> ListState:
        """How the list of `panel` is looked at."""
        return self.list_states.get(panel) or ListState()


@frozen
class Frame:
    """All that a view may use."""

    snapshot: Snapshot
    history: HistoryReader
    view_state: ViewState
    host_name: str = ""
    zone_offset_s: float = 0.0  # local time = unix time + this
    heatmap: HeatmapReader = lambda _service, _columns: None
    replicas: Mapping[str, ReplicaFigures] = field(default_factory=dict)  # by target; of the newest tick only
    evaluate_baseline: BaselineEvaluator = lambda _name: None
    evaluate_effect: EffectEvaluator = lambda _figure: ""

    def baseline_figure(self, figure: str) -> BaselineFigure | None:
        """What the baseline holds of a figure of that name; None without one."""
        baseline = self.view_state.baseline
        return baseline.figures.get(figure) if baseline is not None else None

    def baseline_difference(
        self, figure: str, current: float | None, better_direction: int = 0, unit: str | None = None
    ) -> list[TextSpan]:
        """How a figure differs from the baseline; nothing without one. See `views.baseline.difference`."""
        found = self.baseline_figure(figure)
        return (
            difference_spans(found, current, self.evaluate_baseline(figure), better_direction, unit)
            if found is not None
            else []
        )

    @property
    def service(self) -> ServiceState | None:
        """The service that the panels show."""
        return select_service(self.snapshot, self.view_state.service)

    @property
    def headroom(self) -> Headroom | None:
        """What is known of the highest throughput that the service can sustain; None without objectives."""
        service = self.service
        return next((one for one in self.snapshot.headroom if service and one.service == service.name), None)

    @property
    def is_split(self) -> bool:
        """Whether the service that is shown is split, and neither of the panels that give way to it has the focus."""
        look, service = self.view_state.split, self.service
        if look is None or service is None or service.name not in look.split.services:
            return False
        return self.view_state.focus not in ("throughput", "latency")

    @property
    def active_filter(self) -> ServiceFilter | None:
        """The lens, where the service that is shown is the one seen through it."""
        lens, service = self.view_state.service_filter, self.service
        return lens if lens is not None and service is not None and service.name == lens.name else None

    def cursor_column(self, columns: int) -> int | None:
        """Which of `columns` of the time axis the moment lies in that one looks back at; None while live."""
        return self._column(self.view_state.cursor[1], columns) if self.view_state.cursor is not None else None

    def overlay_marks(self, line: Line, start: int, columns: int) -> Line:
        """A line of a chart whose time axis begins at cell `start`, with its marks and the moment that is looked at."""
        for column in self.mark_columns(columns):
            line = mark_cell(line, start + column)
        cursor = self.cursor_column(columns)
        return line if cursor is None else mark_cell(line, start + cursor)

    def mark_columns(self, columns: int) -> tuple[int, ...]:
        """In which of `columns` of the time axis marks lie, and profiles."""
        found = (
            self._column(moment, columns) for moment in (*self.view_state.mark_times, *self.view_state.profile_times)
        )
        return tuple(sorted({column for column in found if column is not None}))

    def _column(self, moment: float, columns: int) -> int | None:
        if columns <= 0:
            return None
        end = self.view_state.cursor[0] if self.view_state.cursor is not None else self.snapshot.at
        width = self.view_state.shown_span_s / columns
        column = columns - 1 - (floor(end / width + 1e-6) - floor(moment / width + 1e-6))
        return column if 0 <= column < columns else None

    @property
    def axis_end_label(self) -> str:
        """What stands at the right end of the time axis."""
        if self.view_state.replay is not None:
            return self.format_clock(self.snapshot.time)
        if self.view_state.cursor is None:
            return "now"
        end, moment = self.view_state.cursor
        return self.format_clock(self.snapshot.time + end - moment)

    def format_clock(self, time: float, with_seconds: bool = True) -> str:
        """A moment as the wall clock showed it."""
        day = int(time + self.zone_offset_s) % 86400
        shown = f"{day // 3600:02d}:{day // 60 % 60:02d}"
        return f"{shown}:{day % 60:02d}" if with_seconds else shown


@frozen
class PanelView:
    """What one panel shows: lines, which of them the cursor is on, and which row each line stands for."""

    lines: tuple[Line, ...]
    cursor: int | None = None
    row_keys: tuple[Hashable | None, ...] = ()
    list_state: ListState | None = None  # with `top` brought up to date
    sort_columns: tuple[str, ...] = ()  # the columns that are shown, by which it may be sorted
    sort_column: str = ""  # the one it is sorted by


def select_service(snapshot: Snapshot, name: str | None) -> ServiceState | None:
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
    best = max(busy, key=_traffic_rank)
    return best.name


def _traffic_rank(service: ServiceState) -> tuple[bool, bool, float]:
    traffic = service.traffic
    requests = traffic is not None and traffic.unit == "req/s"
    return (service.latency is not None, requests, (traffic.rps or 0.0) if traffic is not None else 0.0)


def first_visible_row(top: int, cursor: int | None, rows: int, height: int) -> int:
    """The first row to show: as before, moved only as far as the cursor or the end of the list demands."""
    if cursor is not None:
        top = min(top, cursor)
        top = max(top, cursor - height + 1)
    return max(0, min(top, rows - height))


def traffic_unit(service: ServiceState | None) -> str:
    """The unit of the service's traffic."""
    return service.traffic.unit if service is not None and service.traffic is not None else "req/s"


def format_traffic(value: float | None, unit: str) -> tuple[str, str]:
    """Traffic as (number, unit) for a person."""
    return text.format_amount(value, unit)
