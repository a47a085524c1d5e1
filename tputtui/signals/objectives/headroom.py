"""Headroom: the highest sustained throughput that meets the objectives, from observed load.

Each window gives one block: its throughput and, for each objective, the number of requests and the
number of bad requests (slower than the level, or errors). Blocks are sorted into bins of equal
count by throughput; a bin is one level of load.

- A bin passes if the upper confidence limit of its share of bad requests is within the objective's
  budget, and fails if the lower limit is above the budget. The limits are Student's t, 97.5 %, on
  the variance between the bin's blocks, so that the correlation between requests that queue
  together is accounted for.
- The limit is where an isotonic fit of the shares (pool adjacent violators; Barlow et al., 1972)
  crosses the budget. The bracket is the highest passing bin below the lowest failing bin. Its lower
  end is the number to plan with: requests queued while load rises make the crossing 1 to 3 % too
  high.
- A window in which load changed much is not one level of load and is left out. So are windows that
  work off the queue left behind by a higher load.
- If no bin fails, the highest passing bin is a lower bound ("at least").
- If the data cannot decide, a reason is given instead of a number.

Knee detection and scalability laws are not used: on open-loop data the first finds a knee in any
curve, and the second is 10 to 19 % too high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from tputtui import text
from tputtui.frozen import frozen
from tputtui.stats.significance import t95

_MIN_BLOCKS: Final = 9
_MAX_BINS: Final = 20
_MIN_BLOCKS_PER_BIN: Final = 6  # required for more than three bins
_MIN_BINS: Final = 3
# ratio of the highest to the lowest load from which they count as different levels
_MIN_SPREAD: Final = 1.15
# multiple of the budget that makes a block an incident if a higher load passes
_INCIDENT_FACTOR: Final = 3.0
_MAX_INCIDENT_SHARE: Final = 0.2  # share of all blocks above which load alone explains nothing


class LoadBlock(NamedTuple):
    """Load and bad requests of one window.

    `rps` is the throughput (1/s), `concurrency` the mean number of requests in progress (throughput
    × mean latency), and `counts` holds for each objective the number of requests and the number of
    bad ones.
    """

    rps: float
    concurrency: float | None
    counts: tuple[tuple[float, float], ...]
    mean_s: float | None = None


@frozen
class HeadroomEstimate:
    """Headroom estimate for one budget.

    `value` and the bracket are in 1/s. Without a value, `reason` says why.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class _Bin(NamedTuple):
    rps: float
    share: float
    margin: float  # half the width of the share's 95 % interval
    total: float
    blocks: tuple[tuple[float, float, float], ...]  # (throughput, requests, bad requests)

    def passes(self, allowed: float) -> bool:
        return self.share + self.margin <= allowed

    def fails(self, allowed: float) -> bool:
        return self.share - self.margin > allowed


def estimate_headroom(
    blocks: Sequence[tuple[float, float, float]], allowed: float
) -> HeadroomEstimate:
    """Estimate the throughput limit for an `allowed` share of bad requests.

    `blocks` are (throughput, requests, bad requests) in order of time. In the result, a `value`
    with `high` is a limit; without `high` it is a lower bound, because the limit was never reached.
    """
    settled = _without_backlog([block for block in blocks if block[1] > 0], allowed)
    if len(settled) < _MIN_BLOCKS:
        return HeadroomEstimate(reason=f"too early: {len(settled)} of {_MIN_BLOCKS} windows")
    bins = _build_bins(settled)
    highest = max((load_bin.rps for load_bin in bins if load_bin.passes(allowed)), default=None)
    lowest = min((load_bin.rps for load_bin in bins if load_bin.fails(allowed)), default=None)
    if highest is not None and lowest is not None and lowest < highest:
        max_share = _INCIDENT_FACTOR * allowed
        without_incidents = [
            (rps, total, bad)
            for rps, total, bad in settled
            if rps >= highest or bad <= max_share * total
        ]
        if len(settled) - len(without_incidents) > _MAX_INCIDENT_SHARE * len(settled):
            return HeadroomEstimate(
                reason=f"missed at less load, too, than the {text.format_rate(highest)}/s "
                "that met it: not the load alone"
            )
        bins = _build_bins(without_incidents)
    return _find_crossing(bins, allowed)


def _without_backlog(
    blocks: Sequence[tuple[float, float, float]], allowed: float
) -> list[tuple[float, float, float]]:
    """Leave out blocks that work off a queue left behind by a higher load.

    These are blocks with less load after a bad block, until one is good again.
    """
    settled: list[tuple[float, float, float]] = []
    overloaded_at: float | None = None
    for rps, total, bad in blocks:
        is_bad = bad > allowed * total
        if overloaded_at is not None and is_bad and rps < 0.9 * overloaded_at:
            continue
        overloaded_at = max(rps, overloaded_at or 0.0) if is_bad else None
        settled.append((rps, total, bad))
    return settled


def _find_crossing(bins: Sequence[_Bin], allowed: float) -> HeadroomEstimate:
    passing = [load_bin for load_bin in bins if load_bin.passes(allowed)]
    failing = [load_bin for load_bin in bins if load_bin.fails(allowed)]
    if not failing:
        if not passing:
            return HeadroomEstimate(reason="too few requests yet to tell")
        return HeadroomEstimate(passing[-1].rps, passing[-1].rps)
    if bins[-1].rps < _MIN_SPREAD * bins[0].rps:
        return HeadroomEstimate(
            reason=f"missed, at the one level of load there was ({text.format_rate(bins[0].rps)}/s)"
        )
    below = [load_bin for load_bin in passing if load_bin.rps < failing[0].rps]
    if not below:
        return HeadroomEstimate(
            reason=f"missed at the lowest load there was ({text.format_rate(failing[0].rps)}/s)"
        )
    fit = isotonic_fit([load_bin.share for load_bin in bins], [load_bin.total for load_bin in bins])
    value = failing[0].rps
    for (low, high), (before, after) in zip(pairwise(bins), pairwise(fit), strict=True):
        if before <= allowed < after:
            # Interpolated in the logarithm: queues multiply the share of slow requests as load
            # rises.
            start, end = math.log(max(before, allowed / 100)), math.log(after)
            value = low.rps + (high.rps - low.rps) * (math.log(allowed) - start) / (end - start)
            break
    low_end = below[-1].rps
    high_end = min(
        (load_bin.rps for load_bin in failing if load_bin.rps > low_end), default=failing[0].rps
    )
    return HeadroomEstimate(min(max(value, low_end), high_end), low_end, high_end)


def _build_bins(blocks: Sequence[tuple[float, float, float]]) -> list[_Bin]:
    ordered = sorted(blocks)
    count = min(_MAX_BINS, max(_MIN_BINS, len(ordered) // _MIN_BLOCKS_PER_BIN))
    edges = [round(index * len(ordered) / count) for index in range(count + 1)]
    return [_build_bin(ordered[start:end]) for start, end in pairwise(edges) if end > start]


def _build_bin(blocks: Sequence[tuple[float, float, float]]) -> _Bin:
    all_rps, totals, bads = zip(*blocks, strict=True)
    total, bad, count = sum(totals), sum(bads), len(blocks)
    share = bad / total
    squares = sum(
        (block_bad - share * block_total) ** 2
        for block_total, block_bad in zip(totals, bads, strict=True)
    )
    between = squares * count / max(1, count - 1)  # variance between the blocks
    # At least one bad request is assumed: none observed does not mean none possible.
    sampling = max(bad, 1.0) * (1 - share)
    error = math.sqrt(max(between, sampling)) / total
    margin = t95(max(1, count - 1)) * error
    return _Bin(sum(all_rps) / count, share, margin, total, tuple(blocks))


def isotonic_fit(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence closest to `values` by weighted squares.

    The algorithm is pool adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # (mean, weight, number of values)
    for value, weight in zip(values, weights, strict=True):
        mean, total_weight, count = value, weight, 1
        while pools and pools[-1][0] >= mean:
            pool_mean, pool_weight, pool_count = pools.pop()
            mean = (pool_mean * pool_weight + mean * total_weight) / (pool_weight + total_weight)
            total_weight = pool_weight + total_weight
            count += pool_count
        pools.append((mean, total_weight, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def closed_loop_concurrency(blocks: Sequence[LoadBlock]) -> int | None:
    """Return the number of requests in progress under a closed-loop load; None if it is not one.

    The load is closed-loop if that number hardly changes while latency does: clients wait for
    answers before they send the next request. Requests that were not sent meanwhile are missing
    from the latency (coordinated omission), and throughput is a result, not an offered load.
    """
    concurrencies = sorted(block.concurrency for block in blocks if block.concurrency is not None)
    means = sorted(block.mean_s for block in blocks if block.mean_s is not None)
    if len(concurrencies) < _MIN_BLOCKS or len(means) < _MIN_BLOCKS:
        return None
    low_concurrency, high_concurrency = _percentile(concurrencies), _percentile(concurrencies, 0.9)
    low_mean, high_mean = _percentile(means), _percentile(means, 0.9)
    if (
        low_concurrency < 1.5
        or high_concurrency > 1.15 * low_concurrency
        or low_mean <= 0
        or high_mean < 1.5 * low_mean
    ):
        return None
    return round((low_concurrency + high_concurrency) / 2)


def _percentile(sorted_values: Sequence[float], fraction: float = 0.1) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(fraction * len(sorted_values)))]
