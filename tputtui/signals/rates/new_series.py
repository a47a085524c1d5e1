"""Decision whether a new series of a target counts from zero.

A label set that appears with its first request is an increase. A series that is new only to this
program (a federated target, a gateway, an aggregator that learns of an old one) is not. The
evidence is its created time, or that its value is at most `SMALL_GAIN` more than the increase of
the rest of its family. Where a whole family appears with a burst, the next scrape is the evidence:
a series began when it appeared if it continues at the pace that its value implies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tputtui.model import Labels, Series
from tputtui.signals.rates.answer_evidence import SMALL_GAIN

MAX_PACE_FACTOR: Final = 2.0
"""Factor within which two paces are the same."""

ChildKey = tuple[str, Labels]
"""A label set of a family: base name and labels without a bucket's bound."""


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
