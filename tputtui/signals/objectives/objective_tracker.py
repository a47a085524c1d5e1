"""Objectives: whether a service meets its target level now, and for how long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

from tputtui.model import (
    CANNOT_BE_DECIDED,
    Event,
    ObjectiveState,
    ObjectiveStatus,
    Quantile,
    ServiceState,
)
from tputtui.signals.objectives import bucket_verdict
from tputtui.signals.objectives.burn_rate import MIN_BAD_REQUESTS, Hysteresis
from tputtui.signals.rates.history_keys import find_route
from tputtui.text import clean, did_you_mean, format_bucket


class ObjectiveLevel(Protocol):
    """A parsed objective; `value` is in s, a ratio or 1/s.

    See `settings.expressions.parse_objective`.
    """

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
    """Evaluate the objectives at every tick.

    Each has a hysteresis, so that its state does not flap (see `objectives.burn_rate`).
    """

    def __init__(self, objectives: Sequence[ObjectiveLevel]) -> None:
        self._objectives = tuple(objectives)
        self._hysteresis = {
            objective.expression: create_hysteresis(objective) for objective in objectives
        }
        self._states: dict[str, tuple[ObjectiveState, float]] = {}
        self._missed: set[str] = set()  # objectives whose last event reported a miss
        # time of each objective's last evaluation with current figures
        self._evaluated_at: dict[str, float] = {}

    def evaluate(
        self, at: float, time: float, services: Iterable[ServiceState]
    ) -> tuple[tuple[ObjectiveStatus, ...], list[Event]]:
        """Return the statuses as of `at` (monotonic seconds) and the events of this tick.

        There is an event for each objective that was missed or is met again.
        """
        all_services = tuple(services)
        statuses: list[ObjectiveStatus] = []
        events: list[Event] = []
        for objective in self._objectives:
            name, hysteresis = objective.expression, self._hysteresis[objective.expression]
            value = worst_value(objective, all_services)
            covered_services = [
                service for service in all_services if objective.service in (None, service.name)
            ]
            last_state = self._states.get(name)
            if last_state is not None and _is_awaited(covered_services):
                hysteresis.skip_tick(at)
                status = self._repeat_status(objective, value, last_state)
                statuses.append(
                    replace(status, service=_name_service(objective, value, all_services))
                )
                continue
            state, reason = _evaluate_objective(objective, hysteresis, value, at, all_services)
            if any(service.overdue for service in covered_services) and state != "missed":
                state, reason = "no_data", "slow"
            if last_state is None or last_state[0] != state:
                self._states[name] = (state, at)
            self._evaluated_at[name] = at
            if state == "missed" and name not in self._missed:
                self._missed.add(name)
                events.append(Event(time, "objective", f"{name} missed"))
            elif state == "ok" and name in self._missed:
                self._missed.discard(name)
                events.append(Event(time, "objective", f"{name} met again"))
            since = max(0.0, at - self._states[name][1])
            statuses.append(
                ObjectiveStatus(
                    name,
                    state,
                    value,
                    since,
                    hysteresis.budget_left(),
                    reason,
                    _name_service(objective, value, all_services),
                )
            )
        return tuple(statuses), events

    def _repeat_status(
        self, objective: ObjectiveLevel, value: float | None, before: tuple[ObjectiveState, float]
    ) -> ObjectiveStatus:
        """Repeat the last known status; its duration does not grow while an answer is late."""
        name, (state, since) = objective.expression, before
        for_s = max(0.0, self._evaluated_at[name] - since)
        return ObjectiveStatus(name, state, value, for_s, self._hysteresis[name].budget_left())

    def unknown_service_events(self, time: float, names: Sequence[str]) -> list[Event]:
        """Return a warning for each objective on a service that is not in `names`.

        Such an objective would never have data.
        """
        return [
            Event(
                time,
                "warning",
                f"{clean(objective.expression, 60)} is about no service that is here"
                f"{did_you_mean(objective.service, tuple(names))}",
            )
            for objective in self._objectives
            if objective.service is not None and objective.service not in names
        ]


def _is_awaited(services: Sequence[ServiceState]) -> bool:
    """Tell whether all services wait for late answers, by less than a window.

    Their figures are then still the last ones.
    """
    is_waiting = [service.waiting_s is not None and not service.overdue for service in services]
    return bool(is_waiting) and all(is_waiting)


def _evaluate_objective(
    objective: ObjectiveLevel,
    hysteresis: Hysteresis,
    value: float | None,
    at: float,
    services: Sequence[ServiceState],
) -> tuple[ObjectiveState, str]:
    """Return the state and why there are no data, where that is known."""
    if value is None:
        hysteresis.skip_tick(at)
        return "no_data", ""
    beyond = is_exceeded(objective, value, services)
    if beyond is None:
        hysteresis.skip_tick(at)
        return "no_data", describe_undecided(objective, services)
    total, bad = count_requests(objective, services, beyond)
    return hysteresis.update(at, beyond, total, bad), ""


def is_exceeded(
    objective: ObjectiveLevel, value: float, services: Sequence[ServiceState]
) -> bool | None:
    """Tell whether the worst value is beyond the level; None if its bucket cannot decide it."""
    if objective.measure != "latency":
        return value > objective.value if objective.op == "<=" else value < objective.value
    verdict = bucket_verdict.worst(
        bucket_verdict.decide(quantile, objective.value, objective.op)
        for quantile in _observed_quantiles(objective, services)
    )
    return None if verdict == "undecided" else verdict == "missed"


def describe_undecided(objective: ObjectiveLevel, services: Sequence[ServiceState]) -> str:
    """Say which bucket holds both a quantile and the level: cannot be decided (100–500 ms)."""
    bucket = next(
        format_bucket(quantile.low, quantile.high, "s")
        for quantile in _observed_quantiles(objective, services)
        if bucket_verdict.is_in_coarse_bucket(quantile, objective.value)
    )
    return f"{CANNOT_BE_DECIDED} ({bucket})"


def _observed_quantiles(
    objective: ObjectiveLevel, services: Sequence[ServiceState]
) -> list[Quantile]:
    """Return the known quantiles in seconds within the objective's scope."""
    quantiles: list[Quantile] = []
    for service in services:
        if objective.service not in (None, service.name):
            continue
        if objective.route is not None:
            for row in service.breakdown:
                if find_route(row.labels) == objective.route:
                    quantiles += row.quantiles
        elif service.latency is not None and service.latency.unit == "s":
            quantiles += service.latency.quantiles
    q = objective.quantile
    return [
        quantile
        for quantile in quantiles
        if q is not None and abs(quantile.q - q) < 1e-9 and quantile.value is not None
    ]


def create_hysteresis(objective: ObjectiveLevel) -> Hysteresis:
    """Create the hysteresis that keeps an objective's state.

    The number of slow requests of a route is only estimated, so no minimum number of bad requests
    is required for it.
    """
    is_estimate = objective.measure == "latency" and objective.route is not None
    return Hysteresis(error_budget(objective), 0.0 if is_estimate else MIN_BAD_REQUESTS)


def add_objective_quantiles(
    quantiles: Sequence[float], objectives: Iterable[ObjectiveLevel]
) -> tuple[float, ...]:
    """Add the quantiles used by objectives to `quantiles`."""
    needed = {objective.quantile for objective in objectives if objective.quantile is not None}
    missing = [q for q in needed if not any(abs(q - known) < 1e-9 for known in quantiles)]
    return tuple(sorted((*quantiles, *missing))) if missing else tuple(quantiles)


def error_budget(objective: ObjectiveLevel) -> float | None:
    """Return the share of requests that may be bad: 1 % for a p99, the level itself for errors.

    None for an objective without a budget.
    """
    if objective.op != "<=" or objective.measure == "rps":
        return None
    if objective.measure == "errors":
        return objective.value
    return None if objective.quantile is None else 1 - objective.quantile


def count_requests(
    objective: ObjectiveLevel, services: Sequence[ServiceState], is_exceeded: bool
) -> tuple[float, float]:
    """Return (requests per second, bad requests per second) within the objective's scope.

    `is_exceeded` says whether its level is exceeded now.
    """
    total = bad = 0.0
    for service in services:
        if objective.service is not None and service.name != objective.service:
            continue
        if objective.route is not None:
            for row in service.breakdown:
                if find_route(row.labels) == objective.route and row.rps:
                    total += row.rps
                    if objective.measure == "errors":
                        bad += row.rps * (row.error_ratio or 0.0)
        elif objective.measure == "errors":
            if service.traffic is not None and service.errors is not None:
                total += service.traffic.rps or 0.0
                bad += (service.traffic.rps or 0.0) * (service.errors.ratio or 0.0)
        elif objective.measure == "latency" and service.latency is not None:
            counted, slow = _count_slow(service.latency.buckets, objective.value)
            total += counted
            bad += slow
    is_latency_of_route = objective.measure == "latency" and objective.route is not None
    if is_latency_of_route and is_exceeded and objective.quantile is not None:
        # A route has no buckets here: a quantile beyond the level counts as its budget spent.
        bad = total * (1 - objective.quantile)
    return total, bad


def _count_slow(buckets: Sequence[tuple[float, float]], limit: float) -> tuple[float, float]:
    """Return (observations per second, those above `limit`).

    Interpolated linearly within a bucket.
    """
    total = slow = low = 0.0
    for bound, rate in buckets:
        total += rate
        if low >= limit or bound == math.inf:
            slow += rate
        elif bound > limit:
            slow += rate * (bound - limit) / (bound - low)
        low = bound
    return total, slow


def _name_service(
    objective: ObjectiveLevel, worst: float | None, services: Sequence[ServiceState]
) -> str | None:
    """Return the service of an objective, or of one on all services that with the worst value."""
    if objective.service is not None:
        return objective.service
    return next(
        (service.name for service in services if worst_value(objective, [service]) == worst),
        None,
    )


def worst_value(objective: ObjectiveLevel, services: Sequence[ServiceState]) -> float | None:
    """Return the worst value over the objective's services and routes; None: no data."""
    values: list[float] = []
    for service in services:
        if objective.service is not None and service.name != objective.service:
            continue
        values += [value for value in _measured_values(objective, service) if value is not None]
    if not values:
        return None
    return max(values) if objective.op == "<=" else min(values)


def _measured_values(objective: ObjectiveLevel, service: ServiceState) -> list[float | None]:
    if objective.route is not None:
        rows = [row for row in service.breakdown if find_route(row.labels) == objective.route]
        if objective.measure == "rps":
            return [sum(row.rps or 0.0 for row in rows)] if rows else []
        if objective.measure == "errors":
            return [row.error_ratio for row in rows]
        return [_find_quantile(row.quantiles, objective.quantile) for row in rows]
    if objective.measure == "rps":
        if service.traffic is None or not service.traffic.counts_requests:
            return []
        return [service.traffic.rps]
    if objective.measure == "errors":
        return [service.errors.ratio] if service.errors is not None else []
    if service.latency is None or service.latency.unit != "s":
        return []
    return [_find_quantile(service.latency.quantiles, objective.quantile)]


def _find_quantile(quantiles: Iterable[Quantile], q: float | None) -> float | None:
    if q is None:
        return None
    return next((quantile.value for quantile in quantiles if abs(quantile.q - q) < 1e-9), None)
