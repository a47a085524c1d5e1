"""Strip of targets: state, figures, age and, for a target that is down, the reason."""

from __future__ import annotations

from tputtui import text
from tputtui.model import TargetState, TargetStatus
from tputtui.signals.service.replicas import ReplicaFigures, replica_figures
from tputtui.views.live.header import STATE_SIGNS
from tputtui.views.live.panel_spec import PanelSpec, Room
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, PanelView, format_traffic
from tputtui.views.shared.list_table import ListTable, TableColumn, table_view
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import LineBuilder, rule_line

_STATE_ORDER: dict[TargetState, int] = {"down": 0, "slow": 1, "waiting": 2, "up": 3}


def targets_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the panel in `height` lines.

    The cursor is a target's name; the other panels show its service.
    """
    snapshot = frame.snapshot
    down = sum(1 for target in snapshot.targets if target.state == "down")
    slow = sum(1 for target in snapshot.targets if target.is_overdue)
    count = len(snapshot.targets)
    context = f"{count:,} target{'s' if count != 1 else ''}"
    context += (f", {down} down" if down else "") + (f", {slow} slow" if slow else "")
    top = rule_line("Targets", context, width, frame.view_state.focus == "targets")
    # Targets that are down come first, so that they always have room. A target that is always slow
    # keeps its place.
    items = sorted(snapshot.targets, key=lambda target: _STATE_ORDER[_shown_state(target)])
    return table_view(
        ListTable(items, lambda target: target.name, lambda target: f"{target.name} {target.url}"),
        _columns(frame),
        frame.view_state.list_state("targets"),
        top,
        width,
        height,
        footer_line=lambda hidden: (
            LineBuilder(width).at(1, f"and {hidden:,} more", "dim").line() if hidden > 1 else None
        ),
        empty_message="no targets: start as  tputtui :PORT",
    )


def _columns(frame: Frame) -> list[TableColumn[TargetStatus]]:
    snapshot = frame.snapshot
    figures = {target.name: _target_figures(frame, target.name) for target in snapshot.targets}

    def name(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
        sign, role = STATE_SIGNS[_shown_state(target)]
        row.at(x, sign, role).then(f" {text.truncate(text.clean(target.name), cells - 2)}")

    def traffic(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
        own = figures[target.name]
        if own is not None and own.unit:
            digits, unit = format_traffic(own.rps, own.unit)
            row.ending_at(x + cells - 7, digits, "strong").then(f" {unit}", "dim")

    def tail(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
        own = figures[target.name]
        if own is not None and own.tail is not None:
            digits, unit = format_quantile(own.tail, own.tail_unit)
            row.at(x, f"{quantile_name(own.tail.q)} ", "dim")
            row.ending_at(x + cells - 3, digits, "strong").then(f" {unit}", "dim")

    def rps(target: TargetStatus) -> float:
        own = figures[target.name]
        return (own.rps if own is not None else None) or 0.0

    def tail_latency(target: TargetStatus) -> float:
        own = figures[target.name]
        return (own.tail.value if own is not None and own.tail is not None else None) or 0.0

    def age(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
        late = target.age_s is not None and target.age_s > 3 * snapshot.interval_s
        if target.age_s is None or (target.state == "down" and not late):
            row.ending_at(x + cells, text.UNKNOWN, "dim")
        elif late:
            row.ending_at(x + cells, text.format_duration(target.age_s), "warning")
        else:
            # The exact age changes at every tick and carries no information.
            row.ending_at(x + cells, "fresh", "dim")

    def words(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
        if target_state.is_in_trouble(target):
            row.at(x, text.truncate(target_state.why(target), cells), target_state.role(target))
        elif (own := figures[target.name]) is not None and own.outlier_reason:
            row.at(x, text.truncate(f"outlier: {own.outlier_reason}", cells), "warning")
        elif target.warning:
            row.at(x, text.truncate(target.warning, cells), "warning")
        elif target.state == "waiting":
            row.at(x, text.truncate(f"waiting for the first answer  {target.url}", cells), "dim")
        else:
            size, unit = text.format_size(target.size)
            series = text.UNKNOWN if target.series is None else f"{target.series:,}"
            row.at(x, text.truncate(f"{series} series, {size} {unit}  {target.url}", cells), "dim")

    return [
        TableColumn("name", "target", 24, lambda target: target.name, name, is_right_aligned=False),
        TableColumn("rps", "traffic", 16, rps, traffic),
        TableColumn("p99", "latency", 14, tail_latency, tail),
        TableColumn("age", "age", 7, lambda target: target.age_s or 0.0, age),
        TableColumn("state", "", 0, lambda target: target.state, words, is_right_aligned=False),
    ]


def _target_figures(frame: Frame, target: str) -> ReplicaFigures | None:
    """Figures of a single target; None where only those of its service are known."""
    if target in frame.replicas:
        return frame.replicas[target]
    service = next((one for one in frame.snapshot.services if one.targets == (target,)), None)
    return replica_figures(target, service) if service is not None else None


def _shown_state(target: TargetStatus) -> TargetState:
    """State of a target as shown.

    A target whose answers always take longer than an interval has the state of the time between
    them.
    """
    if target.state == "slow" and not target.is_overdue:
        return "up" if target.up else "down"
    return target.state


def _has_several(frame: Frame | None) -> bool:
    """Return whether there are two targets or more: the header shows a single one."""
    return frame is not None and len(frame.snapshot.targets) > 1


def _height(frame: Frame | None, room: Room) -> int:
    """Heading, rule, and at most four targets; eight on a tall screen."""
    count = len(frame.snapshot.targets) if frame is not None else 0
    return 2 + min(count, 8 if room.screen_height >= 50 else 4)


PANEL = PanelSpec(
    "targets",
    targets_panel,
    row="middle",
    rank=4,
    height=_height,
    fill_rank=lambda _frame: 2,
    is_available=_has_several,
    is_list=True,
    is_configurable=True,
)
