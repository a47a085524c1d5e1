"""Schedule of the requests: a Poisson process whose rate follows a profile.

Pure: a seed gives one schedule. The schedule is open-loop: it does not depend on the service. Times
and contents come from separate generators, so the n-th request asks for the same at any load.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tputtui.demo import shop_routes
from tputtui.frozen import frozen


@frozen
class LoadPhase:
    """Span in which the rate changes linearly between two values (requests per second)."""

    seconds: float
    start_rps: float
    end_rps: float


LoadProfile = tuple[LoadPhase, ...]
"""Phases, repeated endlessly."""


@frozen
class Arrival:
    """One request: due `at` seconds after the start, the `number`-th.

    `replica_choice` (0 to 1) chooses the replica.
    """

    at: float
    number: int
    method: str
    path: str
    replica_choice: float


def constant_profile(rps: float) -> LoadProfile:
    """Return a profile with a constant rate."""
    return (LoadPhase(3600.0, rps, rps),)


def wave_profile(sustained_rps: float) -> LoadProfile:
    """Return a two-minute cycle of ramp, hold, burst and rest around the sustained rate.

    The ramp goes slightly beyond it, so that the knee is visible; the burst exceeds the pool's
    capacity.
    """
    return (
        LoadPhase(45.0, 0.2 * sustained_rps, 1.1 * sustained_rps),
        LoadPhase(35.0, 0.75 * sustained_rps, 0.75 * sustained_rps),
        LoadPhase(12.0, 1.25 * sustained_rps, 1.25 * sustained_rps),
        LoadPhase(28.0, 0.25 * sustained_rps, 0.25 * sustained_rps),
    )


def rate_at(profile: LoadProfile, at: float) -> float:
    """Return requests per second `at` seconds after the start."""
    at %= sum(phase.seconds for phase in profile)
    for phase in profile:
        if at < phase.seconds:
            return phase.start_rps + (phase.end_rps - phase.start_rps) * at / phase.seconds
        at -= phase.seconds
    return profile[0].start_rps  # rounding of % may reach the very end


def arrival_times(profile: LoadProfile, rng: random.Random) -> Iterator[float]:
    """Yield arrival times in seconds, endlessly: a Poisson process by thinning (Lewis and Shedler,
    1979).
    """
    peak = max(max(phase.start_rps, phase.end_rps) for phase in profile)
    at = 0.0
    while True:
        at += rng.expovariate(peak)
        if rng.random() * peak < rate_at(profile, at):
            yield at


def generate_arrivals(profile: LoadProfile, seed: int) -> Iterator[Arrival]:
    """Yield the requests, endlessly, in the order in which they are due."""
    what = random.Random(f"{seed} what")
    shares = list(itertools.accumulate(route.share for route in shop_routes.ROUTES))
    for number, at in enumerate(arrival_times(profile, random.Random(f"{seed} when"))):
        (route,) = what.choices(shop_routes.ROUTES, cum_weights=shares)
        item = what.randrange(10_000)
        yield Arrival(
            at, number, route.method, route.template.replace("{id}", str(item)), what.random()
        )
