"""Evidence in an answer: whether it continues the values of a process, and whether a new series
counts from zero.

A label set that appears with its first request is an increase. A series that is new only to this
program (a federated target, a gateway, an aggregator that learns of an old one) is not. The
evidence is its created time, or that its value is at most `SMALL_GAIN` more than the increase of
the rest of its family. Where a whole family appears with a burst, the next scrape is the evidence:
a series began when it appeared if it continues at the pace that its value implies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Final, NamedTuple

from tputtui.model import Labels, Series
from tputtui.signals.rates.process_counters import ProcessCounters
from tputtui.signals.rates.processes_in_turn import AnswerEvidence

SMALL_GAIN: Final = 10.0
"""Increase of a counter that is plausible at any pace."""

BURST_FACTOR: Final = 10.0
"""Multiple of the expected increase beyond which an answer is doubted.

Applies only where other evidence says that several processes answer.
"""

SURPRISE_FACTOR: Final = 4.0
"""Like `BURST_FACTOR`, for several processes that only their values tell apart."""

MAX_PACE_FACTOR: Final = 2.0
"""Factor within which two paces are the same."""

ChildKey = tuple[str, Labels]
"""A label set of a family: base name and labels without a bucket's bound."""


def has_other_created_times(process: ProcessCounters, answer: AnswerEvidence) -> bool:
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


def is_expected(
    process: ProcessCounters, gain: float, answer: AnswerEvidence, factor: float
) -> bool:
    """Tell whether a continuing process may have gained so much: up to `factor` times its pace."""
    pace = process.pace(answer.event_numbers)
    return pace is not None and gain <= answer.small_gain + factor * pace * (answer.at - process.at)


def is_young(process: ProcessCounters, answer: AnswerEvidence) -> bool:
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
    candidates: list[ProcessCounters], process: ProcessCounters, answer: AnswerEvidence
) -> bool:
    """Tell whether a line is far below all others, as after a reset.

    A rise is then no sign of another process.
    """
    other_sums = [
        _sum_events(other.raw_values, answer) for other in candidates if other is not process
    ]
    return bool(other_sums) and _sum_events(answer.values, answer) <= min(other_sums) / 10


def _sum_events(values: Sequence[float], answer: AnswerEvidence) -> float:
    counts = map(values.__getitem__, answer.event_numbers)
    return sum(count for count in counts if not isnan(count))


class NewSeries(NamedTuple):
    """A series that its process did not expose before."""

    number: int
    series: Series
    value: float


class DoubtfulSeries(NamedTuple):
    """A new label set whose value is too large to be decided by its family.

    `event_sample` is the sample that counts its events.
    """

    event_sample: NewSeries
    members: list[NewSeries]


def child_key(series: Series) -> ChildKey:
    """Return the family and labels as the series' `_created` sample carries them."""
    base = series.name
    for suffix in ("_total", "_bucket", "_count", "_sum"):
        if base.endswith(suffix):
            base = base.removesuffix(suffix)
            break
    return base, tuple(label for label in series.labels if label[0] != "le")


def is_event_count(series: Series) -> bool:
    """Tell whether a series counts events, each once.

    Sums do not, and of a histogram's buckets only the last one does.
    """
    if series.name.endswith("_bucket"):
        return series.label("le") == "+Inf"
    return not series.name.endswith("_sum")


def created_times(created: Mapping[Series, float]) -> dict[ChildKey, float]:
    """Return the created times by label set."""
    return {
        (series.name.removesuffix("_created"), series.labels): moment
        for series, moment in created.items()
    }


def select_increases(
    new: Sequence[NewSeries],
    series: Sequence[Series],
    rises: Sequence[float],
    created: Mapping[Series, float],
    since: float,
) -> tuple[list[NewSeries], list[DoubtfulSeries]]:
    """Return (new series whose values are increases, label sets for the next scrape to decide).

    `rises` are the increases of the known `series` in the same scrape; `since` is the unix time of
    the previous scrape. All series of one label set are decided together by its count of events:
    otherwise its buckets would not add up.
    """
    created_by_key = created_times(created)
    label_sets: dict[ChildKey, list[NewSeries]] = {}
    for sample in new:
        label_sets.setdefault(child_key(sample.series), []).append(sample)
    event_samples = {key: _event_sample(members) for key, members in label_sets.items()}
    names = {
        (event_sample.series.name, event_sample.series.label("le"))
        for event_sample in event_samples.values()
    }
    family_rises = dict.fromkeys(names, 0.0)
    for known, rise in zip(series, rises, strict=False):
        if rise > 0 and (name := (known.name, known.label("le"))) in family_rises:
            family_rises[name] += rise
    increases: list[NewSeries] = []
    doubtful: list[DoubtfulSeries] = []
    for key, members in label_sets.items():
        event_sample = event_samples[key]
        moment = created_by_key.get(key)
        if moment is not None:
            increases += members if moment > since else []
        elif (
            event_sample.value
            <= family_rises[event_sample.series.name, event_sample.series.label("le")] + SMALL_GAIN
        ):
            increases += members
        else:
            doubtful.append(DoubtfulSeries(event_sample, members))
    return increases, doubtful


def is_confirmed(doubtful: DoubtfulSeries, gained: float, seconds: float, before_s: float) -> bool:
    """Tell whether a label set may have begun shortly before it appeared.

    `gained` is its increase in the `seconds` since it appeared, and `before_s` the span before in
    which it must have begun.
    """
    if gained <= 0 or seconds <= 0:
        return False
    plausible = SMALL_GAIN + MAX_PACE_FACTOR * gained * before_s / seconds
    return doubtful.event_sample.value <= plausible


def _event_sample(members: Sequence[NewSeries]) -> NewSeries:
    """Return the sample of a label set that counts its events.

    That is a count, the +Inf bucket, or else the first sample.
    """
    for sample in members:
        if sample.series.name.endswith("_count"):
            return sample
    for sample in members:
        if sample.series.label("le") == "+Inf":
            return sample
    return members[0]
