"""The processes behind one target, which may answer in turn.

Workers without a shared registry, and replicas behind one address, answer in turn, each with its
own counters. Their rates are summed, each taken over its own time. If the evidence is not
sufficient, rates are None and `why_no_rates` says why. `process_assignment` finds the process that
gave an answer.

Memory: values, gains and at least two rows for each process, at most `MAX_PROCESSES`. A process
that has not answered for `FORGET_AFTER_WINDOWS` windows is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log
from operator import add
from typing import Final, Literal, NamedTuple

from tputtui.model import Series
from tputtui.signals.rates.process_counters import ProcessCounters

MAX_PROCESSES: Final = 64
FORGET_AFTER_WINDOWS: Final = 10  # windows

RESTART_S: Final = 1.0
"""Difference in seconds up to which two start times may be one, rounded.

A start time may also lie that far before the scrape it came after.
"""

# share of the total: an unknown replacement matters only if it may change the total by more
MAX_UNCLEAR_SHARE: Final = 0.05

COUNTERS_FELL: Final = "counters fell without a restart, counted as 0: a worker may have exited"
OTHER_PROCESS: Final = "another process answers than before, and it is no younger one"

_ENDED_CHANCE: Final = 1e-5
"""Probability of being passed over so often in a row below which a process counts as ended."""

_ENDED_CHANCE_UNSURE: Final = 1e-3
"""Like `_ENDED_CHANCE`, while the number or the identity of processes is not known.

In that state there are no rates.
"""

Notice = tuple[Literal["reset", "warning"], str]


class AnswerEvidence(NamedTuple):
    """One good scrape as evidence of the process that gave it."""

    at: float
    time: float  # unix seconds
    previous_time: float | None  # unix seconds of the previous good scrape
    stepped_s: float  # seconds by which the local wall clock was set since then
    start_time: float | None
    created_times: Mapping[Series, float]
    values: Sequence[float]  # by series number; NaN if absent
    # numbers of the series that count events; they measure the distance between two lines
    event_numbers: Sequence[int]
    small_gain: float  # their gain that is plausible at any pace
    scrape: int

    def is_new(self, moment: float) -> bool:
        """Tell whether a start or created time lies after the previous scrape."""
        since = self.previous_time
        return since is not None and since - RESTART_S < moment <= self.time + RESTART_S


class ProcessesInTurn:
    """The processes behind one target and the one that answered last."""

    def __init__(self) -> None:
        self.current_process = ProcessCounters()
        self.known_processes = [self.current_process]
        self.has_answers_in_turn = False  # a process answered again after another had answered
        # `at` of the newest answer that fitted several processes
        self.unclear_at: float | None = None
        self.why_no_rates: str | None = None  # reason why there are no rates
        self.resets = 0
        self.reset_at: float | None = None
        # number of times that values proved to be of other processes; no minute spans such a moment
        self.sequence_break_count = 0
        self.notices: list[Notice] = []
        self.watched_since: float | None = None  # unix seconds of the first scrape
        self._forgotten_gains: list[float] = []  # increases of forgotten processes
        self._reset_to_confirm: float | None = None
        self._too_many_at: float | None = None

    # ---------------------------------------------------------------------------------------- state

    @property
    def live_processes(self) -> list[ProcessCounters]:
        """Processes that still answer, as far as is known."""
        if len(self.known_processes) == 1:
            return self.known_processes
        return [process for process in self.known_processes if not process.has_ended]

    @property
    def process_count(self) -> int:
        """Number of processes that answer in turn; 1 without evidence of several."""
        if not self.has_answers_in_turn:
            return 1
        born, replaced = self._find_replaced()
        return len(self.live_processes) - min(len(born), len(replaced))

    @property
    def is_replacing(self) -> bool:
        """Whether a new process replaced another and it is not known which one."""
        return len(self.known_processes) > 1 and any(
            process.started_while_watched_at is not None for process in self.live_processes
        )

    def gained(self, size: int) -> list[float]:
        """Return the increase of each series in all processes so far."""
        if len(self.known_processes) == 1 and not self._forgotten_gains:
            return self.current_process.gained
        total = [*self._forgotten_gains, *([0.0] * (size - len(self._forgotten_gains)))]
        for process in self.known_processes:
            process.resize(size)
            total = list(map(add, total, process.gained))
        return total

    def rates(self, size: int) -> list[float] | None:
        """Return the increase per second of each series.

        It is the sum over the processes, each taken over its own time.
        """
        live = self.live_processes
        if self.why_no_rates is not None:
            return None
        if len(live) == 1:
            return live[0].rates(size)
        total = [0.0] * size
        for process, weight in self._weights():
            rates = process.rates(size)
            if rates is not None and weight > 0:
                total = [
                    subtotal + weight * rate for subtotal, rate in zip(total, rates, strict=True)
                ]
        return total

    def has_indistinguishable_process(self, process: ProcessCounters) -> bool:
        """Tell whether another live process differs from this one by its values only."""
        return any(
            other is not process and other.has_same_identity(process)
            for other in self.live_processes
        )

    # ---------------------------------------------------------------- adding and removing processes

    def add_process(self, answer: AnswerEvidence, *, born: bool) -> ProcessCounters:
        """Add a process; `born`: it started while the target was watched."""
        while len(self.known_processes) >= MAX_PROCESSES:
            oldest = min(
                self.known_processes, key=lambda process: (not process.has_ended, process.at)
            )
            if not oldest.has_ended:
                self._too_many_at = answer.at
            self.forget_process(oldest)
        process = ProcessCounters(len(answer.values))
        process.sequence_start_at = answer.at
        if born and answer.start_time is not None:
            process.started_while_watched_at = min(
                answer.at, answer.at - (answer.time - answer.start_time)
            )
        self.known_processes.append(process)
        return process

    def start_line(self, answer: AnswerEvidence) -> None:
        """Let the current process continue with other values and remember the previous ones."""
        current = self.current_process
        self.known_processes.append(current.archive(answer.event_numbers))
        current.sequence_start_at = answer.at
        current.steps_back.clear()

    def forget_process(self, process: ProcessCounters) -> None:
        """Forget a process except for its increases."""
        if any(process.gained):
            self._forgotten_gains.extend([0.0] * (len(process.gained) - len(self._forgotten_gains)))
            for number, gained in enumerate(process.gained):
                self._forgotten_gains[number] += gained
        self.known_processes.remove(process)

    def start_over(self) -> None:
        """Restart the rates after a gap."""
        for process in self.known_processes:
            process.rows.clear()

    def renumber(self, kept_numbers: Sequence[int]) -> None:
        """Keep only the series with these numbers."""
        for process in self.known_processes:
            process.renumber(kept_numbers)
        if self._forgotten_gains:
            self._forgotten_gains.extend(
                [0.0] * ((kept_numbers[-1] + 1 if kept_numbers else 0) - len(self._forgotten_gains))
            )
            self._forgotten_gains = [self._forgotten_gains[number] for number in kept_numbers]

    # -------------------------------------------------------------------------------------- notices

    def add_notice(self, kind: Literal["reset", "warning"], sentence: str) -> None:
        """Note something for the log, once."""
        if (kind, sentence) not in self.notices:
            self.notices.append((kind, sentence))

    def add_restart(self, at: float, sentence: str) -> None:
        """Report a restart, or a reset of counters."""
        self.resets += 1
        self.reset_at = at
        self.add_notice("reset", sentence)

    def expect_confirmation(self, at: float) -> None:
        """Report a reset at `at` unless the next scrape refutes it."""
        self._reset_to_confirm = at if self._reset_to_confirm is None else self._reset_to_confirm

    def withdraw_reset(self) -> None:
        """Withdraw a pending reset: values returned to the previous ones."""
        self._reset_to_confirm = None

    def confirm_reset(self, at: float) -> None:
        """Report the pending reset, which the scrape after it did not refute."""
        if self._reset_to_confirm is not None and at > self._reset_to_confirm:
            self.add_restart(self._reset_to_confirm, "counters restarted: they fell to near zero")
            self._reset_to_confirm = None

    # -------------------------------------------------------------------------------------- scrapes

    def on_answer(self, process: ProcessCounters, at: float, window_s: float) -> None:
        """Record that a process answered, and what follows for the others."""
        if self.watched_since is None:
            self.watched_since = process.time
        if process is not self.current_process:
            if process.answer_count > 1 and not self.has_answers_in_turn:
                self.has_answers_in_turn = True
                self.add_notice("warning", "processes answer in turn: no multi-process mode")
            self.current_process = process
        if len(self.known_processes) > 1:
            self._end_silent()
            self._end_replaced(at)
            for known in list(self.known_processes):
                if known.has_ended and at - known.at > FORGET_AFTER_WINDOWS * window_s:
                    self.forget_process(known)
            if len(self.live_processes) == 1:
                self.has_answers_in_turn = False
        self.why_no_rates = self._describe_unknown(at, window_s)

    def _end_silent(self) -> None:
        """End processes that were passed over for too long."""
        live, current = self.live_processes, self.current_process
        for process in live:
            if process is current:
                continue
            turns = (process.scrape - process.first_scrape + 1) / process.answer_count
            is_unsure = not self.has_answers_in_turn or (
                self.why_no_rates is not None and self.has_indistinguishable_process(process)
            )
            max_turns = turns_until_ended(
                max(len(live), turns), _ENDED_CHANCE_UNSURE if is_unsure else _ENDED_CHANCE
            )
            if current.scrape - process.scrape > max_turns:
                process.has_ended = True
                if not self.has_answers_in_turn:
                    self.add_notice(
                        "warning",
                        COUNTERS_FELL if current.has_same_identity(process) else OTHER_PROCESS,
                    )

    def _find_replaced(self) -> tuple[list[ProcessCounters], list[ProcessCounters]]:
        """Return (processes born while watched, processes that some of them may have replaced)."""
        live = self.live_processes
        births = [
            process.started_while_watched_at
            for process in live
            if process.started_while_watched_at is not None
        ]
        if not births:
            return [], []
        # Start times may be rounded: the replaced process may have answered after the shown start.
        newest = max(births) + RESTART_S
        born = [process for process in live if process.started_while_watched_at is not None]
        return born, [
            process
            for process in live
            if process.started_while_watched_at is None and process.at < newest
        ]

    def _end_replaced(self, at: float) -> None:
        """End the replaced processes once all others have answered since."""
        born, replaced = self._find_replaced()
        if not born or len(replaced) > len(born):
            return
        previous_count = len(self.live_processes) - len(born)
        for process in replaced:
            process.has_ended = True
            self.add_restart(at, f"has a new process behind it: 1 of {previous_count} was replaced")
        for process in born:
            process.started_while_watched_at = None

    def _weights(self) -> list[tuple[ProcessCounters, float]]:
        """Return each live process with its weight in the sum.

        Until it is known which processes were replaced, all candidates share the weight of those
        that are left. Until a new process has a rate, the process it replaces is used in its place.
        """
        born, replaced = self._find_replaced()
        rated = sum(process.covered_s > 0 for process in born)
        replaced_weight = max(0, len(replaced) - rated) / len(replaced) if replaced else 1.0
        weights = []
        for process in self.live_processes:
            weight = 1.0
            if process in replaced:
                weight = replaced_weight
            elif process in born and process.covered_s <= 0:
                weight = 0.0
            weights.append((process, weight))
        return weights

    # ---------------------------------------------------------------------------------- uncertainty

    def _describe_unknown(self, at: float, window_s: float) -> str | None:
        live = self.live_processes
        if self.unclear_at is not None and at - self.unclear_at <= window_s:
            return "several processes that cannot be distinguished"
        if len(live) == 1:
            return None
        if (
            self._too_many_at is not None
            and at - self._too_many_at <= FORGET_AFTER_WINDOWS * window_s
        ):
            return f"more than {MAX_PROCESSES} processes answer in turn"
        born, replaced = self._find_replaced()
        # A new process without a rate is covered by the processes that it may have replaced.
        covered = born if replaced else []
        waiting = [process for process in live if process.covered_s <= 0 and process not in covered]
        if waiting and not self.has_answers_in_turn:
            return "another process, or a restart? Not known yet"
        if waiting:
            return f"{len(live)} processes in turn, {len(waiting)} answered only once so far"
        if any(
            not process.is_settled
            for process in live
            if self.has_indistinguishable_process(process)
        ):
            return f"{len(live)} processes in turn: not clear yet which is which"
        return self._describe_unclear_replacement(
            replaced, sum(process.covered_s > 0 for process in born)
        )

    def _describe_unclear_replacement(
        self, replaced: list[ProcessCounters], rated: int
    ) -> str | None:
        """Describe why the identity of the replaced processes matters.

        None if all candidates contribute about the same.
        """
        if not replaced or not rated:
            return None
        paces = sorted(process.total_rate for process in replaced)
        total = sum(weight * process.total_rate for process, weight in self._weights())
        mean = sum(paces) * rated / len(paces)
        # The total takes the replaced processes for average ones: it is too high if those with the
        # highest rates were replaced.
        overstated, understated = sum(paces[-rated:]) - mean, mean - sum(paces[:rated])
        # Shares of the true total, which is lower by what is overstated, and the reverse.
        if overstated <= MAX_UNCLEAR_SHARE * (total - overstated) and (
            understated <= MAX_UNCLEAR_SHARE * (total + understated)
        ):
            return None
        return f"{rated} of {self.process_count} processes is new: which did it replace?"


def turns_until_ended(processes: float, chance: float) -> int:
    """Return the number of consecutive answers of others that a live process sees with `chance`.

    The processes are assumed to answer at random.
    """
    return ceil(log(chance) / log(1 - 1 / processes)) if processes > 1 else 1
