from __future__ import annotations

import math
import random

import numpy as np
import pytest

from tputtui.experiments.statistics.long_run_variance import estimate_long_run_variance
from tputtui.stats.mean_estimate import MIN_ROWS, estimate_mean

ROW_S = 10.0


def autocorrelated(generator: random.Random, count: int, phi: float) -> list[float]:
    noise, values = 0.0, []
    for _ in range(count):
        noise = phi * noise + generator.gauss(0, 1)
        values.append(100.0 + noise)
    return values


def test_a_variance_needs_rows() -> None:
    with pytest.raises(ValueError, match="6 rows"):
        estimate_mean([1.0] * 5, ROW_S)


def test_autocorrelation_widens_the_interval_of_independent_rows() -> None:
    slow = [math.sin(at / 10) for at in range(120)]
    quick = slow[::7] * 7
    assert estimate_mean(slow, ROW_S).half_width > 2 * estimate_mean(quick[:120], ROW_S).half_width


@pytest.mark.parametrize("seed", range(60))
def test_the_variance_of_the_mean_agrees_with_scipy_s_transform(seed: int) -> None:
    generator = random.Random(seed)
    count = generator.randrange(MIN_ROWS, 700)
    values = autocorrelated(generator, count, generator.choice([0.0, 0.5, 0.9]))
    estimate = estimate_mean(values, 1.0)
    reference = estimate_long_run_variance(np.array(values))
    assert estimate.df == reference.df
    assert estimate.deviation**2 / count == pytest.approx(reference.variance, rel=1e-9)
