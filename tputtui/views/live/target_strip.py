"""Strip of targets: state, figures, age and, for a target that is down, the reason."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tputtui import text
from tputtui.model import TargetState, TargetStatus
from tputtui.signals.service.replicas import ReplicaFigures, replica_figures
from tputtui.views.live.header import STATE_SIGNS
from tputtui.views.live.panel_spec import PanelSpec, Room
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, PanelView, format_traffic
from tputtui.views.shared.list_table import ListTable, TableColumn, table_view
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import LineBuilder, Role, rule_line

Figures = Mapping[str, ReplicaFigures | None]
"""Figures by target; None where only those of its service are known."""

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
    if down:
        context += f", {down} down"
    if slow:
        context += f", {slow} slow"
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
    figures = {
        target.name: _target_figures(frame, target.name) for target in frame.snapshot.targets
    }
    return [
        TableColumn("name", "target", 24, _name, _draw_name, is_right_aligned=False),
        TableColumn("rps", "traffic", 16, partial(_rps, figures), partial(_draw_rps, figures)),
        TableColumn("p99", "latency", 14, partial(_tail, figures), partial(_draw_tail, figures)),
        TableColumn("age", "age", 7, _age, partial(_draw_age, frame.snapshot.interval_s)),
        TableColumn("state", "", 0, _state, partial(_draw_state, figures), is_right_aligned=False),
    ]


def _name(target: TargetStatus) -> str:
    return target.name


def _rps(figures: Figures, target: TargetStatus) -> float:
    own = figures[target.name]
    return (own.rps if own is not None else None) or 0.0


def _tail(figures: Figures, target: TargetStatus) -> float:
    own = figures[target.name]
    return (own.tail.value if own is not None and own.tail is not None else None) or 0.0


def _age(target: TargetStatus) -> float:
    return target.age_s or 0.0


def _state(target: TargetStatus) -> str:
    return target.state


def _draw_name(row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
    sign, role = STATE_SIGNS[_shown_state(target)]
    row.at(x, sign, role).then(f" {text.truncate(text.clean(target.name), cells - 2)}")


def _draw_rps(figures: Figures, row: LineBuilder, x: int, cells: int, target: TargetStatus) -> None:
    own = figures[target.name]
    if own is not None and own.unit:
        digits, unit = format_traffic(own.rps, own.unit)
        row.ending_at(x + cells - 7, digits, "strong").then(f" {unit}", "dim")


def _draw_tail(
    figures: Figures, row: LineBuilder, x: int, cells: int, target: TargetStatus
) -> None:
    own = figures[target.name]
    if own is not None and own.tail is not None:
        digits, unit = format_quantile(own.tail, own.tail_unit)
        row.at(x, f"{quantile_name(own.tail.q)} ", "dim")
        row.ending_at(x + cells - 3, digits, "strong").then(f" {unit}", "dim")


def _draw_age(
    interval_s: float, row: LineBuilder, x: int, cells: int, target: TargetStatus
) -> None:
    is_late = target.age_s is not None and target.age_s > 3 * interval_s
    if target.age_s is None or (target.state == "down" and not is_late):
        row.ending_at(x + cells, text.UNKNOWN, "dim")
    elif is_late:
        row.ending_at(x + cells, text.format_duration(target.age_s), "warning")
    else:
        # The exact age changes at every tick and carries no information.
        row.ending_at(x + cells, "fresh", "dim")


def _draw_state(
    figures: Figures, row: LineBuilder, x: int, cells: int, target: TargetStatus
) -> None:
    description, role = _describe_state(target, figures[target.name])
    row.at(x, text.truncate(description, cells), role)


def _describe_state(target: TargetStatus, own: ReplicaFigures | None) -> tuple[str, Role]:
    """Reason of a problem, else the size of the answer; with its colour."""
    if target_state.is_in_trouble(target):
        return target_state.why(target), target_state.role(target)
    if own is not None and own.outlier_reason:
        return f"outlier: {own.outlier_reason}", "warning"
    if target.warning:
        return target.warning, "warning"
    if target.state == "waiting":
        return f"waiting for the first answer  {target.url}", "dim"
    size, unit = text.format_size(target.size)
    series = text.UNKNOWN if target.series is None else f"{target.series:,}"
    return f"{series} series, {size} {unit}  {target.url}", "dim"


def _target_figures(frame: Frame, target: str) -> ReplicaFigures | None:
    """Figures of a single target; None where only those of its service are known."""
    if target in frame.replicas:
        return frame.replicas[target]
    alone = (service for service in frame.snapshot.services if service.targets == (target,))
    service = next(alone, None)
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
