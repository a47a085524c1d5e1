"""Simulated runs with known effects.

Lognormal AR(1) throughput, pauses, Poisson counts, latency, errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tputtui.experiments.metric_rows import MetricRows

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Service:
    """Parameters of a service in its steady state."""

    rate: float = 1000.0
    cv: float = 0.08
    phi: float = 0.5
    p99_ms: float = 70.0
    errors: float = 0.0005
    pauses: float = 0.01  # share of seconds that lose a third of their throughput


def ar1(rng: np.random.Generator, rows: int, phi: float, cv: float) -> Values:
    """Return a lognormal AR(1) factor of mean 1."""
    sigma = float(np.sqrt(np.log1p(cv**2)))
    noise = rng.normal(0.0, sigma * np.sqrt(1 - phi**2), rows)
    out = np.empty(rows)
    value = rng.normal(0.0, sigma)
    for at in range(rows):
        value = phi * value + noise[at]
        out[at] = value
    return np.exp(out - sigma**2 / 2)


def run(
    rng: np.random.Generator,
    seconds: int,
    service: Service,
    *,
    effect: float = 0.0,
    p99_effect: float = 0.0,
    errors: float | None = None,
    load: Values | None = None,
    start: float = 0.0,
) -> MetricRows:
    """Simulate one run.

    `effect` and `p99_effect` are relative; `load` is a factor that concurrent arms share.
    """
    rate = service.rate * (1 + effect) * ar1(rng, seconds, service.phi, service.cv)
    rate *= np.where(rng.random(seconds) < service.pauses, 0.67, 1.0)
    served = rng.poisson(rate if load is None else rate * load).astype(np.float64)
    slow = ar1(rng, seconds, service.phi, 0.10)
    p50 = 12.0 * slow * rng.lognormal(0.0, 0.03, seconds)
    p99 = service.p99_ms * (1 + p99_effect) * slow * rng.lognormal(0.0, 0.12, seconds)
    failed = rng.binomial(served.astype(np.int64), service.errors if errors is None else errors)
    columns = {
        "rps": served,
        "err_ratio": np.divide(failed, served, out=np.zeros(seconds), where=served > 0),
        "p50": p50,
        "p90": 2.2 * p50,
        "p99": p99,
        "cpu": 0.08 * served,
    }
    return MetricRows(
        "simulated",
        tuple(start + second for second in range(seconds)),
        {name: tuple(values.tolist()) for name, values in columns.items()},
    )


def burst(rng: np.random.Generator, seconds: int, errors: int, length: int = 1) -> Values:
    """Return the errors of each second, all within `length` seconds at a random time."""
    counts = np.zeros(seconds)
    begin = int(rng.integers(0, seconds - length + 1))
    np.add.at(counts, begin + rng.integers(0, length, errors), 1)
    return counts


def scattered(rng: np.random.Generator, seconds: int, errors: float) -> Values:
    """Return independent errors of each second, `errors` in the mean."""
    return rng.poisson(errors / seconds, seconds).astype(np.float64)


def failing(rows: MetricRows, failed: Values) -> MetricRows:
    """Return the run with these errors in each second, at most as many as requests."""
    served = np.asarray(rows.columns["rps"]) * rows.step_s
    ratio = np.divide(
        np.minimum(failed, served), served, out=np.zeros(len(served)), where=served > 0
    )
    return replace(rows, columns={**rows.columns, "err_ratio": tuple(ratio.tolist())})


def routed(routes: Mapping[str, MetricRows]) -> MetricRows:
    """Create a service of several routes.

    Throughput and errors are the sums of the routes, latency that of the first.
    """
    each = list(routes.values())
    served = np.sum([row.columns["rps"] for row in each], axis=0)
    failed = np.sum(
        [np.multiply(row.columns["rps"], row.columns["err_ratio"]) for row in each], axis=0
    )
    ratio = np.divide(failed, served, out=np.zeros(len(served)), where=served > 0)
    columns = {**each[0].columns, "rps": tuple(served.tolist()), "err_ratio": tuple(ratio.tolist())}
    return replace(each[0], columns=columns, routes=routes)
