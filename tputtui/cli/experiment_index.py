"""Index of a folder's experiments: plans, results, and the runs that belong to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tputtui.cli import read_file
from tputtui.experiments.plan import ExperimentPlan, PlanError, parse_plan, plan_from_header
from tputtui.experiments.result_log import LoggedResult, parse_results
from tputtui.recording.run_listing import ListedRun

_SUFFIX = ".toml"
_MAX_FILES = 200  # maximum files examined
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class ExperimentEntry:
    """One experiment: its plan, comparison results, and runs, oldest first."""

    plan: ExperimentPlan
    results: tuple[LoggedResult, ...] = ()
    runs: list[ListedRun] = field(default_factory=list)

    @property
    def newest_result(self) -> LoggedResult | None:
        """The result of the last comparison."""
        return max(self.results, key=lambda result: result.date, default=None)

    @property
    def state(self) -> str:
        """Status text: the last verdict with its figure and day; else the progress so far."""
        result = self.newest_result
        if result is None:
            return "not compared yet" if self.runs else "not measured yet"
        figure = f": {result.figure}" if result.figure else ""
        return f"{result.verdict_text}{figure} ({result.date:%Y-%m-%d})"


def list_experiments(folder: Path, runs: Sequence[ListedRun]) -> list[ExperimentEntry]:
    """List the experiments of a folder, undecided ones first.

    Those with a file, and those known only from their runs.
    """
    experiments = _experiments_with_plan(folder)
    named = {entry.plan.name: entry for entry in experiments if entry.plan.name}
    for run in runs:
        plan = plan_of(run)
        if plan is None or not plan.name:
            continue
        if plan.name not in named:
            named[plan.name] = ExperimentEntry(plan)
            experiments.append(named[plan.name])
        named[plan.name].runs.append(run)
    return sorted(experiments, key=lambda entry: bool(entry.plan.texts.get("decision")))


def latest_result(run: ListedRun, entries: Sequence[ExperimentEntry]) -> LoggedResult | None:
    """Return the newest comparison in which a run was a candidate."""
    if run.header is None:
        return None
    identity = f"run:{run.header.run}"
    results = [
        result for entry in entries for result in entry.results if identity in result.candidates
    ]
    return max(results, key=lambda result: result.date, default=None)


def plan_of(run: ListedRun) -> ExperimentPlan | None:
    """Return the plan that a run carries; None if it has no readable one."""
    if run.header is None or not run.header.experiment:
        return None
    try:
        return plan_from_header(run.header.experiment)
    except PlanError:
        return None


def _experiments_with_plan(folder: Path) -> list[ExperimentEntry]:
    """Return the experiments of every plan in the folder; other TOML files are skipped."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(_SUFFIX))[
            :_MAX_FILES
        ]
    except OSError:
        return []
    experiments: dict[str, ExperimentEntry] = {}
    for name in names:
        try:
            content = read_file.read(str(folder / name), _MAX_BYTES)[0].decode()
            plan = parse_plan(content)
        except (read_file.UnreadableFileError, UnicodeDecodeError, PlanError):
            continue
        results = tuple(parse_results(content))
        known = experiments.get(plan.name)
        if known is not None:  # a copy of the same experiment
            known.results += results
        elif plan.name or results:
            experiments[plan.name] = ExperimentEntry(plan, results)
    return list(experiments.values())
