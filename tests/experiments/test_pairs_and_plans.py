"""Interleaved pairs, strata, and how long to measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import Service, run

from tputtui.experiments.context import Context
from tputtui.experiments.plan import TEMPLATE, PlanError, parse_experiment
from tputtui.experiments.rows import Rows
from tputtui.experiments.statistics.compare import compare
from tputtui.experiments.statistics.pairs import compare_pairs
from tputtui.experiments.statistics.planning import figures, plan
from tputtui.experiments.statistics.strata import verified

CALM = Service(phi=0.3, cv=0.04)


def pairs(count: int, effect: float, run_sd: float, seed: int = 2, seconds: int = 120) -> list[tuple[Rows, Rows]]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        shift = np.exp(rng.normal(0, run_sd, 2))
        a = run(rng, seconds, CALM, effect=float(shift[0]) - 1)
        out.append((a, run(rng, seconds, CALM, effect=(1 + effect) * float(shift[1]) - 1)))
    return out


def test_pairs_find_what_one_pair_without_history_cannot() -> None:
    one = compare(*pairs(1, 0.05, 0.01)[0], Context())
    several = compare_pairs(pairs(8, 0.05, 0.01), Context())
    assert one.verdict == "inconclusive"
    assert several.verdict == "improved"
    assert "no-aa-history" not in several.flags
    assert len(several.strata) == 8


def test_equal_pairs_are_seldom_called_different() -> None:
    called = [compare_pairs(pairs(5, 0.0, 0.02, seed), Context()).verdict for seed in range(60)]
    false = sum(word in ("improved", "regressed") for word in called) / 60
    assert false <= 0.05 + 2 * (0.05 * 0.95 / 60) ** 0.5


def test_a_pair_with_an_incident_in_one_arm_is_left_out() -> None:
    found = pairs(6, 0.05, 0.005)
    a, b = found[2]
    rps = list(b.columns["rps"])
    rps[40:80] = [0.0] * 40
    found[2] = (a, replace(b, columns={**b.columns, "rps": tuple(rps)}))
    answer = compare_pairs(found, Context())
    assert answer.verdict == "improved"
    assert any("Pair 3 is left out" in reason for reason in answer.reasons)


def test_two_pairs_say_that_more_are_needed() -> None:
    answer = compare_pairs(pairs(2, 0.01, 0.02), Context())
    assert answer.verdict == "inconclusive"
    assert "Five pairs" in answer.advice[0]


@pytest.mark.parametrize(
    ("outage_effect", "verdict", "is_verified"), [(0.08, "improved", True), (-0.2, "regressed", False)]
)
def test_an_uplift_is_verified_by_levels_and_an_outage(outage_effect: float, verdict: str, is_verified: bool) -> None:
    rng = np.random.default_rng(3)
    context = Context(design="concurrent")

    def one(rate: float, effect: float) -> tuple[Rows, Rows]:
        service = replace(CALM, rate=rate)
        return run(rng, 300, service), run(rng, 300, service, effect=effect)

    first = compare(*one(1000, 0.08), context)
    others = [
        ("load 500", compare(*one(500, 0.08), context)),
        ("load 800", compare(*one(800, 0.08), context)),
        ("outage", compare(*one(600, outage_effect), context)),
    ]
    answer = verified(first, others)
    assert answer.verdict == verdict
    assert ("verified" in answer.flags) == is_verified
    assert (answer.heterogeneity_p or 0) > 0.05 if is_verified else (answer.heterogeneity_p or 0) < 0.05
    assert "verified" not in verified(first, others[:1]).flags


def test_the_planned_length_finds_the_effect_about_as_often_as_planned() -> None:
    """80 % are planned; 40 runs tell 60 from 95."""
    rng = np.random.default_rng(9)
    service = Service(phi=0.5, cv=0.08)
    history = (1000.0, 1000.5, 999.5, 1000.2, 999.8, 1000.1)
    found = plan(run(rng, 3600, service), 0.05, Context(aa_history_rps=history))
    assert found.seconds is not None
    assert 60 < found.seconds < 300  # 126 by theory, and the pauses
    seconds = int(found.seconds)
    ps = []
    for _ in range(40):
        metric = compare(
            run(rng, seconds, service), run(rng, seconds, service, effect=0.05), Context(aa_history_rps=history)
        ).metric("throughput")
        assert metric is not None
        assert metric.p is not None
        ps.append(metric.p < 0.05)
    assert 0.6 <= sum(ps) / 40 <= 1.0


def test_a_run_to_run_spread_beyond_the_effect_makes_a_single_pair_hopeless() -> None:
    pilot = run(np.random.default_rng(1), 300, CALM)
    hopeless = plan(pilot, 0.1, Context(aa_history_rps=(1000.0, 1100.0, 920.0, 1040.0)))
    assert hopeless.seconds is None
    assert hopeless.pairs is not None
    with pytest.raises(ValueError, match="half a minute"):
        plan(run(np.random.default_rng(1), 20, CALM), 0.02, Context())


def test_history_runs_give_each_metrics_own_spread() -> None:
    found = figures(run(np.random.default_rng(1), 120, CALM))
    assert found["throughput"] == pytest.approx(1000, rel=0.05)
    context = Context(aa_history_rps=(1.0, 1.0, 1.0), aa_history={"p99": (70.0, 140.0, 35.0)})
    assert context.history("p99") == (70.0, 140.0, 35.0)
    assert context.history("p50") == (1.0, 1.0, 1.0)


def test_the_template_is_a_plan_and_strange_keys_are_named() -> None:
    found = parse_experiment(TEMPLATE)
    assert found.primary == "throughput"
    assert found.margins["error_ratio"] == pytest.approx(0.001)
    assert found.declared_change == ("software",)
    for text, words in (
        ('hypotesis = ""', 'did you mean "hypothesis"'),
        ("title = 3", "title: a text"),
        ('margins = ["p98=1%"]', "there is no metric"),
        ('primary = "speed"', "there is no metric"),
        ("title =", "it is no TOML"),
    ):
        with pytest.raises(PlanError) as caught:
            parse_experiment(text)
        assert words in str(caught.value)
