"""Assignment of answers to the processes behind a target.

Processes are distinguished by start time and by `_created` samples. Where those are equal or
absent, an answer is assigned so that every counter is monotone. If several assignments do that, the
one with the least gain is used, and rates are shown only once the assignment has settled.
Prometheus treats every fall as a reset. This module does so only if no start time contradicts it,
if the new value is small enough to have been counted since, and if values do not return to the old
line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

from tputtui.model import Series
from tputtui.signals.rates.answer_evidence import (
    BURST_FACTOR,
    SURPRISE_FACTOR,
    has_other_created_times,
    is_expected,
    is_far_below,
    is_young,
)
from tputtui.signals.rates.process_counters import ProcessCounters, same_created
from tputtui.signals.rates.processes_in_turn import (
    COUNTERS_FELL,
    RESTART_S,
    AnswerEvidence,
    ProcessesInTurn,
)

SAME_START_S: Final = 0.005
"""Difference up to which start times with a fraction are equal.

Such times are kept in hundredths of a second, and forks of one server differ by at least that.
"""

MIN_STEADY_ANSWERS: Final = 10
"""Consecutive answers in one line after which a single process is assumed.

With two processes that answer at random, the other is passed over that often once in a thousand
times.
"""

# share of an interval's increase: counters that fall by so little are of the same process
SMALL_STEP_SHARE: Final = 0.1

MAX_STEPS_BACK: Final = 3
STEPS_BACK_SPAN_S: Final = 100.0
"""Span in seconds within which `MAX_STEPS_BACK` steps back of all counters are no coincidence."""


class AnsweringProcess(NamedTuple):
    """The process that gave an answer.

    `is_rebased`: its values begin a new line and gain nothing. `is_from_zero`: its values count
    from zero.
    """

    process: ProcessCounters
    is_rebased: bool = False
    is_from_zero: bool = False


def _started_near(process: ProcessCounters, start: float) -> bool:
    return process.start_time is not None and abs(process.start_time - start) <= RESTART_S


class ProcessAssignment:
    """Assign the answers of one target to its processes."""

    def __init__(self, processes: ProcessesInTurn) -> None:
        self._processes = processes
        self._start_is_rounded = False
        # `at` of answers in which counters stepped back
        self._step_back_times: deque[float] = deque(maxlen=MAX_STEPS_BACK)

    def guess_process(self, start: float | None) -> ProcessCounters:
        """Return the likely process: by start time, else the one that answered last."""
        processes = self._processes
        if (
            start is not None
            and start != processes.current_process.start_time
            and len(processes.known_processes) > 1
        ):
            for process in processes.known_processes:
                if process.start_time == start and not process.has_ended:
                    return process
        return processes.current_process

    def is_certain(
        self, process: ProcessCounters, start: float | None, created: Mapping[Series, float]
    ) -> bool:
        """Tell whether identity alone proves the process.

        It does if nothing differs and no other process is like it.
        """
        if (
            process.has_ended
            or process.start_time != start
            or not same_created(process.created_times, created)
        ):
            return False
        known = self._processes.known_processes
        return len(known) == 1 or not any(
            other is not process
            and other.start_time == start
            and same_created(other.created_times, created)
            for other in known
        )

    def assign(self, answer: AnswerEvidence) -> AnsweringProcess:
        """Return the process that answered, where identity alone does not decide.

        That is where a counter fell, identity differs from the previous answer, or several
        processes are alike.
        """
        known = self._processes.known_processes
        for process in known:
            process.resize(len(answer.values))
        alike = [process for process in known if self._is_alike(process, answer)]
        if not alike:
            return self._assign_unknown(answer)
        exact = [process for process in alike if process.start_time == answer.start_time]
        return self._assign_by_values(exact or alike, answer)

    # ---------------------------------------------------------------------------------- by identity

    def _is_alike(self, process: ProcessCounters, answer: AnswerEvidence) -> bool:
        """Tell whether start and created times do not show another process."""
        return self._is_start_alike(process.start_time, answer) and not has_other_created_times(
            process, answer
        )

    def _is_start_alike(self, start: float | None, answer: AnswerEvidence) -> bool:
        if start is None or answer.start_time is None or start == answer.start_time:
            return True
        difference = answer.start_time - start
        if abs(answer.stepped_s) > RESTART_S and abs(difference - answer.stepped_s) <= RESTART_S:
            return True  # the wall clock was set: start times move with it
        are_whole_seconds = start.is_integer() and answer.start_time.is_integer()
        return abs(difference) <= (
            RESTART_S if are_whole_seconds or self._start_is_rounded else SAME_START_S
        )

    def _assign_unknown(self, answer: AnswerEvidence) -> AnsweringProcess:
        """Assign an answer whose start or created time no known process has."""
        processes = self._processes
        current, start = processes.current_process, answer.start_time
        if start is None or current.start_time is None or start == current.start_time:
            return AnsweringProcess(processes.add_process(answer, born=False), is_rebased=True)
        if self._changes_with_each_scrape(start, answer):
            self._start_is_rounded = True
            for process in [other for other in processes.known_processes if other is not current]:
                processes.forget_process(process)
            return AnsweringProcess(current)
        is_newest = start > max(
            other.start_time for other in processes.known_processes if other.start_time is not None
        )
        is_new = answer.is_new(start)
        is_restart_by_values = (
            current.answer_count >= MIN_STEADY_ANSWERS
            and current.is_steady(answer.event_numbers)
            and is_young(current, answer)
        )
        if len(processes.live_processes) == 1 and is_newest and (is_new or is_restart_by_values):
            processes.start_line(answer)
            processes.add_restart(answer.at, "restarted: its start time moved forward")
            return AnsweringProcess(current, is_from_zero=True)
        watched_since = processes.watched_since
        was_born_watched = (
            watched_since is not None
            and watched_since - RESTART_S < start <= answer.time + RESTART_S
        )
        return AnsweringProcess(
            processes.add_process(answer, born=was_born_watched),
            is_rebased=not is_new,
            is_from_zero=is_new,
        )

    def _changes_with_each_scrape(self, start: float, answer: AnswerEvidence) -> bool:
        """Tell whether the start time is recomputed for each scrape of one continuing process."""
        known = self._processes.known_processes
        similar = [process for process in known if _started_near(process, start)]
        if len(similar) < MIN_STEADY_ANSWERS:
            return False
        for process in similar:
            if process.answer_count > 1:
                return False
            falls, _ = process.compare_values(answer.values, answer.event_numbers)
            if falls:
                return False
        return True

    # ------------------------------------------------------------------------------------ by values

    def _assign_by_values(
        self, candidates: list[ProcessCounters], answer: AnswerEvidence
    ) -> AnsweringProcess:
        """Return the process whose counters continue; none may have a counter that falls."""
        gains = {}
        for process in candidates:
            falls, gain = process.compare_values(answer.values, answer.event_numbers)
            if not falls:
                gains[process.serial] = gain
        current = self._processes.current_process
        rising = [process for process in candidates if process.serial in gains]
        are_several = len([process for process in candidates if not process.has_ended]) > 1
        if not rising and are_several:
            return self._add_line(candidates, answer)
        if not rising:
            return self._assign_after_fall(candidates, answer)
        chosen = min(rising, key=lambda process: (gains[process.serial], process is not current))
        if are_several:
            return self._assign_in_turn(chosen, rising, gains, answer)
        if len(candidates) > 1 and current in rising:
            if is_expected(current, gains[current.serial], answer, BURST_FACTOR):
                chosen = current
            elif chosen is current and not is_far_below(candidates, current, answer):
                return self._add_line(candidates, answer)
        if chosen is not current or chosen.has_ended:
            return self._assign_returned(chosen, answer, gains[chosen.serial])
        return AnsweringProcess(current)

    def _assign_in_turn(
        self,
        chosen: ProcessCounters,
        rising: list[ProcessCounters],
        gains: Mapping[int, float],
        answer: AnswerEvidence,
    ) -> AnsweringProcess:
        """Assign an answer to the process with the least gain.

        Used for several processes that only their values tell apart.
        """
        gain = gains[chosen.serial]
        if chosen is not self._processes.current_process and self._is_step_back(
            chosen, answer, gain
        ):
            return self._undo_step_back(chosen)
        others = [other for other in rising if other is not chosen and not other.has_ended]
        if any(is_expected(other, gains[other.serial], answer, 2.0) for other in others):
            self._processes.unclear_at = answer.at
        is_surprise = bool(chosen.recent_intervals) and not is_expected(
            chosen, gain, answer, SURPRISE_FACTOR
        )
        if chosen.has_ended or is_surprise:
            chosen.resume()
            self._restart_lines([chosen])
            return AnsweringProcess(chosen, is_rebased=True)
        chosen.recent_intervals.append((answer.at - chosen.at, gain))
        return AnsweringProcess(chosen)

    def _add_line(
        self, candidates: list[ProcessCounters], answer: AnswerEvidence
    ) -> AnsweringProcess:
        """Add a process that only its values tell apart.

        The rates of all such processes start over.
        """
        self._restart_lines(candidates)
        return AnsweringProcess(self._processes.add_process(answer, born=False), is_rebased=True)

    def _restart_lines(self, candidates: list[ProcessCounters]) -> None:
        self._processes.sequence_break_count += 1
        for process in candidates:
            process.recent_intervals.clear()
            process.drop_rows_before(process.at)

    def _assign_returned(
        self, process: ProcessCounters, answer: AnswerEvidence, gain: float
    ) -> AnsweringProcess:
        """Handle values that returned to an older line or to a process that seemed ended."""
        processes = self._processes
        if process.is_archived:
            if self._is_step_back(process, answer, gain):
                return self._undo_step_back(process)
            processes.withdraw_reset()
            processes.sequence_break_count += 1
            processes.current_process.drop_rows_before(processes.current_process.sequence_start_at)
        process.resume()
        return AnsweringProcess(process)

    # --------------------------------------------------------------------------- counters that fell

    def _assign_after_fall(
        self, candidates: list[ProcessCounters], answer: AnswerEvidence
    ) -> AnsweringProcess:
        """Handle a fall in the only process that may have answered, not to older values."""
        processes = self._processes
        process = (
            processes.current_process if processes.current_process in candidates else candidates[-1]
        )
        if not process.has_ended and self._is_partial_fall(process, answer):
            return AnsweringProcess(process)
        if process is not processes.current_process:
            return self._add_line(candidates, answer)
        has_restarted = answer.start_time is None and is_young(process, answer)
        is_trusted = process.answer_count >= MIN_STEADY_ANSWERS and process.is_steady(
            answer.event_numbers, MIN_STEADY_ANSWERS
        )
        if not (is_trusted or has_restarted):
            return self._add_line(candidates, answer)
        processes.start_line(answer)
        if has_restarted:
            processes.expect_confirmation(answer.at)
            return AnsweringProcess(process, is_from_zero=True)
        processes.add_notice("warning", COUNTERS_FELL)
        return AnsweringProcess(process, is_rebased=True)

    def _is_partial_fall(self, process: ProcessCounters, answer: AnswerEvidence) -> bool:
        """Tell whether a fall is within one process.

        It is if only a part of the counters fell, or if all fell by far less than they gain in an
        interval.
        """
        values, raw = answer.values, process.raw_values
        pace = process.pace(answer.event_numbers)
        if pace is None:
            return False
        expected = pace * (answer.at - process.at)
        if (
            process.compare_values(values, answer.event_numbers)[1]
            > answer.small_gain + BURST_FACTOR * expected
        ):
            return False
        fallen = [number for number, before in enumerate(raw) if before > values[number]]
        risen_count = sum(before < value for before, value in zip(raw, values, strict=True))
        if risen_count and len(fallen) <= max(1, (risen_count + len(fallen)) // 10):
            return True
        event_numbers = set(answer.event_numbers)
        total_fall = sum(
            raw[number] - values[number] for number in fallen if number in event_numbers
        )
        return (
            total_fall <= SMALL_STEP_SHARE * expected
            and process.is_steady(answer.event_numbers)
            and not self._steps_too_often(answer)
        )

    def _is_step_back(self, process: ProcessCounters, answer: AnswerEvidence, gain: float) -> bool:
        """Tell whether the newest answers were a short step back of the process they return to.

        They were if they lay less than one step below its line.
        """
        current = self._processes.current_process
        if (
            current.sequence_start_at <= process.at
            or current.answer_count > process.answer_count + 2
            or len(self._processes.live_processes) > 2
        ):
            return False
        if not (
            current.has_same_identity(process)
            and (process.is_archived or process.is_steady(answer.event_numbers))
        ):
            return False
        step_size = sum(
            max(0.0, process.raw_values[number] - current.raw_values[number])
            for number in answer.event_numbers
        )
        if step_size > gain or not is_expected(process, gain, answer, 2.0):
            return False
        return not self._steps_too_often(answer)

    def _steps_too_often(self, answer: AnswerEvidence) -> bool:
        """Count a step back; frequent ones mean processes too close to distinguish."""
        self._step_back_times.append(answer.at)
        if (
            sum(answer.at - at <= STEPS_BACK_SPAN_S for at in self._step_back_times)
            < MAX_STEPS_BACK
        ):
            return False
        self._processes.unclear_at = answer.at
        return True

    def _undo_step_back(self, process: ProcessCounters) -> AnsweringProcess:
        """Continue the process in the line its values returned to.

        The lower values in between were its own.
        """
        processes = self._processes
        if process.is_archived:
            processes.current_process.raw_values = process.raw_values[:]
            processes.forget_process(process)
            process = processes.current_process
        else:
            processes.forget_process(processes.current_process)
            processes.current_process = process
        processes.withdraw_reset()
        processes.add_notice("warning", "its counters stepped back and returned: counted as 0")
        return AnsweringProcess(process)
