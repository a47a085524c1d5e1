"""Errors in bursts: a single event gives no verdict; independent errors still do.

A small version of bench/compare.py. Bounds are 5 % plus two Monte-Carlo standard errors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from simulated_runs import Service, Values, burst, failing, routed, run, scattered

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Comparison, is_unbounded
from tputtui.experiments.statistics import effects
from tputtui.experiments.statistics.arms import ArmPair, to_arrays
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.effects import MeasuredEffect

pytestmark = pytest.mark.slow

Rng = np.random.Generator
Pair = tuple[Values, Values]

RUNS = 150
FALSE = 0.05 + 2 * (0.05 * 0.95 / RUNS) ** 0.5
CALM = Service(rate=60.0, phi=0.3, cv=0.04, errors=0.0)


def errors_of(failed: Pair, rate: float = 5000.0, *, paired: bool = False) -> MeasuredEffect:
    sides = []
    for counts in failed:
        rows = MetricRows("", tuple(map(float, range(len(counts)))), {"rps": (rate,) * len(counts)})
        sides.append(to_arrays(failing(rows, counts)))
    return effects.measure_errors(ArmPair(sides[0], sides[1], paired))


def p_of(failed: Pair, *, paired: bool = False) -> float:
    estimate = errors_of(failed, paired=paired)
    p = (
        estimate.exact_p_value
        if estimate.exact_p_value is not None
        else estimate.estimate.p_value()
        if estimate.estimate is not None
        else None
    )
    assert p is not None
    return p


def in_one_arm(rng: Rng, counts: Values) -> Pair:
    nothing = np.zeros(len(counts))
    return (counts, nothing) if rng.random() < 0.5 else (nothing, counts)


def called(
    make: Callable[[Rng], Pair], runs: int = RUNS, *, paired: bool = False, seed: int = 5
) -> float:
    rng = np.random.default_rng(seed)
    return sum(p_of(make(rng), paired=paired) < 0.05 for _ in range(runs)) / runs


# ---------------------------------------------------------------------------------- false positives


@pytest.mark.parametrize("errors", [20, 29, 30, 31, 100, 1000])
@pytest.mark.parametrize(
    ("seconds", "length"), [(60, 1), (60, 20), (120, 60), (300, 5), (300, 60), (300, 150)]
)
def test_one_burst_is_one_event_however_many_errors_it_has_and_however_long_it_is(
    errors: int, seconds: int, length: int
) -> None:
    assert (
        called(lambda rng: in_one_arm(rng, burst(rng, seconds, errors, length)), runs=60) <= FALSE
    )


@pytest.mark.parametrize("mean", [0.5, 1, 2, 4, 8])
@pytest.mark.parametrize("background", [0.0, 5.0, 60.0])
def test_bursts_of_different_sizes_and_lengths_in_both_arms_are_not_a_difference(
    mean: float, background: float
) -> None:
    def side(rng: Rng) -> Values:
        counts = scattered(rng, 300, background)
        for _ in range(rng.poisson(mean)):
            counts += burst(rng, 300, int(rng.geometric(1 / 25)), int(rng.integers(1, 30)))
        return counts

    assert called(lambda rng: (side(rng), side(rng))) <= FALSE


@pytest.mark.parametrize("errors", [12, 29, 60, 400])
def test_a_shock_that_both_arms_share_is_not_a_difference(errors: int) -> None:
    def shared(rng: Rng) -> Pair:
        both = burst(rng, 300, errors, 12)
        first = rng.binomial(both.astype(np.int64), 0.5).astype(np.float64)
        return first, both - first

    assert called(shared, paired=True) <= FALSE
    assert called(shared) <= FALSE


def test_a_shock_that_both_arms_share_evenly_is_bounded_better_side_by_side() -> None:
    rng = np.random.default_rng(3)
    shock = burst(rng, 300, 400, 12)
    pair = (shock, np.roll(shock, 1))
    paired, apart = errors_of(pair, paired=True).ci_95, errors_of(pair).ci_95
    assert paired is not None
    assert apart is not None
    assert paired[1] - paired[0] < 0.5 * (apart[1] - apart[0])


@pytest.mark.parametrize(("phi", "cv"), [(0.5, 1.0), (0.9, 1.0)])
@pytest.mark.parametrize("errors", [25, 60, 600])
def test_an_error_rate_that_drifts_is_not_a_difference(phi: float, cv: float, errors: int) -> None:
    from simulated_runs import ar1

    def side(rng: Rng) -> Values:
        return rng.poisson(errors / 300 * ar1(rng, 300, phi, cv)).astype(np.float64)

    assert called(lambda rng: (side(rng), side(rng))) <= FALSE


def test_there_is_no_cliff_at_thirty_errors() -> None:
    rng = np.random.default_rng(4)
    burst_p, independent_p = [], []
    for errors in (29, 30, 31, 32):
        counts = np.zeros(300)
        counts[100] = errors
        burst_p.append(p_of((np.zeros(300), counts)))
        apart = np.zeros(300)
        apart[np.sort(rng.permutation(300)[:errors])] = 1
        independent_p.append(p_of((np.zeros(300), apart)))
    assert min(burst_p) > 0.2
    assert max(burst_p) - min(burst_p) < 0.3
    assert max(independent_p) < 0.01


# ---------------------------------------------------------------------------------------- detection


@pytest.mark.parametrize(
    ("before", "after", "least"),
    [
        (0.0, 8.0, 0.85),
        (0.5, 8.0, 0.70),
        (2.0, 10.0, 0.52),
        (5.0, 20.0, 0.80),
        (8.0, 30.0, 0.85),
        (100.0, 160.0, 0.80),
    ],
)
def test_independent_errors_are_detected_about_as_often_as_by_the_exact_test(
    before: float, after: float, least: float
) -> None:
    power = called(lambda rng: (scattered(rng, 300, before), scattered(rng, 300, after)))
    print(f"{before:g} and {after:g} errors: {power:.0%}")
    assert power >= least


def test_equal_independent_errors_are_not_called_different() -> None:
    for errors in (3, 8, 14, 40):
        assert (
            called(lambda rng, mean=errors: (scattered(rng, 300, mean), scattered(rng, 300, mean)))  # type: ignore[misc]
            <= FALSE
        )


def test_a_release_that_fails_in_repeated_bursts_is_called_worse() -> None:
    def failing_often(rng: Rng) -> Pair:
        counts = np.zeros(300)
        for _ in range(12):
            counts += burst(rng, 300, 30, 3)
        return np.zeros(300), counts

    assert called(failing_often) >= 0.8


def test_the_interval_covers_the_truth_with_and_without_bursts() -> None:
    rng = np.random.default_rng(6)
    requests = 300 * 5000.0

    def bursty(mean: float) -> Values:
        counts = np.zeros(300)
        for _ in range(rng.poisson(mean)):
            counts += burst(rng, 300, 30, 5)
        return counts

    held = {"independent": 0, "bursts": 0}
    for _ in range(RUNS):
        for kind, pair, truth in (
            ("independent", (scattered(rng, 300, 6), scattered(rng, 300, 14)), 8 / requests),
            ("bursts", (bursty(4), bursty(8)), 120 / requests),
        ):
            limits = errors_of(pair).ci_95
            assert limits is not None
            held[kind] += limits[0] <= truth <= limits[1]
    assert min(held.values()) >= 0.90 * RUNS, held


def test_an_interval_of_ninety_percent_lies_within_that_of_ninety_five() -> None:
    rng = np.random.default_rng(7)
    for errors in (0.0, 0.7, 3.0, 30.0, 3000.0):
        for _ in range(20):
            estimate = errors_of((scattered(rng, 100, errors), scattered(rng, 100, errors)))
            assert estimate.ci_95 is not None
            assert estimate.ci_90 is not None
            assert estimate.ci_95[0] <= estimate.ci_90[0] <= estimate.ci_90[1] <= estimate.ci_95[1]


def test_a_burst_of_most_requests_leaves_the_difference_unbounded_and_says_so() -> None:
    counts = np.zeros(100)
    counts[50] = 5000
    counts[51:53] = 4000
    rng = np.random.default_rng(1)
    few = run(rng, 100, Service(rate=60.0, phi=0.0, cv=0.01, pauses=0.0, errors=0.0))
    served = np.asarray(few.columns["rps"])
    served[50:53] = 5000
    heavy = MetricRows("", few.t, {"rps": tuple(served.tolist()), "err_ratio": (0.0,) * 100})
    answer = compare(heavy, failing(heavy, counts), ComparisonContext())
    row = answer.metric("error_ratio")
    assert row is not None
    assert row.ci is not None
    assert is_unbounded(row.ci, absolute=True)
    assert row.verdict == "inconclusive"
    assert "cannot be bounded with this much data" in row.reason
    assert "came in bursts and count as" in row.reason


# ----------------------------------------------------------------------------- complete comparisons


def shop(rng: Rng, counts: dict[str, Values], seconds: int = 300) -> MetricRows:
    return routed(
        {name: failing(run(rng, seconds, CALM), failed) for name, failed in counts.items()}
    )


ROUTES = ("GET /", "GET /items/{id}", "POST /cart", "GET /search")


def bursty_shop(rng: Rng, bursts: float) -> MetricRows:
    """Simulate a shop whose routes have some bursts of about thirty errors."""
    counts = {}
    for name in ROUTES:
        counts[name] = np.zeros(300)
        for _ in range(rng.poisson(bursts)):
            counts[name] += burst(rng, 300, int(rng.integers(20, 40)), int(rng.integers(1, 20)))
    return shop(rng, counts)


@pytest.mark.parametrize("design", ["concurrent", "sequential"])
def test_about_thirty_bursty_errors_of_a_route_give_no_verdict(design: str) -> None:
    rng = np.random.default_rng(8)
    history = tuple(240.0 + at for at in (-1.0, 0.0, 1.0, 0.5))
    context = ComparisonContext(
        design="concurrent" if design == "concurrent" else "sequential", aa_history_rps=history
    )
    answers: list[Comparison] = []
    for at in range(60):
        answers.append(compare(bursty_shop(rng, 0.3), bursty_shop(rng, 0.3), context))
        route_errors = {name: np.zeros(300) for name in ROUTES}
        hit = route_errors | {ROUTES[at % 4]: burst(rng, 300, 28 + at % 5, 4)}
        sides = (shop(rng, route_errors), shop(rng, hit))
        answers.append(compare(*(sides if rng.random() < 0.5 else sides[::-1]), context))
    false = sum(answer.verdict in ("regressed", "improved") for answer in answers) / len(answers)
    of_routes = sum(route.verdict == "regressed" for answer in answers for route in answer.routes)
    print(f"{design}: {false:.1%} false calls, {of_routes} of routes")
    assert false <= 0.05 + 2 * (0.05 * 0.95 / len(answers)) ** 0.5
    assert of_routes <= 0.05 * len(answers)


def test_a_thousand_equal_routes_with_bursty_errors_give_no_false_positive() -> None:
    rng = np.random.default_rng(9)

    def side() -> MetricRows:
        routes = {}
        for number in range(1000):
            served = rng.poisson(12.0, 90).astype(np.float64)
            counts = scattered(rng, 90, 1.0)
            if rng.random() < 0.2:
                counts = counts + burst(rng, 90, 25, int(rng.integers(5, 30)))
            slow = 20.0 * rng.lognormal(0.0, 0.2, 90)
            columns = {"rps": tuple(served.tolist()), "p50": tuple(slow.tolist())}
            routes[f"/r{number}"] = failing(
                MetricRows("", tuple(map(float, range(90))), columns), counts
            )
        return routed(routes)

    for _ in range(2):
        answer = compare(side(), side(), ComparisonContext(design="concurrent"))
        assert len(answer.routes) == 1000
        assert [
            route.name for route in answer.routes if route.verdict in ("regressed", "improved")
        ] == []
        assert answer.verdict != "regressed"


def test_a_route_whose_errors_really_rose_is_detected_among_many() -> None:
    rng = np.random.default_rng(10)
    detected = 0
    for _ in range(20):
        equal = {f"/r{number}": scattered(rng, 300, 2.0) for number in range(20)}
        worse = {name: scattered(rng, 300, 2.0) for name in equal} | {
            "/r7": scattered(rng, 300, 70.0)
        }
        answer = compare(shop(rng, equal), shop(rng, worse), ComparisonContext(design="concurrent"))
        row = answer.decided_by
        detected += answer.verdict == "regressed" and row is not None and row.route == "/r7"
    assert detected >= 18


def test_the_reasons_explain_the_evidence_of_a_bursty_route() -> None:
    rng = np.random.default_rng(11)
    nothing = {name: np.zeros(300) for name in ROUTES}
    hit = nothing | {"POST /cart": burst(rng, 300, 30, 3)}
    answer = compare(shop(rng, nothing), shop(rng, hit), ComparisonContext(design="concurrent"))
    assert answer.verdict in ("inconclusive", "equivalent")
    reasons = " ".join(answer.reasons)
    assert (
        "errors of POST /cart: 30 errors came in bursts and count as about 1 independent one;"
        in reasons
    )
