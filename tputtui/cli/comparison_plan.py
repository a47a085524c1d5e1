"""Plan of a comparison, from its file or from the runs, and its results appended to the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime

from tputtui.cli import comparison_inputs
from tputtui.cli.comparison_inputs import ComparisonSide
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import UsageError
from tputtui.experiments import formatting, result_log
from tputtui.experiments.plan import ExperimentPlan, PlanError, parse_plan, plan_from_header
from tputtui.experiments.result import Comparison
from tputtui.experiments.result_log import LoggedResult
from tputtui.report.report_input import ReportInput
from tputtui.text import clean


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
