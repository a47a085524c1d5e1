"""Known exporters on a target: which are there, by the signature of their families, and what their entries bind.

An entry names families in the order an SRE would prefer them; what is missing on this target is passed over, and of
those that are there the first that has ever counted anything is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from tputtui.frozen import frozen
from tputtui.model import Match
from tputtui.signals.classify.exporters import ExporterEntry, everything
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog
from tputtui.signals.classify.overrides import parse_match

_PICK = re.compile(
    r"(?:(?P<words>[^:{]+): )?(?P<family>[^\s{]+)(?P<match>\{[^}]*\})?(?: \[(?P<unit>[^\]]+)\])?"
    r"(?: by (?P<label>\w+)(?: = (?P<values>\S+))?)?(?: / (?P<over>\S+))?(?P<waiting> waiting)?"
)


@frozen
class EntryLine:
    """One line of an entry, read."""

    words: str
    family: str
    match: tuple[Match, ...]
    unit: str | None
    label: str | None
    values: tuple[str, ...]
    over: str | None
    waiting: bool


@frozen
class EntryMatch:
    """A line of an entry whose family is on the target."""

    pick: EntryLine
    metric: CatalogMetric
    over: CatalogMetric | None


@lru_cache(maxsize=2048)
def read(line: str) -> EntryLine:
    """A line of an entry as `known` describes it. Raises ValueError where it is none."""
    found = _PICK.fullmatch(line)
    if found is None:
        raise ValueError(f"not a line of an ecosystem: {line}")
    return EntryLine(
        found["words"] or "",
        found["family"],
        parse_match(found["match"] or ""),
        found["unit"],
        found["label"],
        tuple((found["values"] or "").split("|")) if found["values"] else (),
        found["over"],
        bool(found["waiting"]),
    )


def on(found: MetricCatalog) -> list[ExporterEntry]:
    """The ecosystems whose signature is on the target, those that serve users first."""
    present = [one for one in everything() if any(_is_there(sign, found) for sign in one.signs)]
    return sorted(present, key=lambda one: -one.rank)


def _is_there(sign: str, found: MetricCatalog) -> bool:
    if sign.startswith("*"):
        return any(name.endswith(sign[1:]) for name in found.samples)
    if not sign.endswith("*"):
        return found.get(sign) is not None
    start = sign[:-1].replace(":", "_").removesuffix("_")
    return start in found.prefixes


def first(
    lines: Sequence[str], found: MetricCatalog, fits: Callable[[EntryMatch], bool] = lambda _: True
) -> EntryMatch | None:
    """The first line whose family is there, fits and has ever counted; else the first that is there and fits."""
    there = [one for one in present(lines, found) if fits(one)]
    lively = (one for one in there if not one.metric.is_counted() or one.metric.value > 0)
    return next(lively, there[0] if there else None)


def present(lines: Sequence[str], found: MetricCatalog) -> list[EntryMatch]:
    """All lines whose families are there, in their order."""
    there = []
    for line in lines:
        pick = read(line)
        metric = _lookup(pick.family, found)
        over = found.get(pick.over) if pick.over else None
        if metric is not None:
            there.append(EntryMatch(pick, metric, over))
    return there


def _lookup(family: str, found: MetricCatalog) -> CatalogMetric | None:
    if not family.startswith("*"):
        return found.get(family)
    ending = family[1:]
    return next((metric for name, metric in sorted(found.samples.items()) if name.endswith(ending)), None)


def holds(match: Sequence[Match], metric: CatalogMetric) -> tuple[Match, ...]:
    """The conditions of a line, where they leave any row of this target; else none: the exporter labels differently."""
    if not match or any(_meets(match, dict(series.labels)) for series, _ in metric.series):
        return tuple(match)
    return ()


def _meets(match: Sequence[Match], labels: dict[str, str]) -> bool:
    for one in match:
        value = labels.get(one.label, "")
        equal = re.fullmatch(one.value, value) is not None if one.op.endswith("~") else value == one.value
        if equal == one.op.startswith("!"):
            return False
    return True
