"""Interleaved pairs, strata, and the length of a measurement."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from simulated_runs import Service, run

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.plan import PlanError, parse_plan, render_template
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.long_run_variance import t_quantile
from tputtui.experiments.statistics.pairs import RunPair, compare_pairs
from tputtui.experiments.statistics.power_analysis import (
    estimate_power,
    history_values,
    pairs_needed,
)
from tputtui.experiments.statistics.strata import verify_uplift

CALM = Service(phi=0.3, cv=0.04)


def pairs(
    count: int, effect: float, run_sd: float, seed: int = 2, seconds: int = 120
) -> list[tuple[MetricRows, MetricRows]]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        shift = np.exp(rng.normal(0, run_sd, 2))
        a = run(rng, seconds, CALM, effect=float(shift[0]) - 1)
        out.append((a, run(rng, seconds, CALM, effect=(1 + effect) * float(shift[1]) - 1)))
    return out


def of(arm_pairs: list[tuple[MetricRows, MetricRows]]) -> list[RunPair]:
    return [RunPair(a, b, ComparisonContext()) for a, b in arm_pairs]


def test_pairs_detect_an_effect_that_one_pair_without_history_cannot() -> None:
    single = compare(*pairs(1, 0.05, 0.01)[0], ComparisonContext())
    several = compare_pairs(of(pairs(8, 0.05, 0.01)))
    assert single.verdict == "inconclusive"
    assert several.verdict == "improved"
    assert "no-aa-history" not in several.flags
    assert len(several.strata) == 8


def test_equal_pairs_are_rarely_called_different() -> None:
    called = [compare_pairs(of(pairs(5, 0.0, 0.02, seed))).verdict for seed in range(60)]
    false = sum(word in ("improved", "regressed") for word in called) / 60
    assert false <= 0.05 + 2 * (0.05 * 0.95 / 60) ** 0.5


def test_a_pair_with_an_incident_in_one_arm_is_left_out() -> None:
    arm_pairs = pairs(6, 0.05, 0.005)
    a, b = arm_pairs[2]
    rps = list(b.columns["rps"])
    rps[40:80] = [0.0] * 40
    arm_pairs[2] = (a, replace(b, columns={**b.columns, "rps": tuple(rps)}))
    answer = compare_pairs(of(arm_pairs))
    assert answer.verdict == "improved"
    assert any("Pair 3 is left out" in reason for reason in answer.reasons)


def test_two_pairs_report_that_more_are_needed() -> None:
    answer = compare_pairs(of(pairs(2, 0.01, 0.02)))
    assert answer.verdict == "inconclusive"
    assert "pairs like these" in answer.advice[0]


@pytest.mark.parametrize(
    ("outage_effect", "verdict", "is_verified"),
    [(0.08, "improved", True), (-0.2, "regressed", False)],
)
def test_an_uplift_is_verified_by_levels_and_an_outage(
    outage_effect: float, verdict: str, is_verified: bool
) -> None:
    rng = np.random.default_rng(3)
    context = ComparisonContext(design="concurrent")

    def one(rate: float, effect: float) -> tuple[MetricRows, MetricRows]:
        service = replace(CALM, rate=rate)
        return run(rng, 300, service), run(rng, 300, service, effect=effect)

    first = compare(*one(1000, 0.08), context)
    others = [
        ("load 500", compare(*one(500, 0.08), context)),
        ("load 800", compare(*one(800, 0.08), context)),
        ("outage", compare(*one(600, outage_effect), context)),
    ]
    answer = verify_uplift(first, others)
    assert answer.verdict == verdict
    assert ("verified" in answer.flags) == is_verified
    assert (
        (answer.heterogeneity_p or 0) > 0.05
        if is_verified
        else (answer.heterogeneity_p or 0) < 0.05
    )
    assert "verified" not in verify_uplift(first, others[:1]).flags


def test_the_planned_length_detects_the_effect_about_as_often_as_planned() -> None:
    """80 % are planned; 40 runs distinguish 60 from 95."""
    rng = np.random.default_rng(9)
    service = Service(phi=0.5, cv=0.08)
    history = (1000.0, 1000.5, 999.5, 1000.2, 999.8, 1000.1)
    power = estimate_power(run(rng, 3600, service), 0.05, ComparisonContext(aa_history_rps=history))
    assert power.seconds is not None
    assert 60 < power.seconds < 300  # 126 by theory, and the pauses
    seconds = int(power.seconds)
    ps = []
    for _ in range(40):
        metric = compare(
            run(rng, seconds, service),
            run(rng, seconds, service, effect=0.05),
            ComparisonContext(aa_history_rps=history),
        ).metric("throughput")
        assert metric is not None
        assert metric.p_value is not None
        ps.append(metric.p_value < 0.05)
    assert 0.6 <= sum(ps) / 40 <= 1.0


def test_a_run_to_run_spread_beyond_the_effect_makes_a_single_pair_hopeless() -> None:
    pilot = run(np.random.default_rng(1), 300, CALM)
    hopeless = estimate_power(
        pilot, 0.1, ComparisonContext(aa_history_rps=(1000.0, 1100.0, 920.0, 1040.0))
    )
    assert hopeless.seconds is None
    assert hopeless.pairs is not None
    with pytest.raises(ValueError, match="half a minute"):
        estimate_power(run(np.random.default_rng(1), 20, CALM), 0.02, ComparisonContext())


def test_history_runs_give_each_metrics_own_spread() -> None:
    history = history_values(run(np.random.default_rng(1), 120, CALM))
    assert history["throughput"] == pytest.approx(1000, rel=0.05)
    context = ComparisonContext(
        aa_history_rps=(1.0, 1.0, 1.0), aa_history={"p99": (70.0, 140.0, 35.0)}
    )
    assert context.history("p99") == (70.0, 140.0, 35.0)
    assert context.history("p50") == (1.0, 1.0, 1.0)


def test_the_template_is_a_valid_plan_and_unknown_keys_are_named() -> None:
    plan = parse_plan(render_template())
    assert plan.primary == "throughput"
    assert plan.margins["error_ratio"] == pytest.approx(0.001)
    assert plan.declared_change == ("software",)
    for text, expected in (
        ('hypotesis = ""', 'did you mean "hypothesis"'),
        ("title = 3", "title: a text"),
        ('margins = ["p98=1%"]', "there is no metric"),
        ('primary = "speed"', "there is no metric"),
        ("title =", "it is no TOML"),
    ):
        with pytest.raises(PlanError) as caught:
            parse_plan(text)
        assert expected in str(caught.value)


# ---------------------------------------------------------------------------------- the next design


def test_one_pair_without_history_names_the_next_best_design_with_its_length() -> None:
    """Each named design would detect the margin in four of five simulated experiments."""
    single = compare(*pairs(1, 0.0, 0.0)[0], ComparisonContext())
    assert single.verdict == "inconclusive"
    (advice,) = single.advice
    assert advice.startswith(
        "Next best, to find 2 % of throughput four times out of five: both at the same time"
    )
    assert re.search(
        r"; else \d+ pairs of 2 min a run by turns \(--pair, A B B A …; .* in all\)", advice
    )
    assert (
        "history" not in advice
    )  # 2 % between runs equals the effect: a single pair cannot detect it


def test_a_quieter_history_makes_one_longer_pair_a_design() -> None:
    known = ComparisonContext(aa_history_rps=(1000.0, 1000.5, 999.5, 1000.2, 999.8))
    rng = np.random.default_rng(8)
    noisy = Service(phi=0.6, cv=0.1)
    single = compare(run(rng, 120, noisy), run(rng, 120, noisy), known)
    assert single.verdict == "inconclusive"
    assert "one pair of" in single.advice[0]
    assert "five runs" not in single.advice[0]


def test_an_invalidating_condition_is_to_be_removed_before_a_longer_run_is_proposed() -> None:
    a, b = pairs(1, 0.05, 0.0, seconds=300)[0]
    rps = list(b.columns["rps"])
    rps[100:150] = [0.0] * 50
    spoiled = compare(a, replace(b, columns={**b.columns, "rps": tuple(rps)}), ComparisonContext())
    assert spoiled.advice == (
        "Run it again without the incident: that allows no verdict however long the runs are.",
    )


@pytest.mark.parametrize("spread", [0.02, 0.05])
def test_the_proposed_number_of_pairs_detects_the_effect_four_times_out_of_five(
    spread: float,
) -> None:
    needed = pairs_needed(0.04, spread**2)
    assert needed is not None
    effects = np.random.default_rng(1).normal(0.04, spread, (4000, needed))
    t = effects.mean(axis=1) / (effects.std(axis=1, ddof=1) / np.sqrt(needed))
    assert 0.77 < float(np.mean(np.abs(t) > t_quantile(0.975, needed - 1))) < 0.93
    assert pairs_needed(0.001, spread**2) is None


def test_a_pilot_is_judged_by_the_primary_metric() -> None:
    rng = np.random.default_rng(2)
    pilot = run(rng, 300, CALM)
    history = (1000.0, 1000.5, 999.5, 1000.2, 999.8)
    rate = estimate_power(pilot, 0.02, ComparisonContext(aa_history_rps=history))
    tail = estimate_power(pilot, 0.02, ComparisonContext(aa_history_rps=history, primary="p99"))
    assert (rate.metric, tail.metric) == ("throughput", "p99")
    assert tail.pilot_value == pytest.approx(70, rel=0.1)
    assert (tail.seconds or 0) > 2 * (rate.seconds or 0)  # its seconds vary more
