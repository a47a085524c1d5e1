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
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Headroom, ServiceState
from tputtui.signals.objectives.objective_tracker import (
    ObjectiveLevel,
    count_requests,
    error_budget,
)
from tputtui.stats.student_t import t95

MAX_BLOCKS: Final = 1080
"""Maximum number of blocks: three hours at 10 s; 100 B for each block and objective."""

_MIN_BLOCKS: Final = 9
_MAX_BINS: Final = 20
_MIN_BLOCKS_PER_BIN: Final = 6  # required for more than three bins
_MIN_BINS: Final = 3
# ratio of the highest to the lowest load from which they count as different levels
_MIN_SPREAD: Final = 1.15
# multiple of the budget that makes a block an incident if a higher load passes
_INCIDENT_FACTOR: Final = 3.0
_MAX_INCIDENT_SHARE: Final = 0.2  # share of all blocks above which load alone explains nothing
_MAX_HALVES_DIFFERENCE: Final = 0.35
"""Largest difference between the throughputs of a window's halves, relative to their mean.

Beyond it the window holds two levels of load, not one.
"""


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
    told = _without_backlog([block for block in blocks if block[1] > 0], allowed)
    if len(told) < _MIN_BLOCKS:
        return HeadroomEstimate(reason=f"too early: {len(told)} of {_MIN_BLOCKS} windows")
    bins = _build_bins(told)
    highest = max((one.rps for one in bins if one.passes(allowed)), default=None)
    if highest is not None and any(one.fails(allowed) and one.rps < highest for one in bins):
        calm = [
            block
            for block in told
            if block[0] >= highest or block[2] <= _INCIDENT_FACTOR * allowed * block[1]
        ]
        if len(told) - len(calm) > _MAX_INCIDENT_SHARE * len(told):
            return HeadroomEstimate(
                reason=f"missed at less load, too, than the {text.format_rate(highest)}/s that met it: not the load alone"
            )
        bins = _build_bins(calm)
    return _find_crossing(bins, allowed)


def _without_backlog(
    blocks: Sequence[tuple[float, float, float]], allowed: float
) -> list[tuple[float, float, float]]:
    """Leave out blocks that work off a queue left behind by a higher load.

    These are blocks with less load after a bad block, until one is good again.
    """
    settled: list[tuple[float, float, float]] = []
    overloaded_at: float | None = None
    for block in blocks:
        bad = block[2] > allowed * block[1]
        if overloaded_at is not None and bad and block[0] < 0.9 * overloaded_at:
            continue
        overloaded_at = max(block[0], overloaded_at or 0.0) if bad else None
        settled.append(block)
    return settled


def _find_crossing(bins: Sequence[_Bin], allowed: float) -> HeadroomEstimate:
    passing = [one for one in bins if one.passes(allowed)]
    failing = [one for one in bins if one.fails(allowed)]
    if not failing:
        if not passing:
            return HeadroomEstimate(reason="too few requests yet to tell")
        return HeadroomEstimate(passing[-1].rps, passing[-1].rps)
    if bins[-1].rps < _MIN_SPREAD * bins[0].rps:
        return HeadroomEstimate(
            reason=f"missed, at the one level of load there was ({text.format_rate(bins[0].rps)}/s)"
        )
    below = [one for one in passing if one.rps < failing[0].rps]
    if not below:
        return HeadroomEstimate(
            reason=f"missed at the lowest load there was ({text.format_rate(failing[0].rps)}/s)"
        )
    fit = isotonic_fit([one.share for one in bins], [one.total for one in bins])
    value = failing[0].rps
    for (low, high), (before, after) in zip(pairwise(bins), pairwise(fit), strict=True):
        if before <= allowed < after:
            # Interpolated in the logarithm: queues multiply the share of slow requests as load
            # rises.
            start, end = math.log(max(before, allowed / 100)), math.log(after)
            value = low.rps + (high.rps - low.rps) * (math.log(allowed) - start) / (end - start)
            break
    low_end = below[-1].rps
    high_end = min((one.rps for one in failing if one.rps > low_end), default=failing[0].rps)
    return HeadroomEstimate(min(max(value, low_end), high_end), low_end, high_end)


def _build_bins(blocks: Sequence[tuple[float, float, float]]) -> list[_Bin]:
    ordered = sorted(blocks)
    count = min(_MAX_BINS, max(_MIN_BINS, len(ordered) // _MIN_BLOCKS_PER_BIN))
    edges = [round(index * len(ordered) / count) for index in range(count + 1)]
    return [_build_bin(ordered[start:end]) for start, end in pairwise(edges) if end > start]


def _build_bin(blocks: Sequence[tuple[float, float, float]]) -> _Bin:
    total, bad = sum(block[1] for block in blocks), sum(block[2] for block in blocks)
    share, count = bad / total, len(blocks)
    between = sum((one - share * all_) ** 2 for _, all_, one in blocks) * count / max(1, count - 1)
    # at least one bad request is assumed: none observed does not mean none possible
    sampling = max(bad, 1.0) * (1 - share)
    error = math.sqrt(max(between, sampling)) / total
    return _Bin(
        sum(block[0] for block in blocks) / count,
        share,
        t95(max(1, count - 1)) * error,
        total,
        tuple(blocks),
    )


def isotonic_fit(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence closest to `values` by weighted squares.

    The algorithm is pool adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # (mean, weight, number of values)
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (mean, heavy, many), (other, light, few) = pools[-2], pools[-1]
            pools[-2:] = [
                ((mean * heavy + other * light) / (heavy + light), heavy + light, many + few)
            ]
    return [mean for mean, _, many in pools for _ in range(many)]


def closed_loop_concurrency(blocks: Sequence[LoadBlock]) -> int | None:
    """Number of requests in progress under a closed-loop load, or None if the load is not one.

    The load is closed-loop if that number hardly changes while latency does: clients wait for
    answers before they send the next request. Requests that were not sent meanwhile are missing
    from the latency (coordinated omission), and throughput is a result, not an offered load.
    """
    known = sorted(block.concurrency for block in blocks if block.concurrency is not None)
    means = sorted(block.mean_s for block in blocks if block.mean_s is not None)
    if len(known) < _MIN_BLOCKS or len(means) < _MIN_BLOCKS:
        return None
    few, many = _percentile(known), _percentile(known, 0.9)
    quick, slow = _percentile(means), _percentile(means, 0.9)
    if few < 1.5 or many > 1.15 * few or quick <= 0 or slow < 1.5 * quick:
        return None
    return round((few + many) / 2)


def _percentile(sorted_values: Sequence[float], fraction: float = 0.1) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(fraction * len(sorted_values)))]


class HeadroomTracker:
    """Collect the blocks of services that have objectives and estimate their headroom.

    An estimate is updated with each new block only.
    """

    def __init__(self, objectives: Sequence[ObjectiveLevel]) -> None:
        """Track the headroom for `objectives`.

        Throughput floors and objectives of single routes are left out: they imply no limit of the
        service.
        """
        self._objectives = [
            (objective, allowed)
            for objective in objectives
            if (allowed := error_budget(objective)) is not None
            and allowed > 0
            and objective.route is None
        ]
        self._blocks: dict[str, deque[LoadBlock]] = {}
        self._next_block_at: dict[str, float] = {}
        self._estimates: dict[str, Headroom] = {}
        # (at, requests so far) of the last window
        self._totals: dict[str, deque[tuple[float, float]]] = {}

    def update(
        self, at: float, window_s: float, services: Sequence[ServiceState]
    ) -> tuple[Headroom, ...]:
        """Process one tick at `at` monotonic seconds and return the headroom of each service.

        Rates are means over `window_s`.
        """
        if not self._objectives:
            return ()
        for service in services:
            mine = [
                (objective, allowed)
                for objective, allowed in self._objectives
                if objective.service is None or objective.service == service.name
            ]
            if mine:
                self._update_service(at, window_s, service, mine)
        return tuple(
            self._estimates[service.name] for service in services if service.name in self._estimates
        )

    def _update_service(
        self,
        at: float,
        window_s: float,
        service: ServiceState,
        objectives: Sequence[tuple[ObjectiveLevel, float]],
    ) -> None:
        traffic = service.traffic
        if traffic is None or traffic.unit != "req/s":
            return
        whole = traffic.rps is not None and (service.covered_s or 0.0) >= 0.9 * window_s
        steady = self._is_steady(at, window_s, service.name, traffic.total)
        if not whole:
            # the first window after a gap starts at the end of this one
            self._next_block_at[service.name] = at + window_s
        elif at >= self._next_block_at.get(service.name, at) - 1e-6:
            self._next_block_at[service.name] = at + window_s
            if not steady:
                return
            blocks = self._blocks.setdefault(service.name, deque(maxlen=MAX_BLOCKS))
            mean = (
                service.latency.mean
                if service.latency is not None and service.latency.unit == "s"
                else None
            )
            rps = traffic.rps or 0.0
            counts = tuple(
                _count_in_window(objective, service, window_s) for objective, _ in objectives
            )
            blocks.append(LoadBlock(rps, rps * mean if mean is not None else None, counts, mean))
            self._estimates[service.name] = estimate_service_headroom(service, objectives, blocks)

    def _is_steady(self, at: float, window_s: float, service: str, total: float | None) -> bool:
        """Tell whether both halves of the window had about the same throughput.

        True if that is not known.
        """
        seen = self._totals.setdefault(service, deque())
        if total is None:
            seen.clear()
            return True
        seen.append((at, total))
        while seen[0][0] < at - window_s - 1e-6:
            seen.popleft()
        middle = min(seen, key=lambda one: abs(one[0] - (at - window_s / 2)))
        first, second = middle[1] - seen[0][1], total - middle[1]
        early, late = middle[0] - seen[0][0], at - middle[0]
        if early < window_s / 4 or late < window_s / 4:
            return True
        before, after = first / early, second / late
        noise = 3 * math.sqrt(first + second) / window_s  # noise of Poisson arrivals
        return abs(after - before) <= _MAX_HALVES_DIFFERENCE * (before + after) / 2 + noise


def _count_in_window(
    objective: ObjectiveLevel, service: ServiceState, window_s: float
) -> tuple[float, float]:
    total, bad = count_requests(objective, (service,), is_exceeded=False)
    return total * window_s, bad * window_s


def estimate_service_headroom(
    service: ServiceState,
    objectives: Sequence[tuple[ObjectiveLevel, float]],
    blocks: Sequence[LoadBlock],
) -> Headroom:
    """Estimate a service's headroom from its blocks.

    That is the lowest limit of its objectives, else the smallest lower bound.
    """
    found: list[tuple[HeadroomEstimate, str]] = []
    for index, (objective, allowed) in enumerate(objectives):
        why = _why_unknown(objective, service)
        told = [(block.rps, *block.counts[index]) for block in blocks if index < len(block.counts)]
        found.append(
            (
                HeadroomEstimate(reason=why) if why else estimate_headroom(told, allowed),
                objective.expression,
            )
        )
    bounded = [(finding, name) for finding, name in found if finding.value is not None]
    refused = [(finding, name) for finding, name in found if finding.value is None]
    doubt = ""
    if (many := closed_loop_concurrency(blocks)) is not None:
        doubt = f"{many} requests at a time whatever the latency: the load waits for answers, so this is no open-loop limit"
    if refused:
        finding, name = refused[0]
        return Headroom(service.name, None, None, None, None, name, finding.reason)
    limits = [(finding, name) for finding, name in bounded if finding.high is not None]
    finding, name = min(limits or bounded, key=lambda one: one[0].value or 0.0)
    return Headroom(
        service.name,
        finding.value,
        finding.low,
        finding.high,
        "limit" if finding.high is not None else "at_least",
        name,
        doubt,
    )


def _why_unknown(objective: ObjectiveLevel, service: ServiceState) -> str:
    """Reason why the service's bad requests cannot be counted; "" if they can."""
    if objective.measure == "errors":
        return "" if service.errors is not None else "no errors are counted"
    latency = service.latency
    if latency is None or not latency.buckets or latency.unit != "s":
        return "no latency histogram"
    top = max((bound for bound, _ in latency.buckets if bound != math.inf), default=0.0)
    if objective.value > top:
        return f"the level lies above the highest bucket ({text.format_duration(top)})"
    return ""
