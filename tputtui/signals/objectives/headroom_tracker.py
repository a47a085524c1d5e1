"""Headroom of services, updated tick by tick from the blocks of their windows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from tputtui import text
from tputtui.model import Headroom, ServiceState
from tputtui.signals.objectives.headroom import (
    HeadroomEstimate,
    LoadBlock,
    closed_loop_concurrency,
    estimate_headroom,
)
from tputtui.signals.objectives.objective_tracker import (
    ObjectiveLevel,
    count_requests,
    error_budget,
)

MAX_BLOCKS: Final = 1080
"""Maximum number of blocks: three hours at 10 s; 100 B for each block and objective."""

_MAX_HALVES_DIFFERENCE: Final = 0.35
"""Largest difference between the throughputs of a window's halves, relative to their mean.

Beyond it the window holds two levels of load, not one.
"""


class HeadroomTracker:
    """Collect the blocks of services that have objectives and estimate their headroom.

    An estimate is updated with each new block only.
    """

    def __init__(self, objectives: Sequence[ObjectiveLevel]) -> None:
        """Track the headroom for `objectives`.

        Throughput floors and objectives of single routes are left out: they imply no limit of the
        service.
        """
        self._objectives: list[tuple[ObjectiveLevel, float]] = []  # with the allowed share
        for objective in objectives:
            allowed = error_budget(objective)
            if allowed is not None and allowed > 0 and objective.route is None:
                self._objectives.append((objective, allowed))
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
            own_objectives = [
                (objective, allowed)
                for objective, allowed in self._objectives
                if objective.service is None or objective.service == service.name
            ]
            if own_objectives:
                self._update_service(at, window_s, service, own_objectives)
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
        is_covered = traffic.rps is not None and (service.covered_s or 0.0) >= 0.9 * window_s
        is_steady = self._is_steady(at, window_s, service.name, traffic.total)
        if not is_covered:
            # the first window after a gap starts at the end of this one
            self._next_block_at[service.name] = at + window_s
        elif at >= self._next_block_at.get(service.name, at) - 1e-6:
            self._next_block_at[service.name] = at + window_s
            if not is_steady:
                return
            blocks = self._blocks.setdefault(service.name, deque(maxlen=MAX_BLOCKS))
            blocks.append(_build_block(traffic.rps or 0.0, service, window_s, objectives))
            self._estimates[service.name] = estimate_service_headroom(service, objectives, blocks)

    def _is_steady(self, at: float, window_s: float, service: str, total: float | None) -> bool:
        """Tell whether both halves of the window had about the same throughput.

        True if that is not known.
        """
        totals = self._totals.setdefault(service, deque())
        if total is None:
            totals.clear()
            return True
        totals.append((at, total))
        while totals[0][0] < at - window_s - 1e-6:
            totals.popleft()
        middle = min(totals, key=lambda point: abs(point[0] - (at - window_s / 2)))
        first_count, second_count = middle[1] - totals[0][1], total - middle[1]
        first_s, second_s = middle[0] - totals[0][0], at - middle[0]
        if first_s < window_s / 4 or second_s < window_s / 4:
            return True
        first_rate, second_rate = first_count / first_s, second_count / second_s
        noise = 3 * math.sqrt(first_count + second_count) / window_s  # noise of Poisson arrivals
        return (
            abs(second_rate - first_rate)
            <= _MAX_HALVES_DIFFERENCE * (first_rate + second_rate) / 2 + noise
        )


def _build_block(
    rps: float,
    service: ServiceState,
    window_s: float,
    objectives: Sequence[tuple[ObjectiveLevel, float]],
) -> LoadBlock:
    """Build the block of a service's newest window; its rates are means over `window_s`."""
    mean_s = concurrency = None
    if service.latency is not None and service.latency.unit == "s":
        mean_s = service.latency.mean
    if mean_s is not None:
        concurrency = rps * mean_s
    counts: list[tuple[float, float]] = []
    for objective, _ in objectives:
        total, bad = count_requests(objective, (service,), is_exceeded=False)
        counts.append((total * window_s, bad * window_s))
    return LoadBlock(rps, concurrency, tuple(counts), mean_s)


def estimate_service_headroom(
    service: ServiceState,
    objectives: Sequence[tuple[ObjectiveLevel, float]],
    blocks: Sequence[LoadBlock],
) -> Headroom:
    """Estimate a service's headroom from its blocks.

    That is the lowest limit of its objectives, else the smallest lower bound.
    """
    estimates: list[tuple[HeadroomEstimate, str]] = []  # (estimate, objective)
    for index, (objective, allowed) in enumerate(objectives):
        estimate = HeadroomEstimate(reason=_why_unknown(objective, service))
        if not estimate.reason:
            objective_blocks = [
                (block.rps, *block.counts[index]) for block in blocks if index < len(block.counts)
            ]
            estimate = estimate_headroom(objective_blocks, allowed)
        estimates.append((estimate, objective.expression))
    for estimate, name in estimates:
        if estimate.value is None:
            return Headroom(service.name, None, None, None, None, name, estimate.reason)
    limits = [(estimate, name) for estimate, name in estimates if estimate.high is not None]
    estimate, name = min(limits or estimates, key=lambda named: named[0].value or 0.0)
    concurrency = closed_loop_concurrency(blocks)
    caveat = ""
    if concurrency is not None:
        caveat = (
            f"{concurrency} requests at a time whatever the latency: the load waits for answers, "
            "so this is no open-loop limit"
        )
    return Headroom(
        service.name,
        estimate.value,
        estimate.low,
        estimate.high,
        "limit" if estimate.high is not None else "at_least",
        name,
        caveat,
    )


def _why_unknown(objective: ObjectiveLevel, service: ServiceState) -> str:
    """Say why the service's bad requests cannot be counted; "" if they can."""
    if objective.measure == "errors":
        return "" if service.errors is not None else "no errors are counted"
    latency = service.latency
    if latency is None or not latency.buckets or latency.unit != "s":
        return "no latency histogram"
    highest_bound = max((bound for bound, _ in latency.buckets if bound != math.inf), default=0.0)
    if objective.value > highest_bound:
        return f"the level lies above the highest bucket ({text.format_duration(highest_bound)})"
    return ""
