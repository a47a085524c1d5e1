"""Tails from merged buckets, and every route by itself: real effects are detected, others not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_runs import ar1

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import BucketRows, MetricRows
from tputtui.experiments.result import Comparison
from tputtui.experiments.statistics import tail_quantiles
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, to_arrays
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.effects import BetweenRunVariance
from tputtui.experiments.statistics.tail_quantiles import SurvivalCurve, TailQuantile

BOUNDS = (5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 400.0, 600.0, 1000.0, 2500.0)


def rows(
    rng: np.random.Generator,
    seconds: int,
    rate: float,
    *,
    slower: float = 1.0,
    phi: float = 0.5,
    memory: float = 0.1,
) -> MetricRows:
    """Simulate lognormal latencies (median 20 ms, p99 about 115 ms), correlated, in buckets."""
    served = rng.poisson(rate * ar1(rng, seconds, 0.3, 0.05))
    level = ar1(rng, seconds, phi, memory) * slower
    counts = []
    for many, factor in zip(served, level, strict=True):
        in_buckets = np.histogram(
            20.0 * factor * np.exp(0.75 * rng.standard_normal(many)), [0, *BOUNDS, np.inf]
        )[0]
        counts.append(tuple(float(count) for count in in_buckets))
    columns = {"rps": tuple(float(counts) for counts in served), "err_ratio": (0.0,) * seconds}
    return MetricRows(
        "simulated",
        tuple(map(float, range(seconds))),
        columns,
        1.0,
        0,
        BucketRows(BOUNDS, tuple(counts)),
    )


def alone(a: MetricRows, b: MetricRows) -> ArmPair:
    return ArmPair(to_arrays(a), to_arrays(b), is_paired=False)


@given(
    st.lists(st.floats(0, 1000), min_size=len(BOUNDS) + 1, max_size=len(BOUNDS) + 1).filter(
        lambda item: sum(item) > 1
    ),
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
)
def test_a_larger_share_is_exceeded_by_a_smaller_latency(
    counts: list[float], quantile: float, other: float
) -> None:
    beyond = np.clip(1 - np.cumsum(counts)[:-1] / sum(counts), 0, 1)
    survival = SurvivalCurve(np.array(BOUNDS), beyond)
    few, many = sorted((quantile, other))
    assert survival.latency_at(many) <= survival.latency_at(few) * (1 + 1e-9)
    at = survival.latency_at(few)
    if math.isfinite(at):
        place = int(np.searchsorted(BOUNDS, at * (1 - 1e-9)))
        assert beyond[place] <= few + 1e-9, "the bucket is the one in which the share is crossed"


def test_the_point_lies_near_the_truth_where_a_straight_line_does_not() -> None:
    estimate = tail_quantiles.estimate_tail(
        to_arrays(rows(np.random.default_rng(1), 600, 300.0)), 0.99
    )
    assert isinstance(estimate, TailQuantile)
    truth = 20.0 * math.exp(0.75 * 2.3263)
    assert estimate.point == pytest.approx(truth, rel=0.04)
    assert abs(estimate.point - truth) < abs(estimate.survival.linear_latency_at(0.01) - truth)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_equal_arms_are_seldom_called_different_and_the_truth_is_covered(q: float) -> None:
    calls = covered = 0
    runs = 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        arms = alone(rows(rng, 300, 100.0, phi=0.8), rows(rng, 300, 100.0, phi=0.8))
        comparison = tail_quantiles.compare_tails(arms, q, BetweenRunVariance())
        assert comparison is not None
        assert comparison.ci_95 is not None
        assert comparison.exact_p_value is not None
        calls += comparison.exact_p_value < 0.05
        covered += comparison.ci_95[0] <= 0 <= comparison.ci_95[1]
        assert (comparison.exact_p_value >= 0.05) == (
            comparison.ci_95[0] <= 0 <= comparison.ci_95[1]
        ), "p and interval say the same"
    print(
        f"p{100 * q:g}: {calls} of {runs} equal pairs called different, {covered} intervals hold the truth"
    )
    assert calls <= 7  # 5 % and two standard errors of it
    assert covered >= 53


def test_a_slower_tail_is_detected_with_its_size() -> None:
    rng = np.random.default_rng(7)
    comparison = tail_quantiles.compare_tails(
        alone(rows(rng, 300, 100.0), rows(rng, 300, 100.0, slower=1.3)), 0.99, BetweenRunVariance()
    )
    assert comparison is not None
    assert comparison.effect == pytest.approx(0.3, abs=0.12)
    assert comparison.exact_p_value is not None
    assert comparison.exact_p_value < 0.001


def test_a_tail_beyond_the_buckets_is_not_reported() -> None:
    rng = np.random.default_rng(3)
    far = rows(rng, 120, 100.0, slower=400.0)
    comparison = tail_quantiles.compare_tails(alone(far, far), 0.99, BetweenRunVariance())
    assert comparison is not None
    assert comparison.estimate is None
    assert "beyond the last bucket" in comparison.reason
    few = tail_quantiles.compare_tails(
        alone(rows(rng, 70, 2.0), rows(rng, 70, 2.0)), 0.99, BetweenRunVariance()
    )
    assert few is not None
    assert "are needed" in few.reason
    bare = replace(rows(rng, 70, 50.0), buckets=None)
    assert tail_quantiles.compare_tails(alone(bare, bare), 0.99, BetweenRunVariance()) is None


def test_an_arm_keeps_its_buckets_through_a_selection() -> None:
    arrays = to_arrays(rows(np.random.default_rng(5), 50, 20.0))
    part: ArmArrays = arrays.select(slice(10, 20))
    assert part.buckets is not None
    assert arrays.buckets is not None
    assert np.array_equal(part.buckets, arrays.buckets[10:20])


# ------------------------------------------------------------------------------------------- routes


def shop(
    seed: int, rates: dict[str, float], slower: dict[str, float] | None = None, seconds: int = 300
) -> MetricRows:
    """Simulate a service of several routes; the total is their sum."""
    rng = np.random.default_rng(seed)
    routes = {
        name: rows(rng, seconds, rate, slower=(slower or {}).get(name, 1.0))
        for name, rate in rates.items()
    }
    served = np.sum([route.columns["rps"] for route in routes.values()], axis=0)
    counts = np.sum(
        [route.buckets.counts for route in routes.values() if route.buckets is not None], axis=0
    )
    columns = {"rps": tuple(served.tolist()), "err_ratio": (0.0,) * seconds}
    buckets = BucketRows(BOUNDS, tuple(tuple(item) for item in counts.tolist()))
    return MetricRows("shop", tuple(map(float, range(seconds))), columns, 1.0, 0, buckets, routes)


RATES = {"/items": 150.0, "/search": 80.0, "/cart": 40.0, "/payment": 12.0, "/rare": 0.5}


def judged(a: MetricRows, b: MetricRows) -> Comparison:
    return compare(a, b, ComparisonContext(aa_history_rps=(100.0, 100.5, 99.7, 100.2)))


def test_a_route_that_is_slower_does_not_hide_in_the_total() -> None:
    comparison = judged(shop(1, RATES), shop(2, RATES, {"/payment": 1.8}))
    verdicts = {route.name: route.verdict for route in comparison.routes}
    assert verdicts["/payment"] == "regressed"
    assert [name for name, verdict in verdicts.items() if verdict == "regressed"] == ["/payment"]
    assert comparison.metric("p50") is not None
    assert comparison.verdict == "regressed"
    assert any("/payment regressed (p" in reason for reason in comparison.reasons)
    assert "/rare" not in verdicts, "too few requests to say anything"
    assert list(verdicts) == ["/items", "/search", "/cart", "/payment"], "the most requests first"


def test_of_many_equal_routes_none_is_called_different() -> None:
    rates = {f"/r{number}": 15.0 for number in range(12)}
    called = 0
    for seed in range(8):
        comparison = judged(shop(2 * seed, rates), shop(2 * seed + 1, rates))
        assert len(comparison.routes) == 12
        called += any(route.verdict in ("regressed", "improved") for route in comparison.routes)
    assert called <= 2


def test_a_mix_that_has_shifted_is_named_first_and_the_total_is_not_judged() -> None:
    heavier = {**RATES, "/payment": 60.0, "/items": 102.0}
    comparison = judged(shop(1, RATES), shop(2, heavier))
    assert comparison.reasons[0].startswith(
        "The mix of routes has shifted: /payment 4.3 % → 21.6 %, /items "
    )
    assert comparison.verdict == "inconclusive"
    assert any("the total allows no verdict" in reason for reason in comparison.reasons)
    assert all(route.verdict != "regressed" for route in comparison.routes)
