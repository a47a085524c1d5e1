"""Set-up of a comparison: settings, plan, arms, and the required duration of a planned one.

Context file, plan and flags are merged. The plan is from its file or from the runs, and results are
appended to the file. The duration is estimated from a pilot run, for `compare --power` and
`experiment new --pilot`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tputtui.cli import comparison_inputs
from tputtui.cli.comparison_inputs import ComparisonSide
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import UsageError
from tputtui.experiments import formatting, result_log
from tputtui.experiments.comparison_context import (
    ComparisonContext,
    ContextError,
    parse_context,
    parse_margin,
    parse_metric_name,
)
from tputtui.experiments.plan import ExperimentPlan, PlanError, parse_plan, plan_from_header
from tputtui.experiments.result import VERDICTS, Comparison, PowerResult
from tputtui.experiments.result_log import LoggedResult
from tputtui.report.report_input import ReportInput, ResourceComparison, ResourceUse
from tputtui.text import clean, did_you_mean

if TYPE_CHECKING:
    from tputtui.experiments.statistics.pairs import RunPair


_DEFAULT_FAILING_VERDICTS = ("regressed", "inconclusive", "not_comparable")


def parse_failing_verdicts(text: str | None) -> tuple[str, ...]:
    """Parse `VERDICT,VERDICT`, by default all but improved and equivalent. Raises UsageError."""
    if text is None:
        return _DEFAULT_FAILING_VERDICTS
    verdicts = tuple(part.strip() for part in text.split(",") if part.strip())
    for verdict in verdicts:
        if verdict not in VERDICTS:
            hint = did_you_mean(verdict, VERDICTS)
            raise UsageError(
                f"--fail-on: {clean(verdict, 40)!r} is no verdict{hint}; "
                f"there are {', '.join(VERDICTS)}"
            )
    return verdicts


def read_context(path: str | None) -> ComparisonContext:
    """Read the context file; an empty context without one. Raises UsageError."""
    if path is None:
        return ComparisonContext()
    where = clean(path)
    try:
        return parse_context(json.loads(comparison_inputs.read_content(path)))
    except ContextError as error:
        raise UsageError(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: it is no JSON: {clean(str(error), 100)}") from None


def parse_margins(arguments: Sequence[str]) -> dict[str, float]:
    """Parse each `METRIC=AMOUNT`. Raises UsageError."""
    try:
        return dict(parse_margin(text) for text in arguments)
    except ContextError as error:
        raise UsageError(f"--margin: {error}") from None


def merge_context(
    options: argparse.Namespace,
    file_context: ComparisonContext,
    plan: ExperimentPlan,
    margins: Mapping[str, float],
) -> ComparisonContext:
    """Merge the context file, the plan and the flags, in increasing precedence."""
    return replace(
        file_context,
        design=options.design or file_context.design,
        margins={**file_context.margins, **plan.margins, **margins},
        primary=plan.primary or file_context.primary,
        declared_change=(*file_context.declared_change, *plan.declared_change),
    )


def read_plan(path: str | None) -> ExperimentPlan:
    """Read the plan in a file; an empty one without a file. Raises UsageError."""
    if path is None:
        return ExperimentPlan()
    try:
        return parse_plan(comparison_inputs.read_content(path).decode())
    except (PlanError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{clean(path)}: {error if isinstance(error, PlanError) else 'it is no text'}"
        ) from None


def plan_of_runs(
    baseline: ComparisonSide, candidate: ComparisonSide
) -> tuple[ExperimentPlan | None, str]:
    """Return the plan that both runs carry, in the baseline's version.

    Without one, a sentence if that has to be reported.
    """
    if not baseline.experiment or not candidate.experiment:
        return None, ""
    try:
        before, after = (
            plan_from_header(baseline.experiment),
            plan_from_header(candidate.experiment),
        )
    except PlanError as error:
        return None, f"The plan that the runs carry cannot be used: {error}."
    if before.name != after.name:
        names = (plan.name or "one without a title" for plan in (before, after))
        return None, (
            "The runs were recorded for different experiments, and no plan is taken: "
            f"{', '.join(names)}."
        )
    if not before.name and before != after:
        return None, ""
    changed = after.changed_fields(before)
    if not changed:
        return before, ""
    return before, f"Changed in the plan between the two recordings: {', '.join(changed)}."


def earlier_results(path: str | None) -> tuple[LoggedResult, ...]:
    """Return the results of earlier comparisons recorded in the file."""
    return (
        tuple(result_log.parse_results(comparison_inputs.read_content(path).decode()))
        if path is not None
        else ()
    )


def append_result(
    path: str,
    comparison: Comparison,
    report_input: ReportInput,
    arms: Sequence[tuple[ComparisonSide, ComparisonSide]],
    history: Sequence[ComparisonSide],
) -> None:
    """Append the result to the experiment's file; on failure print a line on stderr.

    A result that differs from the last one only in its time is not repeated.
    """
    row = comparison.leading
    new = result_log.format_entry(
        comparison,
        datetime.now(UTC),
        formatting.row_figure(row) if row is not None else "",
        report_input.sides,
        {
            "baselines": [baseline.identity for baseline, _ in arms],
            "candidates": [candidate.identity for _, candidate in arms],
            "history": [side.identity for side in history],
        },
        [
            formatting.format_metric(metric)
            for metric in comparison.metrics
            if metric.effect is not None
        ],
        [
            formatting.describe_stratum(stratum, comparison.strata_metric or comparison.primary)
            for stratum in comparison.strata
        ],
        report_input.deviations,
    )
    shown = clean(path, 200)
    try:
        content = comparison_inputs.read_content(path).decode()
        if result_log.is_repeated(content, new):
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is not a plain file")
            file.write(new if content.endswith("\n") or not content else f"\n{new}")
    except (OSError, UsageError, UnicodeDecodeError) as error:
        reason = (
            (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        )
        print_stderr(f"{shown}: the result is not noted in it: {reason}")


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
    from tputtui.profiling.analysis import flame_graph

    return flame_graph.render_svg(before, after), tuple(flame_graph.describe_changes(before, after))


def with_environments(
    context: ComparisonContext, baseline: ComparisonSide, candidate: ComparisonSide
) -> ComparisonContext:
    """Return the context with the environments recorded by the sides themselves."""
    return replace(
        context,
        baseline_env={**baseline.environment, **context.baseline_env},
        candidate_env={**candidate.environment, **context.candidate_env},
    )


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
