"""Guardrail of `record --objective … --abort`.

`experiments.guardrail` decides; this module supplies the services and prints alarms on stderr.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tputtui.cli.output import print_stderr
from tputtui.cli.parser import UsageError
from tputtui.experiments.comparison_context import ContextError, parse_margin
from tputtui.experiments.guard_arm import Answering, TickObservation, Unanswered
from tputtui.experiments.guardrail import NO_DATA_ALARM_S, ObjectiveGuard, RollbackDecision
from tputtui.model import ServiceState, Snapshot
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.expressions import Objective, parse_objective
from tputtui.signals.objectives.objective_tracker import count_requests, is_exceeded, worst_value
from tputtui.text import clean, describe_late_answer, did_you_mean

_COMPARED_METRICS = ("throughput", "p50", "p90", "p99")
_MAX_ALARMS = 20  # distinct alarms; bounded in case a service appears and disappears repeatedly


def with_control(settings: Settings, control: str) -> Settings:
    """Return the settings with the control's target as a separate service.

    The control is never a replica of the treatment.
    """
    targets = tuple(
        replace(target, service=target.name) if _is_named(target, control) else target
        for target in settings.targets
    )
    return replace(settings, targets=targets)


def _is_named(target: TargetSettings, argument: str) -> bool:
    from tputtui.scrape.address import parse_address

    if target.name == argument:
        return True
    if target.service == argument:  # a service of several targets is already separate
        return False
    try:
        requested, own = parse_address(argument), parse_address(target.address)
    except ValueError:
        return False
    return requested.url == own.url


def control_name(settings: Settings, control: str) -> str:
    """Return the service name of the control: the name of the matching target, else the argument
    unchanged.
    """
    return next(
        (target.name or control for target in settings.targets if _is_named(target, control)),
        control,
    )


def parse_margins(arguments: Sequence[str]) -> dict[str, float]:
    """Parse `throughput=2%`, `p99=10%` into ratios.

    Raises UsageError.
    """
    try:
        margins = dict(parse_margin(argument) for argument in arguments)
    except ContextError as error:
        raise UsageError(f"--margin: {error}") from None
    for metric in margins:
        if metric not in _COMPARED_METRICS:
            raise UsageError(
                f"--margin {metric}: {', '.join(_COMPARED_METRICS)} are compared with a control's"
            )
    return margins


class RollbackGuard:
    """Guards of a recording: one for each objective and treatment."""

    def __init__(
        self,
        settings: Settings,
        *,
        control: str | None = None,
        fail_after_s: float = 0.0,
        margins: Mapping[str, float] | None = None,
        prints_alarms: bool = True,
    ) -> None:
        """`prints_alarms`: print alarms on stderr; else only `decision` reports."""
        self.decision: RollbackDecision | None = None
        self.alarms: list[str] = []
        self.control = control
        self.decided_after_s = 0.0  # seconds after the first tick
        self._settings = settings
        self._objectives = [parse_objective(expression) for expression in settings.objectives]
        self._fail_after_s = fail_after_s
        self._margins = margins or {}
        self._prints_alarms = prints_alarms
        self._guards: dict[tuple[str, str], ObjectiveGuard] = {}
        self._current_alarms: dict[tuple[str, str], str] = {}
        self._unanswered: dict[tuple[str, str], Unanswered] = {}
        self._last_words: dict[str, str] = {}  # why each unreadable service could not be read
        self._began_at: float | None = None

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Process the snapshot of one tick."""
        if self.decision is not None:
            return
        self._began_at = snapshot.at if self._began_at is None else self._began_at
        for objective in self._objectives:
            treatments = self._treatments(objective, snapshot.services)
            late = snapshot.at - self._began_at >= NO_DATA_ALARM_S
            nothing = f"no data: {clean(objective.expression)} is not judged"
            self._report_alarm(
                (objective.expression, ""), nothing if late and not treatments else ""
            )
            for treatment in treatments:
                self._evaluate_guard(objective, treatment, snapshot)
                if self.decision is not None:
                    self.decided_after_s = snapshot.at - self._began_at
                    return
        self._watch_answers(snapshot)
        if self.decision is not None:
            self.decided_after_s = snapshot.at - self._began_at

    def _watch_answers(self, snapshot: Snapshot) -> None:
        """Track whether each treatment answers, with or without figures."""
        control = next(
            (service for service in snapshot.services if service.name == self.control), None
        )
        control_answers = control is not None and answering(control, snapshot) == "answers"
        for objective in self._objectives:
            for service in snapshot.services:
                if service.name != self.control and self._is_about(objective, service):
                    self._watch_answer(objective, service, snapshot, control_answers)

    def _watch_answer(
        self, objective: Objective, service: ServiceState, snapshot: Snapshot, control_answers: bool
    ) -> None:
        key = (objective.expression, service.name)
        watch = self._unanswered.get(key)
        if watch is None:
            watch = self._unanswered[key] = Unanswered(self._settings.interval_s)
        state = answering(service, snapshot)
        if state is None:
            return
        watch.add_tick(snapshot.at, state, control_answers=control_answers)
        if state != "answers":
            self._last_words[service.name] = why_not_read(service, snapshot)
        if watch.is_unresponsive and self.decision is None:
            guard = self._guard(objective, service.name)
            self.decision = guard.unresponsive(snapshot.at, snapshot.time, watch.silent_s)

    def _is_about(self, objective: Objective, service: ServiceState) -> bool:
        """Return whether a service is a treatment of an objective.

        A service that was never readable counts as one.
        """
        if objective.service is not None:
            return objective.service == service.name
        signals = (service.traffic, service.errors, service.latency)
        was_read = bool(service.reasons) or any(signal is not None for signal in signals)
        return not was_read or _is_measured(objective, service)

    @property
    def unjudged(self) -> str:
        """Describe the services that could not be evaluated because they were unreadable; "" if
        none.
        """
        names = [name for (_, name), watch in self._unanswered.items() if not watch.was_judged]
        if not names:
            return ""
        reason = self._last_words.get(names[0], "no answer")
        return f"inconclusive: {clean(names[0])} could not be read: {reason}"

    def describe_missing_control(self, snapshot: Snapshot) -> str:
        """Describe a control name that matches no service, once all services are known; "" if it
        matches.
        """
        names = [service.name for service in snapshot.services]
        all_up = all(target.state == "up" for target in snapshot.targets)
        if self.control is None or self.control in names or not snapshot.is_ready or not all_up:
            return ""
        hint = did_you_mean(self.control, names) or f"; there are {', '.join(map(clean, names))}"
        return f"--control {clean(self.control, 60)}: there is no such service{hint}"

    def _treatments(self, objective: Objective, services: Sequence[ServiceState]) -> list[str]:
        """Return the names of the services that an objective covers, without the control."""
        if objective.service is not None:
            names = [objective.service]
        else:
            before = [
                service
                for expression, service in self._guards
                if expression == objective.expression
            ]
            now = [service.name for service in services if self._is_about(objective, service)]
            names = [*before, *(name for name in now if name not in before)]
        return [name for name in names if name != self.control]

    def _evaluate_guard(self, objective: Objective, treatment: str, snapshot: Snapshot) -> None:
        guard = self._guard(objective, treatment)
        own = observation(replace(objective, service=treatment), snapshot.services)
        other = None
        if self.control:
            other = observation(replace(objective, service=self.control), snapshot.services)
        evaluation = guard.evaluate(snapshot.at, snapshot.time, own, other)
        self.decision = evaluation.decision
        self._report_alarm((objective.expression, treatment), evaluation.alarm)

    def _guard(self, objective: Objective, treatment: str) -> ObjectiveGuard:
        key = (objective.expression, treatment)
        guard = self._guards.get(key)
        if guard is None:
            guard = self._guards[key] = ObjectiveGuard(
                objective,
                treatment,
                self.control,
                row_s=max(10.0, self._settings.window_s, 2 * self._settings.interval_s),
                fail_after_s=self._fail_after_s,
                margins=self._margins,
                quantile=max(self._settings.quantiles, default=0.99),
            )
        return guard

    def _report_alarm(self, key: tuple[str, str], alarm: str) -> None:
        """Print an alarm once for as long as it stays the same."""
        if alarm and alarm != self._current_alarms.get(key):
            if alarm not in self.alarms and len(self.alarms) < _MAX_ALARMS:
                self.alarms.append(alarm)
            if self._prints_alarms:
                print_stderr(alarm)
        self._current_alarms[key] = alarm


def answering(service: ServiceState, snapshot: Snapshot) -> Answering | None:
    """Return whether a service is readable, answers unreadably or is silent, as of one tick.

    The best of its targets counts. None: not known yet.
    """
    targets = [target for target in snapshot.targets if target.name in service.targets]
    if any(target.is_answering for target in targets):
        return "answers"
    if not targets or any(target.state == "waiting" for target in targets):
        return None
    is_silent = all(target.is_overdue or target.silent for target in targets)
    return "silent" if is_silent else "unreadable"


def why_not_read(service: ServiceState, snapshot: Snapshot) -> str:
    """Explain why a service is unreadable: "no answer for 34 s" or "HTTP 503 Service
    Unavailable".
    """
    targets = [target for target in snapshot.targets if target.name in service.targets]
    slow = [target for target in targets if target.waiting_s is not None]
    if slow:
        shortest = min(slow, key=lambda target: target.waiting_s or 0.0)
        return describe_late_answer(round(shortest.waiting_s or 0.0), shortest.partial)
    return next((target.error for target in targets if target.error), "no answer")


def _is_measured(objective: Objective, service: ServiceState) -> bool:
    """Return whether a service has the signal that an objective of all services measures."""
    slots = {"latency": service.latency, "errors": service.errors, "rps": service.traffic}
    return slots[objective.measure] is not None


def observation(objective: Objective, services: Sequence[ServiceState]) -> TickObservation:
    """Build an objective's observation of the services that it names, as of one tick."""
    observed = [
        service
        for service in services
        if objective.service is None or service.name == objective.service
    ]
    value = worst_value(objective, observed)
    # Where a bucket cannot decide it, the treatment is not judged to be worse.
    beyond = value is not None and bool(is_exceeded(objective, value, observed))
    total, bad = count_requests(objective, observed, beyond)
    traffics = [service.traffic for service in observed if service.traffic is not None]
    request_traffics = [traffic for traffic in traffics if traffic.counts_requests]
    rates = [traffic.rps for traffic in request_traffics if traffic.rps is not None]
    totals = [traffic.total for traffic in request_traffics if traffic.total is not None]
    return TickObservation(
        value=value,
        total=total,
        bad=bad,
        rps=sum(rates) if rates else None,
        requests=sum(totals) if len(totals) == len(request_traffics) and totals else None,
        quantile=value if objective.measure == "latency" else _tail_latency(observed),
        waiting=bool(observed)
        and all(service.waiting_s is not None and not service.overdue for service in observed),
        slow=any(service.overdue for service in observed),
    )


def _tail_latency(services: Sequence[ServiceState]) -> float | None:
    """Return the highest known quantile in seconds; the worst of several services."""
    tails = [
        service.latency.quantiles[-1].value
        for service in services
        if service.latency is not None and service.latency.unit == "s" and service.latency.quantiles
    ]
    return max((value for value in tails if value is not None), default=None)
