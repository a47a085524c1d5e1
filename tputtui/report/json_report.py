"""A comparison as JSON, schema 1: CONTRACT.md's fields, and what else is known. Unavailable is null, never NaN."""

from __future__ import annotations

import math
from typing import Final

from tputtui.experiments import formatting
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison, DecidingRow, Interval, MetricResult, RouteResult, Stratum
from tputtui.report.report_input import ReportInput, ResourceComparison, digest

_ARMS: Final = ("baseline", "candidate")


def document(comparison: Comparison, exit_code: int, record: ReportInput) -> dict[str, object]:
    """The object. `exit_code` is what the caller ends with."""
    seconds = comparison.seconds
    return {
        "schema": 1,
        "sides": dict(record.sides),
        "ids": {arm: identity or None for arm, identity in zip(_ARMS, record.identities, strict=True)},
        "history": list(record.history),
        "verdict": comparison.verdict,
        "ok": exit_code == 0,
        "exit_code": exit_code,
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
        "metrics": [metric(one) for one in comparison.metrics],
        "routes": [_route(one) for one in comparison.routes],
        "strata": [_stratum(one) for one in comparison.strata],
        "strata_by": (comparison.strata_by or comparison.primary) if comparison.strata else None,
        "heterogeneity_p": _finite(comparison.heterogeneity_p),
        "differences": [
            {
                "field": one.field,
                "baseline": _plain(one.baseline),
                "candidate": _plain(one.candidate),
                "declared": one.declared,
                "invalidates": one.hard,
            }
            for one in comparison.differences
        ],
        "advice": list(comparison.advice),
        "experiment": _plan(record.plan),
        "deviations": list(record.deviations),
        "environment": {arm: _plain(dict(one)) for arm, one in zip(_ARMS, record.environments, strict=True)},
        "workload": {arm: _plain(dict(one)) for arm, one in zip(_ARMS, record.workloads, strict=True)},
        "workload_digest": {
            arm: digest(one) if one else None for arm, one in zip(_ARMS, record.workloads, strict=True)
        },
        "saturation": [_use(one) for one in record.saturation],
        "first_to_saturate": {arm: name or None for arm, name in zip(_ARMS, record.first, strict=True)},
        "profiles": list(record.hot),
    }


def _row(row: DecidingRow | None) -> dict[str, object] | None:
    """The row that made a verdict: as the headline names it, and by the names in `metrics`, `routes` and `strata`."""
    if row is None:
        return None
    return {
        "row": formatting.row_name(row),
        "metric": row.metric.name,
        "route": row.route or None,
        "stratum": row.stratum or None,
    }


def _plan(plan: ExperimentPlan) -> dict[str, object] | None:
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


def _use(one: ResourceComparison) -> dict[str, object]:
    arms = zip(_ARMS, (one.baseline, one.candidate), strict=True)
    return {
        "name": one.name,
        **{
            arm: {"mean": _finite(level.mean), "highest": _finite(level.highest), "waiting": _finite(level.waiting)}
            for arm, level in arms
        },
    }


def metric(one: MetricResult) -> dict[str, object]:
    """One metric: percents, and for `error_ratio` percentage points."""
    relative = None if one.absolute else one
    points = one if one.absolute else None
    return {
        "name": one.name,
        "unit": one.unit,
        "baseline": _finite(one.baseline),
        "candidate": _finite(one.candidate),
        "effect_percent": _hundred(relative.effect if relative else None),
        "ci_percent": _ends(relative.ci if relative else None),
        "effect_pp": _hundred(points.effect if points else None),
        "ci_pp": _ends(points.ci if points else None),
        "p": _finite(one.p),
        "n_eff": _finite(one.n_eff),
        "margin_percent": _hundred(relative.margin if relative else None),
        "margin_pp": _hundred(points.margin if points else None),
        "verdict": one.verdict,
        "guards": one.guards,
        "why": one.why,
        "companions": {name: _finite(value) for name, value in one.companions.items()},
    }


def _route(one: RouteResult) -> dict[str, object]:
    return {
        "name": one.name,
        "route": one.name,
        "verdict": one.verdict,
        "baseline_share": _finite(one.baseline_share),
        "candidate_share": _finite(one.candidate_share),
        "metrics": [metric(each) for each in one.metrics],
    }


def _stratum(one: Stratum) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": one.kind,
        "seconds": _finite(one.seconds),
        "effect_percent": _hundred(one.effect),
        "ci_percent": _ends(one.ci),
        "error_pp": _hundred(one.error_points),
        "verdict": one.verdict,
        "why": one.why,
        "decided_by": _row(one.decided_by),
        "routes": [_route(each) for each in one.routes],
        "metrics": [metric(each) for each in one.metrics],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _hundred(value: float | None) -> float | None:
    return _finite(None if value is None else 100 * value)


def _ends(ci: Interval | None) -> list[float | None] | None:
    return None if ci is None else [_hundred(ci.low), _hundred(ci.high)]


def _plain(value: object) -> object:
    """What came from JSON goes back to it; a number that JSON has not is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
