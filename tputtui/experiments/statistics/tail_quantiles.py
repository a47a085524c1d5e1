"""Tail quantiles from merged buckets: the point from all requests of a run, its interval by
inversion.

The buckets of every second are summed; between two bounds the share of slower requests is a
straight line in both logarithms. The interval is Woodruff's (JASA 47, 1952): the share of requests
beyond the point varies from second to second, and requests that wait together are slow together, so
its standard error is the long-run one; the ends of its interval are converted back into latencies.
Two arms are combined by MOVER (Zou and Donner, 2008) on the logarithms. Simulated: false positives
0.2 to 5.7 %, coverage 95 to 100 %, where a block bootstrap has 5 to 28 % false positives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tputtui.experiments.statistics.arms import ArmArrays, ArmPair
from tputtui.experiments.statistics.effects import (
    BetweenRunVariance,
    MeasuredEffect,
    measure_quantile,
)
from tputtui.experiments.statistics.long_run_variance import (
    Array,
    Estimate,
    LongRunVariance,
    estimate_long_run_variance,
    t_quantile,
)
from tputtui.stats.mean_estimate import MIN_ROWS

MIN_TAIL_REQUESTS: Final = 20.0
"""Requests slower than the point, in each arm, required to estimate a tail."""

_BISECTION_STEPS: Final = 40  # of the bisection for p


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """Share of requests that are slower than each bound."""

    bounds: Array  # ascending, finite
    slower_shares: Array  # one share for each bound

    def latency_at(self, share: float) -> float:
        """Return the latency that this share of requests exceeds; infinite beyond the last
        bound.
        """
        # Index of the first bound that no larger share exceeds
        place = int(np.searchsorted(-self.slower_shares, -share))
        if place == len(self.bounds):
            return np.inf
        low, high, s_low, s_high = self._bucket(place)
        if share >= s_low or s_low <= s_high:
            return low
        if low <= 0 or s_high <= 0:
            return low + (high - low) * (s_low - share) / (s_low - s_high)
        along = np.log(s_low / share) / np.log(s_low / s_high)
        return float(low * (high / low) ** along)

    def linear_latency_at(self, share: float) -> float:
        """Interpolate linearly within the bucket, as Prometheus' histogram_quantile does."""
        place = int(np.searchsorted(-self.slower_shares, -share))
        if place == len(self.bounds):
            return float(self.bounds[-1])
        low, high, s_low, s_high = self._bucket(place)
        return high if s_low <= s_high else low + (high - low) * (s_low - share) / (s_low - s_high)

    def _bucket(self, index: int) -> tuple[float, float, float, float]:
        low, s_low = (
            (float(self.bounds[index - 1]), float(self.slower_shares[index - 1]))
            if index
            else (0.0, 1.0)
        )
        return low, float(self.bounds[index]), s_low, float(self.slower_shares[index])


@dataclass(frozen=True, slots=True, eq=False)
class TailQuantile:
    """Quantile of one arm, with the variance of the share beyond it."""

    survival: SurvivalCurve
    share: float  # 0.01 for a p99
    point: float
    share_variance: LongRunVariance  # of the share beyond the point

    def interval(self, level: float) -> tuple[float, float]:
        """Return the quantile's interval; its upper end is infinite beyond the last bound."""
        half = t_quantile(0.5 + level / 2, self.share_variance.df) * float(
            np.sqrt(self.share_variance.variance)
        )
        upper = self.survival.latency_at(self.share - half) if self.share > half else np.inf
        return self.survival.latency_at(min(1.0, self.share + half)), upper


def estimate_tail(arm: ArmArrays, q: float) -> TailQuantile | str:
    """Estimate quantile `q` of an arm with buckets; else return the reason why not."""
    counts = arm.buckets
    if counts is None or arm.bounds is None:
        return "no buckets were recorded"
    counts = counts[np.isfinite(counts).all(axis=1)]
    totals = counts.sum(axis=1)
    total = float(totals.sum())
    if len(counts) < MIN_ROWS or total <= 0:
        return "too few rows have buckets"
    share = 1 - q
    if total * share < MIN_TAIL_REQUESTS:
        return f"only {total * share:.0f} requests are slower than it: {MIN_TAIL_REQUESTS:.0f} are needed"
    beyond = 1 - np.cumsum(counts.sum(axis=0))[:-1] / total
    survival = SurvivalCurve(arm.bounds, np.clip(beyond, 0.0, 1.0))
    point = survival.latency_at(share)
    if not np.isfinite(point):
        return f"it lies beyond the last bucket ({arm.bounds[-1]:g} ms)"
    return TailQuantile(
        survival,
        share,
        max(point, 1e-9),
        estimate_long_run_variance(_residuals(arm.bounds, counts, totals, survival, point, share)),
    )


def _residuals(
    bounds: Array, counts: Array, totals: Array, survival: SurvivalCurve, point: float, share: float
) -> Array:
    """Return each second's excess of slow requests over its expectation, as shares of all."""
    place = int(np.searchsorted(bounds, point))
    within = counts[:, place]
    total = float(counts.sum())
    inside, above = float(within.sum()) / total, float(survival.slower_shares[place])
    part = (share - above) / inside if inside > 0 else 0.0
    slower = counts[:, place + 1 :].sum(axis=1) + min(1.0, max(0.0, part)) * within
    residuals: Array = (slower - share * totals) / float(totals.mean())
    return residuals


def compare_tails(
    arms: ArmPair, q: float, between_runs: BetweenRunVariance
) -> MeasuredEffect | None:
    """Compare a quantile of both arms; None if either has no buckets."""
    if arms.baseline.buckets is None or arms.candidate.buckets is None:
        return None
    before, after = estimate_tail(arms.baseline, q), estimate_tail(arms.candidate, q)
    if isinstance(before, str) or isinstance(after, str):
        reason = before if isinstance(before, str) else str(after)
        points = [
            tail.point if isinstance(tail, TailQuantile) else None for tail in (before, after)
        ]
        return MeasuredEffect(points[0], points[1], reason=reason)
    effect = float(np.log(after.point / before.point)) - between_runs.log_offset

    def interval(level: float) -> tuple[float, float]:
        (low_a, high_a), (low_b, high_b) = (
            _log_distances(tail.interval(level), tail.point) for tail in (before, after)
        )
        runs = [
            t_quantile(0.5 + level / 2, part.df) * float(np.sqrt(part.variance))
            for part in between_runs.components
        ]
        down = float(np.sqrt(low_b**2 + high_a**2 + sum(run**2 for run in runs)))
        up = float(np.sqrt(high_b**2 + low_a**2 + sum(run**2 for run in runs)))
        return effect - down, effect + up

    p = _p_value(effect, interval)
    ends, ends_90 = interval(0.95), interval(0.90)
    df = min(before.share_variance.df, after.share_variance.df)
    within = (
        sum(((end - effect) ** 2 for end in ends_90 if np.isfinite(end)), 0.0)
        / 2
        / t_quantile(0.95, df) ** 2
    )
    n_eff = min(before.share_variance.n_eff, after.share_variance.n_eff)
    estimate = Estimate(
        effect, float(np.sqrt(within)), df, n_eff, max(0.0, within - between_runs.se**2)
    )
    linear = {
        f"linear_{arm}": tail.survival.linear_latency_at(tail.share)
        for arm, tail in (("baseline", before), ("candidate", after))
    }
    return MeasuredEffect(
        before.point,
        after.point,
        estimate,
        _relative_interval(ends),
        _relative_interval(ends_90),
        p,
        effect=float(np.expm1(min(effect, 50.0))),
        companions=linear,
    )


def measure_quantiles(
    arms: ArmPair, between_runs: Mapping[str, BetweenRunVariance]
) -> dict[str, MeasuredEffect]:
    """Measure p50, p90 and p99: from merged buckets if both arms have them, else from per-second
    values.
    """
    measured = {}
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        merged = compare_tails(arms, q, between_runs[name])
        measured[name] = (
            merged if merged is not None else measure_quantile(arms, name, between_runs[name])
        )
    return measured


def _log_distances(interval: tuple[float, float], point: float) -> tuple[float, float]:
    """Return the distances of both ends from the point, in logarithms."""
    low, high = max(interval[0], 1e-9), interval[1]
    return float(np.log(point / min(low, point))), float(
        np.log(max(high, point) / point)
    ) if np.isfinite(high) else np.inf


def _relative_interval(interval: tuple[float, float]) -> tuple[float, float]:
    return float(np.expm1(interval[0])), float(np.expm1(interval[1])) if interval[
        1
    ] < 50 else np.inf


def _p_value(effect: float, interval: Callable[[float], tuple[float, float]]) -> float:
    """Return the two-sided p: 1 minus the level at which the interval just reaches no effect."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTION_STEPS):
        level = (low + high) / 2
        ends = interval(level)
        if ends[0] <= 0 <= ends[1]:
            high = level
        else:
            low = level
    return 1 - low if effect else 1.0
