"""Arms of a comparison: compared with each other, and what the report shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli import comparison_inputs
from tputtui.cli.comparison_inputs import ComparisonSide
from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison
from tputtui.report.report_input import ResourceComparison, ResourceUse
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.experiments.statistics.pairs import RunPair

Arms = tuple[ComparisonSide, ComparisonSide]
"""Baseline and candidate."""


def load_arms(baseline: str, candidate: str) -> Arms:
    """Load both sides. Raises UsageError with the file and the problem."""
    return comparison_inputs.load_side(baseline), comparison_inputs.load_side(candidate)


def load_strata(arguments: Sequence[Sequence[str]]) -> list[tuple[str, Arms]]:
    """Load the arms of each (name, baseline, candidate). Raises UsageError."""
    return [
        (clean(name, 60), load_arms(baseline, candidate)) for name, baseline, candidate in arguments
    ]


def compare_arms(
    pairs: Sequence[Arms],
    strata: Sequence[tuple[str, Arms]],
    context: ComparisonContext,
    plan: ExperimentPlan,
) -> Comparison:
    """Compare one pair or several interleaved pairs, with their strata."""
    from tputtui.experiments.statistics.pairs import compare_pairs
    from tputtui.experiments.statistics.strata import verify_uplift

    if len(pairs) > 1:
        comparison = compare_pairs([_run_pair(arms, context) for arms in pairs])
    else:
        comparison = _compare_pair(pairs[0], context)
    if not strata:
        return comparison
    levels = [(name, _compare_pair(arms, context)) for name, arms in strata]
    return verify_uplift(comparison, levels, plan)


def _compare_pair(arms: Arms, context: ComparisonContext) -> Comparison:
    from tputtui.experiments.statistics.comparison import compare

    pair = _run_pair(arms, context)
    return compare(
        pair.baseline, pair.candidate, pair.context, has_absolute_times=pair.has_absolute_times
    )


def _run_pair(arms: Arms, context: ComparisonContext) -> RunPair:
    from tputtui.experiments.statistics.pairs import RunPair

    baseline, candidate = arms
    return RunPair(
        baseline.rows,
        candidate.rows,
        with_environments(context, baseline, candidate),
        baseline.is_unix_time and candidate.is_unix_time,
    )


def arm_lengths(
    pairs: Sequence[Arms], strata: Sequence[tuple[str, Arms]]
) -> list[tuple[str, float]]:
    """Return the name and duration of every arm."""
    named = [
        (f"pair {number}" if len(pairs) > 1 else "", arms)
        for number, arms in enumerate(pairs, start=1)
    ]
    lengths = []
    for name, arms in (*named, *strata):
        for arm, side in zip(("baseline", "candidate"), arms, strict=True):
            lengths.append((f"the {arm} of {name}" if name else f"the {arm}", side.rows.seconds))
    return lengths


def resource_comparisons(
    baseline: ComparisonSide, candidate: ComparisonSide
) -> tuple[ResourceComparison, ...]:
    """Return each resource in both arms, ordered by the higher use."""
    before, after = _resource_uses(baseline), _resource_uses(candidate)
    comparisons = [
        ResourceComparison(name, before.get(name, ResourceUse()), after.get(name, ResourceUse()))
        for name in dict.fromkeys((*before, *after))
    ]
    return tuple(sorted(comparisons, key=_higher_use, reverse=True))


def _resource_uses(side: ComparisonSide) -> dict[str, ResourceUse]:
    return {
        resource.name: ResourceUse(resource.mean, resource.highest, resource.waiting)
        for resource in side.resources
    }


def _higher_use(resource: ResourceComparison) -> float:
    return max(resource.baseline.mean or 0.0, resource.candidate.mean or 0.0)


def profile_difference(
    baseline: ComparisonSide, candidate: ComparisonSide
) -> tuple[str, tuple[str, ...]]:
    """Return the differential flame graph and its findings, if both runs contain a profile."""
    before, after = (
        comparison_inputs.longest_profile(baseline),
        comparison_inputs.longest_profile(candidate),
    )
    if before is None or after is None:
        return "", ()
    from tputtui.profiling.analysis import flame_diff

    return flame_diff.render_svg(before, after), tuple(flame_diff.describe_changes(before, after))


def with_environments(
    context: ComparisonContext, baseline: ComparisonSide, candidate: ComparisonSide
) -> ComparisonContext:
    """Return the context with the environments recorded by the sides themselves."""
    return replace(
        context,
        baseline_env={**baseline.environment, **context.baseline_env},
        candidate_env={**candidate.environment, **context.candidate_env},
    )
