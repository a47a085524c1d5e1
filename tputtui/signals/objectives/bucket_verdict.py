"""Verdict of a quantile on a level: met, missed, or not to be decided by its bucket.

A quantile of a histogram is known to lie in a bucket; where in it is interpolated. In a bucket that
is the first, or wider than a factor of 2, that place is no evidence. At a bound nothing is
interpolated: the share of observations beyond it is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from tputtui.model import Quantile

Verdict = Literal["met", "missed", "undecided"]
_SAME_BOUND = 1e-9  # relative distance up to which a level is a bucket's bound


def decide(quantile: Quantile, level: float, op: Literal["<=", ">="]) -> Verdict | None:
    """Return whether a quantile meets a level; None without a value."""
    if quantile.value is None:
        return None
    if is_in_coarse_bucket(quantile, level):
        return "undecided"
    if quantile.is_lower_bound:  # above the highest bound, and so above every level up to it
        return "missed" if op == "<=" else "met"
    is_missed = quantile.value > level if op == "<=" else quantile.value < level
    return "missed" if is_missed else "met"


def is_in_coarse_bucket(quantile: Quantile, level: float) -> bool:
    """Tell whether a level lies within the quantile's bucket, which is too wide to decide."""
    if quantile.is_lower_bound:
        floor = quantile.low
        return floor is not None and level > floor and not _is_bound(level, floor)
    if not quantile.is_coarse or quantile.high is None:
        return False
    low = quantile.low or 0.0
    at_bound = _is_bound(level, low) or _is_bound(level, quantile.high)
    return low < level < quantile.high and not at_bound


def slow_share(buckets: Sequence[tuple[float, float]], level: float) -> float | None:
    """Return the share of observations above a level that is a bound; None if it is none.

    `buckets`: (upper bound, observations per second in that bucket alone), ascending.
    """
    if not any(_is_bound(level, bound) for bound, _ in buckets):
        return None
    total = sum(rate for _, rate in buckets)
    slow = sum(rate for bound, rate in buckets if bound > level and not _is_bound(level, bound))
    return slow / total if total > 0 else None


def worst(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """Return the worst of several verdicts; one that is undecided is worse than one that is met."""
    known = set(verdicts)
    order: tuple[Verdict, ...] = ("missed", "undecided", "met")
    return next((verdict for verdict in order if verdict in known), None)


def _is_bound(level: float, bound: float) -> bool:
    return math.isclose(level, bound, rel_tol=_SAME_BOUND)
