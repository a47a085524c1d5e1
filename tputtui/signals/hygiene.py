"""What in an exposition will mislead whoever reads it: findings for `tputtui check`, each one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tputtui.model import Bindings, Exposition, Family
from tputtui.settings.expressions import Objective
from tputtui.signals.histograms import parse_bound
from tputtui.text import amount, clean

_UNITS = (
    "seconds",
    "bytes",
    "ratio",
    "celsius",
    "volts",
    "amperes",
    "joules",
    "grams",
    "meters",
    "milliseconds",
    "ms",
    "us",
)
_TIMES = ("duration", "latency", "time", "elapsed")
_FAR = 1.25
"""A bound further than this factor from an objective makes the quantile near it an interpolation over a wide bucket."""


def findings(exposition: Exposition, bindings: Bindings, objectives: Sequence[Objective] = ()) -> tuple[str, ...]:
    """Everything worth a sentence, the most misleading first. Names are cleaned."""
    return tuple(
        sentence
        for sentence in (
            _no_histogram(bindings),
            *_coarse(exposition, bindings, objectives),
            _no_total(exposition),
            _no_unit(exposition.families.values()),
        )
        if sentence
    )


def _no_histogram(bindings: Bindings) -> str:
    latency = bindings.latency
    if latency is None or latency.kind == "histogram":
        return ""
    name = clean(latency.family, 80)
    if latency.kind == "summary":
        return f"{name} is a summary: its quantiles cannot be added up over replicas, nor taken over another window"
    return f"{name} has no buckets: a mean hides the slow requests; export a histogram"


def _coarse(exposition: Exposition, bindings: Bindings, objectives: Iterable[Objective]) -> Iterable[str]:
    """Objectives that fall into the middle of a wide bucket."""
    latency = bindings.latency
    if latency is None or latency.kind != "histogram":
        return
    name = latency.family + "_bucket"
    bounds = {parse_bound(series.label("le")) for series in exposition.samples if series.name == name}
    known = sorted(bound * latency.scale for bound in bounds if bound is not None and bound != float("inf"))
    for objective in objectives:
        if objective.measure != "latency" or not known:
            continue
        nearest = min(known, key=lambda bound: max(bound, objective.value) / max(min(bound, objective.value), 1e-12))
        if max(nearest, objective.value) > _FAR * min(nearest, objective.value):
            said = " ".join(amount(nearest, latency.unit))
            yield (
                f"the buckets of {clean(latency.family, 80)} are too coarse for {objective.expression}: "
                f"the nearest bound is {said}"
            )


def _no_total(exposition: Exposition) -> str:
    wrong = [
        family.name
        for family in exposition.families.values()
        if family.type == "counter" and not family.name.endswith("_total") and not _has_total(exposition, family)
    ]
    return _listed(wrong, "counter", "without _total: a reader cannot tell them from gauges")


def _has_total(exposition: Exposition, family: Family) -> bool:
    """OpenMetrics names the family without the suffix that its samples have."""
    name = family.name + "_total"
    return any(series.name == name for series in exposition.samples)


def _no_unit(families: Iterable[Family]) -> str:
    wrong = [
        family.name
        for family in families
        if family.type in ("histogram", "summary", "gauge")
        and any(word in family.name.lower().split("_") for word in _TIMES)
        and not family.unit
        and not family.name.endswith("_info")
        and not any(unit in family.name.lower().split("_") for unit in _UNITS)
    ]
    return _listed(wrong, "time", "without a unit in the name: seconds or milliseconds can only be guessed")


def _listed(names: Sequence[str], what: str, why: str) -> str:
    if not names:
        return ""
    shown = ", ".join(clean(name, 60) for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} {why} ({shown}{more})"
