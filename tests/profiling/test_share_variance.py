from __future__ import annotations

import random

import pytest

from tputtui.profiling.analysis.share_variance import half_width


def test_there_is_no_spread_below_five_slices() -> None:
    assert half_width([1, 2, 1, 2], [5, 5, 5, 5]) is None
    assert half_width([1, 2, 1, 2, 0], [5, 5, 5, 5, 0]) is None
    assert half_width([1, 2, 1, 2, 1], [5, 5, 5, 5, 5]) is not None


def test_equal_slices_give_the_classical_interval() -> None:
    shares = [0.5, 0.7, 0.6, 0.4, 0.8]
    sd = (sum((share - 0.6) ** 2 for share in shares) / 4) ** 0.5
    assert half_width([share * 100 for share in shares], [100] * 5) == pytest.approx(
        2.776 * sd / 5**0.5
    )


def test_the_interval_covers_what_it_claims_when_threads_wait_together() -> None:
    """Each slice's share varies as a whole: counting samples would cover a third."""
    rng = random.Random(7)
    covered = naive = 0
    rounds = 400
    for _ in range(rounds):
        parts = [
            sum(rng.random() < level for _ in range(100))
            for level in (rng.uniform(0.1, 0.9) for _ in range(10))
        ]
        share = sum(parts) / 1000
        half = half_width(parts, [100] * 10)
        assert half is not None
        covered += abs(share - 0.5) <= half
        naive += abs(share - 0.5) <= 1.96 * (share * (1 - share) / 1000) ** 0.5
    assert covered / rounds > 0.92
    assert naive / rounds < 0.5
