"""Event log: current problems, then the newest events."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Event, Headroom, ObjectiveStatus, TargetStatus
from tputtui.views.live.exit_summary import describe_headroom
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.shared import objective_status, target_state
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, pad_lines, rule_line

EVENT_ROLES: dict[str, Role] = {
    "down": "bad",
    "slow": "warning",
    "warning": "warning",
    "objective": "warning",
    "reset": "warning",
    "up": "ok",
}


MOST_TARGETS = 3
"""Targets in trouble that are listed; more are counted, so that the newest events have room."""

_GAP = 3
"""Cells between two entries."""

_LEAST_ROOM = 24
"""Minimum cells of a truncated entry; less is not informative."""


def event_line(frame: Frame, width: int) -> Line:
    """Render one line: current problems with reasons, the number of others, the newest events."""
    row = LineBuilder(width)
    row.at(1, "")
    entries, uncounted = _conditions(frame)
    for place, entry in enumerate(entries):
        left = len(entries) - place - 1 + uncounted
        room = width - row.end - (_GAP + len(f"+{left} more") if left else 0)
        is_cut = sum(text.width(span.text) for span in entry) > room
        if is_cut and place > 0 and room < _LEAST_ROOM:
            uncounted = left + 1
            break
        row.spans(LineBuilder(max(0, room)).spans(entry).line() if is_cut else entry)
        row.at(row.end + _GAP, "")
        if is_cut:
            uncounted = left
            break
    if uncounted:
        row.then(f"+{uncounted} more", "warning").at(row.end + _GAP, "")
    for event in reversed(frame.snapshot.events):
        if row.end > width - _LEAST_ROOM:
            break
        row.spans(_event_spans(frame, event))
        row.at(row.end + _GAP, "")
    return row.line()


def _conditions(frame: Frame) -> tuple[list[list[TextSpan]], int]:
    """List current problems, the most relevant first, and count the other targets in trouble.

    The order is: 1. targets of the service that is shown, 2. objectives that are missed or
    undecided, 3. other targets, the newest trouble first, 4. the other objectives.
    """
    shown = frame.service.targets if frame.service is not None else ()
    troubled = sorted(
        filter(target_state.is_in_trouble, frame.snapshot.targets),
        key=lambda target: (target.name not in shown, _age(target)),
    )
    listed = troubled[:MOST_TARGETS]
    own = [_target_spans(target) for target in listed if target.name in shown]
    others = [_target_spans(target) for target in listed if target.name not in shown]
    objectives = frame.snapshot.objectives
    urgent = [_objective_spans(objective) for objective in objectives if objective.state != "ok"]
    met = [_objective_spans(objective) for objective in objectives if objective.state == "ok"]
    return [*own, *urgent, *others, *met], len(troubled) - len(listed)


def _age(target: TargetStatus) -> float:
    """Duration since a target went down or slow; an unknown one counts as the longest."""
    age_s = target.waiting_s if target.state == "slow" else target.since_s
    return float("inf") if age_s is None else age_s


def _target_spans(target: TargetStatus) -> list[TextSpan]:
    """Format a target in trouble: ! api down: connection refused, for 31 s."""
    word = target_state.word(target)
    why = target_state.why(target).removeprefix(f"{word}: ")
    return [
        TextSpan(f"! {text.clean(target.name, 30)} {word}", target_state.role(target)),
        TextSpan(f": {why}"),
    ]


def _objective_spans(objective: ObjectiveStatus) -> list[TextSpan]:
    """Format an objective: ! p99<=250ms missed: 312 ms, for 12 s; a met one in two words."""
    name = text.clean(objective.expression, 40)
    since = f", for {text.format_duration(objective.for_s)}" if objective.for_s is not None else ""
    if objective.state == "missed":
        return [
            TextSpan(f"! {name} missed", "bad"),
            TextSpan(f"{since.removeprefix(',')}, now {_format_value(objective)}"),
        ]
    if objective.state == "no_data":
        return [TextSpan(f"{name} {objective_status.state_text(objective)}", "dim")]
    role: Role = "warning" if objective.state == "at_risk" else "ok"
    state = "at risk" if objective.state == "at_risk" else "ok"
    return [
        TextSpan(f"{name} {state}", role),
        TextSpan(f" {_format_value(objective)}{since}", "dim"),
    ]


def _format_value(objective: ObjectiveStatus) -> str:
    measure = objective.expression.rpartition(":")[2].strip()
    unit = "s"
    if measure.startswith("errors"):
        unit = "ratio"
    elif measure.startswith("rps"):
        unit = "req/s"
    return " ".join(text.format_amount(objective.value, unit))


def _event_spans(frame: Frame, event: Event) -> list[TextSpan]:
    role = EVENT_ROLES.get(event.kind, "plain")
    spans = [TextSpan(f"{frame.format_clock(event.time)} ", "dim")]
    if event.kind in ("down", "slow", "up"):
        spans.append(TextSpan(f"{event.kind}: ", role))
    spans.append(TextSpan(event.text, role if event.kind in ("warning", "objective") else "plain"))
    return spans


def events_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the whole log, the newest event first (`z` on the log)."""
    lines = [
        rule_line(
            "Events", f"{len(frame.snapshot.events)}", width, frame.view_state.focus == "events"
        )
    ]
    lines += [
        LineBuilder(width).at(1, line, "dim").line()
        for line in _headroom_lines(frame)[: height - 1]
    ]
    for event in list(reversed(frame.snapshot.events))[: height - len(lines)]:
        row = LineBuilder(width)
        row.at(1, "").spans(_event_spans(frame, event))
        lines.append(row.line())
    if len(lines) == 1 and height > 1:
        lines.append(LineBuilder(width).at(1, "nothing happened yet", "dim").line())
    return PanelView(tuple(pad_lines(lines, width, height)))


def _headroom_lines(frame: Frame) -> list[str]:
    """Describe the headroom of each service, or why it is unknown."""
    return [_headroom_line(headroom) for headroom in frame.snapshot.headroom]


def _headroom_line(headroom: Headroom) -> str:
    reason = headroom.reason
    if headroom.value is None:
        limit = f"its limit within {text.clean(headroom.objective)}"
        return f"{text.clean(headroom.service)}: {limit} is not known: {reason}"
    return f"{describe_headroom(headroom)}{f'  ({reason})' if reason else ''}"


PANEL = PanelSpec("events", events_panel, row="none")
