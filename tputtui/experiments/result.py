"""Result of a comparison: verdict, reasons, and each metric's effect with its interval. Values
only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final, Literal

from tputtui.frozen import frozen

Verdict = Literal["improved", "regressed", "equivalent", "inconclusive", "not_comparable"]
Design = Literal["sequential", "concurrent", "baseline"]
StratumKind = Literal["incident", "pair", "level", "outage"]
Flag = Literal[
    "env",
    "incident",
    "drift",
    "warm-up",
    "too-short",
    "gaps",
    "load-limited",
    "no-aa-history",
    "pair-history",
    "noise-floor",
    "trade-off",
    "provisional",
    "verified",
]

VERDICTS: Final[tuple[Verdict, ...]] = (
    "improved",
    "regressed",
    "equivalent",
    "inconclusive",
    "not_comparable",
)

EXIT_CODES: Final[Mapping[Verdict, int]] = {
    "improved": 0,
    "equivalent": 0,
    "regressed": 10,
    "inconclusive": 11,
    "not_comparable": 12,
}
"""Exit code of each verdict (docs/contract.md).

Never 1 or 2: a bad result is not a failed command.
"""

METRIC_UNITS: Final[Mapping[str, str]] = {
    "throughput": "req/s",
    "p50": "ms",
    "p90": "ms",
    "p99": "ms",
    "error_ratio": "ratio",
    "cpu_per_request": "%·s/req",
}
"""Metrics in display order, with the unit of `baseline` and `candidate`."""


@frozen
class Interval:
    """Both ends of a confidence interval, in the unit of the effect."""

    low: float
    high: float


def is_unbounded(ci: Interval, absolute: bool) -> bool:
    """Return whether an interval is uninformative: 100 points wide, or from -100 % to beyond every
    bucket.
    """
    if absolute:
        return ci.high - ci.low >= 1
    return ci.low <= -0.9999 and math.isinf(ci.high)


@frozen
class MetricResult:
    """Comparison of one metric.

    An effect is relative (0.05 = +5 %), for `error_ratio` absolute (0.001 = +0.1 points). `verdict`
    is None without data to evaluate; `why` then names what is missing.
    """

    name: str
    baseline: float | None = None
    candidate: float | None = None
    effect: float | None = None
    ci: Interval | None = None
    p_value: float | None = None  # Holm-adjusted over the guardrails; unadjusted for the primary
    n_eff: float | None = None
    margin: float = 0.0
    verdict: Verdict | None = None
    is_guardrail: bool = True  # whether it counts towards the overall verdict
    reason: str = ""
    note: str = ""  # reason for an unusually wide interval; also part of `why`
    companions: Mapping[str, float] = field(
        default_factory=dict
    )  # for display: median_ratio, hodges_lehmann, a12

    @property
    def is_absolute(self) -> bool:
        """Whether the effect is a difference (of ratios) rather than a relative change."""
        return self.name == "error_ratio"

    @property
    def unit(self) -> str:
        """Unit of `baseline` and `candidate`."""
        return METRIC_UNITS.get(self.name, "")

    @property
    def has_unproven_harm(self) -> bool:
        """Whether it is worse by more than its margin without statistical proof."""
        if self.effect is None or self.verdict != "inconclusive":
            return False
        worse = -self.effect if self.name == "throughput" else self.effect
        return worse >= self.margin


@frozen
class RouteResult:
    """Comparison of one route: its metrics, and its share of all requests in each arm."""

    name: str  # cleaned
    baseline_share: float
    candidate_share: float
    metrics: tuple[MetricResult, ...]
    verdict: Verdict

    @property
    def regressed(self) -> list[MetricResult]:
        """Return its regressed metrics that count towards the verdict."""
        return [
            metric
            for metric in self.metrics
            if metric.is_guardrail and metric.verdict == "regressed"
        ]

    def metric(self, name: str) -> MetricResult | None:
        """Return a metric by name; None if absent."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@frozen
class DecidingRow:
    """Row that decided a verdict: a metric of all requests, of a route, or of a stratum."""

    metric: MetricResult
    route: str = ""  # empty: all requests
    stratum: str = ""  # empty: the comparison itself


@frozen
class EnvironmentDifference:
    """Field of the environment or the workload in which the arms differ."""

    field: str
    baseline: object
    candidate: object
    is_declared: bool
    is_invalidating: bool  # whether the difference, undeclared, invalidates the comparison


@frozen
class MeasuredSeconds:
    """Measured seconds, and the parts excluded from the comparison."""

    baseline: float
    candidate: float
    trimmed: float = 0.0  # warm-up, from each arm
    excluded: float = 0.0  # incidents of both arms
    # Per arm, for a sure verdict at the margin; None: enough, or more would not help
    needed: float | None = None


@frozen
class Stratum:
    """Part of an experiment evaluated separately: a shared incident, a pair, a load level, an
    injected outage.
    """

    name: str
    seconds: float  # per arm, on average
    effect: float | None  # of the throughput, relative
    ci: Interval | None
    error_difference: float | None  # candidate's error ratio minus the baseline's
    verdict: Verdict | None = None
    kind: StratumKind = "incident"
    metrics: tuple[MetricResult, ...] = ()  # all metrics measured in it
    reason: str = ""  # its first reason
    decided_by: DecidingRow | None = None  # the row that decided its verdict
    routes: tuple[RouteResult, ...] = ()  # regressed routes

    def metric(self, name: str) -> MetricResult | None:
        """Return a metric by name; None if absent."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def _worst(rows: Sequence[DecidingRow]) -> DecidingRow | None:
    """Return the row with the largest effect in units of its margin."""
    return max(
        rows, key=lambda row: abs(row.metric.effect or 0.0) / row.metric.margin, default=None
    )


@frozen
class Comparison:
    """Complete result of a comparison."""

    verdict: Verdict
    design: Design
    primary: str
    reasons: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    seconds: MeasuredSeconds = field(default_factory=lambda: MeasuredSeconds(0.0, 0.0))
    metrics: tuple[MetricResult, ...] = ()
    routes: tuple[RouteResult, ...] = ()
    differences: tuple[EnvironmentDifference, ...] = ()
    strata: tuple[Stratum, ...] = ()
    heterogeneity_p: float | None = None  # Cochran's Q over the strata
    strata_metric: str = ""  # metric by which the strata are evaluated; empty: the primary
    advice: tuple[str, ...] = ()  # recommended next designs
    is_capped: bool = False  # a check limits the verdict to inconclusive
    has_traffic_shift: bool = False  # the route mix differs: the total reflects different work

    @property
    def decided_by(self) -> DecidingRow | None:
        """Row that decided the verdict and has the same verdict.

        None: inconclusive or not comparable. A regression is decided by the worst row of the total
        in units of its margin, else by the worst row of a route, else by the row of the first
        stratum that regressed. An improvement is decided by the primary, else by the guardrail that
        improved; equivalence by the primary.
        """
        if self.verdict == "regressed":
            return self._regressed()
        primary = self.metric(self.primary)
        if self.verdict not in ("improved", "equivalent"):
            return None
        if primary is not None and primary.verdict == self.verdict:
            return DecidingRow(primary)
        return _worst(
            [
                DecidingRow(metric)
                for metric in self.metrics
                if metric.is_guardrail and metric.verdict == self.verdict
            ]
        )

    def _regressed(self) -> DecidingRow | None:
        of_routes = [
            DecidingRow(metric, route.name)
            for route in self.routes
            if route.verdict == "regressed"
            for metric in route.regressed
        ]
        of_strata = [
            replace(stratum.decided_by, stratum=stratum.name)
            for stratum in self.strata
            if stratum.verdict == "regressed" and stratum.decided_by is not None
        ]
        # With a different mix the total decides nothing
        metrics = () if self.has_traffic_shift else self.metrics
        of_total = [
            DecidingRow(metric)
            for metric in metrics
            if metric.is_guardrail and metric.verdict == "regressed"
        ]
        return _worst(of_total) or _worst(of_routes) or next(iter(of_strata), None)

    @property
    def leading(self) -> DecidingRow | None:
        """Row to show with the verdict: the deciding one, else the primary."""
        primary = self.metric(self.primary)
        return self.decided_by or (DecidingRow(primary) if primary is not None else None)

    def metric(self, name: str) -> MetricResult | None:
        """Return a metric by name; None if absent."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@frozen
class PowerResult:
    """Measurement required to detect an effect on a metric with a power of 80 %."""

    metric: str
    target_effect: float  # relative; for `error_ratio` a difference
    pilot_value: float  # value of the metric in the pilot, in its unit
    pilot_rps: float  # throughput of the pilot, 1/s
    pilot_seconds: float
    # Per arm, one pair of runs; None: no length suffices, because equal runs differ too much
    seconds: float | None
    run_sd: float
    is_run_sd_assumed: bool
    pair_seconds: float  # per arm of each pair
    pairs: int | None  # None: more than a hundred
