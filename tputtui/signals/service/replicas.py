"""Detection of replicas that differ from the others.

A replica is compared with the median of the other replicas that have the figure. At least two
others must have it.

- *Traffic* is an outlier at half the others' or less, or at twice or more, if the difference is
  also beyond chance: more than 4 standard deviations of the two counts in the window (Poisson: a
  count's variance is the count).
- The *last quantile* (p99) is an outlier at twice the others' or more, if its bucket lies entirely
  above theirs and there are enough observations: ten beyond the quantile (1,000 requests for p99).
- *Errors* are an outlier if their ratio is twice the others' or more, at least one percentage point
  above it, and based on five errors or more.

The first that applies, in the order errors, latency, traffic, is reported. It must hold for
`MIN_TICKS` ticks in a row to be reported, and fail for as many to be withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Quantile, ServiceState

MIN_FACTOR = 2.0
MIN_OTHERS = 2
MIN_DEVIATIONS = 4.0
MIN_TAIL_COUNT = 10.0
MIN_ERROR_DIFFERENCE = 0.01
MIN_ERRORS = 5.0
MIN_TICKS = 3


@frozen
class ReplicaFigures:
    """Figures of one replica at one tick.

    `outlier_reason` names the difference: "p99 412 ms, others 131 ms".
    """

    target: str
    rps: float | None
    unit: str = "req/s"  # of the traffic; "" without traffic
    tail: Quantile | None = None
    tail_unit: str | None = "s"
    error_ratio: float | None = None
    outlier_reason: str = ""


def replica_figures(target: str, state: ServiceState) -> ReplicaFigures:
    """Return the figures of a replica from the state of a service made up of it alone."""
    traffic, latency = state.traffic, state.latency
    return ReplicaFigures(
        target,
        rps=traffic.rps if traffic is not None else None,
        unit=traffic.unit if traffic is not None else "",
        tail=latency.quantiles[-1] if latency is not None and latency.quantiles else None,
        tail_unit=latency.unit if latency is not None else None,
        error_ratio=state.errors.ratio if state.errors is not None else None,
    )


def outlier_reasons(replicas: Sequence[ReplicaFigures], window_s: float) -> dict[str, str]:
    """Return the reason for each outlier, by target."""
    reasons: dict[str, str] = {}
    for replica in replicas:
        others = [other for other in replicas if other is not replica]
        reason = (
            _error_outlier(replica, others, window_s)
            or _tail_outlier(replica, others, window_s)
            or _traffic_outlier(replica, others, window_s)
        )
        if reason:
            reasons[replica.target] = reason
    return reasons


def _median(
    others: Sequence[ReplicaFigures], figure: Callable[[ReplicaFigures], float | None]
) -> float | None:
    known = [value for other in others if (value := figure(other)) is not None]
    if len(known) < MIN_OTHERS:
        return None
    known.sort()
    return (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2


def _error_outlier(
    replica: ReplicaFigures, others: Sequence[ReplicaFigures], window_s: float
) -> str:
    usual = _median(others, lambda other: other.error_ratio)
    ratio = replica.error_ratio
    if (
        usual is None
        or ratio is None
        or ratio < max(MIN_FACTOR * usual, usual + MIN_ERROR_DIFFERENCE)
    ):
        return ""
    if ratio * (replica.rps or 0.0) * window_s < MIN_ERRORS:
        return ""
    return (
        f"errors {text.format_percent(100 * ratio)} %, others {text.format_percent(100 * usual)} %"
    )


def _tail_outlier(
    replica: ReplicaFigures, others: Sequence[ReplicaFigures], window_s: float
) -> str:
    usual = _median(others, _tail_value)
    tail, value = replica.tail, _tail_value(replica)
    if usual is None or tail is None or value is None or value < MIN_FACTOR * usual or usual <= 0:
        return ""
    if (tail.low if tail.low is not None else value) < usual:
        return ""
    if (replica.rps or 0.0) * window_s * (1 - tail.q) < MIN_TAIL_COUNT:
        return ""
    shown, shown_others = (
        text.format_amount(figure, replica.tail_unit) for figure in (value, usual)
    )
    return (
        f"p{round(tail.q * 100, 4):g} {' '.join(shown)}, others {' '.join(shown_others)}".rstrip()
    )


def _traffic_outlier(
    replica: ReplicaFigures, others: Sequence[ReplicaFigures], window_s: float
) -> str:
    usual = _median(others, lambda other: other.rps)
    rps = replica.rps
    if usual is None or rps is None or usual / MIN_FACTOR < rps < usual * MIN_FACTOR:
        return ""
    if abs(rps - usual) * window_s <= MIN_DEVIATIONS * sqrt(max(1.0, (rps + usual) * window_s)):
        return ""
    shown, shown_others = (text.format_amount(figure, replica.unit)[0] for figure in (rps, usual))
    return f"{shown} {replica.unit}, others {shown_others}"


def _tail_value(replica: ReplicaFigures) -> float | None:
    return replica.tail.value if replica.tail is not None else None


class OutlierHysteresis:
    """Report an outlier after `MIN_TICKS` ticks in a row; withdraw it likewise."""

    def __init__(self) -> None:
        self._reported: dict[str, str] = {}
        # consecutive ticks that disagree with the reported state
        self._disagreeing_ticks: dict[str, int] = {}

    def update(
        self, replicas: Sequence[ReplicaFigures], window_s: float
    ) -> tuple[tuple[ReplicaFigures, ...], list[ReplicaFigures]]:
        """Return (replicas with the reported reason, those reported for the first time now)."""
        outliers = outlier_reasons(replicas, window_s)
        present = {replica.target for replica in replicas}
        self._reported = {
            target: reason for target, reason in self._reported.items() if target in present
        }
        self._disagreeing_ticks = {
            target: count for target, count in self._disagreeing_ticks.items() if target in present
        }
        began: set[str] = set()
        for target in present:
            if (target in outliers) == (target in self._reported):
                self._disagreeing_ticks.pop(target, None)
                if target in outliers:
                    self._reported[target] = outliers[target]
                continue
            self._disagreeing_ticks[target] = self._disagreeing_ticks.get(target, 0) + 1
            if self._disagreeing_ticks[target] >= MIN_TICKS:
                del self._disagreeing_ticks[target]
                if target in outliers:
                    self._reported[target] = outliers[target]
                    began.add(target)
                else:
                    del self._reported[target]
        marked = tuple(
            replace(replica, outlier_reason=self._reported.get(replica.target, ""))
            for replica in replicas
        )
        return marked, [replica for replica in marked if replica.target in began]
