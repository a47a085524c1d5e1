"""Required duration estimated from a pilot run, for `compare --power` and `experiment new
--pilot`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace

from tputtui.cli import comparison_inputs
from tputtui.cli.comparison_inputs import ComparisonSide
from tputtui.cli.parser import UsageError
from tputtui.experiments.comparison_context import (
    ComparisonContext,
    ContextError,
    parse_margin,
    parse_metric_name,
)
from tputtui.experiments.result import PowerResult
from tputtui.text import clean

_INSTALL = (
    "needs numpy and scipy (170 MB), which are not installed: pip install 'tputtui[compare]' "
    "(with pipx: pipx inject tputtui numpy scipy)"
)


def require_statistics(command: str) -> None:
    """Raise UsageError, with the command that installs them, if numpy or scipy is missing."""
    if any(importlib.util.find_spec(name) is None for name in ("numpy", "scipy")):
        raise UsageError(f"{command} {_INSTALL}")


def target_effect(text: str | None, context: ComparisonContext) -> float:
    """Return the effect on the primary metric to plan for, as a ratio; by default its margin.

    Raises UsageError.
    """
    metric = context.primary or "throughput"
    if text is None:
        return context.margin(metric)
    try:
        return parse_margin(f"{metric}={text}")[1]
    except ContextError:
        example = f"{text}%" if text.isdecimal() else "5%"
        if metric == "error_ratio":
            example = "0.1pp"
        raise UsageError(
            f"--detect: {clean(text, 40)!r} is no effect on {metric}, such as {example}"
        ) from None


def parse_metric(text: str | None) -> str | None:
    """Parse the name of a metric. Raises UsageError."""
    try:
        return parse_metric_name(text) if text is not None else None
    except ContextError as error:
        raise UsageError(f"--primary: {error}") from None


def with_history(context: ComparisonContext, runs: Sequence[ComparisonSide]) -> ComparisonContext:
    """Return the context with the values of runs of unchanged code."""
    if not runs:
        return context
    from tputtui.experiments.statistics.power_analysis import history_values

    runs_values = [history_values(run.rows) for run in runs]
    latencies = {
        name: tuple(values[name] for values in runs_values if name in values)
        for name in ("p50", "p90", "p99")
    }
    rates = tuple(values["throughput"] for values in runs_values if values["throughput"] > 0)
    return replace(context, aa_history_rps=(*context.aa_history_rps, *rates), aa_history=latencies)


def compute_power(pilot_spec: str, target_effect: float, context: ComparisonContext) -> PowerResult:
    """Compute what it takes to find `target_effect`, from a pilot run. Raises UsageError."""
    from tputtui.experiments.statistics.power_analysis import estimate_power

    try:
        return estimate_power(comparison_inputs.load_side(pilot_spec).rows, target_effect, context)
    except ValueError as error:
        raise UsageError(f"{clean(pilot_spec)}: {error}") from None
