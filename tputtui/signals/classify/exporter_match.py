"""Recognition of known exporters by their families' signatures, and matching of their entries.

An entry names families in order of preference. Families that this target lacks are skipped; of the
others, the first that has ever counted anything is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from tputtui.frozen import frozen
from tputtui.model import Match
from tputtui.signals.classify import name_evidence, series_filter
from tputtui.signals.classify.exporters import ExporterEntry, all_entries
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog
from tputtui.signals.classify.overrides import parse_matches

_LINE_PATTERN = re.compile(
    r"(?:(?P<words>[^:{]+): )?(?P<family>[^\s{]+)(?P<match>\{[^}]*\})?(?: \[(?P<unit>[^\]]+)\])?"
    r"(?: by (?P<label>\w+)(?: = (?P<values>\S+))?)?(?: / (?P<over>\S+))?(?P<waiting> waiting)?"
)


@frozen
class EntryLine:
    """One parsed line of an entry."""

    name: str
    family: str
    match: tuple[Match, ...]
    unit: str | None
    label: str | None
    values: tuple[str, ...]
    divisor: str | None
    waiting: bool


@frozen
class EntryMatch:
    """A line of an entry whose family is on the target."""

    line: EntryLine
    metric: CatalogMetric
    divisor: CatalogMetric | None


@lru_cache(maxsize=2048)
def parse_line(line: str) -> EntryLine:
    """Parse a line of an entry as described in `exporters`. Raises ValueError if it is invalid."""
    parsed = _LINE_PATTERN.fullmatch(line)
    if parsed is None:
        raise ValueError(f"not a line of an exporter's entry: {line}")
    return EntryLine(
        parsed["words"] or "",
        parsed["family"],
        parse_matches(parsed["match"] or ""),
        parsed["unit"],
        parsed["label"],
        tuple((parsed["values"] or "").split("|")) if parsed["values"] else (),
        parsed["over"],
        bool(parsed["waiting"]),
    )


def find_exporters(catalog: MetricCatalog) -> list[ExporterEntry]:
    """Return the exporters whose signature is on the target, those that serve users first."""
    present = [
        exporter
        for exporter in all_entries()
        if any(_has_signature(signature, catalog) for signature in exporter.signature)
    ]
    return sorted(present, key=lambda exporter: -exporter.rank)


def _has_signature(signature: str, catalog: MetricCatalog) -> bool:
    if signature.startswith("*"):
        return any(name.endswith(signature[1:]) for name in catalog.by_sample)
    if not signature.endswith("*"):
        return catalog.get(signature) is not None
    start = signature[:-1].replace(":", "_").removesuffix("_")
    return start in catalog.prefix_counts


def first_match(
    lines: Sequence[str],
    catalog: MetricCatalog,
    is_suitable: Callable[[EntryMatch], bool] = lambda _: True,
) -> EntryMatch | None:
    """Return the first line whose family is present, suitable and has ever counted.

    If there is none, the first that is present and suitable.
    """
    suitable = [match for match in all_matches(lines, catalog) if is_suitable(match)]
    counting = (
        match for match in suitable if not match.metric.is_counted() or match.metric.value > 0
    )
    return next(counting, suitable[0] if suitable else None)


def all_matches(lines: Sequence[str], catalog: MetricCatalog) -> list[EntryMatch]:
    """Return all lines whose families are present, in their order."""
    matches = []
    for line in lines:
        parsed = parse_line(line)
        metric = _find_metric(parsed.family, catalog)
        divisor = catalog.get(parsed.divisor) if parsed.divisor else None
        if metric is not None:
            matches.append(EntryMatch(parsed, metric, divisor))
    return matches


def _find_metric(family: str, catalog: MetricCatalog) -> CatalogMetric | None:
    if not family.startswith("*"):
        return catalog.get(family)
    ending = family[1:]
    return next(
        (metric for name, metric in sorted(catalog.by_sample.items()) if name.endswith(ending)),
        None,
    )


def applicable_matches(match: Sequence[Match], metric: CatalogMetric) -> tuple[Match, ...]:
    """Return the conditions of a line if any series of this target meets them.

    Otherwise none, because the exporter labels its series differently.
    """
    if not match or any(_meets_all(match, dict(series.labels)) for series, _ in metric.series):
        return tuple(match)
    return ()


def _meets_all(match: Sequence[Match], labels: dict[str, str]) -> bool:
    for condition in match:
        value = labels.get(condition.label, "")
        if condition.op.endswith("~"):
            is_equal = re.fullmatch(condition.value, value) is not None
        else:
            is_equal = value == condition.value
        if is_equal == condition.op.startswith("!"):
            return False
    return True


def measures_time(entry_match: EntryMatch, traffic_metric: CatalogMetric | None) -> bool:
    """Tell whether an entry's line is a time of the work.

    A histogram that knows only scrapes so far is one only if it times what the traffic counts.
    """
    if entry_match.divisor is not None:
        return True
    metric = entry_match.metric
    if series_filter.is_only_scrapes(metric):
        traffic_words = traffic_metric.name_words if traffic_metric is not None else ()
        if name_evidence.common_prefix_length(metric.name_words, traffic_words) < 2:
            return False
    return metric.kind != "counter" and entry_match.line.divisor is None
