"""The event log: what is down now, then what happened last."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Event, ObjectiveStatus
from tputtui.views import target_state
from tputtui.views.lines import Line, Role, Row, Span, fill, rule
from tputtui.views.scene import PanelView, Scene
from tputtui.views.summary import sustained

ROLES: dict[str, Role] = {
    "down": "bad",
    "slow": "warning",
    "warning": "warning",
    "objective": "warning",
    "reset": "warning",
    "up": "ok",
}


def event_line(scene: Scene, width: int) -> Line:
    """One line: the targets that are down or slow with the reason, then the newest events."""
    row = Row(width)
    row.at(1, "")
    troubled = [target for target in scene.snapshot.targets if target_state.is_in_trouble(target)]
    for target in sorted(troubled, key=lambda target: target.state != "down")[:3]:
        word = target_state.word(target)
        why = target_state.why(target).removeprefix(f"{word}: ")
        row.then(f"! {text.clean(target.name, 30)} {word}", target_state.role(target)).then(f": {why}   ")
    for objective in scene.snapshot.objectives:
        row.spans(_objective(objective))
    for event in reversed(scene.snapshot.events):
        if row.end > width - 24:
            break
        row.spans(_event(scene, event))
        row.then("   ")
    return row.line()


def _objective(objective: ObjectiveStatus) -> list[Span]:
    """! p99<=250ms missed: 312 ms, for 12 s   — or, met, in two words."""
    name = text.clean(objective.expression, 40)
    since = f", for {text.span(objective.for_s)}" if objective.for_s is not None else ""
    if objective.state == "missed":
        return [Span(f"! {name} missed", "bad"), Span(f"{since.removeprefix(',')}, now {_measured(objective)}   ")]
    if objective.state == "no_data":
        reason = f": {objective.reason}" if objective.reason else ""
        return [Span(f"{name} no data{reason}   ", "dim")]
    role: Role = "warning" if objective.state == "at_risk" else "ok"
    words = "at risk" if objective.state == "at_risk" else "ok"
    return [Span(f"{name} {words}", role), Span(f" {_measured(objective)}{since}   ", "dim")]


def _measured(objective: ObjectiveStatus) -> str:
    measure = objective.expression.rpartition(":")[2].strip()
    unit = "ratio" if measure.startswith("errors") else "req/s" if measure.startswith("rps") else "s"
    digits, shown = text.amount(objective.value, unit)
    return f"{digits} {shown}"


def _event(scene: Scene, event: Event) -> list[Span]:
    role = ROLES.get(event.kind, "plain")
    spans = [Span(f"{scene.clock(event.time)} ", "dim")]
    if event.kind in ("down", "slow", "up"):
        spans.append(Span(f"{event.kind}: ", role))
    spans.append(Span(event.text, role if event.kind in ("warning", "objective") else "plain"))
    return spans


def events(scene: Scene, width: int, height: int) -> PanelView:
    """The whole log, the newest first: what `z` on the log shows."""
    lines = [rule("Events", f"{len(scene.snapshot.events)}", width, scene.viewpoint.focus == "events")]
    lines += [Row(width).at(1, line, "dim").line() for line in _headroom(scene)[: height - 1]]
    for event in list(reversed(scene.snapshot.events))[: height - len(lines)]:
        row = Row(width)
        row.at(1, "").spans(_event(scene, event))
        lines.append(row.line())
    if len(lines) == 1 and height > 1:
        lines.append(Row(width).at(1, "nothing happened yet", "dim").line())
    return PanelView(tuple(fill(lines, width, height)))


def _headroom(scene: Scene) -> list[str]:
    """What is known of each service's limit; where nothing is, why not."""
    return [
        f"{sustained(one)}{f'  ({one.reason})' if one.reason else ''}"
        if one.value is not None
        else f"{text.clean(one.service)}: its limit within {text.clean(one.objective)} is not known: {one.reason}"
        for one in scene.snapshot.headroom
    ]
