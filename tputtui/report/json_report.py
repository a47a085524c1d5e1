"""JSON document of a comparison, schema 1 (docs/contract.md). Unavailable is null, never NaN."""

from __future__ import annotations

import json
import math
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import (
    DecidingRow,
    Interval,
    MetricResult,
    RouteResult,
    Stratum,
)
from tputtui.report.report_input import ComparisonReport, ResourceComparison, digest

_ARMS: Final = ("baseline", "candidate")


def render_json(report: ComparisonReport) -> str:
    """Render the document without a final newline."""
    return json.dumps(build_json(report), indent=2, allow_nan=False)


def build_json(report: ComparisonReport) -> dict[str, object]:
    """Build the document."""
    comparison, report_input = report.comparison, report.report_input
    seconds = comparison.seconds
    return {
        "schema": 1,
        "sides": dict(report_input.sides),
        "ids": {
            arm: identity or None
            for arm, identity in zip(_ARMS, report_input.identities, strict=True)
        },
        "history": list(report_input.history),
        "verdict": comparison.verdict,
        "ok": report.exit_code == 0,
        "exit_code": report.exit_code,
        "decided_by": _row(comparison.decided_by),
        "primary": comparison.primary,
        "reasons": list(comparison.reasons),
        "flags": list(comparison.flags),
        "design": comparison.design,
        "seconds": {
            "baseline": _finite(seconds.baseline),
            "candidate": _finite(seconds.candidate),
            "trimmed": _finite(seconds.trimmed),
            "excluded": _finite(seconds.excluded),
            "needed": _finite(seconds.needed),
        },
        "metrics": [metric_object(metric) for metric in comparison.metrics],
        "routes": [_route_object(route) for route in comparison.routes],
        "strata": [_stratum_object(stratum) for stratum in comparison.strata],
        "strata_by": (comparison.strata_metric or comparison.primary)
        if comparison.strata
        else None,
        "heterogeneity_p": _finite(comparison.heterogeneity_p),
        "differences": [
            {
                "field": difference.field,
                "baseline": _to_json(difference.baseline),
                "candidate": _to_json(difference.candidate),
                "declared": difference.is_declared,
                "invalidates": difference.is_invalidating,
            }
            for difference in comparison.differences
        ],
        "advice": list(comparison.advice),
        "experiment": _plan_object(report_input.plan),
        "deviations": list(report_input.deviations),
        "environment": {
            arm: _to_json(dict(environment))
            for arm, environment in zip(_ARMS, report_input.environments, strict=True)
        },
        "workload": {
            arm: _to_json(dict(workload))
            for arm, workload in zip(_ARMS, report_input.workloads, strict=True)
        },
        "workload_digest": {
            arm: digest(workload) if workload else None
            for arm, workload in zip(_ARMS, report_input.workloads, strict=True)
        },
        "saturation": [_resource_object(resource) for resource in report_input.saturation],
        "first_to_saturate": {
            arm: name or None
            for arm, name in zip(_ARMS, report_input.first_to_saturate, strict=True)
        },
        "profiles": list(report_input.profile_changes),
    }


def _row(row: DecidingRow | None) -> dict[str, object] | None:
    """Return the deciding row: as the headline names it, and by the names in `metrics`, `routes`
    and `strata`.
    """
    if row is None:
        return None
    return {
        "row": formatting.row_name(row),
        "metric": row.metric.name,
        "route": row.route or None,
        "stratum": row.stratum or None,
    }


def _plan_object(plan: ExperimentPlan) -> dict[str, object] | None:
    if plan == ExperimentPlan():
        return None
    return {
        **plan.texts,
        "declared_change": list(plan.declared_change),
        "margins": dict(plan.margins),
        "levels": list(plan.levels),
        "outages": list(plan.outages),
        "duration_s": plan.duration_s,
        "pairs": plan.pairs,
    }


def _resource_object(resource: ResourceComparison) -> dict[str, object]:
    arms = zip(_ARMS, (resource.baseline, resource.candidate), strict=True)
    return {
        "name": resource.name,
        **{
            arm: {
                "mean": _finite(level.mean),
                "highest": _finite(level.highest),
                "waiting": _finite(level.waiting),
            }
            for arm, level in arms
        },
    }


def metric_object(metric: MetricResult) -> dict[str, object]:
    """Return the object of one metric: percents, and for `error_ratio` percentage points."""
    relative = None if metric.is_absolute else metric
    points = metric if metric.is_absolute else None
    return {
        "name": metric.name,
        "unit": metric.unit,
        "baseline": _finite(metric.baseline),
        "candidate": _finite(metric.candidate),
        "effect_percent": _percent(relative.effect if relative else None),
        "ci_percent": _percent_interval(relative.ci if relative else None),
        "effect_pp": _percent(points.effect if points else None),
        "ci_pp": _percent_interval(points.ci if points else None),
        "p": _finite(metric.p_value),
        "n_eff": _finite(metric.n_eff),
        "margin_percent": _percent(relative.margin if relative else None),
        "margin_pp": _percent(points.margin if points else None),
        "verdict": metric.verdict,
        "guards": metric.is_guardrail,
        "why": metric.reason,
        "companions": {name: _finite(value) for name, value in metric.companions.items()},
    }


def _route_object(route: RouteResult) -> dict[str, object]:
    return {
        "name": route.name,
        "route": route.name,
        "verdict": route.verdict,
        "baseline_share": _finite(route.baseline_share),
        "candidate_share": _finite(route.candidate_share),
        "metrics": [metric_object(each) for each in route.metrics],
    }


def _stratum_object(stratum: Stratum) -> dict[str, object]:
    return {
        "name": stratum.name,
        "kind": stratum.kind,
        "seconds": _finite(stratum.seconds),
        "effect_percent": _percent(stratum.effect),
        "ci_percent": _percent_interval(stratum.ci),
        "error_pp": _percent(stratum.error_difference),
        "verdict": stratum.verdict,
        "why": stratum.reason,
        "decided_by": _row(stratum.decided_by),
        "routes": [_route_object(each) for each in stratum.routes],
        "metrics": [metric_object(each) for each in stratum.metrics],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _percent(value: float | None) -> float | None:
    return _finite(None if value is None else 100 * value)


def _percent_interval(ci: Interval | None) -> list[float | None] | None:
    return None if ci is None else [_percent(ci.low), _percent(ci.high)]


def _to_json(value: object) -> object:
    """Convert a value back to JSON; a number that JSON cannot represent becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _to_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
