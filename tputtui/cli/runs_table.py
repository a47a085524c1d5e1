"""Table of recorded runs and of a folder's experiments: as text, as Markdown, as JSON objects.

Experiments are plans, results, and the runs that belong to them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tputtui import text
from tputtui.cli import user_files
from tputtui.cli.output import format_columns
from tputtui.experiments.plan import ExperimentPlan, PlanError, parse_plan, plan_from_header
from tputtui.experiments.result_log import LoggedResult, parse_results
from tputtui.frozen import frozen
from tputtui.recording.run_header import ServiceSummary
from tputtui.recording.run_listing import ListedRun, comparability_key
from tputtui.recording.value_codec import to_plain
from tputtui.views.shared.styled_text import sparkline

_SUFFIX = ".toml"
_MAX_FILES = 200  # maximum files examined
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class _ExperimentEntry:
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


def list_experiments(folder: Path, runs: Sequence[ListedRun]) -> list[_ExperimentEntry]:
    """List the experiments of a folder, undecided ones first.

    Those with a file, and those known only from their runs.
    """
    experiments = _experiments_with_plan(folder)
    named = {entry.plan.name: entry for entry in experiments if entry.plan.name}
    for run in runs:
        plan = _plan_of(run)
        if plan is None or not plan.name:
            continue
        if plan.name not in named:
            named[plan.name] = _ExperimentEntry(plan)
            experiments.append(named[plan.name])
        named[plan.name].runs.append(run)
    return sorted(experiments, key=lambda entry: bool(entry.plan.texts.get("decision")))


def _latest_result(run: ListedRun, entries: Sequence[_ExperimentEntry]) -> LoggedResult | None:
    """Return the newest comparison in which a run was a candidate."""
    if run.header is None:
        return None
    identity = f"run:{run.header.run}"
    results = [
        result for entry in entries for result in entry.results if identity in result.candidates
    ]
    return max(results, key=lambda result: result.date, default=None)


def _plan_of(run: ListedRun) -> ExperimentPlan | None:
    """Return the plan that a run carries; None if it has no readable one."""
    if run.header is None or not run.header.experiment:
        return None
    try:
        return plan_from_header(run.header.experiment)
    except PlanError:
        return None


def _experiments_with_plan(folder: Path) -> list[_ExperimentEntry]:
    """Return the experiments of every plan in the folder; other TOML files are skipped."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(_SUFFIX))[
            :_MAX_FILES
        ]
    except OSError:
        return []
    experiments: dict[str, _ExperimentEntry] = {}
    for name in names:
        try:
            content = user_files.read(str(folder / name), _MAX_BYTES)[0].decode()
            plan = parse_plan(content)
        except (user_files.UnreadableFileError, UnicodeDecodeError, PlanError):
            continue
        results = tuple(parse_results(content))
        known = experiments.get(plan.name)
        if known is not None:  # a copy of the same experiment
            known.results += results
        elif plan.name or results:
            experiments[plan.name] = _ExperimentEntry(plan, results)
    return list(experiments.values())


_TREND_RUNS = 8  # runs in a bar chart of one line
_MAX_COLUMN_WIDTH = 34
_HEADINGS = (
    "run", "when", "length", "best 60 s", "", "p99", "", "errors", "cpu/req", "",
    "first to saturate", "hottest", "hypothesis", "owner", "verdict", "decision",
)  # fmt: skip
_EXPERIMENT_HEADINGS = (
    "hypothesis", "owner", "verdict", "decision", "first to saturate", "hottest function",
    "runs", "newest run",
)  # fmt: skip


def text_lines(runs: Sequence[ListedRun], experiments: Sequence[_ExperimentEntry]) -> Iterator[str]:
    """Generate the table of the readable runs, then a line for each unreadable one."""
    rows = _run_rows(runs, experiments)
    readable = [row for row, run in zip(rows, runs, strict=True) if not run.problem]
    if readable:
        yield from format_columns([_HEADINGS, *readable], max_width=_MAX_COLUMN_WIDTH)
    for run in runs:
        if run.problem:
            yield f"{text.clean(run.path.name, 100)}: {run.problem}"


def markdown_lines(runs: Sequence[ListedRun], experiments: Sequence[_ExperimentEntry]) -> list[str]:
    """Return a backlog: a line for each experiment, then one for each run."""
    listed_runs = _markdown_table(_HEADINGS, _run_rows(runs, experiments))
    if not experiments:
        return listed_runs
    rows = [_experiment_row(entry) for entry in experiments]
    table = _markdown_table(_EXPERIMENT_HEADINGS, rows)
    return ["## Experiments", "", *table, "", "## Runs", "", *listed_runs]


def run_object(listed_run: ListedRun, experiments: Sequence[_ExperimentEntry]) -> dict[str, object]:
    """Return the JSON object of a run."""
    header = listed_run.header
    if header is None:
        return {"path": str(listed_run.path), "problem": listed_run.problem}
    result = _latest_result(listed_run, experiments)
    verdict = None
    if result is not None:
        verdict = {
            "verdict": result.verdict,
            "verified": result.is_verified,
            "figure": result.figure,
            "date": result.date.isoformat(),
        }
    return {
        "path": str(listed_run.path),
        "bytes": listed_run.size,
        "began": header.began_time,
        "interval_s": header.interval_s,
        "ended": listed_run.end_description or None,
        "note": header.note or None,
        "experiment": dict(header.experiment),
        "verdict": verdict,
        "environment": dict(header.environment),
        "summary": to_plain(listed_run.summary),
    }


def _run_rows(
    runs: Sequence[ListedRun], experiments: Sequence[_ExperimentEntry]
) -> list[tuple[str, ...]]:
    return [_run_row(run, comparable, experiments) for run, comparable in with_comparable(runs)]


@frozen
class _FigureCells:
    """Cells of a run's service: figures, and their trends as bar charts of one line."""

    best: str = ""
    best_trend: str = ""
    p99: str = ""
    p99_trend: str = ""
    errors: str = ""
    cost: str = ""
    cost_trend: str = ""


def _run_row(
    listed_run: ListedRun,
    comparable: Sequence[ServiceSummary],
    experiments: Sequence[_ExperimentEntry],
) -> tuple[str, ...]:
    name = text.clean(listed_run.path.name.removesuffix(".tput.gz"), 60)
    header, summary, service = listed_run.header, listed_run.summary, listed_run.service
    if header is None or summary is None:
        return (name, listed_run.problem, *([""] * (len(_HEADINGS) - 2)))
    length = text.format_duration(summary.seconds) + (" +" if listed_run.end_description else "")
    cells = _figure_cells(service, comparable) if service is not None else _FigureCells()
    plan = header.experiment
    hypothesis = plan.get("hypothesis") or plan.get("title") or header.note
    result = _latest_result(listed_run, experiments)
    return (
        name, _format_time(header.began_time), length, cells.best, cells.best_trend,
        cells.p99, cells.p99_trend, cells.errors, cells.cost, cells.cost_trend,
        summary.first, summary.hottest, hypothesis, plan.get("owner", ""),
        result.verdict_text if result is not None else "",
        _decision(listed_run, plan, experiments),
    )  # fmt: skip


def _figure_cells(service: ServiceSummary, comparable: Sequence[ServiceSummary]) -> _FigureCells:
    rate_name = "best_60s" if service.best_60s is not None else "mean"
    best = " ".join(text.format_amount(getattr(service, rate_name), service.unit))
    tail, cost = service.quantiles.get("0.99"), service.cpu_per_request_s
    p99 = errors = cost_text = text.UNKNOWN
    if tail is not None:
        p99 = " ".join(text.format_amount(tail, service.latency_unit))
    if service.error_ratio is not None:
        errors = f"{text.format_percent(100 * service.error_ratio)} %"
    if cost is not None:
        cost_text = " ".join(text.format_seconds(cost))
    return _FigureCells(
        best=best if rate_name == "best_60s" else f"{best} (mean)",
        best_trend=sparkline([getattr(other, rate_name) for other in comparable]),
        p99=p99,
        p99_trend=sparkline([other.quantiles.get("0.99") for other in comparable]),
        errors=errors,
        cost=cost_text,
        cost_trend=sparkline([other.cpu_per_request_s for other in comparable]),
    )


def _decision(
    listed_run: ListedRun, plan: Mapping[str, str], experiments: Sequence[_ExperimentEntry]
) -> str:
    """Return the decision of the run's experiment, else the one that was recorded with it."""
    for entry in experiments:
        if listed_run in entry.runs:
            return entry.plan.texts.get("decision") or plan.get("decision", "")
    return plan.get("decision", "")


def _format_time(unix_time: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_time))


def with_comparable(
    runs: Sequence[ListedRun],
) -> Iterator[tuple[ListedRun, Sequence[ServiceSummary]]]:
    """Yield each run with its service in the comparable runs up to it.

    Runs cut out of another run are excluded, because their data are already present.
    """
    before: dict[tuple[object, ...], list[ServiceSummary]] = {}
    for run in runs:
        if run.header is None or run.service is None:
            yield run, ()
            continue
        known = before.setdefault((run.service.name, *comparability_key(run.header)), [])
        yield run, (*known[1 - _TREND_RUNS :], run.service)
        if run.header.cut_from is None:
            known.append(run.service)


def _experiment_row(entry: _ExperimentEntry) -> tuple[str, ...]:
    texts = entry.plan.texts
    newest = entry.runs[-1] if entry.runs else None
    when = ""
    if newest is not None and newest.header is not None:
        when = _format_time(newest.header.began_time)
    summaries = [run.summary for run in reversed(entry.runs) if run.summary is not None]
    first = next((summary.first for summary in summaries if summary.first), "")
    hottest = next((summary.hottest for summary in summaries if summary.hottest), "")
    count = str(len(entry.runs)) if entry.runs else ""
    hypothesis = texts.get("hypothesis") or entry.plan.name
    return (
        hypothesis, texts.get("owner", ""), entry.state, texts.get("decision", ""), first,
        hottest, count, when,
    )  # fmt: skip


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        _markdown_row(headings),
        _markdown_row(["---"] * len(headings)),
        *map(_markdown_row, rows),
    ]


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = [cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"
