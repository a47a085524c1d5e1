"""Simulated figures for repeated tests.

Autocorrelated seconds, as rows of ten seconds of a sliding window, as on the screen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from tputtui.experiments.sequential_test import EffectEstimate, estimate_effect
from tputtui.stats.confidence_sequence import evaluate_sequence
from tputtui.stats.mean_estimate import estimate_mean

ROW_S = 10.0


def seconds(
    random_: random.Random, count: int, phi: float, level_: float = 1000.0, cv: float = 0.08
) -> list[float]:
    """Simulate a lognormal AR(1) around a level."""
    noise, own = random_.gauss(0, 1), math.sqrt(1 - phi * phi)
    out = []
    for _ in range(count):
        noise = phi * noise + own * random_.gauss(0, 1)
        out.append(level_ * math.exp(cv * noise - cv * cv / 2))
    return out


def rows(values: Sequence[float]) -> list[float]:
    """Return means over ten seconds of rates over the ten seconds before each."""
    sliding = [sum(values[at - 10 : at]) / 10 for at in range(10, len(values) + 1)]
    return [sum(sliding[at : at + 10]) / 10 for at in range(0, len(sliding) - 9, 10)]


def first_sure(
    seed: int, phi: float, change: float = 0.0, base_s: int = 310, watched_s: int = 610
) -> float | None:
    """Return the seconds until a change is confirmed; None: never.

    A change of either sign counts.
    """
    random_ = random.Random(seed)
    all_ = seconds(random_, base_s + watched_s, phi)
    before = estimate_mean(rows(all_[:base_s]), ROW_S)
    now = rows([value * (1 + change) for value in all_[base_s:]])
    for count in range(1, len(now) + 1):
        estimate = evaluate_sequence(before.mean, before.half_width, now[:count], ROW_S)
        if estimate is not None and estimate.is_confirmed:
            return count * ROW_S
    return None


def first_apart(seed: int, phi: float, change: float = 0.0, watched_s: int = 620) -> float | None:
    """Return the seconds until two concurrent arms differ significantly; None: never."""
    random_ = random.Random(seed)
    control = rows(seconds(random_, watched_s, phi))
    treatment = rows([value * (1 + change) for value in seconds(random_, watched_s, phi)])
    for count in range(1, len(control) + 1):
        estimate = estimate_effect(control[:count], treatment[:count], ROW_S)
        if isinstance(estimate, EffectEstimate) and estimate.is_confirmed:
            return count * ROW_S
    return None
