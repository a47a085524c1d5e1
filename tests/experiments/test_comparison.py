"""Validity checks and verdicts, each by a pair of runs with one fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulated_runs import Service, run

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Comparison
from tputtui.experiments.statistics import verdicts
from tputtui.experiments.statistics.comparison import compare

CONCURRENT = ComparisonContext(design="concurrent")


def pair(seed: int = 3, seconds: int = 300, **change: Any) -> tuple[MetricRows, MetricRows]:
    rng = np.random.default_rng(seed)
    service = Service(phi=0.3, cv=0.04)
    return run(rng, seconds, service), run(rng, seconds, service, **change)


def changed(rows: MetricRows, name: str, begin: int, end: int, factor: float) -> MetricRows:
    values = list(rows.columns[name])
    values[begin:end] = [value * factor for value in values[begin:end]]
    return replace(rows, columns={**rows.columns, name: tuple(values)})


def expected(answer: Comparison) -> str:
    return " ".join(answer.reasons)


@pytest.mark.parametrize(
    ("change", "verdict", "metric"),
    [
        ({"effect": 0.08}, "improved", "throughput"),
        ({"effect": -0.08}, "regressed", "throughput"),
        ({"p99_effect": 0.3}, "regressed", "p99"),
        ({"errors": 0.01}, "regressed", "error_ratio"),
    ],
)
def test_a_clear_change_of_any_guarding_metric_decides(
    change: dict[str, Any], verdict: str, metric: str
) -> None:
    answer = compare(*pair(**change), CONCURRENT)
    assert answer.verdict == verdict
    row = answer.metric(metric)
    assert row is not None
    assert row.verdict == verdict


def test_the_interval_holds_the_true_effect_and_p50_is_for_information() -> None:
    answer = compare(*pair(effect=0.08), CONCURRENT)
    throughput, p50 = answer.metric("throughput"), answer.metric("p50")
    assert throughput is not None
    assert throughput.ci is not None
    assert throughput.ci.low < 0.08 < throughput.ci.high
    assert p50 is not None
    assert not p50.is_guardrail


def test_equal_arms_are_equivalent_with_enough_data() -> None:
    assert compare(*pair(seconds=900), CONCURRENT).verdict == "equivalent"


def test_more_throughput_at_a_worse_p99_is_a_trade_off_and_a_regression() -> None:
    answer = compare(*pair(effect=0.1, p99_effect=0.5), CONCURRENT)
    assert answer.verdict == "regressed"
    assert "trade-off" in answer.flags


def test_an_undeclared_hard_difference_prevents_every_verdict() -> None:
    context = replace(CONCURRENT, baseline_env={"cpus": 8}, candidate_env={"cpus": 16})
    answer = compare(*pair(effect=0.2), context)
    assert answer.verdict == "not_comparable"
    assert "env" in answer.flags
    assert "cpus (8 → 16)" in expected(answer)
    assert (
        compare(*pair(effect=0.2), replace(context, declared_change=("cpus",))).verdict
        == "improved"
    )


def test_dead_arms_need_no_statistics() -> None:
    baseline, candidate = pair()
    dead = changed(candidate, "rps", 0, 300, 0.0)
    assert compare(baseline, dead, CONCURRENT).verdict == "regressed"
    assert compare(dead, candidate, CONCURRENT).verdict == "not_comparable"
    assert compare(dead, dead, CONCURRENT).verdict == "not_comparable"


def test_half_a_minute_is_too_short_and_the_needed_length_is_named() -> None:
    answer = compare(*pair(seconds=30, effect=0.3), CONCURRENT)
    assert answer.verdict == "inconclusive"
    assert "too-short" in answer.flags
    assert answer.seconds.needed is not None
    assert answer.seconds.needed >= 60


@pytest.mark.parametrize("seconds", [1, 2, 5, 6, 11])
def test_a_handful_of_rows_does_not_crash(seconds: int) -> None:
    assert compare(*pair(seconds=seconds), CONCURRENT).verdict == "inconclusive"
    assert compare(*pair(seconds=seconds), ComparisonContext()).verdict == "inconclusive"


def test_a_warm_up_is_cut_from_both_arms() -> None:
    baseline, candidate = pair(seconds=400)
    cold = changed(candidate, "rps", 0, 40, 0.55)
    answer = compare(baseline, cold, CONCURRENT)
    assert "warm-up" in answer.flags
    assert 30 <= answer.seconds.trimmed <= 60
    assert answer.verdict in ("equivalent", "inconclusive")


@pytest.mark.parametrize(
    ("metric", "ends", "expected"),
    [
        (
            "throughput",
            (-0.06, 0.07),
            "could be anything from -6.0 % to +7.0 %: not narrow enough to decide at a 2 % margin",
        ),
        (
            "error_ratio",
            (-0.001, 0.03),
            "could be anything from -0.100 pp to +3.000 pp: not narrow enough to decide at a 2 pp margin",
        ),
    ],
)
def test_an_undecided_metric_shows_its_interval(
    metric: str, ends: tuple[float, float], expected: str
) -> None:
    test = verdicts._Test(0.5, 0.005, ends, ends)
    assert verdicts._why_not_sure(metric, test, 0.5, 0.02) == expected


def test_an_incident_in_one_arm_allows_no_verdict_even_early_in_the_run() -> None:
    baseline, candidate = pair(seconds=600, effect=0.1)
    for begin in (60, 300):
        answer = compare(baseline, changed(candidate, "rps", begin, begin + 60, 0.2), CONCURRENT)
        assert answer.verdict == "inconclusive"
        assert "incident" in answer.flags
        assert answer.seconds.trimmed == 0


def test_an_incident_in_both_arms_is_a_stratum_of_its_own() -> None:
    baseline, candidate = pair(seconds=600, effect=0.1)
    answer = compare(
        changed(baseline, "rps", 300, 350, 0.3),
        changed(candidate, "rps", 300, 350, 0.3),
        CONCURRENT,
    )
    assert answer.verdict == "improved"
    assert answer.seconds.excluded == 50
    assert answer.strata[0].seconds == 50
    worse = compare(
        changed(baseline, "rps", 300, 350, 0.3),
        changed(candidate, "rps", 300, 350, 0.1),
        CONCURRENT,
    )
    assert worse.verdict == "inconclusive"
    assert worse.strata[0].verdict == "regressed"


def test_a_trend_in_one_arm_is_drift() -> None:
    baseline, candidate = pair(seconds=600)
    ramp = tuple(
        value * (0.85 + 0.3 * at / 600) for at, value in enumerate(candidate.columns["rps"])
    )
    answer = compare(
        baseline, replace(candidate, columns={**candidate.columns, "rps": ramp}), CONCURRENT
    )
    assert answer.verdict == "inconclusive"
    assert "drift" in answer.flags


def test_a_limited_offered_load_limits_the_conclusion() -> None:
    env = {"client_model": "open-poisson", "offered_rps": 1000}
    context = replace(CONCURRENT, baseline_env=env, candidate_env=env)
    rng = np.random.default_rng(1)
    steady = Service(cv=0.005, phi=0.1, pauses=0.0)
    a, b = run(rng, 600, steady), run(rng, 600, steady, p99_effect=-0.3)
    answer = compare(a, b, context)
    assert (answer.primary, answer.verdict) == ("p99", "improved")
    assert "load-limited" in answer.flags


def test_without_history_a_small_difference_between_runs_is_provisional_and_inconclusive() -> None:
    answer = compare(*pair(seconds=600, effect=0.03), ComparisonContext())
    assert answer.verdict == "inconclusive"
    assert {"no-aa-history", "provisional"} <= set(answer.flags)
    known = ComparisonContext(aa_history_rps=(1000.0, 1001.0, 999.0, 1000.5, 999.5))
    assert compare(*pair(seconds=600, effect=0.05), known).verdict == "improved"


def test_history_that_is_noisier_than_the_margin_is_a_noise_floor() -> None:
    answer = compare(
        *pair(seconds=600, effect=0.05),
        ComparisonContext(aa_history_rps=(1000.0, 1100.0, 920.0, 1040.0)),
    )
    assert answer.verdict == "inconclusive"
    assert "noise-floor" in answer.flags
    assert answer.seconds.needed is None


def test_the_offset_of_two_hosts_is_taken_out() -> None:
    history = (1.10, 1.101, 1.099, 1.10, 1.1005)
    answer = compare(*pair(seconds=900, effect=0.1), replace(CONCURRENT, pair_history=history))
    assert answer.verdict in ("equivalent", "inconclusive")
    assert "pair-history" in answer.flags


def test_concurrent_arms_with_little_overlap_are_not_comparable() -> None:
    baseline, candidate = pair(seconds=300)
    late = replace(candidate, t=tuple(t + 200 for t in candidate.t))
    answer = compare(baseline, late, CONCURRENT)
    assert answer.verdict == "not_comparable"
    assert "gaps" in answer.flags
    never = compare(baseline, replace(candidate, t=tuple(t + 900 for t in candidate.t)), CONCURRENT)
    assert never.verdict == "not_comparable"


def test_arms_measured_at_different_intervals_meet_on_the_longer_one() -> None:
    baseline, candidate = pair(seconds=900)
    thin = MetricRows(
        "thin",
        candidate.t[::2],
        {name: values[::2] for name, values in candidate.columns.items()},
        step_s=2.0,
    )
    answer = compare(baseline, thin, CONCURRENT)
    throughput = answer.metric("throughput")
    assert throughput is not None
    assert throughput.ci is not None
    assert throughput.ci.low < 0 < throughput.ci.high


def test_a_service_of_four_requests_a_second_has_no_p99_verdict() -> None:
    rng = np.random.default_rng(5)
    slow = Service(rate=4.0)
    answer = compare(run(rng, 600, slow), run(rng, 600, slow), CONCURRENT)
    p99 = answer.metric("p99")
    assert p99 is not None
    assert p99.verdict is None
    assert "buckets are needed" in p99.reason


def test_few_errors_are_compared_as_counts() -> None:
    rng = np.random.default_rng(5)
    service = Service(errors=0.0)
    few = compare(run(rng, 300, service), run(rng, 300, service), CONCURRENT).metric("error_ratio")
    assert few is not None
    assert few.verdict == "equivalent"
    assert few.ci is not None
    assert few.ci.low < 0 < few.ci.high


def test_concurrency_is_read_from_absolute_times_only() -> None:
    sides = pair(seconds=60)
    assert compare(*sides, ComparisonContext()).design == "sequential"
    assert compare(*sides, ComparisonContext(), has_absolute_times=True).design == "concurrent"
