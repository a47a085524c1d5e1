"""What a guardrail remembers of the treatment, and of the control: its objective's latch, and when it last had a request."""

from __future__ import annotations

from typing import Final

from tputtui.frozen import frozen
from tputtui.model import ObjectiveState
from tputtui.signals.objectives.burn_rate import PAIRS, Hysteresis
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel, latch

FAST: Final = PAIRS[0]
FEWEST_REQUESTS: Final = 100.0
DEAD_S: Final = 10.0

_STILL: Final = 0.5  # of its requests of the minute before: with less the control has lost its traffic, too


@frozen
class TickObservation:
    """A side as of one tick, as its objective sees it. None is unknown."""

    value: float | None = None  # the objective's figure: s, ratio, 1/s
    total: float = 0.0  # requests per second that it counts
    bad: float = 0.0  # of them
    rps: float | None = None  # req/s
    requests: float | None = None  # in all, since it is watched
    quantile: float | None = None  # s: the objective's, else the highest there is
    waiting: bool = False  # an answer is late: the figures are the last ones
    slow: bool = False  # it is late by more than a window: there are no figures

    @property
    def known(self) -> bool:
        """Whether anything can be read."""
        return self.rps is not None or self.value is not None

    @property
    def observed(self) -> float:
        """Requests per second, as the objective counts them; where it counts none, all."""
        return self.total or self.rps or 0.0


@frozen
class ArmEvidence:
    """The evidence of one side."""

    service: str
    rps: float | None
    value: float | None
    requests: float  # in the span that was judged
    burn_long: float | None
    burn_short: float | None


class GuardArm:
    """What is remembered of one side."""

    def __init__(self, name: str, objective: ObjectiveLevel) -> None:
        self.name = name
        self.latch = latch(objective)
        self._asked = Hysteresis(None)  # counts requests, whatever the objective counts
        self.seen = TickObservation()
        self.state: ObjectiveState = "no_data"
        self.since = (0.0, 0.0)  # (at, time) of the state
        self.fast = False  # it is missed by the fast pair
        self.unknown_since = 0.0
        self.rose: tuple[float, float] = (0.0, 0.0)  # (at, time) when there last was a request
        self.before = 0.0  # requests in the minute before that
        self._objective = objective
        self._requests: float | None = None
        self._began = False
        self._at: float | None = None

    @property
    def is_unknown(self) -> bool:
        """Nothing can be read of it."""
        return not self.seen.known

    def take(self, at: float, time: float, seen: TickObservation) -> None:
        """See a tick."""
        if not seen.known and (self.seen.known or not self._began):
            self.unknown_since = at
        self._began, self.seen = True, seen
        state: ObjectiveState = "no_data"
        passed = at - self._at if self._at is not None else 0.0
        self._at = at
        if seen.waiting:  # nothing new: neither a silence nor a miss lasts longer for that
            self._asked.skip(at)
            self.latch.skip(at)
            self.since = (self.since[0] + passed, self.since[1] + passed)
            self.rose = (self.rose[0] + passed, self.rose[1] + passed)
            return
        if seen.known:
            self._asked.take(at, beyond=False, total=seen.observed)
        else:
            self._asked.skip(at)
        if seen.value is None:
            self.latch.skip(at)
        else:
            value, level = seen.value, self._objective.value
            beyond = value > level if self._objective.op == "<=" else value < level
            state = self.latch.take(at, beyond, seen.total, seen.bad)
        if state != self.state:
            self.state, self.since = state, (at, time)
        if state != "missed":
            self.fast = False
        elif self.latch.holds(at, FAST):
            self.fast = True
        self._listen(at, time)

    def _listen(self, at: float, time: float) -> None:
        """When was the last request? What is not known for a while was no silence."""
        requests, known = self.seen.requests, self.seen.known
        rises = bool(self.seen.rps) if requests is None else requests != self._requests
        if rises or not known:
            self.rose = (at, time)
            self.before = self.requests(at, FAST.long_s)
        self._requests = requests if known else None

    def requests(self, at: float, span_s: float) -> float:
        """How many there were in the last `span_s` seconds."""
        return self._asked.burn(at, span_s).total

    def is_silent(self, at: float) -> bool:
        """It answers, and has had no request for DEAD_S, after enough of them in the minute before."""
        return at - self.rose[0] >= DEAD_S and self.before >= FEWEST_REQUESTS

    def has_faded(self, at: float) -> bool:
        """It has hardly any traffic, against the minute before."""
        return (self.seen.rps or 0.0) * FAST.long_s < _STILL * self.requests(at, FAST.long_s)

    def side(self, at: float, span_s: float) -> ArmEvidence:
        """The evidence, the requests being those of the last `span_s` seconds."""
        has_budget = bool(self.latch.budget)
        return ArmEvidence(
            self.name,
            self.seen.rps,
            self.seen.value,
            self.requests(at, span_s),
            self.latch.burn(at, FAST.long_s).rate if has_budget else None,
            self.latch.burn(at, FAST.short_s).rate if has_budget else None,
        )
