"""State of one arm of a guardrail: its objective's hysteresis, the time of its last request, and
the time for which it has not answered while the control does.
"""

from __future__ import annotations

from typing import Final, Literal

from tputtui.frozen import frozen
from tputtui.model import ObjectiveState
from tputtui.signals.objectives.burn_rate import WINDOW_PAIRS, Hysteresis
from tputtui.signals.objectives.objective_tracker import ObjectiveLevel, create_hysteresis

UNRESPONSIVE_S: Final = 30.0
"""A treatment without an answer for this long, while the control answers, has to be rolled back."""

UNREADABLE_S: Final = 10.0
"""A treatment unreadable for this long at the end of the recording was not fully evaluated."""

Answering = Literal["answers", "unreadable", "silent"]
"""State of a service as of one tick: readable figures; an answer without figures; no answer."""

FAST_PAIR: Final = WINDOW_PAIRS[0]
MIN_REQUESTS: Final = 100.0
SILENCE_S: Final = 10.0

# Of its requests in the minute before: below it the control has lost its traffic as well
_FADED_RATIO: Final = 0.5


class Unanswered:
    """Unanswered time of one treatment, counted while the control answers.

    If neither answers, the cause may be this side, the network, or an incident of both. A tick
    counts for two intervals at most, so that time in which this process was kept from running is
    not counted against either arm.
    """

    def __init__(self, interval_s: float) -> None:
        self._most_s = 2 * interval_s
        self._at: float | None = None
        self.silent_s = 0.0  # without an answer, while the control answers
        self.unreadable_s = 0.0  # without figures
        self.longest_s = 0.0  # the longest time without figures
        self.was_read = False

    def add_tick(self, at: float, state: Answering, *, control_answers: bool) -> None:
        """Add one tick at `at` (monotonic seconds)."""
        passed = min(at - self._at, self._most_s) if self._at is not None else 0.0
        self._at = at
        if state == "answers":
            self.silent_s = self.unreadable_s = 0.0
            self.was_read = True
            return
        self.unreadable_s += passed
        self.longest_s = max(self.longest_s, self.unreadable_s)
        if state != "silent":
            self.silent_s = 0.0
        elif control_answers:
            self.silent_s += passed

    @property
    def is_unresponsive(self) -> bool:
        """Whether it has not answered for UNRESPONSIVE_S while the control did."""
        return self.silent_s >= UNRESPONSIVE_S

    @property
    def was_judged(self) -> bool:
        """Whether it was readable enough for a verdict: at all, at the end, and without a long
        gap.
        """
        return (
            self.was_read and self.unreadable_s < UNREADABLE_S and self.longest_s < UNRESPONSIVE_S
        )


@frozen
class TickObservation:
    """Observation of one arm as of one tick, for its objective. None is unknown."""

    value: float | None = None  # the objective's figure: s, ratio, 1/s
    total: float = 0.0  # requests per second that the objective counts
    bad: float = 0.0  # bad ones among them
    rps: float | None = None  # req/s
    requests: float | None = None  # in total, since observation began
    quantile: float | None = None  # s: the objective's quantile, else the highest available
    waiting: bool = False  # an answer is late: the figures are the last known ones
    slow: bool = False  # late by more than a window: there are no figures

    @property
    def is_known(self) -> bool:
        """Whether anything can be read."""
        return self.rps is not None or self.value is not None

    @property
    def request_rate(self) -> float:
        """Requests per second as the objective counts them; all requests if it counts none."""
        return self.total or self.rps or 0.0


@frozen
class ArmEvidence:
    """Evidence of one arm."""

    service: str
    rps: float | None
    value: float | None
    requests: float  # in the evaluated span
    burn_long: float | None
    burn_short: float | None


class GuardArm:
    """State of one arm."""

    def __init__(self, name: str, objective: ObjectiveLevel) -> None:
        self.name = name
        self.latch = create_hysteresis(objective)
        self._request_counter = Hysteresis(None)  # counts requests, whatever the objective counts
        self.observation = TickObservation()
        self.state: ObjectiveState = "no_data"
        self.since = (0.0, 0.0)  # (at, time) of the state
        self.is_fast_burn = False  # missed by the pair of fast-burn windows
        self.unknown_since = 0.0
        self.last_request: tuple[float, float] = (0.0, 0.0)  # (at, time) of the last request
        self.requests_before_silence = 0.0  # requests in the minute before the silence
        self._objective = objective
        self._last_total: float | None = None
        self._has_started = False
        self._at: float | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether nothing can be read of it."""
        return not self.observation.is_known

    def update(self, at: float, time: float, observation: TickObservation) -> None:
        """Process one tick."""
        if not observation.is_known and (self.observation.is_known or not self._has_started):
            self.unknown_since = at
        self._has_started, self.observation = True, observation
        state: ObjectiveState = "no_data"
        passed = at - self._at if self._at is not None else 0.0
        self._at = at
        if observation.waiting:  # no new data: neither a silence nor a miss grows longer
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
        """Update the time of the last request; a time without data does not count as silence."""
        requests, is_known = self.observation.requests, self.observation.is_known
        rises = bool(self.observation.rps) if requests is None else requests != self._last_total
        if rises or not is_known:
            self.last_request = (at, time)
            self.requests_before_silence = self.requests(at, FAST_PAIR.long_s)
        self._last_total = requests if is_known else None

    def requests(self, at: float, span_s: float) -> float:
        """Return the number of requests in the last `span_s` seconds."""
        return self._request_counter.burn_rate(at, span_s).total

    def is_silent(self, at: float) -> bool:
        """Return whether it answers but has had no request for SILENCE_S, after enough in the
        minute before.
        """
        return (
            at - self.last_request[0] >= SILENCE_S and self.requests_before_silence >= MIN_REQUESTS
        )

    def has_faded(self, at: float) -> bool:
        """Return whether its traffic has collapsed compared with the minute before."""
        return (self.observation.rps or 0.0) * FAST_PAIR.long_s < _FADED_RATIO * self.requests(
            at, FAST_PAIR.long_s
        )

    def evidence(self, at: float, span_s: float) -> ArmEvidence:
        """Return the evidence, with the requests of the last `span_s` seconds."""
        has_budget = bool(self.latch.budget)
        return ArmEvidence(
            self.name,
            self.observation.rps,
            self.observation.value,
            self.requests(at, span_s),
            self.latch.burn_rate(at, FAST_PAIR.long_s).rate if has_budget else None,
            self.latch.burn_rate(at, FAST_PAIR.short_s).rate if has_budget else None,
        )
