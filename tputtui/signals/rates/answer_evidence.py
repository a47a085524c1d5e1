"""Evidence in an answer on whether it continues the values of a process."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Final

from tputtui.signals.rates.process_counters import ProcessCounters
from tputtui.signals.rates.processes_in_turn import Answer

SMALL_GAIN: Final = 10.0
"""Increase of a counter that is plausible at any pace."""

BURST_FACTOR: Final = 10.0
"""Multiple of the expected increase beyond which an answer is doubted.

Applies only where other evidence says that several processes answer.
"""

SURPRISE_FACTOR: Final = 4.0
"""Like `BURST_FACTOR`, for several processes that only their values tell apart."""


def has_other_created_times(process: ProcessCounters, answer: Answer) -> bool:
    """Tell whether created times show another process.

    They do if some differ, and not because they are new.
    """
    common = [series for series in process.created_times if series in answer.created_times]
    changed = [
        series for series in common if process.created_times[series] != answer.created_times[series]
    ]
    if not changed:
        return False
    if not all(answer.created_times[series] > process.created_times[series] for series in changed):
        return True
    if all(answer.is_new(answer.created_times[series]) for series in changed):
        return False
    # The client's clock may differ from ours: if the times only moved forward, all of them must
    # have moved.
    return len(changed) == len(common)


def is_expected(process: ProcessCounters, gain: float, answer: Answer, factor: float) -> bool:
    """Tell whether a continuing process may have gained so much: up to `factor` times its pace."""
    pace = process.pace(answer.event_numbers)
    return pace is not None and gain <= answer.small_gain + factor * pace * (answer.at - process.at)


def is_young(process: ProcessCounters, answer: Answer) -> bool:
    """Tell whether values are those of a process that has just begun.

    They are far below the previous ones and within what its pace allows.
    """
    new_sum, old_sum = _sum_events(answer.values, answer), _sum_events(process.raw_values, answer)
    if new_sum <= min(old_sum / 2, answer.small_gain):
        return True
    expected = (process.pace(answer.event_numbers) or 0.0) * (answer.at - process.at)
    if process.is_steady(answer.event_numbers):
        return new_sum <= min(old_sum / 10, answer.small_gain + BURST_FACTOR * expected)
    return new_sum <= min(old_sum / 50, answer.small_gain + expected)


def is_far_below(
    candidates: list[ProcessCounters], process: ProcessCounters, answer: Answer
) -> bool:
    """Tell whether a line is far below all others, as after a reset.

    A rise is then no sign of another process.
    """
    other_sums = [
        _sum_events(other.raw_values, answer) for other in candidates if other is not process
    ]
    return bool(other_sums) and _sum_events(answer.values, answer) <= min(other_sums) / 10


def _sum_events(values: Sequence[float], answer: Answer) -> float:
    counts = map(values.__getitem__, answer.event_numbers)
    return sum(count for count in counts if not isnan(count))
