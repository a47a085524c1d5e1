"""Every metric of two arms, each with what equal runs differ by."""

from __future__ import annotations

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.result import UNITS
from tputtui.experiments.statistics import effects, tail_quantiles
from tputtui.experiments.statistics.arms import ArmPair
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect


def every(arms: ArmPair, error: dict[str, BetweenRunVariance]) -> dict[str, MeasuredEffect]:
    """Every metric; quantiles from merged buckets where both arms have them."""
    return {
        "throughput": effects.throughput(arms, error["throughput"]),
        **tail_quantiles.quantiles(arms, error),
        "error_ratio": effects.errors(arms),
        "cpu_per_request": effects.cost(arms, error["cpu_per_request"]),
    }


def between(paired: bool, context: ComparisonContext) -> dict[str, BetweenRunVariance]:
    """What equal runs differ by, for each metric."""

    def error(metric: str) -> BetweenRunVariance:
        pairs = context.pair_history if metric == "throughput" else ()
        return effects.between(paired, context.history(metric), pairs)[0]

    return {name: error(name) for name in UNITS}
