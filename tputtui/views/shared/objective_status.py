"""Status of an objective beside its figure: met, at risk or missed, duration, remaining budget."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tputtui import text
from tputtui.model import BreakdownRow, ObjectiveState, ObjectiveStatus
from tputtui.settings.expressions import Measure, Objective, parse_objective
from tputtui.signals.objectives.objective_tracker import worst_value
from tputtui.signals.rates.history_keys import find_route
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Role, TextSpan

_WORST_FIRST: Final[tuple[ObjectiveState, ...]] = ("missed", "at_risk", "no_data", "ok")
_MEASURE_PREFIX: Final = re.compile(r"^[A-Za-z][A-Za-z0-9.]*\s*")
_STATE_ROLES: Final[dict[ObjectiveState, Role]] = {
    "missed": "bad",
    "at_risk": "warning",
    "ok": "ok",
    "no_data": "dim",
}


@lru_cache(maxsize=256)
def _parse(expression: str) -> Objective | None:
    try:
        return parse_objective(expression)
    except ValueError:  # from a run of another version, with its own syntax
        return None


def service_objective(
    frame: Frame, measure: Measure, quantile: float | None = None
) -> ObjectiveStatus | None:
    """Objective on a figure of the shown service, the worst of several; None without one."""
    service = frame.service
    found = []
    for status in frame.snapshot.objectives:
        asked = _parse(status.expression)
        if (
            service is None
            or asked is None
            or asked.measure != measure
            or asked.route is not None
            or asked.quantile != quantile
        ):
            continue
        if (
            asked.service is None
            and len(frame.snapshot.services) > 1
            and worst_value(asked, [service]) != status.value
        ):
            continue  # the state belongs to another service, the worst one
        if asked.service in (None, service.name):
            found.append(status)
    return _worst(found)


def route_objective(
    frame: Frame, row: BreakdownRow, measure: Measure, quantile: float | None = None
) -> ObjectiveStatus | None:
    """Objective on a figure of a route; None without one."""
    service, route, found = frame.service, find_route(row.labels), []
    for status in frame.snapshot.objectives:
        asked = _parse(status.expression)
        if service is None or asked is None or asked.route is None or asked.route != route:
            continue
        if (
            asked.measure == measure
            and asked.quantile == quantile
            and asked.service in (None, service.name)
        ):
            found.append(status)
    return _worst(found)


def _worst(statuses: list[ObjectiveStatus]) -> ObjectiveStatus | None:
    return min(statuses, key=urgency, default=None)


def urgency(status: ObjectiveStatus) -> int:
    """Sort key of objectives by urgency: missed ones come first."""
    return _WORST_FIRST.index(status.state)


def status_role(status: ObjectiveStatus | None, default: Role = "strong") -> Role:
    """Colour of a number that has an objective; `default` where the objective is met."""
    return (
        _STATE_ROLES[status.state]
        if status is not None and status.state in ("missed", "at_risk")
        else default
    )


def status_sign(status: ObjectiveStatus | None) -> str:
    """Sign for the status, which does not depend on colour."""
    return "!" if status is not None and status.state in ("missed", "at_risk") else ""


def status_spans(status: ObjectiveStatus | None, with_measure: bool = False) -> list[TextSpan]:
    """Format a status: ! <=250ms missed 12 s, budget spent; or <=250ms ok, budget 74 %.

    `with_measure`: p99 comes before the limit.
    """
    if status is None:
        return []
    plain = text.clean(status.expression.rpartition(":")[2].strip(), 40)
    limit = plain if with_measure else _MEASURE_PREFIX.sub("", plain)
    shown = {"ok": "ok", "at_risk": "at risk", "missed": "missed", "no_data": "no data"}[
        status.state
    ]
    shown += f": {status.reason}" if status.reason else ""
    since = (
        f" {text.format_duration(status.for_s)}"
        if status.for_s is not None and status.state in ("missed", "at_risk")
        else ""
    )
    mark = "! " if status.state == "missed" else ""
    spans = [
        TextSpan(f"{mark}{limit} {shown}", _STATE_ROLES[status.state]),
        TextSpan(since, "plain"),
    ]
    if status.budget_left is not None and status.state != "no_data":
        is_spent = status.budget_left <= 0
        spans.append(
            TextSpan(
                f", budget {format_budget(status.budget_left)}", "warning" if is_spent else "dim"
            )
        )
    return spans


def format_budget(budget_left: float) -> str:
    """Format the remaining budget of a run: 74 %, or spent."""
    return f"{100 * budget_left:,.0f} %" if budget_left > 0 else "spent"
