from __future__ import annotations

import math
import random

import pytest
from scipy.special import stdtr

from tputtui.experiments.statistics.long_run_variance import t_quantile
from tputtui.stats.significance import holm, student_p, t95


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


def test_holm_steps_down() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [
        pytest.approx(0.03),
        None,
        pytest.approx(0.06),
        pytest.approx(0.06),
    ]
    assert holm([]) == []


def rejected_by_definition(p_values: list[float], alpha: float) -> set[int]:
    """Indices that the step-down procedure rejects, as Holm (1979) states it."""
    rejected: set[int] = set()
    for index in sorted(range(len(p_values)), key=p_values.__getitem__):
        if p_values[index] > alpha / (len(p_values) - len(rejected)):
            break
        rejected.add(index)
    return rejected


@pytest.mark.parametrize("seed", range(50))
def test_an_adjusted_p_is_below_alpha_where_the_procedure_rejects(seed: int) -> None:
    generator = random.Random(seed)
    p_values = [generator.random() ** 4 for _ in range(generator.randrange(1, 12))]
    adjusted = holm(p_values)
    for alpha in (0.01, 0.05, 0.2):
        below = {index for index, p in enumerate(adjusted) if p is not None and p <= alpha}
        assert below == rejected_by_definition(p_values, alpha)
