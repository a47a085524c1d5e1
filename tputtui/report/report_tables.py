"""Tables of a report, as text cells that every format renders in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.result import (
    Comparison,
    EnvironmentDifference,
    MetricResult,
    RouteResult,
    Stratum,
    Verdict,
)
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
                formatting.describe_metric(metric),
                formatting.format_value(metric, metric.baseline, cores[0]),
                formatting.format_value(metric, metric.candidate, cores[1]),
                formatting.format_effect(metric),
                formatting.format_interval(metric) or UNKNOWN,
                formatting.format_margin(metric),
                formatting.format_verdict(metric.verdict),
            ),
            metric.verdict,
            metric.name == primary,
            metric.is_guardrail,
        )
        for metric in results
        if _is_known(metric)
    ]
    heads = ("metric", "baseline", "candidate", "effect", "95 % interval", "margin", "verdict")
    margins = ", ".join(
        f"{formatting.describe_metric(metric)} {formatting.format_margin(metric)}"
        for metric in results
        if metric.is_guardrail
    )
    missing = [
        f"{formatting.describe_metric(metric)} is not judged: {metric.reason}"
        for metric in results
        if metric.reason and not _is_known(metric)
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
        for at, metric in enumerate(_shown_metrics(route)):
            name = (route.name, _format_shares(route)) if at == 0 else ("", "")
            figures = (
                formatting.format_value(metric, metric.baseline),
                formatting.format_value(metric, metric.candidate),
            )
            cells = (
                formatting.describe_metric(metric),
                *figures,
                formatting.format_effect(metric),
                formatting.format_interval(metric) or UNKNOWN,
            )
            rows.append(
                TableRow((*name, *cells, formatting.format_verdict(metric.verdict)), metric.verdict)
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
    guards = [metric for metric in route.metrics if metric.is_guardrail]
    tail = [metric for metric in guards if not metric.is_absolute]
    moved = [
        metric
        for metric in guards
        if metric.is_absolute
        and (metric.verdict in ("improved", "regressed") or metric.has_unproven_harm)
    ]
    return [*tail, *moved] or guards


def _format_shares(route: RouteResult) -> str:
    before, after = (
        f"{100 * share:.0f}" for share in (route.baseline_share, route.candidate_share)
    )
    return f"{after} %" if before == after else f"{before} → {after} %"


def strata_table(comparison: Comparison) -> ReportTable:
    """Build the table of strata by the deciding metric, with throughput and errors."""
    metric_name = comparison.strata_metric or comparison.primary
    headings = (
        "stratum",
        "kind",
        "measured",
        formatting.METRIC_WORDS.get(metric_name, metric_name),
        "95 % interval",
        "throughput",
        "errors",
        "verdict",
    )
    wide = {1, 5} if metric_name == "throughput" else {1}
    note, p = "", comparison.heterogeneity_p
    if p is not None:
        note = f"of the same size in all of them: p = {format_number(p, 2)} (Cochran's Q)"
    return ReportTable(
        "Strata",
        headings,
        tuple(_stratum_row(stratum, metric_name) for stratum in comparison.strata),
        frozenset((0, 1, 7)),
        frozenset(wide),
        note,
    )


def _stratum_row(stratum: Stratum, metric_name: str) -> TableRow:
    metric = stratum.metric(metric_name)
    effect = interval = "–"
    if metric is not None:
        effect = formatting.format_effect(metric)
        interval = formatting.format_interval(metric) or UNKNOWN
    throughput = errors = UNKNOWN
    if stratum.effect is not None:
        throughput = f"{formatting.format_signed(100 * stratum.effect, 1)} %"
    if stratum.error_difference is not None:
        errors = f"{formatting.format_signed(100 * stratum.error_difference, 2)} pp"
    cells = (
        stratum.name,
        stratum.kind,
        format_duration(stratum.seconds),
        effect,
        interval,
        throughput,
        errors,
        formatting.format_verdict(stratum.verdict),
    )
    return TableRow(cells, stratum.verdict)


def saturation_table(report_input: ReportInput) -> ReportTable:
    """Build the table of each resource's use relative to its limit in both arms, most used
    first.
    """
    busy = [
        resource
        for resource in report_input.saturation
        if any(
            (level.highest or 0.0) >= _IDLE_RATIO or level.waiting
            for level in (resource.baseline, resource.candidate)
        )
    ]
    rows = [
        TableRow(
            (
                clean(resource.name, 40),
                *_format_use(resource.baseline),
                *_format_use(resource.candidate),
            )
        )
        for resource in busy[:_MAX_RESOURCES]
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
    differing = {difference.field: difference for difference in comparison.differences}
    rows = [_difference_row(difference) for difference in differing.values()]
    rows += [
        _environment_row(name, before.get(name), after.get(name), "")
        for name in dict.fromkeys((*before, *after))
        if name not in differing
    ]
    hashes = _format_digests(invalidating_fields(before), invalidating_fields(after))
    note = f"what has to be the same: {hashes}" if hashes else ""
    return ReportTable(
        "Environments",
        ("field", "baseline", "candidate", ""),
        tuple(rows),
        frozenset(range(4)),
        note=note,
    )


def _difference_row(difference: EnvironmentDifference) -> TableRow:
    if difference.is_declared:
        remark = "the change"
    elif difference.is_invalidating:
        remark = "invalidates"
    else:
        remark = "differs"
    return _environment_row(
        difference.field,
        difference.baseline,
        difference.candidate,
        remark,
        "not_comparable" if difference.is_invalidating else None,
    )


def _environment_row(
    name: str, baseline: object, candidate: object, remark: str, verdict: Verdict | None = None
) -> TableRow:
    cells = map(formatting.format_environment_value, (name, baseline, candidate))
    return TableRow((*cells, remark), verdict)


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
    environment = report_input.environments[0]
    cpus, memory = environment.get("cpus"), environment.get("mem_gb")
    parts = [
        *(
            formatting.format_environment_value(environment[name])
            for name in ("host", "hardware")
            if environment.get(name)
        ),
        *([f"{formatting.format_environment_value(cpus)} CPUs"] if cpus else []),
        *([f"{formatting.format_environment_value(memory)} GB"] if memory else []),
        *(
            formatting.format_environment_value(environment[name])
            for name in ("kernel", "virtualisation", "region", "instances")
            if environment.get(name)
        ),
    ]
    return ", ".join(parts)


def _describe_workload(report_input: ReportInput) -> str:
    """Describe the load, with the digest that identifies equal descriptions."""
    before, after = report_input.workloads
    if not before and not after:
        return ""
    if dict(before) == dict(after):
        return _format_workload(before)
    return f"{_format_workload(before)} → {_format_workload(after)}"


def _format_workload(workload: Mapping[str, object]) -> str:
    return f"{_format_fields(workload) or 'unknown'} ({digest(workload)})"


def _format_fields(values: Mapping[str, object]) -> str:
    return ", ".join(
        f"{clean(name, 60)} {formatting.format_environment_value(value)}"
        for name, value in values.items()
    )


def _format_digests(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    if not before or not after:
        return ""
    before_digest, after_digest = digest(before), digest(after)
    return (
        f"{before_digest} in both"
        if before_digest == after_digest
        else f"{before_digest} → {after_digest}"
    )
