"""Assignment of answers to the processes behind a target.

Processes are told apart by start time and by `_created` samples. Where those are equal or absent,
an answer is assigned so that every counter is monotone. If several assignments do that, the one
with the least gain is used, and rates are shown only once the assignment has settled. Prometheus
treats every fall as a reset. This module does so only if no start time contradicts it, if the new
value is small enough to have been counted since, and if values do not return to the old line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tputtui.model import Series
from tputtui.signals.rates.process_counters import ProcessCounters, same_created
from tputtui.signals.rates.processes_in_turn import FELL, RESTART_S, Answer, ProcessesInTurn

SAME_START_S: Final = 0.005
"""Difference up to which start times with a fraction are equal.

Such times are kept in hundredths of a second, and forks of one server differ by at least that.
"""

FEW: Final = 10.0
"""Increase of a counter that is plausible at any pace."""

BURST: Final = 10.0
"""Multiple of the expected increase beyond which an answer is doubted.

Applies only where other evidence says that several processes answer.
"""

SURPRISE: Final = 4.0
"""Like `BURST`, for several processes that only their values tell apart."""

CALM: Final = 10
"""Consecutive answers in one line after which a single process is assumed.

With two processes that answer at random, the other is passed over that often once in a thousand
times.
"""

# share of an interval's increase: counters that fall by so little are of the same process
SMALL_STEP: Final = 0.1

TOO_MANY_STEPS: Final = 3
SOON_S: Final = 100.0
"""Span in seconds within which `TOO_MANY_STEPS` steps back of all counters are no coincidence."""


class AnsweringProcess(NamedTuple):
    """The process that gave an answer.

    `rebase`: its values begin a new line and gain nothing. `from_zero`: its values count from zero.
    """

    process: ProcessCounters
    rebase: bool = False
    from_zero: bool = False


class ProcessAssignment:
    """Assign the answers of one target to its processes."""

    def __init__(self, processes: ProcessesInTurn) -> None:
        self._processes = processes
        self._start_is_rounded = False
        # `at` of answers in which counters stepped back
        self._steps: deque[float] = deque(maxlen=TOO_MANY_STEPS)

    def guess(self, start: float | None) -> ProcessCounters:
        """Return the likely process: by start time, else the one that answered last."""
        processes = self._processes
        if start is not None and start != processes.current.start and len(processes.known) > 1:
            for process in processes.known:
                if process.start == start and not process.ended:
                    return process
        return processes.current

    def is_certain(
        self, process: ProcessCounters, start: float | None, created: Mapping[Series, float]
    ) -> bool:
        """Tell whether identity alone proves the process.

        It does if nothing differs and no other process is like it.
        """
        if process.ended or process.start != start or not same_created(process.created, created):
            return False
        known = self._processes.known
        return len(known) == 1 or not any(
            other is not process and other.start == start and same_created(other.created, created)
            for other in known
        )

    def decide(self, answer: Answer) -> AnsweringProcess:
        """Return the process that answered, where identity alone does not decide.

        That is where a counter fell, identity differs from the previous answer, or several
        processes are alike.
        """
        known = self._processes.known
        for process in known:
            process.extend(len(answer.values))
        alike = [
            process
            for process in known
            if self._is_start_alike(process.start, answer) and not _other_created(process, answer)
        ]
        if not alike:
            return self._stranger(answer)
        exact = [process for process in alike if process.start == answer.start]
        return self._best_fit(exact or alike, answer)

    # ---------------------------------------------------------------------------------- by identity

    def _is_start_alike(self, start: float | None, answer: Answer) -> bool:
        if start is None or answer.start is None or start == answer.start:
            return True
        apart = answer.start - start
        if abs(answer.stepped_s) > RESTART_S and abs(apart - answer.stepped_s) <= RESTART_S:
            return True  # the wall clock was set: start times move with it
        whole = start.is_integer() and answer.start.is_integer()
        return abs(apart) <= (RESTART_S if whole or self._start_is_rounded else SAME_START_S)

    def _stranger(self, answer: Answer) -> AnsweringProcess:
        """Assign an answer whose start or created time no known process has."""
        processes = self._processes
        current, start = processes.current, answer.start
        if start is None or current.start is None or start == current.start:
            return AnsweringProcess(processes.add(answer, born=False), rebase=True)
        if self._changes_with_each_scrape(start, answer):
            self._start_is_rounded = True
            for process in [one for one in processes.known if one is not current]:
                processes.forget(process)
            return AnsweringProcess(current)
        is_newest = start > max(one.start for one in processes.known if one.start is not None)
        is_new = answer.is_new(start)
        by_values = (
            current.answers >= CALM
            and current.is_steady(answer.counts)
            and _is_young(current, answer)
        )
        if len(processes.live) == 1 and is_newest and (is_new or by_values):
            processes.begin_line(answer)
            processes.restarted(answer.at, "restarted: its start time moved forward")
            return AnsweringProcess(current, from_zero=True)
        since = processes.watched_since
        born = since is not None and since - RESTART_S < start <= answer.time + RESTART_S
        return AnsweringProcess(
            processes.add(answer, born=born), rebase=not is_new, from_zero=is_new
        )

    def _changes_with_each_scrape(self, start: float, answer: Answer) -> bool:
        """Tell whether the start time is recomputed for each scrape of one continuing process."""
        near = [
            one
            for one in self._processes.known
            if one.start is not None and abs(one.start - start) <= RESTART_S
        ]
        if len(near) < CALM:
            return False
        return not any(
            one.answers > 1 or one.measure(answer.values, answer.counts)[0] for one in near
        )

    # ------------------------------------------------------------------------------------ by values

    def _best_fit(self, alike: list[ProcessCounters], answer: Answer) -> AnsweringProcess:
        """Return the process whose counters continue; none may have a counter that falls."""
        gains = {}
        for process in alike:
            falls, gain = process.measure(answer.values, answer.counts)
            if not falls:
                gains[process.serial] = gain
        current = self._processes.current
        rising = [process for process in alike if process.serial in gains]
        several = len([process for process in alike if not process.ended]) > 1
        if not rising:
            return self._add_line(alike, answer) if several else self._fell(alike, answer)
        chosen = min(rising, key=lambda process: (gains[process.serial], process is not current))
        if several:
            return self._take_turn(chosen, rising, gains, answer)
        if len(alike) > 1 and current in rising:
            if _is_expected(current, gains[current.serial], answer, BURST):
                chosen = current
            elif chosen is current and not _is_far_below(alike, current, answer):
                return self._add_line(alike, answer)
        if chosen is not current or chosen.ended:
            return self._returned(chosen, answer, gains[chosen.serial])
        return AnsweringProcess(current)

    def _take_turn(
        self,
        chosen: ProcessCounters,
        rising: list[ProcessCounters],
        gains: Mapping[int, float],
        answer: Answer,
    ) -> AnsweringProcess:
        """Assign an answer to the process with the least gain.

        Used for several processes that only their values tell apart.
        """
        gain = gains[chosen.serial]
        if chosen is not self._processes.current and self._is_step_back(chosen, answer, gain):
            return self._step_back(chosen)
        others = [one for one in rising if one is not chosen and not one.ended]
        if any(_is_expected(one, gains[one.serial], answer, 2.0) for one in others):
            self._processes.unclear_at = answer.at
        is_surprise = bool(chosen.recent) and not _is_expected(chosen, gain, answer, SURPRISE)
        if chosen.ended or is_surprise:
            chosen.revive()
            self._lines_changed([chosen])
            return AnsweringProcess(chosen, rebase=True)
        chosen.recent.append((answer.at - chosen.at, gain))
        return AnsweringProcess(chosen)

    def _add_line(self, alike: list[ProcessCounters], answer: Answer) -> AnsweringProcess:
        """Add a process that only its values tell apart.

        The rates of all such processes start over.
        """
        self._lines_changed(alike)
        return AnsweringProcess(self._processes.add(answer, born=False), rebase=True)

    def _lines_changed(self, alike: list[ProcessCounters]) -> None:
        self._processes.broken_lines += 1
        for process in alike:
            process.recent.clear()
            process.cut(process.at)

    def _returned(self, process: ProcessCounters, answer: Answer, gain: float) -> AnsweringProcess:
        """Handle values that returned to an older line or to a process that seemed ended."""
        processes = self._processes
        if process.is_frozen:
            if self._is_step_back(process, answer, gain):
                return self._step_back(process)
            processes.withdraw()
            processes.broken_lines += 1
            processes.current.cut(processes.current.line_at)
        process.revive()
        return AnsweringProcess(process)

    # --------------------------------------------------------------------------- counters that fell

    def _fell(self, alike: list[ProcessCounters], answer: Answer) -> AnsweringProcess:
        """Handle a fall in the only process that may have answered, not to older values."""
        processes = self._processes
        process = processes.current if processes.current in alike else alike[-1]
        if not process.ended and self._is_part(process, answer):
            return AnsweringProcess(process)
        if process is not processes.current:
            return self._add_line(alike, answer)
        young = answer.start is None and _is_young(process, answer)
        trusted = process.answers >= CALM and process.is_steady(answer.counts, CALM)
        if not (trusted or young):
            return self._add_line(alike, answer)
        processes.begin_line(answer)
        if young:
            processes.expect_confirmation(answer.at)
            return AnsweringProcess(process, from_zero=True)
        processes.notice("warning", FELL)
        return AnsweringProcess(process, rebase=True)

    def _is_part(self, process: ProcessCounters, answer: Answer) -> bool:
        """Tell whether a fall is within one process.

        It is if only a part of the counters fell, or if all fell by far less than they gain in an
        interval.
        """
        values, raw = answer.values, process.raw
        pace = process.pace(answer.counts)
        if pace is None:
            return False
        expected = pace * (answer.at - process.at)
        if process.measure(values, answer.counts)[1] > answer.few + BURST * expected:
            return False
        fallen = [number for number, before in enumerate(raw) if before > values[number]]
        risen = sum(before < value for before, value in zip(raw, values, strict=True))
        if risen and len(fallen) <= max(1, (risen + len(fallen)) // 10):
            return True
        counts = set(answer.counts)
        fall = sum(raw[number] - values[number] for number in fallen if number in counts)
        return (
            fall <= SMALL_STEP * expected
            and process.is_steady(answer.counts)
            and not self._steps_too_often(answer)
        )

    def _is_step_back(self, process: ProcessCounters, answer: Answer, gain: float) -> bool:
        """Tell whether the newest answers were a short step back of the process they return to.

        They were if they lay less than one step below its line.
        """
        current = self._processes.current
        if (
            current.line_at <= process.at
            or current.answers > process.answers + 2
            or len(self._processes.live) > 2
        ):
            return False
        if not (
            current.is_like(process) and (process.is_frozen or process.is_steady(answer.counts))
        ):
            return False
        step = sum(max(0.0, process.raw[number] - current.raw[number]) for number in answer.counts)
        if step > gain or not _is_expected(process, gain, answer, 2.0):
            return False
        return not self._steps_too_often(answer)

    def _steps_too_often(self, answer: Answer) -> bool:
        """Count a step back; frequent ones mean processes too close to be told apart."""
        self._steps.append(answer.at)
        if sum(answer.at - at <= SOON_S for at in self._steps) < TOO_MANY_STEPS:
            return False
        self._processes.unclear_at = answer.at
        return True

    def _step_back(self, process: ProcessCounters) -> AnsweringProcess:
        """Continue the process in the line its values returned to.

        The lower values in between were its own.
        """
        processes = self._processes
        if process.is_frozen:
            processes.current.raw = process.raw[:]
            processes.forget(process)
            process = processes.current
        else:
            processes.forget(processes.current)
            processes.current = process
        processes.withdraw()
        processes.notice("warning", "its counters stepped back and returned: counted as 0")
        return AnsweringProcess(process)


def _other_created(process: ProcessCounters, answer: Answer) -> bool:
    """Tell whether created times show another process.

    They do if some differ, and not because they are new.
    """
    common = [series for series in process.created if series in answer.created]
    other = [series for series in common if process.created[series] != answer.created[series]]
    if not other:
        return False
    if not all(answer.created[series] > process.created[series] for series in other):
        return True
    if all(answer.is_new(answer.created[series]) for series in other):
        return False
    # The client's clock may differ from ours: if the times only moved forward, all of them must
    # have moved.
    return len(other) == len(common)


def _is_expected(process: ProcessCounters, gain: float, answer: Answer, factor: float) -> bool:
    """Tell whether a continuing process may have gained so much: up to `factor` times its pace."""
    pace = process.pace(answer.counts)
    return pace is not None and gain <= answer.few + factor * pace * (answer.at - process.at)


def _is_young(process: ProcessCounters, answer: Answer) -> bool:
    """Tell whether values are those of a process that has just begun.

    They are far below the previous ones and within what its pace allows.
    """
    now, before = _total(answer.values, answer), _total(process.raw, answer)
    if now <= min(before / 2, answer.few):
        return True
    expected = (process.pace(answer.counts) or 0.0) * (answer.at - process.at)
    if process.is_steady(answer.counts):
        return now <= min(before / 10, answer.few + BURST * expected)
    return now <= min(before / 50, answer.few + expected)


def _is_far_below(alike: list[ProcessCounters], process: ProcessCounters, answer: Answer) -> bool:
    """Tell whether a line is far below all others, as after a reset.

    A rise is then no sign of another process.
    """
    others = [_total(one.raw, answer) for one in alike if one is not process]
    return bool(others) and _total(answer.values, answer) <= min(others) / 10


def _total(values: Sequence[float], answer: Answer) -> float:
    return sum(value for value in map(values.__getitem__, answer.counts) if value == value)  # noqa: PLR0124
