from __future__ import annotations

import numpy as np
import pytest
from simulated_runs import Service, ar1, run

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.long_run_variance import estimate_long_run_variance


@pytest.mark.parametrize(("phi", "expected"), [(0.0, 600.0), (0.5, 200.0), (0.8, 66.7)])
def test_the_effective_number_of_rows_agrees_with_theory(phi: float, expected: float) -> None:
    rng = np.random.default_rng(7)
    verdicts = [
        estimate_long_run_variance(np.log(ar1(rng, 600, phi, 0.08))).n_eff for _ in range(60)
    ]
    assert np.median(verdicts) == pytest.approx(expected, rel=0.3)


def test_the_variance_is_that_of_the_mean_over_many_runs() -> None:
    rng = np.random.default_rng(8)
    runs = [ar1(rng, 600, 0.7, 0.08) for _ in range(300)]
    claimed = np.mean([estimate_long_run_variance(values).variance for values in runs])
    assert claimed == pytest.approx(np.var([values.mean() for values in runs]), rel=0.3)


@pytest.mark.parametrize(("seconds", "phi"), [(300, 0.5), (300, 0.8)])
def test_equal_arms_are_seldom_called_different(seconds: int, phi: float) -> None:
    """A small version of bench/compare.py: 5 % plus two Monte-Carlo standard errors of 120 runs."""
    rng = np.random.default_rng(11)
    service = Service(phi=phi)
    runs = 120
    verdicts = [
        compare(
            run(rng, seconds, service),
            run(rng, seconds, service),
            ComparisonContext(design="concurrent"),
        ).verdict
        for _ in range(runs)
    ]
    false = sum(word in ("improved", "regressed") for word in verdicts) / runs
    print(f"{seconds} s, phi {phi}: {false:.1%} false calls")
    assert false <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5
    assert "not_comparable" not in verdicts


def test_ten_percent_is_detected_in_most_runs_of_ten_minutes() -> None:
    rng = np.random.default_rng(12)
    service = Service(phi=0.5)
    runs = 40
    verdicts = [
        compare(
            run(rng, 600, service),
            run(rng, 600, service, effect=0.1),
            ComparisonContext(design="concurrent"),
        ).verdict
        for _ in range(runs)
    ]
    assert verdicts.count("improved") >= 0.8 * runs
    assert "regressed" not in verdicts
