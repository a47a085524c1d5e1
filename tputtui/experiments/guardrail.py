"""Guardrail of a release: one objective on a treatment, beside a control where there is one.

Pure: the values of one tick in, a decision or none out. It fires once, on the treatment's requests
alone, and never

- on missing data: an unreadable target says nothing about the clients it serves; that is reported,
  not evaluated. The exception is a treatment that has not answered at all for 30 s while the
  control does (`unresponsive`);
- while the control suffers, too: then the release is not the cause (a shared incident);
- on fewer than MIN_REQUESTS requests in the evaluated span (rules that count missing requests
  need none there).

Beside a control a trigger has to hold for CONFIRMING_TICKS ticks: targets are read one after the
other within an interval, so an incident of both would otherwise look like the treatment's alone for
that long. docs/objectives.md states the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.guard_arm import (
    FAST_PAIR,
    MIN_REQUESTS,
    UNRESPONSIVE_S,
    ArmEvidence,
    GuardArm,
    TickObservation,
)
from tputtui.experiments.sequential_test import (
    MIN_TAIL_REQUESTS,
    BlockedRows,
    PercentEffect,
    SequentialTest,
)
from tputtui.frozen import frozen
from tputtui.signals.objectives.burn_rate import WINDOW_PAIRS
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel
from tputtui.text import clean, format_amount, format_duration, format_number, format_percent

Trigger = Literal["fast_burn", "missed", "worse_than_control", "dead", "unresponsive"]

NO_DATA_ALARM_S: Final = 10.0
CONFIRMING_TICKS: Final = 3

# Evaluation span for an objective not missed by a fast burn
_SLOW_SPAN_S: Final = WINDOW_PAIRS[1].long_s


@frozen
class RollbackDecision:
    """Decision that the treatment has to be rolled back, with its evidence. Times are unix
    seconds.
    """

    trigger: Trigger
    objective: str
    reason: str
    value: float | None
    threshold: float | None
    since: float
    for_s: float
    span_s: float  # span over which the requests are counted
    treatment: ArmEvidence
    control: ArmEvidence | None = None
    evaluations: int = 0
    effect: PercentEffect | None = None


@frozen
class GuardVerdict:
    """Outcome of one tick: a decision, or a sentence why there can be none, stable while it
    holds.
    """

    decision: RollbackDecision | None = None
    alarm: str = ""


class ObjectiveGuard:
    """Guard of one objective on one treatment."""

    def __init__(
        self,
        objective: ObjectiveLevel,
        treatment: str,
        control: str | None = None,
        *,
        row_s: float = 10.0,
        fail_after_s: float = 0.0,
        margins: Mapping[str, float] | None = None,
        quantile: float = 0.99,
    ) -> None:
        """`row_s`: row width, equal to the window.

        `quantile`: compared with the control's where the objective names none.
        """
        self.objective = objective
        self._treatment = GuardArm(treatment, objective)
        self._control = GuardArm(control, objective) if control is not None else None
        self._fail_after_s = fail_after_s
        self._blocked_rows = BlockedRows(row_s)
        self._tail_share = 1 - (
            objective.quantile or quantile
        )  # the share of requests beyond the quantile
        context = ComparisonContext(margins=margins or {})
        tail = f"p{100 * (1 - self._tail_share):g}"
        self._throughput_test = SequentialTest(
            "throughput", context.margin("throughput"), row_s, by_share=True
        )
        self._tail_test = SequentialTest(tail, context.margin(tail), row_s)
        self._regression: PercentEffect | None = None  # as of the newest row
        self._pending: tuple[Trigger, int] | None = None
        self._has_decided = False

    def evaluate(
        self,
        at: float,
        time: float,
        treatment: TickObservation,
        control: TickObservation | None = None,
    ) -> GuardVerdict:
        """Evaluate one tick at `at` (monotonic seconds) and `time` (unix seconds)."""
        own, other_arm = self._treatment, self._control
        own.update(at, time, treatment)
        if other_arm is not None:
            other_arm.update(at, time, control or TickObservation())
            self._update_tests(at, own.observation, other_arm.observation)
        unknown = next(
            (arm for arm in (own, other_arm) if arm is not None and arm.is_unknown), None
        )
        if self._has_decided or unknown is not None:
            self._pending = None
            late = unknown is not None and (
                unknown.observation.slow or at - unknown.unknown_since >= NO_DATA_ALARM_S
            )
            return GuardVerdict(
                alarm=self._describe_no_data(unknown) if unknown is not None and late else ""
            )
        trigger = self._active_trigger(at)
        alarm = (
            self._describe_shared_incident(trigger, other_arm, at)
            if trigger is not None and other_arm is not None
            else ""
        )
        if trigger is None or alarm:
            self._pending = None
            return GuardVerdict(alarm=alarm)
        times = (
            self._pending[1] + 1 if self._pending is not None and self._pending[0] == trigger else 1
        )
        self._pending = (trigger, times)
        if other_arm is not None and times < CONFIRMING_TICKS:
            return GuardVerdict()
        self._has_decided = True
        return GuardVerdict(self._decision(trigger, at, time))

    def unresponsive(self, at: float, time: float, silent_s: float) -> RollbackDecision:
        """Return the decision for a treatment that has not answered for `silent_s` seconds."""
        own, other = self._treatment, self._control
        beside = ""
        if other is not None:
            rate = (
                f" ({' '.join(format_amount(other.observation.rps, 'req/s'))})"
                if other.observation.rps is not None
                else ""
            )
            beside = f", while {clean(other.name)} answers{rate}"
        self._has_decided = True
        return RollbackDecision(
            "unresponsive",
            self.objective.expression,
            f"{clean(own.name)}: no answer for {format_duration(round(silent_s))}{beside}",
            silent_s,
            UNRESPONSIVE_S,
            time - silent_s,
            silent_s,
            FAST_PAIR.long_s,
            own.evidence(at, FAST_PAIR.long_s),
            other.evidence(at, FAST_PAIR.long_s) if other is not None else None,
        )

    # ------------------------------------------------------------------------------------ the rules

    def _active_trigger(self, at: float) -> Trigger | None:
        own, other = self._treatment, self._control
        if other is not None and own.is_silent(at) and other.observation.rps:
            return "dead"
        if self._is_missed(at):
            return "fast_burn" if own.is_fast_burn else "missed"
        if self._regression is not None and own.requests(at, FAST_PAIR.long_s) >= MIN_REQUESTS:
            return "worse_than_control"
        return None

    def _is_missed(self, at: float) -> bool:
        own = self._treatment
        if own.state != "missed" or at - own.since[0] < self._fail_after_s:
            return False
        return self.objective.measure == "rps" or own.requests(at, self._span_s) >= MIN_REQUESTS

    def _update_tests(
        self, at: float, treatment: TickObservation, control: TickObservation
    ) -> None:
        if not self._blocked_rows.add_tick(at, treatment.is_known and control.is_known):
            if not (treatment.is_known and control.is_known):
                self._regression = None
            return
        requests = min(treatment.request_rate, control.request_rate) * self._blocked_rows.row_s
        tail = None
        if requests * self._tail_share >= MIN_TAIL_REQUESTS:
            tail = self._tail_test.add(treatment.quantile, control.quantile)
        self._regression = self._throughput_test.add(treatment.rps, control.rps) or tail

    @property
    def _span_s(self) -> float:
        return FAST_PAIR.long_s if self._treatment.is_fast_burn else _SLOW_SPAN_S

    # ------------------------------------------------------------------------------------- messages

    @property
    def _label(self) -> str:
        return clean(self.objective.expression)

    def _describe_no_data(self, arm: GuardArm) -> str:
        if arm.observation.slow:
            return f"no_data: slow: {clean(arm.name)} does not answer: {self._label} is not judged"
        return f"no data of {clean(arm.name)}: {self._label} is not judged"

    def _describe_shared_incident(self, trigger: Trigger, control: GuardArm, at: float) -> str:
        """Explain why the treatment is not to blame; "" if the control is healthy."""
        if trigger != "dead" and control.state == "no_data":
            return self._describe_no_data(control)
        if trigger == "dead":
            problem = "has lost its traffic, too" if control.has_faded(at) else ""
        else:
            problem = "does not meet it, either" if control.state != "ok" else ""
        if not problem:
            return ""
        return f"shared incident: {clean(control.name)} {problem}: {self._label} is not judged"

    def _decision(self, trigger: Trigger, at: float, time: float) -> RollbackDecision:
        own, control = self._treatment, self._control
        span_s = self._span_s if trigger in ("fast_burn", "missed") else FAST_PAIR.long_s
        value: float | None = own.observation.value
        threshold: float | None = self.objective.value
        began, since = own.since[0], own.since[1]
        evaluations, effect = 0, None
        evidence = own.evidence(at, span_s)
        if trigger == "dead":
            began, since = own.last_request
            value, threshold = own.observation.rps, None
            requests = format_number(round(own.requests_before_silence))
            cause = f"no request for {format_duration(at - began)}, {requests} in the minute before"
        elif trigger == "fast_burn":
            cause = self._describe_fast_burn(evidence)
        elif trigger == "missed":
            figure = " ".join(format_amount(value, self._unit))
            cause = f"{self._objective_text} is missed, now {figure}"
        else:
            effect = self._regression
            cause, value, threshold = self._describe_regression(effect)
            evaluations = effect.evaluations if effect is not None else 0
            since = time - self._blocked_rows.row_s  # the previous tick was the first
            began = at - self._blocked_rows.row_s
        return RollbackDecision(
            trigger,
            self.objective.expression,
            f"{clean(own.name)}: {cause}{self._describe_control(trigger)}",
            value,
            threshold,
            since,
            at - began,
            span_s,
            evidence,
            control.evidence(at, span_s) if control is not None else None,
            evaluations,
            effect,
        )

    def _describe_fast_burn(self, evidence: ArmEvidence) -> str:
        burn_long, burn_short = map(format_number, (evidence.burn_long, evidence.burn_short))
        return (
            f"{self._objective_text} is missed: the budget burns {burn_long} times too fast over "
            f"{format_duration(FAST_PAIR.long_s)}, {burn_short} times over "
            f"{format_duration(FAST_PAIR.short_s)}"
        )

    def _describe_regression(
        self, effect: PercentEffect | None
    ) -> tuple[str, float | None, float | None]:
        """Return (description, the treatment's figure, its limit)."""
        if effect is None:
            return "", None, None
        nearest, farthest = sorted((abs(effect.low), abs(effect.high)))
        by_share = effect.metric == "throughput"
        description = (
            f"{effect.metric} {format_percent(abs(effect.percent))} % "
            f"{'below its share' if by_share else 'above'} (between {format_percent(nearest)} "
            f"and {format_percent(farthest)} %, margin {format_percent(effect.margin)} %) "
            "at two evaluations in a row"
        )
        if by_share:
            return description, self._treatment.observation.rps, None
        control = self._control.observation.quantile if self._control is not None else None
        limit = control * (1 + effect.margin / 100) if control is not None else None
        return description, self._treatment.observation.quantile, limit

    def _describe_control(self, trigger: Trigger) -> str:
        if self._control is None:
            return ""
        name = clean(self._control.name)
        if trigger == "worse_than_control":
            return f", beside {name}"
        if trigger == "dead":
            return f"; {name} has {' '.join(format_amount(self._control.observation.rps, 'req/s'))}"
        return f"; {name} meets it"

    @property
    def _objective_text(self) -> str:
        return clean(self.objective.expression.rpartition(":")[2].strip())

    @property
    def _unit(self) -> str:
        return {"latency": "s", "errors": "ratio", "rps": "req/s"}[self.objective.measure]
