"""What a guardrail remembers of the treatment, and of the control: its objective's latch, and when it last had a request."""

from __future__ import annotations

from typing import Final

from tputtui.frozen import frozen
from tputtui.model import ObjectiveState
from tputtui.signals.objectives.burn_rate import WINDOW_PAIRS, Hysteresis
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel, create_hysteresis

FAST_PAIR: Final = WINDOW_PAIRS[0]
MIN_REQUESTS: Final = 100.0
SILENCE_S: Final = 10.0

_FADED_RATIO: Final = 0.5  # of its requests of the minute before: with less the control has lost its traffic, too


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
    def is_known(self) -> bool:
        """Whether anything can be read."""
        return self.rps is not None or self.value is not None

    @property
    def request_rate(self) -> float:
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
        self.latch = create_hysteresis(objective)
        self._request_counter = Hysteresis(None)  # counts requests, whatever the objective counts
        self.observation = TickObservation()
        self.state: ObjectiveState = "no_data"
        self.since = (0.0, 0.0)  # (at, time) of the state
        self.is_fast_burn = False  # it is missed by the fast pair
        self.unknown_since = 0.0
        self.last_request: tuple[float, float] = (0.0, 0.0)  # (at, time) when there last was a request
        self.requests_before_silence = 0.0  # requests in the minute before that
        self._objective = objective
        self._last_total: float | None = None
        self._has_started = False
        self._at: float | None = None

    @property
    def is_unknown(self) -> bool:
        """Nothing can be read of it."""
        return not self.observation.is_known

    def update(self, at: float, time: float, observation: TickObservation) -> None:
        """See a tick."""
        if not observation.is_known and (self.observation.is_known or not self._has_started):
            self.unknown_since = at
        self._has_started, self.observation = True, observation
        state: ObjectiveState = "no_data"
        passed = at - self._at if self._at is not None else 0.0
        self._at = at
        if observation.waiting:  # nothing new: neither a silence nor a miss lasts longer for that
            self._request_counter.skip_tick(at)
            self.latch.skip_tick(at)
            self.since = (self.since[0] + passed, self.since[1] + passed)
            self.last_request = (self.last_request[0] + passed, self.last_request[1] + passed)
            return
        if observation.is_known:
            self._request_counter.update(at, is_exceeded=False, total=observation.request_rate)
        else:
            self._request_counter.skip_tick(at)
        if observation.value is None:
            self.latch.skip_tick(at)
        else:
            value, level = observation.value, self._objective.value
            beyond = value > level if self._objective.op == "<=" else value < level
            state = self.latch.update(at, beyond, observation.total, observation.bad)
        if state != self.state:
            self.state, self.since = state, (at, time)
        if state != "missed":
            self.is_fast_burn = False
        elif self.latch.is_firing(at, FAST_PAIR):
            self.is_fast_burn = True
        self._update_last_request(at, time)

    def _update_last_request(self, at: float, time: float) -> None:
        """When was the last request? What is not known for a while was no silence."""
        requests, known = self.observation.requests, self.observation.is_known
        rises = bool(self.observation.rps) if requests is None else requests != self._last_total
        if rises or not known:
            self.last_request = (at, time)
            self.requests_before_silence = self.requests(at, FAST_PAIR.long_s)
        self._last_total = requests if known else None

    def requests(self, at: float, span_s: float) -> float:
        """How many there were in the last `span_s` seconds."""
        return self._request_counter.burn_rate(at, span_s).total

    def is_silent(self, at: float) -> bool:
        """It answers, and has had no request for DEAD_S, after enough of them in the minute before."""
        return at - self.last_request[0] >= SILENCE_S and self.requests_before_silence >= MIN_REQUESTS

    def has_faded(self, at: float) -> bool:
        """It has hardly any traffic, against the minute before."""
        return (self.observation.rps or 0.0) * FAST_PAIR.long_s < _FADED_RATIO * self.requests(at, FAST_PAIR.long_s)

    def evidence(self, at: float, span_s: float) -> ArmEvidence:
        """The evidence, the requests being those of the last `span_s` seconds."""
        has_budget = bool(self.latch.budget)
        return ArmEvidence(
            self.name,
            self.observation.rps,
            self.observation.value,
            self.requests(at, span_s),
            self.latch.burn_rate(at, FAST_PAIR.long_s).rate if has_budget else None,
            self.latch.burn_rate(at, FAST_PAIR.short_s).rate if has_budget else None,
        )
