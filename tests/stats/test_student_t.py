from __future__ import annotations

import math
import random

import pytest
from scipy.special import stdtr

from tputtui.experiments.statistics.long_run_variance import t_quantile
from tputtui.stats.student_t import student_p, t95


def test_quantiles_agree_with_published_tables() -> None:
    assert t95(4) == 2.776
    assert t95(9) == 2.262
    assert t95(40) == pytest.approx(2.0211, abs=2e-4)
    assert t95(1000) == pytest.approx(1.9623, abs=2e-4)
    with pytest.raises(ValueError, match="degree of freedom"):
        t95(0)


def test_the_quantile_agrees_with_scipy_at_any_degrees_of_freedom() -> None:
    for degrees in [*range(1, 200), 1000, 100_000]:
        assert t95(degrees) == pytest.approx(t_quantile(0.975, degrees), abs=6e-4)


def test_the_quantile_falls_with_the_degrees_of_freedom() -> None:
    quantiles = [t95(degrees) for degrees in range(1, 300)]
    assert quantiles == sorted(quantiles, reverse=True)


def test_the_tail_agrees_with_published_tables() -> None:
    # Tables of Student's t: two-sided 5 % at 2.262 for 9 degrees, 1 % at 2.845 for 20.
    assert student_p(2.262157, 9) == pytest.approx(0.05, abs=1e-6)
    assert student_p(-2.845340, 20) == pytest.approx(0.01, abs=1e-6)
    assert student_p(0.0, 5) == 1.0
    assert student_p(0.5, 3.7) == pytest.approx(0.6455, abs=2e-3)
    assert student_p(math.inf, 5) == 0.0


def test_the_tail_agrees_with_scipy_on_random_input() -> None:
    generator = random.Random(1)
    for _ in range(2000):
        t, degrees = generator.uniform(-12, 12), math.exp(generator.uniform(0, 7))
        assert student_p(t, degrees) == pytest.approx(2 * float(stdtr(degrees, -abs(t))), rel=1e-8)
