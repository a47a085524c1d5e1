"""Every route with enough requests by itself, so that a worse one does not hide in the total; and what the mix did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import MetricResult, RouteResult, Verdict
from tputtui.experiments.statistics import effects, tail_quantiles
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, aligned, arm
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect
from tputtui.experiments.statistics.long_run_variance import FEWEST, long_run
from tputtui.experiments.statistics.verdicts import FEWEST_EFFECTIVE, judged_together, overall
from tputtui.frozen import frozen
from tputtui.text import clean

ENOUGH: Final = 500.0
"""Requests in each arm from which on a route is compared."""

METRICS: Final = ("throughput", "p50", "p90", "p99", "error_ratio")

_SHIFTED: Final = 0.02  # of all requests: a smaller change of a route's share is left alone
_SURE: Final = 3.0  # standard errors


@frozen
class TrafficShift:
    """A route whose share of all requests is another one in the candidate, and surely so."""

    route: str
    baseline: float
    candidate: float


def compare_routes(
    baseline: MetricRows,
    candidate: MetricRows,
    arms: ArmPair,
    context: ComparisonContext,
    error: dict[str, BetweenRunVariance],
    beside: Sequence[float] = (),
) -> tuple[tuple[RouteResult, ...], tuple[TrafficShift, ...]]:
    """The routes that both sides have, most requests first, on the rows that `arms` kept; and those whose share moved.

    Throughput is told for information: how often a route is asked is the load's doing. The highest quantile that its
    requests can tell and its errors are judged, with Holm's correction over all routes
    and the tests of the total, whose p are `beside`.
    """
    found: list[tuple[str, ArmPair, tuple[float, float]]] = []
    shifts: list[TrafficShift] = []
    for name in dict.fromkeys((*baseline.routes, *candidate.routes)):
        pair = baseline.routes.get(name), candidate.routes.get(name)
        if pair[0] is None or pair[1] is None:
            continue
        own = _kept(pair[0], pair[1], arms)
        shares = _share(own.baseline, arms.baseline), _share(own.candidate, arms.candidate)
        if _is_shift(own, arms, shares):
            shifts.append(TrafficShift(clean(name, 120), *shares))
        if min(_requests(own.baseline), _requests(own.candidate)) >= ENOUGH:
            found.append((clean(name, 120), own, shares))
    found.sort(key=lambda one: -(one[2][0] + one[2][1]))
    told = judged([_measured(own, error) for _, own, _ in found], context, beside)
    routes = [RouteResult(name, *shares, *one) for (name, _, shares), one in zip(found, told, strict=True)]
    shifts.sort(key=lambda one: -abs(one.candidate - one.baseline))
    return tuple(routes), tuple(shifts)


def _kept(baseline: MetricRows, candidate: MetricRows, arms: ArmPair) -> ArmPair:
    """The rows of a route at the times that are left of the whole."""
    a, b = arm(baseline), arm(candidate)
    if arms.paired:
        both, _ = aligned(a, b)
        a, b = both.baseline, both.candidate
    return ArmPair(a.take(np.isin(a.t, arms.baseline.t)), b.take(np.isin(b.t, arms.candidate.t)), arms.paired)


def _requests(one: ArmArrays) -> float:
    return float(one.rps.sum()) * one.step_s


def _share(one: ArmArrays, whole: ArmArrays) -> float:
    total = _requests(whole)
    return _requests(one) / total if total > 0 else 0.0


def _is_shift(own: ArmPair, arms: ArmPair, shares: tuple[float, float]) -> bool:
    change = shares[1] - shares[0]
    if abs(change) < _SHIFTED:
        return False
    variance = 0.0
    for route, whole, share in (
        (own.baseline, arms.baseline, shares[0]),
        (own.candidate, arms.candidate, shares[1]),
    ):
        if len(route.t) != len(whole.t) or len(route.t) < FEWEST or whole.rps.mean() <= 0:
            return False
        variance += long_run((route.rps - share * whole.rps) / float(whole.rps.mean())).variance
    return bool(abs(change) > _SURE * np.sqrt(variance))


def _measured(own: ArmPair, error: dict[str, BetweenRunVariance]) -> dict[str, MeasuredEffect]:
    return {
        "throughput": effects.throughput(own, error["throughput"]),
        **tail_quantiles.quantiles(own, error),
        "error_ratio": effects.errors(own),
    }


def judged(
    each: Sequence[Mapping[str, MeasuredEffect]],
    context: ComparisonContext,
    beside: Sequence[float],
    fewest: float = FEWEST_EFFECTIVE,
) -> list[tuple[tuple[MetricResult, ...], Verdict]]:
    """Each route's metrics and its verdict, corrected over all of them and the total's tests (their p: `beside`)."""
    tail = [_tail(one) for one in each]
    metrics = judged_together(each, [(name, "error_ratio") for name in tail], context, beside, fewest)
    return [(one, overall(one, name)) for one, name in zip(metrics, tail, strict=True)]


def _tail(measured: Mapping[str, MeasuredEffect]) -> str:
    """The highest quantile that a route's requests can tell."""
    return next((name for name in ("p99", "p90", "p50") if measured[name].estimate is not None), "p99")
