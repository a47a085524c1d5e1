"""Tables of a report, as text cells that every format renders in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison, MetricResult, RouteResult, Verdict
from tputtui.report.document import ReportTable, TableRow
from tputtui.report.report_input import ReportInput, ResourceUse, digest, invalidating_fields
from tputtui.text import UNKNOWN, clean, format_duration, format_number, format_percent

_MAX_RESOURCES: Final = 10
_IDLE_RATIO: Final = 0.01  # of its limit: below it a resource without waiting work is omitted


def metrics_table(
    results: Sequence[MetricResult], primary: str, cores: tuple[float | None, float | None]
) -> ReportTable:
    """Build the table of each metric's figures, effect, interval, margin and verdict."""
    rows = [
        TableRow(
            (
                formatting.describe_metric(one),
                formatting.format_value(one, one.baseline, cores[0]),
                formatting.format_value(one, one.candidate, cores[1]),
                formatting.format_effect(one),
                formatting.format_interval(one) or UNKNOWN,
                formatting.format_margin(one),
                formatting.format_verdict(one.verdict),
            ),
            one.verdict,
            one.name == primary,
            one.is_guardrail,
        )
        for one in results
        if _is_known(one)
    ]
    heads = ("metric", "baseline", "candidate", "effect", "95 % interval", "margin", "verdict")
    margins = ", ".join(
        f"{formatting.describe_metric(one)} {formatting.format_margin(one)}"
        for one in results
        if one.is_guardrail
    )
    missing = [
        f"{formatting.describe_metric(one)} is not judged: {one.reason}"
        for one in results
        if one.reason and not _is_known(one)
    ]
    note = f"margins: {margins}"
    return ReportTable(
        "Results",
        heads,
        tuple(rows),
        frozenset((0, 6)),
        frozenset((5,)),
        note,
        "; ".join(missing),
        is_of_metrics=True,
    )


def _is_known(metric: MetricResult) -> bool:
    return metric.baseline is not None or metric.candidate is not None


def routes_table(comparison: Comparison) -> ReportTable:
    """Build the table of routes, one deciding metric a row, plus errors that changed."""
    rows = []
    for route in comparison.routes:
        for at, one in enumerate(_shown_metrics(route)):
            name = (route.name, _format_shares(route)) if at == 0 else ("", "")
            figures = (
                formatting.format_value(one, one.baseline),
                formatting.format_value(one, one.candidate),
            )
            told = (
                formatting.describe_metric(one),
                *figures,
                formatting.format_effect(one),
                formatting.format_interval(one) or UNKNOWN,
            )
            rows.append(
                TableRow((*name, *told, formatting.format_verdict(one.verdict)), one.verdict)
            )
    heads = (
        "route",
        "requests",
        "by",
        "baseline",
        "candidate",
        "effect",
        "95 % interval",
        "verdict",
    )
    return ReportTable(
        "Routes",
        heads,
        tuple(rows),
        frozenset((0, 2, 7)),
        frozenset((3, 4)),
        "corrected for their number (Holm)",
    )


def _shown_metrics(route: RouteResult) -> list[MetricResult]:
    guards = [one for one in route.metrics if one.is_guardrail]
    tail = [one for one in guards if not one.is_absolute]
    moved = [
        one
        for one in guards
        if one.is_absolute and (one.verdict in ("improved", "regressed") or one.has_unproven_harm)
    ]
    return [*tail, *moved] or guards


def _format_shares(route: RouteResult) -> str:
    before, after = (
        f"{100 * share:.0f}" for share in (route.baseline_share, route.candidate_share)
    )
    return f"{after} %" if before == after else f"{before} → {after} %"


def strata_table(comparison: Comparison) -> ReportTable:
    """Build the table of strata by the deciding metric, with throughput and errors."""
    by_name = comparison.strata_metric or comparison.primary
    rows = []
    for one in comparison.strata:
        metric = one.metric(by_name)
        by = (
            ("–", "–")
            if metric is None
            else (formatting.format_effect(metric), formatting.format_interval(metric) or UNKNOWN)
        )
        rate = (
            UNKNOWN if one.effect is None else f"{formatting.format_signed(100 * one.effect, 1)} %"
        )
        errors = (
            UNKNOWN
            if one.error_difference is None
            else f"{formatting.format_signed(100 * one.error_difference, 2)} pp"
        )
        cells = (
            one.name,
            one.kind,
            format_duration(one.seconds),
            *by,
            rate,
            errors,
            formatting.format_verdict(one.verdict),
        )
        rows.append(TableRow(cells, one.verdict))
    judged_by = formatting.METRIC_WORDS.get(by_name, by_name)
    heads = (
        "stratum",
        "kind",
        "measured",
        judged_by,
        "95 % interval",
        "throughput",
        "errors",
        "verdict",
    )
    wide = {1, 5} if by_name == "throughput" else {1}
    p = comparison.heterogeneity_p
    note = (
        ""
        if p is None
        else f"of the same size in all of them: p = {format_number(p, 2)} (Cochran's Q)"
    )
    return ReportTable("Strata", heads, tuple(rows), frozenset((0, 1, 7)), frozenset(wide), note)


def saturation_table(report_input: ReportInput) -> ReportTable:
    """Build the table of each resource's use relative to its limit in both arms, most used
    first.
    """
    busy = [
        one
        for one in report_input.saturation
        if any(
            (level.highest or 0.0) >= _IDLE_RATIO or level.waiting
            for level in (one.baseline, one.candidate)
        )
    ]
    rows = [
        TableRow((clean(one.name, 40), *_format_use(one.baseline), *_format_use(one.candidate)))
        for one in busy[:_MAX_RESOURCES]
    ]
    first = list(dict.fromkeys(name for name in report_input.first_to_saturate if name))
    heads = ("resource", "baseline", "highest", "waiting", "candidate", "highest", "waiting")
    note = f"first to saturate: {' / '.join(first)}" if first else ""
    return ReportTable("Saturation", heads, tuple(rows), frozenset((0,)), note=note)


def _format_use(use: ResourceUse) -> tuple[str, str, str]:
    mean, highest = (
        UNKNOWN if ratio is None else f"{format_percent(100 * ratio)} %"
        for ratio in (use.mean, use.highest)
    )
    return mean, highest, UNKNOWN if use.waiting is None else format_number(use.waiting, 2)


def environments_table(comparison: Comparison, report_input: ReportInput) -> ReportTable:
    """Build the table of every known environment field of either arm, differing fields first."""
    before, after = report_input.environments
    differing = {one.field: one for one in comparison.differences}
    names = [
        *differing,
        *(name for name in dict.fromkeys((*before, *after)) if name not in differing),
    ]
    rows = []
    for name in names:
        one = differing.get(name)
        word = (
            ""
            if one is None
            else "the change"
            if one.is_declared
            else "invalidates"
            if one.is_invalidating
            else "differs"
        )
        values = (
            (one.baseline, one.candidate)
            if one is not None
            else (before.get(name), after.get(name))
        )
        verdict: Verdict | None = (
            "not_comparable" if one is not None and one.is_invalidating else None
        )
        rows.append(
            TableRow(
                (
                    formatting.format_environment_value(name),
                    *map(formatting.format_environment_value, values),
                    word,
                ),
                verdict,
            )
        )
    hashes = _format_digests(invalidating_fields(before), invalidating_fields(after))
    note = f"what has to be the same: {hashes}" if hashes else ""
    return ReportTable(
        "Environments",
        ("field", "baseline", "candidate", ""),
        tuple(rows),
        frozenset(range(4)),
        note=note,
    )


def comparison_facts(comparison: Comparison, report_input: ReportInput) -> list[tuple[str, str]]:
    """Return (heading, text) of what was compared, how long, where, and under which load."""
    named = (
        *((arm.capitalize(), name) for arm, name in report_input.sides.items()),
        ("Measured", formatting.describe_duration(comparison)),
        ("History", ", ".join(report_input.history)),
        ("Machine", _describe_machine(report_input)),
        ("Workload", _describe_workload(report_input)),
    )
    return [(head, body) for head, body in named if body]


def _describe_machine(report_input: ReportInput) -> str:
    """Describe the baseline's machine in one line; "" if unknown."""
    told = report_input.environments[0]
    cpus, memory = told.get("cpus"), told.get("mem_gb")
    parts = [
        *(
            formatting.format_environment_value(told[name])
            for name in ("host", "hardware")
            if told.get(name)
        ),
        *([f"{formatting.format_environment_value(cpus)} CPUs"] if cpus else []),
        *([f"{formatting.format_environment_value(memory)} GB"] if memory else []),
        *(
            formatting.format_environment_value(told[name])
            for name in ("kernel", "virtualisation", "region", "instances")
            if told.get(name)
        ),
    ]
    return ", ".join(parts)


def _describe_workload(report_input: ReportInput) -> str:
    """Describe the load, with the digest that identifies equal descriptions."""
    before, after = report_input.workloads
    if not before and not after:
        return ""
    if dict(before) == dict(after):
        return f"{_format_fields(before)} ({digest(before)})"
    return f"{_format_fields(before) or 'unknown'} ({digest(before)}) → {_format_fields(after) or 'unknown'} ({digest(after)})"


def _format_fields(values: Mapping[str, object]) -> str:
    return ", ".join(
        f"{clean(name, 60)} {formatting.format_environment_value(value)}"
        for name, value in values.items()
    )


def _format_digests(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    if not before or not after:
        return ""
    one, other = digest(before), digest(after)
    return f"{one} in both" if one == other else f"{one} → {other}"
