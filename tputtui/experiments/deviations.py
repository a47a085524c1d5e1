"""Deviations of a comparison from its plan, reported whatever the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison
from tputtui.frozen import frozen
from tputtui.text import format_duration

# Part of the planned duration that may be missing, and at least _STARTUP_S
_TOLERATED_SHORTFALL: Final = 0.05
_MAX_NAMED_ARMS: Final = 2  # arms named individually
_STARTUP_S: Final = 10.0  # for the first scrapes, which have no rate yet


@frozen
class ExecutedPlan:
    """Execution of a comparison, in addition to its result."""

    seconds: Sequence[tuple[str, float]] = ()  # (arm, its duration) of every arm
    pairs: int = 1
    margins: Mapping[str, float] = field(default_factory=dict)  # requested in place of the plan's
    recorded_plan: ExperimentPlan | None = None  # the plan as recorded in the runs


def describe_deviations(
    plan: ExperimentPlan, executed: ExecutedPlan, comparison: Comparison
) -> tuple[str, ...]:
    """Describe each deviation in a sentence; none without a plan."""
    deviations = _describe_short_arms(plan, executed)
    if executed.pairs < plan.pairs:
        deviations.append(
            f"{plan.pairs} pairs were planned: "
            f"{executed.pairs} {'is' if executed.pairs == 1 else 'are'} here."
        )
    if plan.primary is not None and plan.primary != comparison.primary:
        reason = ", for the load was limited" if "load-limited" in comparison.flags else ""
        deviations.append(f"{plan.primary} was to decide: {comparison.primary} did{reason}.")
    for metric, margin in executed.margins.items():
        planned = plan.margins.get(metric)
        if planned is not None and planned != margin:
            unit = "pp" if metric == "error_ratio" else "%"
            deviations.append(
                f"The margin of {metric} was to be {100 * planned:g} {unit}: "
                f"it was {100 * margin:g} {unit}."
            )
    given = [stratum.name for stratum in comparison.strata if stratum.kind in ("level", "outage")]
    missing = plan.missing_strata(given)
    if missing:
        deviations.append(f"Planned and not given: {', '.join(missing)}.")
    if executed.recorded_plan is not None:
        changed = plan.changed_fields(executed.recorded_plan)
        if changed:
            deviations.append(
                f"Changed in the plan since the runs were recorded: {', '.join(changed)}."
            )
    return tuple(deviations)


def _describe_short_arms(plan: ExperimentPlan, executed: ExecutedPlan) -> list[str]:
    """Describe the arms that ran shorter than planned, in one sentence at most."""
    if plan.duration_s is None:
        return []
    least_s = plan.duration_s - max(_STARTUP_S, _TOLERATED_SHORTFALL * plan.duration_s)
    short = {name: seconds for name, seconds in executed.seconds if seconds < least_s}
    if not short:
        return []
    if len(short) <= _MAX_NAMED_ARMS:
        ran = ", ".join(f"{name} ran {format_duration(seconds)}" for name, seconds in short.items())
    else:
        shortest, longest = map(format_duration, (min(short.values()), max(short.values())))
        lengths = shortest if shortest == longest else f"{shortest} to {longest}"
        count, arms = len(short), len(executed.seconds)
        which = f"all {count}" if count == arms else f"{count} of {arms}"
        ran = f"{which} ran {lengths}"
    return [f"Each arm was to run {format_duration(plan.duration_s)}: {ran}."]
