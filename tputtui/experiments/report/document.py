"""A comparison as JSON, schema 1: CONTRACT.md's fields, and what else is known. Unavailable is null, never NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tputtui.experiments.outcome import Comparison, Interval, Metric, Route, Stratum


def document(comparison: Comparison, exit_code: int, names: Mapping[str, str] | None = None) -> dict[str, object]:
    """The object. `exit_code` is what the caller ends with; `names` are the sides as they were typed."""
    seconds = comparison.seconds
    return {
        "schema": 1,
        **({} if names is None else {"sides": dict(names)}),
        "verdict": comparison.verdict,
        "ok": exit_code == 0,
        "exit_code": exit_code,
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
    }


def metric(one: Metric) -> dict[str, object]:
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


def _route(one: Route) -> dict[str, object]:
    return {
        "route": one.name,
        "verdict": one.verdict,
        "baseline_share": _finite(one.baseline_share),
        "candidate_share": _finite(one.candidate_share),
        "metrics": [metric(each) for each in one.metrics],
    }


def _stratum(one: Stratum) -> dict[str, object]:
    return {
        "name": one.name,
        "seconds": _finite(one.seconds),
        "effect_percent": _hundred(one.effect),
        "ci_percent": _ends(one.ci),
        "error_pp": _hundred(one.error_points),
        "verdict": one.verdict,
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
    return value if value is None or isinstance(value, str | int | float | bool | list | dict) else str(value)
