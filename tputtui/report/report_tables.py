"""The tables of a report, as cells of text that every format draws in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison, MetricResult, RouteResult, Verdict
from tputtui.frozen import frozen
from tputtui.report.report_input import ReportInput, ResourceUse, digest, hard_part
from tputtui.text import UNKNOWN, clean, number, percent, span

_MOST_RESOURCES: Final = 10
_IDLE: Final = 0.01  # of its limit, below which a resource that nothing waited for is left out


@frozen
class TableRow:
    """One line. `verdict` colours its last cell."""

    cells: tuple[str, ...]
    verdict: Verdict | None = None
    decides: bool = False
    guards: bool = True  # else it is for information


@frozen
class ReportTable:
    """Cells under their headings. `words_at`: columns of words, drawn to the left; all others are figures."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[TableRow, ...]
    words_at: frozenset[int]
    only_wide: frozenset[int] = frozenset()  # columns that a terminal of 80 has no room for
    note: str = ""
    missing: str = ""  # which rows there are not, and why


def metrics(each: Sequence[MetricResult], primary: str, cores: tuple[float | None, float | None]) -> ReportTable:
    """Each metric's figures, effect, interval, margin and verdict."""
    rows = [
        TableRow(
            (
                formatting.metric_name(one),
                formatting.value(one, one.baseline, cores[0]),
                formatting.value(one, one.candidate, cores[1]),
                formatting.effect(one),
                formatting.interval(one) or UNKNOWN,
                formatting.margin(one),
                formatting.verdict(one.verdict),
            ),
            one.verdict,
            one.name == primary,
            one.guards,
        )
        for one in each
        if _is_known(one)
    ]
    heads = ("metric", "baseline", "candidate", "effect", "95 % interval", "margin", "verdict")
    margins = ", ".join(f"{formatting.metric_name(one)} {formatting.margin(one)}" for one in each if one.guards)
    missing = [
        f"{formatting.metric_name(one)} is not judged: {one.why}" for one in each if one.why and not _is_known(one)
    ]
    note = f"margins: {margins}"
    return ReportTable("Results", heads, tuple(rows), frozenset((0, 6)), frozenset((5,)), note, "; ".join(missing))


def _is_known(one: MetricResult) -> bool:
    return one.baseline is not None or one.candidate is not None


def routes(comparison: Comparison) -> ReportTable:
    """What each route is judged by, a line each; its errors as well where they moved."""
    rows = []
    for route in comparison.routes:
        for at, one in enumerate(_judging(route)):
            name = (route.name, _shares(route)) if at == 0 else ("", "")
            figures = formatting.value(one, one.baseline), formatting.value(one, one.candidate)
            told = (formatting.metric_name(one), *figures, formatting.effect(one), formatting.interval(one) or UNKNOWN)
            rows.append(TableRow((*name, *told, formatting.verdict(one.verdict)), one.verdict))
    heads = ("route", "requests", "by", "baseline", "candidate", "effect", "95 % interval", "verdict")
    return ReportTable(
        "Routes", heads, tuple(rows), frozenset((0, 2, 7)), frozenset((3, 4)), "corrected for their number (Holm)"
    )


def _judging(route: RouteResult) -> list[MetricResult]:
    guards = [one for one in route.metrics if one.guards]
    tail = [one for one in guards if not one.absolute]
    moved = [one for one in guards if one.absolute and (one.verdict in ("improved", "regressed") or one.unproven_harm)]
    return [*tail, *moved] or guards


def _shares(route: RouteResult) -> str:
    before, after = (f"{100 * share:.0f}" for share in (route.baseline_share, route.candidate_share))
    return f"{after} %" if before == after else f"{before} → {after} %"


def strata(comparison: Comparison) -> ReportTable:
    """Every stratum by the metric that decides, with its throughput and errors."""
    by_name = comparison.strata_by or comparison.primary
    rows = []
    for one in comparison.strata:
        metric = one.metric(by_name)
        by = ("–", "–") if metric is None else (formatting.effect(metric), formatting.interval(metric) or UNKNOWN)
        rate = UNKNOWN if one.effect is None else f"{formatting.signed(100 * one.effect, 1)} %"
        errors = UNKNOWN if one.error_points is None else f"{formatting.signed(100 * one.error_points, 2)} pp"
        cells = (one.name, one.kind, span(one.seconds), *by, rate, errors, formatting.verdict(one.verdict))
        rows.append(TableRow(cells, one.verdict))
    judged_by = formatting.METRIC_WORDS.get(by_name, by_name)
    heads = ("stratum", "kind", "measured", judged_by, "95 % interval", "throughput", "errors", "verdict")
    wide = {1, 5} if by_name == "throughput" else {1}
    p = comparison.heterogeneity_p
    note = "" if p is None else f"of the same size in all of them: p = {number(p, 2)} (Cochran's Q)"
    return ReportTable("Strata", heads, tuple(rows), frozenset((0, 1, 7)), frozenset(wide), note)


def saturation(record: ReportInput) -> ReportTable:
    """How near to its limit each resource was in either arm, most used first."""
    busy = [
        one
        for one in record.saturation
        if any((level.highest or 0.0) >= _IDLE or level.waiting for level in (one.baseline, one.candidate))
    ]
    rows = [
        TableRow((clean(one.name, 40), *_level(one.baseline), *_level(one.candidate))) for one in busy[:_MOST_RESOURCES]
    ]
    first = list(dict.fromkeys(name for name in record.first if name))
    heads = ("resource", "baseline", "highest", "waiting", "candidate", "highest", "waiting")
    note = f"first to saturate: {' / '.join(first)}" if first else ""
    return ReportTable("Saturation", heads, tuple(rows), frozenset((0,)), note=note)


def _level(level: ResourceUse) -> tuple[str, str, str]:
    mean, highest = (UNKNOWN if ratio is None else f"{percent(100 * ratio)} %" for ratio in (level.mean, level.highest))
    return mean, highest, UNKNOWN if level.waiting is None else number(level.waiting, 2)


def environments(comparison: Comparison, record: ReportInput) -> ReportTable:
    """Every field that is known of either arm, those that differ first."""
    before, after = record.environments
    differing = {one.field: one for one in comparison.differences}
    names = [*differing, *(name for name in dict.fromkeys((*before, *after)) if name not in differing)]
    rows = []
    for name in names:
        one = differing.get(name)
        word = "" if one is None else "the change" if one.declared else "invalidates" if one.hard else "differs"
        values = (one.baseline, one.candidate) if one is not None else (before.get(name), after.get(name))
        verdict: Verdict | None = "not_comparable" if one is not None and one.hard else None
        rows.append(TableRow((formatting.shown(name), *map(formatting.shown, values), word), verdict))
    hashes = _hashes(hard_part(before), hard_part(after))
    note = f"what has to be the same: {hashes}" if hashes else ""
    return ReportTable(
        "Environments", ("field", "baseline", "candidate", ""), tuple(rows), frozenset(range(4)), note=note
    )


def facts(comparison: Comparison, record: ReportInput) -> list[tuple[str, str]]:
    """(heading, text) of what was compared, how long, where, and under which load."""
    named = (
        *((arm.capitalize(), name) for arm, name in record.sides.items()),
        ("Measured", formatting.measured(comparison)),
        ("History", ", ".join(record.history)),
        ("Machine", _machine(record)),
        ("Workload", _workload(record)),
    )
    return [(head, body) for head, body in named if body]


def _machine(record: ReportInput) -> str:
    """The baseline's machine in one line; nothing where it is not known."""
    told = record.environments[0]
    cpus, memory = told.get("cpus"), told.get("mem_gb")
    parts = [
        *(formatting.shown(told[name]) for name in ("host", "hardware") if told.get(name)),
        *([f"{formatting.shown(cpus)} CPUs"] if cpus else []),
        *([f"{formatting.shown(memory)} GB"] if memory else []),
        *(
            formatting.shown(told[name])
            for name in ("kernel", "virtualisation", "region", "instances")
            if told.get(name)
        ),
    ]
    return ", ".join(parts)


def _workload(record: ReportInput) -> str:
    """What was said of the load, with the digest by which two are known to be the same."""
    before, after = record.workloads
    if not before and not after:
        return ""
    if dict(before) == dict(after):
        return f"{_fields(before)} ({digest(before)})"
    return f"{_fields(before) or 'unknown'} ({digest(before)}) → {_fields(after) or 'unknown'} ({digest(after)})"


def _fields(values: Mapping[str, object]) -> str:
    return ", ".join(f"{clean(name, 60)} {formatting.shown(value)}" for name, value in values.items())


def _hashes(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    if not before or not after:
        return ""
    one, other = digest(before), digest(after)
    return f"{one} in both" if one == other else f"{one} → {other}"
