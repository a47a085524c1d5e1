"""Measurement of every metric of two arms, with the difference expected between equal runs."""

from __future__ import annotations

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.result import METRIC_UNITS
from tputtui.experiments.statistics import effects, tail_quantiles
from tputtui.experiments.statistics.arms import ArmPair
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect


def measure_all(
    arms: ArmPair, between_runs: dict[str, BetweenRunVariance]
) -> dict[str, MeasuredEffect]:
    """Measure every metric; quantiles from merged buckets if both arms have them."""
    return {
        "throughput": effects.measure_throughput(arms, between_runs["throughput"]),
        **tail_quantiles.measure_quantiles(arms, between_runs),
        "error_ratio": effects.measure_errors(arms),
        "cpu_per_request": effects.measure_cpu_per_request(arms, between_runs["cpu_per_request"]),
    }


def between_run_variances(
    is_paired: bool, context: ComparisonContext
) -> dict[str, BetweenRunVariance]:
    """Return the variance between equal runs, for each metric."""

    def error(metric: str) -> BetweenRunVariance:
        pairs = context.pair_history if metric == "throughput" else ()
        return effects.between_run_variance(is_paired, context.history(metric), pairs)[0]

    return {name: error(name) for name in METRIC_UNITS}
