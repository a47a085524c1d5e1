"""An uplift is verified as planned: at several levels and through an outage, by one metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import Service, run

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.formatting import format_headline
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison, Interval, MetricResult, Verdict
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.pairs import RunPair, compare_pairs
from tputtui.experiments.statistics.strata import verify_uplift

CALM = Service(phi=0.3, cv=0.04)
PLAN = ExperimentPlan(levels=("load 30", "load 50", "load 70"), outages=("replica stopped",))


def metric(name: str, effect: float, verdict: Verdict) -> MetricResult:
    ends = Interval(effect - 0.03, effect + 0.03)
    return MetricResult(name, 1.0, 1.0 + effect, effect, ends, 0.001, 50.0, 0.1, verdict)


def answer(
    verdict: Verdict, primary: str = "p99", p99: float = -0.2, throughput: float = 0.0
) -> Comparison:
    p99_verdict: Verdict = "improved" if p99 < 0 else "regressed"
    metrics = metric("throughput", throughput, "equivalent"), metric("p99", p99, p99_verdict)
    return Comparison(verdict, "concurrent", primary, metrics=metrics)


def given(*names: str) -> list[tuple[str, Comparison]]:
    return [(name, answer("improved")) for name in names]


def test_all_strata_are_judged_by_the_metric_of_the_first() -> None:
    """At one level the load was not limited, so its own primary metric would be the throughput."""
    other = [
        ("load 70", answer("improved", primary="throughput", throughput=0.03)),
        *given("load 30", "outage"),
    ]
    comparison = verify_uplift(answer("improved"), other)
    assert comparison.verdict == "improved"
    assert "verified" in comparison.flags
    assert comparison.heterogeneity_p == pytest.approx(1.0)


def test_missing_planned_strata_are_reported_and_nothing_is_verified() -> None:
    comparison = verify_uplift(
        answer("improved"), given("load 30", "replica stopped", "another level"), PLAN
    )
    assert "verified" not in comparison.flags
    assert "planned and not given: load 50, load 70" in " ".join(comparison.reasons)
    assert "load 50, load 70" in comparison.advice[0]


def test_the_pair_that_is_compared_is_at_the_planned_level_that_is_not_among_the_strata() -> None:
    comparison = verify_uplift(
        answer("improved"), given("load  30", "LOAD 70", "replica stopped"), PLAN
    )
    assert [(stratum.name, stratum.kind) for stratum in comparison.strata] == [
        ("load 50", "level"),
        ("load  30", "level"),
        ("LOAD 70", "level"),
        ("replica stopped", "outage"),
    ]
    assert "verified" in comparison.flags
    assert "Verified: better in p99 at 3 load levels and through an outage." in comparison.reasons
    assert comparison.advice == ()


def test_a_stratum_of_the_opposite_sign_withdraws_the_uplift() -> None:
    comparison = verify_uplift(
        answer("improved"),
        [*given("load 30", "load 70"), ("outage", answer("inconclusive", p99=0.01))],
    )
    assert comparison.verdict == "inconclusive"
    assert "do not all point the same way in p99" in " ".join(comparison.reasons)


def test_pairs_stay_strata_beside_the_levels() -> None:
    rng = np.random.default_rng(4)
    pairs = [
        RunPair(run(rng, 90, CALM), run(rng, 90, CALM, effect=0.2), ComparisonContext())
        for _ in range(4)
    ]
    comparison = verify_uplift(compare_pairs(pairs), given("outage"))
    assert [stratum.kind for stratum in comparison.strata] == ["pair"] * 4 + ["level", "outage"]


# -------------------------------------------------------------------------------------------- pairs


def routed(rng: np.random.Generator, effect: float, share: float = 0.5) -> MetricRows:
    """Simulate a service of two routes; the effect is on the p99 of the second alone."""
    parts = {"GET /a": 600 * share * 2, "GET /b": 600 * (1 - share) * 2}
    routes = {}
    for name, rate in parts.items():
        service = replace(CALM, rate=rate, pauses=0.0)
        routes[name] = run(rng, 90, service, p99_effect=effect if name == "GET /b" else 0.0)
    simulated = run(rng, 90, replace(CALM, rate=1200.0, pauses=0.0))
    total = tuple(
        a + b for a, b in zip(*(route.columns["rps"] for route in routes.values()), strict=True)
    )
    return replace(simulated, columns={**simulated.columns, "rps": total}, routes=routes)


def test_a_route_that_regressed_over_the_pairs_regresses_them_and_all_pairs_count() -> None:
    rng = np.random.default_rng(1)
    pairs = [RunPair(routed(rng, 0.0), routed(rng, 0.5), ComparisonContext()) for _ in range(5)]
    comparison = compare_pairs(pairs)
    assert comparison.verdict == "regressed"
    assert {route.name: route.verdict for route in comparison.routes}["GET /b"] == "regressed"
    assert any("GET /b regressed" in reason for reason in comparison.reasons)
    alone = [compare(pair.baseline, pair.candidate, ComparisonContext()) for pair in pairs]
    each = [
        route.metric("p99")
        for comparison in alone
        for route in comparison.routes
        if route.name == "GET /b"
    ]
    logs = [np.log1p(row.effect) for row in each if row is not None and row.effect is not None]
    assert len(logs) == 5
    merged = {route.name: route for route in comparison.routes}["GET /b"].metric("p99")
    assert merged is not None
    assert np.log1p(merged.effect or 0.0) == pytest.approx(float(np.mean(logs)))


def test_a_pair_of_another_mix_is_left_out() -> None:
    rng = np.random.default_rng(2)
    pairs = [RunPair(routed(rng, 0.0), routed(rng, 0.0), ComparisonContext()) for _ in range(3)]
    pairs[1] = replace(pairs[1], candidate=routed(rng, 0.0, share=0.7))
    comparison = compare_pairs(pairs)
    assert any(
        reason.startswith("Pair 2 is left out: The mix of routes") for reason in comparison.reasons
    )


def test_a_pair_from_another_machine_prevents_every_verdict() -> None:
    rng = np.random.default_rng(3)
    pairs = [RunPair(run(rng, 90, CALM), run(rng, 90, CALM), ComparisonContext()) for _ in range(3)]
    pairs[2] = replace(
        pairs[2], context=ComparisonContext(baseline_env={"cpus": "8"}, candidate_env={"cpus": "4"})
    )
    comparison = compare_pairs(pairs)
    assert comparison.verdict == "not_comparable"
    assert comparison.reasons[0] == "Pair 3 is not comparable."


def test_an_uplift_of_the_tail_alone_is_verified_by_the_tail() -> None:
    """An undeclared open load: throughput is equivalent, by chance on either side of zero."""
    first = replace(answer("improved"), primary="throughput")
    others = [
        ("load 30", replace(answer("improved", throughput=-0.001), primary="throughput")),
        ("load 70", replace(answer("improved", throughput=0.002), primary="throughput")),
        ("outage", replace(answer("improved", throughput=-0.003), primary="throughput")),
    ]
    comparison = verify_uplift(first, others)
    assert "verified" in comparison.flags
    assert comparison.strata_metric == "p99"
    assert format_headline(comparison) == "improved, verified: p99 -20.0 % [-23.0, -17.0]"
