from __future__ import annotations

import random

import pytest

from tputtui.stats.holm import holm


def test_holm_steps_down() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [
        pytest.approx(0.03),
        None,
        pytest.approx(0.06),
        pytest.approx(0.06),
    ]
    assert holm([]) == []


def rejected_by_definition(p_values: list[float], alpha: float) -> set[int]:
    """Return the indices that the step-down procedure rejects, as in Holm (1979)."""
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
