"""Frame: the input of every view. One snapshot, its past and the view state, all values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import field
from math import floor
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Headroom, ProcessReference, ServiceState, Snapshot
from tputtui.signals.rates.past import Past
from tputtui.views.shared.comparison_base import Baseline, BaselineFigure, difference_spans
from tputtui.views.shared.styled_text import Line, TextSpan, mark_cell

if TYPE_CHECKING:
    from tputtui.experiments.sequential_test import EffectEstimate
    from tputtui.signals.service.replicas import ReplicaFigures
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import TrafficSplit
    from tputtui.stats.confidence_sequence import SequenceResult


@frozen
class ListState:
    """View state of one list; the cursor is a row's key, never its position."""

    cursor: Hashable | None = None
    top: int = 0
    sort_column: str = ""
    is_inverted: bool = False
    filter_text: str = ""


@frozen
class ReplayStatus:
    """Playback state of a recorded run."""

    seconds: float  # from the beginning of the run
    length_s: float
    speed: float = 1.0
    is_paused: bool = False
    read_ratio: float = 1.0  # fraction of the run read so far, 0 to 1


@frozen
class ActiveSplit:
    """Split of a service, and its start (monotonic seconds)."""

    split: TrafficSplit
    since: float
    # seconds without traffic in the treatment while the control had some
    silent_s: float | None = None


@frozen
class ViewState:
    """View state: everything that decides what is shown and is not data."""

    service: str | None = None  # None: the first service with traffic
    span_s: float = 600.0
    shown_span_s: float = 60.0  # grows to span_s with the available data
    behind_s: float = 0.0  # distance from the newest snapshot; 0 is live
    is_frozen: bool = False
    focus: str | None = None
    recording_status: str | None = None  # duration and size so far, during a recording
    replay: ReplayStatus | None = None  # set while a recorded run is shown
    mark_times: tuple[float, ...] = ()  # `at` of each mark
    profile_times: tuple[float, ...] = ()  # `at` of each captured profile
    baseline: Baseline | None = None  # baseline that figures are compared with
    status: str = ""  # temporary sentence in place of the footer
    list_states: dict[str, ListState] = field(default_factory=dict)
    is_read_only: bool = False
    followed: ProcessReference | None = None  # process that comes first in the table
    panels: frozenset[str] = frozenset()  # shown where there is room; empty: all panels
    charted: tuple[str, str] | None = None  # (target, family) in the panel "metric"
    service_filter: ServiceFilter | None = None  # filter applied to the service
    split: ActiveSplit | None = None  # replaces throughput and latency by control and treatment
    # when looking back: (`at` of the axis' end, `at` of the selected moment)
    cursor: tuple[float, float] | None = None
    ascii_only: bool = False  # ASCII only: shade characters have no ASCII equivalent

    def is_panel_enabled(self, panel: str) -> bool:
        """Return whether a panel may be shown; a disabled panel is shown while it has the focus."""
        return not self.panels or panel in self.panels or panel == self.focus

    def list_state(self, panel: str) -> ListState:
        """View state of the list of `panel`."""
        return self.list_states.get(panel) or ListState()


@frozen
class Frame:
    """Complete input of a view, at any size: drawing it asks nothing of the engine.

    `past` has the names that the panels declare (`PanelSpec.past_names`). `differences`: by figure,
    the difference to the baseline so far; None where it is undecidable yet. `effects`: by the label
    of a figure of the split, the difference of the arms so far; a reason where there is none yet.
    """

    snapshot: Snapshot
    past: Past
    view_state: ViewState
    host_name: str = ""
    zone_offset_s: float = 0.0  # local time = unix time + this
    # by target; of the newest tick only
    replicas: Mapping[str, ReplicaFigures] = field(default_factory=dict)
    differences: Mapping[str, SequenceResult | None] = field(default_factory=dict)
    effects: Mapping[str, EffectEstimate | str] = field(default_factory=dict)

    def baseline_figure(self, figure: str) -> BaselineFigure | None:
        """Baseline value of the figure of that name; None without a baseline."""
        baseline = self.view_state.baseline
        return baseline.figures.get(figure) if baseline is not None else None

    def baseline_difference(
        self, figure: str, current: float | None, better_direction: int = 0, unit: str | None = None
    ) -> list[TextSpan]:
        """Format the difference of a figure to the baseline; empty without a baseline.

        See `views.shared.comparison_base.difference_spans`.
        """
        baseline = self.baseline_figure(figure)
        if baseline is None:
            return []
        result = self.differences.get(figure)
        return difference_spans(baseline, current, result, better_direction, unit)

    @property
    def service(self) -> ServiceState | None:
        """Service that the panels show."""
        return select_service(self.snapshot, self.view_state.service)

    @property
    def headroom(self) -> Headroom | None:
        """Headroom of the service; None without objectives."""
        service = self.service
        if service is None:
            return None
        own = (each for each in self.snapshot.headroom if each.service == service.name)
        return next(own, None)

    @property
    def active_filter(self) -> ServiceFilter | None:
        """Service filter, if the shown service is the filtered one."""
        service_filter, service = self.view_state.service_filter, self.service
        if service_filter is None or service is None or service.name != service_filter.name:
            return None
        return service_filter

    def cursor_column(self, columns: int) -> int | None:
        """Column of the time axis that holds the selected moment, of `columns`; None while live."""
        if self.view_state.cursor is None:
            return None
        return self._column(self.view_state.cursor[1], columns)

    def overlay_marks(self, line: Line, start: int, columns: int) -> Line:
        """Add the marks and the selected moment to a chart line.

        Its time axis begins at cell `start`.
        """
        for column in self.mark_columns(columns):
            line = mark_cell(line, start + column)
        cursor = self.cursor_column(columns)
        return line if cursor is None else mark_cell(line, start + cursor)

    def mark_columns(self, columns: int) -> tuple[int, ...]:
        """Columns of the time axis that hold marks or profiles, of `columns`."""
        marked = (
            self._column(moment, columns)
            for moment in (*self.view_state.mark_times, *self.view_state.profile_times)
        )
        return tuple(sorted({column for column in marked if column is not None}))

    def _column(self, moment: float, columns: int) -> int | None:
        if columns <= 0:
            return None
        end = self.view_state.cursor[0] if self.view_state.cursor is not None else self.snapshot.at
        width = self.view_state.shown_span_s / columns
        column = columns - 1 - (floor(end / width + 1e-6) - floor(moment / width + 1e-6))
        return column if 0 <= column < columns else None

    @property
    def axis_end_label(self) -> str:
        """Label of the right end of the time axis."""
        if self.view_state.replay is not None:
            return self.format_clock(self.snapshot.time)
        if self.view_state.cursor is None:
            return "now"
        end, moment = self.view_state.cursor
        return self.format_clock(self.snapshot.time + end - moment)

    def format_clock(self, time: float, with_seconds: bool = True) -> str:
        """Format a moment as wall clock time."""
        day = int(time + self.zone_offset_s) % 86400
        shown = f"{day // 3600:02d}:{day // 60 % 60:02d}"
        return f"{shown}:{day % 60:02d}" if with_seconds else shown


@frozen
class PanelView:
    """View of one panel: its lines, the line of the cursor, and the row that each line shows."""

    lines: tuple[Line, ...]
    cursor: int | None = None
    row_keys: tuple[Hashable | None, ...] = ()
    list_state: ListState | None = None  # with `top` updated
    sort_columns: tuple[str, ...] = ()  # visible columns that the list can be sorted by
    sort_column: str = ""  # column that the list is sorted by


def select_service(snapshot: Snapshot, name: str | None) -> ServiceState | None:
    """Select the service of that name, else the first with traffic, else the first."""
    fallback: ServiceState | None = None
    for service in snapshot.services:
        if service.name == name:
            return service
        if fallback is None or (fallback.traffic is None and service.traffic is not None):
            fallback = service
    return fallback


def busiest_service(snapshot: Snapshot) -> str | None:
    """Service to show first by default; None where no service has traffic.

    A service with latency figures comes first, then one whose traffic is requests, then the highest
    rate.
    """
    busy = [
        service
        for service in snapshot.services
        if service.traffic is not None and (service.traffic.rps or 0) > 0
    ]
    if not busy:
        return None
    best = max(busy, key=_traffic_rank)
    return best.name


def _traffic_rank(service: ServiceState) -> tuple[bool, bool, float]:
    traffic = service.traffic
    requests = traffic is not None and traffic.counts_requests
    return (
        service.latency is not None,
        requests,
        (traffic.rps or 0.0) if traffic is not None else 0.0,
    )


def first_visible_row(top: int, cursor: int | None, rows: int, height: int) -> int:
    """First visible row of a list.

    It is the one from before, moved only as far as the cursor or the end of the list requires.
    """
    if cursor is not None:
        top = min(top, cursor)
        top = max(top, cursor - height + 1)
    return max(0, min(top, rows - height))


def traffic_unit(service: ServiceState | None) -> str:
    """Unit of the service's traffic."""
    return service.traffic.unit if service is not None and service.traffic is not None else "req/s"


def format_traffic(value: float | None, unit: str) -> tuple[str, str]:
    """Format traffic as (number, unit) for display."""
    return text.format_amount(value, unit)
