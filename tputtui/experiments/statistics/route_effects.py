"""Comparison of every route with enough requests, and of the route mix.

Routes are compared separately so that a regressed one does not disappear in the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import MetricResult, RouteResult, Verdict
from tputtui.experiments.statistics import effects, tail_quantiles
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, align_rows, to_arrays
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect
from tputtui.experiments.statistics.long_run_variance import estimate_long_run_variance
from tputtui.experiments.statistics.verdicts import (
    MIN_EFFECTIVE_ROWS,
    evaluate_groups,
    overall_verdict,
)
from tputtui.frozen import frozen
from tputtui.stats.mean_estimate import MIN_ROWS
from tputtui.text import clean

MIN_REQUESTS: Final = 500.0
"""Requests in each arm required to compare a route."""

ROUTE_METRICS: Final = ("throughput", "p50", "p90", "p99", "error_ratio")

_MIN_SHARE_CHANGE: Final = 0.02  # of all requests: a smaller change of a route's share is ignored
_SHIFT_SE: Final = 3.0  # standard errors


@frozen
class TrafficShift:
    """Route with a significantly different share of all requests in the candidate."""

    route: str
    baseline_share: float
    candidate_share: float


def compare_routes(
    baseline: MetricRows,
    candidate: MetricRows,
    arms: ArmPair,
    context: ComparisonContext,
    between_runs: dict[str, BetweenRunVariance],
    beside: Sequence[float] = (),
) -> tuple[tuple[RouteResult, ...], tuple[TrafficShift, ...]]:
    """Compare the routes of both sides on the rows kept in `arms`, most requests first; also return
    the shifted ones.

    Throughput is informational, because the load determines how often a route is requested. The
    highest quantile that its requests can resolve and its errors are evaluated, with Holm's
    correction over all routes and the tests of the total, whose p are `beside`.
    """
    comparable: list[tuple[str, ArmPair, tuple[float, float]]] = []
    shifts: list[TrafficShift] = []
    for name in dict.fromkeys((*baseline.routes, *candidate.routes)):
        pair = baseline.routes.get(name), candidate.routes.get(name)
        if pair[0] is None or pair[1] is None:
            continue
        own = _align_route(pair[0], pair[1], arms)
        shares = (
            _request_share(own.baseline, arms.baseline),
            _request_share(own.candidate, arms.candidate),
        )
        if _is_shift(own, arms, shares):
            shifts.append(TrafficShift(clean(name, 120), *shares))
        if min(_request_count(own.baseline), _request_count(own.candidate)) >= MIN_REQUESTS:
            comparable.append((clean(name, 120), own, shares))
    comparable.sort(key=lambda route: -sum(route[2]))
    evaluations = evaluate_routes(
        [_measure_route(own, between_runs) for _, own, _ in comparable], context, beside
    )
    routes = [
        RouteResult(name, *shares, *evaluation)
        for (name, _, shares), evaluation in zip(comparable, evaluations, strict=True)
    ]
    shifts.sort(key=lambda shift: -abs(shift.candidate_share - shift.baseline_share))
    return tuple(routes), tuple(shifts)


def _align_route(baseline: MetricRows, candidate: MetricRows, arms: ArmPair) -> ArmPair:
    """Return the rows of a route at the remaining times of the total."""
    a, b = to_arrays(baseline), to_arrays(candidate)
    if arms.is_paired:
        both, _ = align_rows(a, b)
        a, b = both.baseline, both.candidate
    return ArmPair(
        a.select(np.isin(a.t, arms.baseline.t)),
        b.select(np.isin(b.t, arms.candidate.t)),
        arms.is_paired,
    )


def _request_count(arm: ArmArrays) -> float:
    return float(arm.rps.sum()) * arm.step_s


def _request_share(route: ArmArrays, all_routes: ArmArrays) -> float:
    total = _request_count(all_routes)
    return _request_count(route) / total if total > 0 else 0.0


def _is_shift(route_arms: ArmPair, arms: ArmPair, shares: tuple[float, float]) -> bool:
    change = shares[1] - shares[0]
    if abs(change) < _MIN_SHARE_CHANGE:
        return False
    variance = 0.0
    for route, total, share in (
        (route_arms.baseline, arms.baseline, shares[0]),
        (route_arms.candidate, arms.candidate, shares[1]),
    ):
        if len(route.t) != len(total.t) or len(route.t) < MIN_ROWS or total.rps.mean() <= 0:
            return False
        variance += estimate_long_run_variance(
            (route.rps - share * total.rps) / float(total.rps.mean())
        ).variance
    return bool(abs(change) > _SHIFT_SE * np.sqrt(variance))


def _measure_route(
    route_arms: ArmPair, between_runs: dict[str, BetweenRunVariance]
) -> dict[str, MeasuredEffect]:
    return {
        "throughput": effects.measure_throughput(route_arms, between_runs["throughput"]),
        **tail_quantiles.measure_quantiles(route_arms, between_runs),
        "error_ratio": effects.measure_errors(route_arms),
    }


def evaluate_routes(
    each: Sequence[Mapping[str, MeasuredEffect]],
    context: ComparisonContext,
    beside: Sequence[float],
    min_effective_rows: float = MIN_EFFECTIVE_ROWS,
) -> list[tuple[tuple[MetricResult, ...], Verdict]]:
    """Evaluate each route's metrics and verdict, corrected over all routes and the total's tests
    (`beside`: their p).
    """
    tails = [_tail(measured) for measured in each]
    metrics = evaluate_groups(
        each, [(name, "error_ratio") for name in tails], context, beside, min_effective_rows
    )
    return [
        (route_metrics, overall_verdict(route_metrics, name))
        for route_metrics, name in zip(metrics, tails, strict=True)
    ]


def _tail(measured: Mapping[str, MeasuredEffect]) -> str:
    """Return the highest quantile that a route's requests can resolve."""
    return next(
        (name for name in ("p99", "p90", "p50") if measured[name].estimate is not None), "p99"
    )
