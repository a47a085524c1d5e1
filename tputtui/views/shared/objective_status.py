"""Status of an objective beside its figure: met, at risk or missed, duration, remaining budget."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tputtui import text
from tputtui.model import (
    CANNOT_BE_DECIDED,
    BreakdownRow,
    LatencyState,
    ObjectiveState,
    ObjectiveStatus,
    ServiceState,
)
from tputtui.settings.expressions import Measure, Objective, parse_objective
from tputtui.signals.objectives import bucket_verdict
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
    if service is None:
        return None
    applying = [
        status
        for status in frame.snapshot.objectives
        if _applies_to_service(frame, service, status, measure, quantile)
    ]
    return _worst(applying)


def _applies_to_service(
    frame: Frame,
    service: ServiceState,
    status: ObjectiveStatus,
    measure: Measure,
    quantile: float | None,
) -> bool:
    objective = _parse(status.expression)
    if objective is None or objective.route is not None:
        return False
    if objective.measure != measure or objective.quantile != quantile:
        return False
    if objective.service is not None:
        return objective.service == service.name
    # Of several services, the state belongs to the worst one.
    is_alone = len(frame.snapshot.services) <= 1
    return is_alone or worst_value(objective, [service]) == status.value


def route_objective(
    frame: Frame, row: BreakdownRow, measure: Measure, quantile: float | None = None
) -> ObjectiveStatus | None:
    """Objective on a figure of a route; None without one."""
    service, route = frame.service, find_route(row.labels)
    if service is None:
        return None
    applying: list[ObjectiveStatus] = []
    for status in frame.snapshot.objectives:
        objective = _parse(status.expression)
        if objective is None or objective.route is None or objective.route != route:
            continue
        if objective.measure != measure or objective.quantile != quantile:
            continue
        if objective.service in (None, service.name):
            applying.append(status)
    return _worst(applying)


def _worst(statuses: list[ObjectiveStatus]) -> ObjectiveStatus | None:
    return min(statuses, key=urgency, default=None)


def urgency(status: ObjectiveStatus) -> int:
    """Sort key of objectives by urgency: missed ones come first."""
    return _WORST_FIRST.index(status.state)


def status_role(status: ObjectiveStatus | None, default: Role = "strong") -> Role:
    """Colour of a number that has an objective; `default` where the objective is met."""
    if status is None or status.state not in ("missed", "at_risk"):
        return default
    return _STATE_ROLES[status.state]


def status_sign(status: ObjectiveStatus | None) -> str:
    """Sign for the status, which does not depend on colour."""
    return "!" if status is not None and status.state in ("missed", "at_risk") else ""


def status_spans(status: ObjectiveStatus | None, with_measure: bool = False) -> list[TextSpan]:
    """Format a status: ! <=250ms missed 12 s, budget spent; or <=250ms ok, budget 74 %.

    `with_measure`: p99 comes before the limit.
    """
    if status is None:
        return []
    limit = text.clean(status.expression.rpartition(":")[2].strip(), 40)
    if not with_measure:
        limit = _MEASURE_PREFIX.sub("", limit)
    state = state_text(status)
    since = ""
    if status.for_s is not None and status.state in ("missed", "at_risk"):
        since = f" {text.format_duration(status.for_s)}"
    sign = "! " if status.state == "missed" else ""
    spans = [
        TextSpan(f"{sign}{limit} {state}", _STATE_ROLES[status.state]),
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


def state_text(status: ObjectiveStatus) -> str:
    """Format the state with its reason: no data: slow; cannot be decided (100–500 ms)."""
    state = status.state.replace("_", " ")
    if status.reason.startswith(CANNOT_BE_DECIDED):  # the sentence says what "no data" does not
        return status.reason
    return f"{state}: {status.reason}" if status.reason else state


def slow_share_text(status: ObjectiveStatus, latency: LatencyState) -> str:
    """Format the share of slower requests where the level is a bucket's bound, and so exact.

    Example: ", 1.3 % slower than 250 ms". "" where it could only be interpolated.
    """
    objective = _parse(status.expression)
    if objective is None or objective.measure != "latency" or latency.unit != "s":
        return ""
    share = bucket_verdict.slow_share(latency.buckets, objective.value)
    if share is None:
        return ""
    level = text.format_bound(objective.value, "s")
    return f", {text.format_percent(100 * share)} % slower than {level}"


def format_budget(budget_left: float) -> str:
    """Format the remaining budget of a run: 74 %, or spent."""
    return f"{100 * budget_left:,.0f} %" if budget_left > 0 else "spent"
