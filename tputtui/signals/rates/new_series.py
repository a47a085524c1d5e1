"""Which series that are new to a target count from zero.

A label set that appears with its first request is an increase; a series that is new only to us (a federated target, a
gateway, an aggregator that learns of an old one) is not. The evidence is its created time, or that its value is no more
than what the rest of its family gained meanwhile, and `FEW` more. Where a whole family appears with a burst, the next
scrape is the evidence: what goes on at the pace that the value would have been counted at began when it appeared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tputtui.model import Labels, Series
from tputtui.signals.rates.process_assignment import FEW

STEADY: Final = 2.0
"""A pace of up to this many times another is the same."""

Child = tuple[str, Labels]
"""Base name and labels without a bucket's bound: what one label set of a family is."""


class NewSeries(NamedTuple):
    """A series that its process did not show before."""

    number: int
    series: Series
    value: float


class Doubtful(NamedTuple):
    """A label set that is new, with more than can be told from its family; `judge` counts its events."""

    judge: NewSeries
    members: list[NewSeries]


def child(series: Series) -> Child:
    """Family and labels as its `_created` sample carries them."""
    base = series.name
    for suffix in ("_total", "_bucket", "_count", "_sum"):
        if base.endswith(suffix):
            base = base.removesuffix(suffix)
            break
    return base, tuple(label for label in series.labels if label[0] != "le")


def counts_events(series: Series) -> bool:
    """Whether a series counts events, each once: no sum, and of a histogram's buckets the last alone."""
    if series.name.endswith("_bucket"):
        return series.label("le") == "+Inf"
    return not series.name.endswith("_sum")


def children(created: Mapping[Series, float]) -> dict[Child, float]:
    """Created times by the label set they are told of."""
    return {(series.name.removesuffix("_created"), series.labels): moment for series, moment in created.items()}


def count_from_zero(
    new: Sequence[NewSeries],
    series: Sequence[Series],
    rises: Sequence[float],
    created: Mapping[Series, float],
    since: float,
) -> tuple[list[NewSeries], list[Doubtful]]:
    """Those of the new series whose values are increases, and those of which the next scrape will tell.

    `rises` are what the known `series` gained in the same scrape, `since` is the unix time of the scrape before. All of
    one label set are judged alike, by its count of events: else its buckets would not add up.
    """
    told = children(created)
    sets: dict[Child, list[NewSeries]] = {}
    for one in new:
        sets.setdefault(child(one.series), []).append(one)
    judges = {key: _judge(members) for key, members in sets.items()}
    names = {(judge.series.name, judge.series.label("le")) for judge in judges.values()}
    family = dict.fromkeys(names, 0.0)
    for known, rise in zip(series, rises, strict=False):
        if rise > 0 and (name := (known.name, known.label("le"))) in family:
            family[name] += rise
    counted: list[NewSeries] = []
    doubtful: list[Doubtful] = []
    for key, members in sets.items():
        judge = judges[key]
        moment = told.get(key)
        if moment is not None:
            counted += members if moment > since else []
        elif judge.value <= family[judge.series.name, judge.series.label("le")] + FEW:
            counted += members
        else:
            doubtful.append(Doubtful(judge, members))
    return counted, doubtful


def is_confirmed(doubtful: Doubtful, gained: float, seconds: float, before_s: float) -> bool:
    """Whether a label set that gained so much in the `seconds` since it appeared may have begun in the `before_s` before."""
    return doubtful.judge.value <= FEW + STEADY * gained * before_s / seconds if gained > 0 and seconds > 0 else False


def _judge(members: Sequence[NewSeries]) -> NewSeries:
    """The sample of a label set that counts its events: a count, the +Inf bucket, else the first."""
    for one in members:
        if one.series.name.endswith("_count"):
            return one
    for one in members:
        if one.series.label("le") == "+Inf":
            return one
    return members[0]
