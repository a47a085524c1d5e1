"""Objectives: whether a service meets its target level now, and for how long it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from tputtui.model import Event, ObjectiveState, ObjectiveStatus, Quantile, ServiceState
from tputtui.signals.names import route_of


class Objective(Protocol):
    """What is asked for, read (`settings.expressions.parse_objective`); `value` in s, ratio or 1/s."""

    @property
    def expression(self) -> str: ...  # noqa: D102
    @property
    def measure(self) -> Literal["latency", "errors", "rps"]: ...  # noqa: D102
    @property
    def op(self) -> Literal["<=", ">="]: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def quantile(self) -> float | None: ...  # noqa: D102
    @property
    def service(self) -> str | None: ...  # noqa: D102
    @property
    def route(self) -> str | None: ...  # noqa: D102


class ObjectiveTracker:
    """Judges the objectives at every tick and remembers since when each has been in its state."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._states: dict[str, tuple[ObjectiveState, float]] = {}

    def judge(
        self, at: float, time: float, services: Iterable[ServiceState]
    ) -> tuple[tuple[ObjectiveStatus, ...], list[Event]]:
        """The statuses as of `at` (monotonic seconds), and an event for each that was missed or met again."""
        found = tuple(services)
        statuses: list[ObjectiveStatus] = []
        events: list[Event] = []
        for objective in self._objectives:
            value = measured(objective, found)
            state = _state(objective, value)
            before = self._states.get(objective.expression)
            if before is None or before[0] != state:
                self._states[objective.expression] = (state, at)
                if state == "missed" or (before is not None and before[0] == "missed" and state == "ok"):
                    words = "missed" if state == "missed" else "met again"
                    events.append(Event(time, "objective", f"{objective.expression} {words}"))
            since = self._states[objective.expression][1]
            statuses.append(ObjectiveStatus(objective.expression, state, value, max(0.0, at - since)))
        return tuple(statuses), events


def measured(objective: Objective, services: Sequence[ServiceState]) -> float | None:
    """The worst value of what the objective is about, over the services and routes it names; None: no data."""
    values: list[float] = []
    for service in services:
        if objective.service is not None and service.name != objective.service:
            continue
        values += [value for value in _values(objective, service) if value is not None]
    if not values:
        return None
    return max(values) if objective.op == "<=" else min(values)


def _values(objective: Objective, service: ServiceState) -> list[float | None]:
    if objective.route is not None:
        rows = [row for row in service.breakdown if route_of(row.labels) == objective.route]
        if objective.measure == "rps":
            return [sum(row.rps or 0.0 for row in rows)] if rows else []
        if objective.measure == "errors":
            return [row.error_ratio for row in rows]
        return [_quantile(row.quantiles, objective.quantile) for row in rows]
    if objective.measure == "rps":
        return [service.traffic.rps] if service.traffic is not None and service.traffic.unit == "req/s" else []
    if objective.measure == "errors":
        return [service.errors.ratio] if service.errors is not None else []
    if service.latency is None or service.latency.unit != "s":
        return []
    return [_quantile(service.latency.quantiles, objective.quantile)]


def _quantile(quantiles: Iterable[Quantile], q: float | None) -> float | None:
    return next((quantile.value for quantile in quantiles if q is not None and abs(quantile.q - q) < 1e-9), None)


def _state(objective: Objective, value: float | None) -> ObjectiveState:
    if value is None:
        return "no_data"
    met = value <= objective.value if objective.op == "<=" else value >= objective.value
    return "ok" if met else "missed"
