"""Whether a release that is being watched has to go: one objective on a treatment, beside a control where there is one.

Pure: one tick's values in, a decision or nothing out. It fires once, on the treatment's requests alone, and never

- on missing data: a target that cannot be read says nothing about those it serves; that is told, not judged. Only one that
  has not answered at all for 30 s, while the control does, has to go (`unresponsive`);
- while the control suffers, too: then the release is not why (a shared incident);
- on fewer than FEWEST_REQUESTS requests in the span that is judged (what counts missing requests needs none there).

Beside a control a trigger has to hold for CONFIRMED ticks: targets are read one after the other within an interval, and
an incident of both would else be the treatment's alone for as long. The rules are those of docs/objectives.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.effect_estimate import BEYOND
from tputtui.experiments.guard_arm import FAST, FEWEST_REQUESTS, ArmEvidence, GuardArm, TickObservation
from tputtui.experiments.sequential_test import BlockedRows, PercentEffect, SequentialTest
from tputtui.experiments.unanswered import UNRESPONSIVE_S
from tputtui.frozen import frozen
from tputtui.signals.objectives.burn_rate import PAIRS
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel
from tputtui.text import amount, clean, number, percent, span

Trigger = Literal["fast_burn", "missed", "worse_than_control", "dead", "unresponsive"]

NO_DATA_S: Final = 10.0
CONFIRMED: Final = 3

_SLOWER_S: Final = PAIRS[1].long_s  # what was not missed by a fast burn is judged over as long


@frozen
class Decision:
    """The treatment has to go: why, and on what evidence. Times are unix seconds."""

    trigger: Trigger
    objective: str
    reason: str
    value: float | None
    threshold: float | None
    since: float
    for_s: float
    span_s: float  # over which the requests are counted
    treatment: ArmEvidence
    control: ArmEvidence | None = None
    looks: int = 0
    effect: PercentEffect | None = None


@frozen
class GuardVerdict:
    """What one tick says: a decision, or why there can be none, as a sentence that stays the same while it holds."""

    decision: Decision | None = None
    alarm: str = ""


class ObjectiveGuard:
    """One objective on one treatment."""

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
        """`row_s`: as wide as the window. `quantile`: what is held against the control's where the objective names none."""
        self.objective = objective
        self._own = GuardArm(treatment, objective)
        self._control = GuardArm(control, objective) if control is not None else None
        self._fail_after_s = fail_after_s
        self._row = BlockedRows(row_s)
        self._beyond = 1 - (objective.quantile or quantile)  # the share of requests beyond the quantile
        context = ComparisonContext(margins=margins or {})
        tail = f"p{100 * (1 - self._beyond):g}"
        self._throughput = SequentialTest("throughput", context.margin("throughput"), row_s, by_share=True)
        self._tail = SequentialTest(tail, context.margin(tail), row_s)
        self._worse: PercentEffect | None = None  # as of the newest row
        self._held: tuple[Trigger, int] | None = None
        self._done = False

    def take(
        self, at: float, time: float, treatment: TickObservation, control: TickObservation | None = None
    ) -> GuardVerdict:
        """One tick at `at` (monotonic seconds) and `time` (unix seconds)."""
        own, other = self._own, self._control
        own.take(at, time, treatment)
        if other is not None:
            other.take(at, time, control or TickObservation())
            self._compare(at, own.seen, other.seen)
        unknown = next((arm for arm in (own, other) if arm is not None and arm.is_unknown), None)
        if self._done or unknown is not None:
            self._held = None
            late = unknown is not None and (unknown.seen.slow or at - unknown.unknown_since >= NO_DATA_S)
            return GuardVerdict(alarm=self._no_data(unknown) if unknown is not None and late else "")
        found = self._found(at)
        alarm = self._why_not(found, other, at) if found is not None and other is not None else ""
        if found is None or alarm:
            self._held = None
            return GuardVerdict(alarm=alarm)
        times = self._held[1] + 1 if self._held is not None and self._held[0] == found else 1
        self._held = (found, times)
        if other is not None and times < CONFIRMED:
            return GuardVerdict()
        self._done = True
        return GuardVerdict(self._decided(found, at, time))

    def unresponsive(self, at: float, time: float, silent_s: float) -> Decision:
        """The decision that the treatment has to go because it has not answered for so long."""
        own, other = self._own, self._control
        beside = ""
        if other is not None:
            rate = f" ({' '.join(amount(other.seen.rps, 'req/s'))})" if other.seen.rps is not None else ""
            beside = f", while {clean(other.name)} answers{rate}"
        self._done = True
        return Decision(
            "unresponsive",
            self.objective.expression,
            f"{clean(own.name)}: no answer for {span(round(silent_s))}{beside}",
            silent_s,
            UNRESPONSIVE_S,
            time - silent_s,
            silent_s,
            FAST.long_s,
            own.side(at, FAST.long_s),
            other.side(at, FAST.long_s) if other is not None else None,
        )

    # ------------------------------------------------------------------------------------------ the rules

    def _found(self, at: float) -> Trigger | None:
        own, other = self._own, self._control
        if other is not None and own.is_silent(at) and other.seen.rps:
            return "dead"
        if self._is_missed(at):
            return "fast_burn" if own.fast else "missed"
        if self._worse is not None and own.requests(at, FAST.long_s) >= FEWEST_REQUESTS:
            return "worse_than_control"
        return None

    def _is_missed(self, at: float) -> bool:
        own = self._own
        if own.state != "missed" or at - own.since[0] < self._fail_after_s:
            return False
        return self.objective.measure == "rps" or own.requests(at, self._span_s) >= FEWEST_REQUESTS

    def _compare(self, at: float, own: TickObservation, other: TickObservation) -> None:
        if not self._row.ends(at, own.known and other.known):
            if not (own.known and other.known):
                self._worse = None
            return
        enough = min(own.observed, other.observed) * self._row.row_s * self._beyond >= BEYOND
        tail = self._tail.add(own.quantile, other.quantile) if enough else None
        self._worse = self._throughput.add(own.rps, other.rps) or tail

    @property
    def _span_s(self) -> float:
        return FAST.long_s if self._own.fast else _SLOWER_S

    # ------------------------------------------------------------------------------------------ what is said

    @property
    def _label(self) -> str:
        return clean(self.objective.expression)

    def _no_data(self, arm: GuardArm) -> str:
        if arm.seen.slow:
            return f"no_data: slow: {clean(arm.name)} does not answer: {self._label} is not judged"
        return f"no data of {clean(arm.name)}: {self._label} is not judged"

    def _why_not(self, found: Trigger, control: GuardArm, at: float) -> str:
        """What keeps the treatment from being blamed; nothing where the control is well."""
        if found == "dead":
            why = "has lost its traffic, too" if control.has_faded(at) else ""
        elif control.state == "no_data":
            return self._no_data(control)
        else:
            why = "" if control.state == "ok" else "does not meet it, either"
        return f"shared incident: {clean(control.name)} {why}: {self._label} is not judged" if why else ""

    def _decided(self, trigger: Trigger, at: float, time: float) -> Decision:
        own, other = self._own, self._control
        span_s = self._span_s if trigger in ("fast_burn", "missed") else FAST.long_s
        value: float | None = own.seen.value
        threshold: float | None = self.objective.value
        since, began = own.since[1], own.since[0]
        looks, effect = 0, None
        treatment = own.side(at, span_s)
        if trigger == "dead":
            began, since = own.rose
            value, threshold = own.seen.rps, None
            why = f"no request for {span(at - began)}, {number(round(own.before))} in the minute before"
        elif trigger == "fast_burn":
            why = (
                f"{self._limit} is missed: the budget burns {number(treatment.burn_long)} times too fast over "
                f"{span(FAST.long_s)}, {number(treatment.burn_short)} times over {span(FAST.short_s)}"
            )
        elif trigger == "missed":
            figure = " ".join(amount(value, self._unit))
            why = f"{self._limit} is missed, now {figure}"
        else:
            effect = self._worse
            why, value, threshold = self._worse_words(effect)
            looks = effect.looks if effect is not None else 0
            since = time - self._row.row_s  # the look before this one was the first
            began = at - self._row.row_s
        reason = f"{clean(own.name)}: {why}{self._control_words(trigger)}"
        return Decision(
            trigger,
            self.objective.expression,
            reason,
            value,
            threshold,
            since,
            at - began,
            span_s,
            treatment,
            other.side(at, span_s) if other is not None else None,
            looks,
            effect,
        )

    def _worse_words(self, effect: PercentEffect | None) -> tuple[str, float | None, float | None]:
        """(the words, the treatment's figure, what it would have to be within)."""
        other = self._control.seen if self._control is not None else TickObservation()
        if effect is None:
            return "", None, None
        by_share = effect.metric == "throughput"
        own = self._own.seen.rps if by_share else self._own.seen.quantile
        limit = None if by_share or other.quantile is None else other.quantile * (1 + effect.margin / 100)
        side = "below its share" if by_share else "above"
        words = (
            f"{effect.metric} {percent(abs(effect.percent))} % {side} (between "
            f"{percent(min(abs(effect.low), abs(effect.high)))} and {percent(max(abs(effect.low), abs(effect.high)))} %, "
            f"margin {percent(effect.margin)} %) at two looks in a row"
        )
        return words, own, limit

    def _control_words(self, trigger: Trigger) -> str:
        if self._control is None:
            return ""
        name = clean(self._control.name)
        if trigger == "worse_than_control":
            return f", beside {name}"
        if trigger == "dead":
            return f"; {name} has {' '.join(amount(self._control.seen.rps, 'req/s'))}"
        return f"; {name} meets it"

    @property
    def _limit(self) -> str:
        return clean(self.objective.expression.rpartition(":")[2].strip())

    @property
    def _unit(self) -> str:
        return {"latency": "s", "errors": "ratio", "rps": "req/s"}[self.objective.measure]
