"""What a comparison says: verdict, reasons, and each metric's effect with its interval. Values only."""

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

VERDICTS: Final[tuple[Verdict, ...]] = ("improved", "regressed", "equivalent", "inconclusive", "not_comparable")

EXIT_CODES: Final[Mapping[Verdict, int]] = {
    "improved": 0,
    "equivalent": 0,
    "regressed": 10,
    "inconclusive": 11,
    "not_comparable": 12,
}
"""Exit code of each verdict (docs/contract.md). Never 1 or 2: a bad result is no failed command."""

METRIC_UNITS: Final[Mapping[str, str]] = {
    "throughput": "req/s",
    "p50": "ms",
    "p90": "ms",
    "p99": "ms",
    "error_ratio": "ratio",
    "cpu_per_request": "%·s/req",
}
"""The metrics there are, in the order in which they are shown, with the unit of `baseline` and `candidate`."""


@frozen
class Interval:
    """Both ends of a confidence interval, in the effect's own unit."""

    low: float
    high: float


def is_unbounded(ci: Interval, absolute: bool) -> bool:
    """Whether an interval says nothing: 100 points wide, or from -100 % to beyond every bucket."""
    if absolute:
        return ci.high - ci.low >= 1
    return ci.low <= -0.9999 and math.isinf(ci.high)


@frozen
class MetricResult:
    """One metric's comparison. An effect is relative (0.05 = +5 %), for `error_ratio` absolute (0.001 = +0.1 points).

    `verdict` is None where there are no data to judge; `why` then says what is missing.
    """

    name: str
    baseline: float | None = None
    candidate: float | None = None
    effect: float | None = None
    ci: Interval | None = None
    p_value: float | None = None  # Holm-adjusted over the guardrails; the primary's is its own
    n_eff: float | None = None
    margin: float = 0.0
    verdict: Verdict | None = None
    is_guardrail: bool = True  # whether it has a say in the overall verdict
    reason: str = ""
    note: str = ""  # what makes its interval wide, where that is out of the ordinary; `why` holds it, too
    companions: Mapping[str, float] = field(default_factory=dict)  # for display: median_ratio, hodges_lehmann, a12

    @property
    def is_absolute(self) -> bool:
        """Whether the effect is a difference (of ratios) rather than a relative change."""
        return self.name == "error_ratio"

    @property
    def unit(self) -> str:
        """The unit of `baseline` and `candidate`."""
        return METRIC_UNITS.get(self.name, "")

    @property
    def has_unproven_harm(self) -> bool:
        """Whether it is worse by more than its margin, and only the proof is missing."""
        if self.effect is None or self.verdict != "inconclusive":
            return False
        worse = -self.effect if self.name == "throughput" else self.effect
        return worse >= self.margin


@frozen
class RouteResult:
    """One route's comparison: its metrics, and its share of all requests in either arm."""

    name: str  # cleaned
    baseline_share: float
    candidate_share: float
    metrics: tuple[MetricResult, ...]
    verdict: Verdict

    @property
    def regressed(self) -> list[MetricResult]:
        """Those of its metrics that have a say and regressed."""
        return [one for one in self.metrics if one.is_guardrail and one.verdict == "regressed"]

    def metric(self, name: str) -> MetricResult | None:
        """A metric by its name; None where there is none."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@frozen
class DecidingRow:
    """The row that made a verdict: a metric of all requests, of a route, or of a stratum."""

    metric: MetricResult
    route: str = ""  # empty: of all requests
    stratum: str = ""  # empty: of the comparison itself


@frozen
class EnvironmentDifference:
    """A field of the environment or the workload in which the arms differ."""

    field: str
    baseline: object
    candidate: object
    is_declared: bool
    is_invalidating: bool  # where it is not declared, no comparison holds


@frozen
class MeasuredSeconds:
    """How long was measured, and what of it counts."""

    baseline: float
    candidate: float
    trimmed: float = 0.0  # warm-up, from each arm
    excluded: float = 0.0  # incidents of both arms
    needed: float | None = None  # per arm, for a sure verdict at the margin; None: enough, or more will not help


@frozen
class Stratum:
    """One part of an experiment judged by itself: a shared incident, a pair, a load level, an injected outage."""

    name: str
    seconds: float  # of each arm, in the mean
    effect: float | None  # of the throughput, relative
    ci: Interval | None
    error_difference: float | None  # candidate's error ratio less the baseline's
    verdict: Verdict | None = None
    kind: StratumKind = "incident"
    metrics: tuple[MetricResult, ...] = ()  # all that was measured in it
    reason: str = ""  # the first of its own reasons
    decided_by: DecidingRow | None = None  # what made its verdict
    routes: tuple[RouteResult, ...] = ()  # those that regressed

    def metric(self, name: str) -> MetricResult | None:
        """A metric by its name; None where there is none."""
        return next((metric for metric in self.metrics if metric.name == name), None)


def _worst(rows: Sequence[DecidingRow]) -> DecidingRow | None:
    """The row whose effect is the largest in units of its margin."""
    return max(rows, key=lambda row: abs(row.metric.effect or 0.0) / row.metric.margin, default=None)


@frozen
class Comparison:
    """The whole answer."""

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
    strata_metric: str = ""  # the metric that the strata are judged by; nothing: the primary
    advice: tuple[str, ...] = ()  # the next best design
    is_capped: bool = False  # a gate allowed no more than inconclusive
    has_traffic_shift: bool = False  # the mix of routes is another one: the total is of other work

    @property
    def decided_by(self) -> DecidingRow | None:
        """The row that made the verdict; it has the same verdict. None: inconclusive or not comparable.

        A regression is decided by the worst row of the total in units of its margin, else by the
        worst row of a route, else by the row of the first stratum that regressed. An improvement
        is decided by the primary, else by the guard that improved; equivalence by the primary.
        """
        if self.verdict == "regressed":
            return self._regressed()
        primary = self.metric(self.primary)
        if self.verdict not in ("improved", "equivalent"):
            return None
        if primary is not None and primary.verdict == self.verdict:
            return DecidingRow(primary)
        return _worst([DecidingRow(one) for one in self.metrics if one.is_guardrail and one.verdict == self.verdict])

    def _regressed(self) -> DecidingRow | None:
        of_routes = [
            DecidingRow(one, route.name)
            for route in self.routes
            if route.verdict == "regressed"
            for one in route.regressed
        ]
        of_strata = [
            replace(one.decided_by, stratum=one.name)
            for one in self.strata
            if one.verdict == "regressed" and one.decided_by is not None
        ]
        judged = () if self.has_traffic_shift else self.metrics  # of another mix the total decides nothing
        of_total = [DecidingRow(one) for one in judged if one.is_guardrail and one.verdict == "regressed"]
        return _worst(of_total) or _worst(of_routes) or next(iter(of_strata), None)

    @property
    def leading(self) -> DecidingRow | None:
        """The row to show with the verdict: what decided, else the primary."""
        primary = self.metric(self.primary)
        return self.decided_by or (DecidingRow(primary) if primary is not None else None)

    def metric(self, name: str) -> MetricResult | None:
        """A metric by its name; None where there is none."""
        return next((metric for metric in self.metrics if metric.name == name), None)


@frozen
class PowerResult:
    """What it takes to find an effect on a metric in four cases of five."""

    metric: str
    target_effect: float  # relative; of `error_ratio` a difference
    pilot_value: float  # of the metric in the pilot, in its unit
    pilot_rps: float  # of the pilot, 1/s
    pilot_seconds: float
    seconds: float | None  # per arm, one pair of runs; None: no length does, for equal runs differ by too much
    run_sd: float
    is_run_sd_assumed: bool
    pair_seconds: float  # per arm of each pair
    pairs: int | None  # None: more than a hundred
