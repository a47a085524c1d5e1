"""`tputtui runs [DIR]`: list recorded runs as a table, in Markdown or as JSON."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tputtui import text
from tputtui.cli import experiment_index
from tputtui.cli.experiment_index import ExperimentEntry
from tputtui.cli.options import common_flags
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.text_table import format_columns
from tputtui.cli.verb import Verb
from tputtui.recording.run_header import ServiceSummary
from tputtui.recording.run_listing import ListedRun, comparability_key, list_runs, runs_folder
from tputtui.recording.value_codec import to_plain
from tputtui.views.shared.styled_text import sparkline

_TREND_RUNS = 8  # runs in a bar chart of one line
_HEADINGS = (
    "run", "when", "length", "best 60 s", "", "p99", "", "errors", "cpu/req", "",
    "first to saturate", "hottest", "hypothesis", "owner", "verdict", "decision",
)  # fmt: skip
_EXPERIMENT_HEADINGS = (
    "hypothesis", "owner", "verdict", "decision", "first to saturate", "hottest function", "runs", "newest run",
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui runs`."""
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="where they are ($XDG_STATE_HOME/tputtui/runs)"
    )
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="text, markdown (a team's backlog) or json",
    )


def run(arguments: Arguments) -> int:
    """List the runs."""
    options = arguments.options
    where = Path(options.folder) if options.folder else runs_folder()
    shown = text.clean(str(where), 200)
    try:
        found = list_runs(where)
    except FileNotFoundError:
        if options.folder:
            raise UsageError(f"{shown}: there is no such folder") from None
        found = []
    except OSError as error:
        raise UsageError(f"{shown}: {(error.strerror or str(error)).lower()}") from None
    known = experiment_index.list_experiments(where, found)
    if options.format == "json":
        for one in found:
            print_stdout(
                json.dumps(_run_object(one, known), allow_nan=False, separators=(",", ":"))
            )
        return 0
    rows = [_run_row(one, like_it, known) for one, like_it in _with_comparable(found)]
    plain = effective_settings(arguments).settings.ascii
    if options.format == "markdown":
        print_stdout("\n".join(_backlog_lines(rows, known)), plain)
    elif not rows:
        print_stdout(
            f"no runs in {shown}: R in the live screen, or tputtui record -o NAME.tput.gz, makes one",
            plain,
        )
    else:
        sound = [row for row, one in zip(rows, found, strict=True) if not one.problem]
        if sound:
            print_stdout("\n".join(format_columns([_HEADINGS, *sound], max_width=34)), plain)
        for one in found:
            if one.problem:
                print_stdout(f"{text.clean(one.path.name, 100)}: {one.problem}", plain)
    return 0


def _run_row(
    listed_run: ListedRun, comparable: Sequence[ServiceSummary], entries: Sequence[ExperimentEntry]
) -> tuple[str, ...]:
    name = text.clean(listed_run.path.name.removesuffix(".tput.gz"), 60)
    header, summary, service = listed_run.header, listed_run.summary, listed_run.service
    if header is None or summary is None:
        return (name, listed_run.problem, *([""] * (len(_HEADINGS) - 2)))
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(header.began_time))
    length = text.format_duration(summary.seconds) + (" +" if listed_run.end_description else "")
    best = p99 = errors = cost = ""
    trends = ["", "", ""]
    if service is not None:
        level = service.best_60s if service.best_60s is not None else service.mean
        best = " ".join(text.format_amount(level, service.unit)) + (
            "" if service.best_60s is not None else " (mean)"
        )
        tail = service.quantiles.get("0.99")
        p99 = (
            " ".join(text.format_amount(tail, service.latency_unit))
            if tail is not None
            else text.UNKNOWN
        )
        ratio = service.error_ratio
        errors = f"{text.format_percent(100 * ratio)} %" if ratio is not None else text.UNKNOWN
        spent = service.cpu_per_request_s
        cost = " ".join(text.format_seconds(spent)) if spent is not None else text.UNKNOWN
        rate = "best_60s" if service.best_60s is not None else "mean"
        trends = [
            sparkline([getattr(each, rate) for each in comparable]),
            sparkline([each.quantiles.get("0.99") for each in comparable]),
            sparkline([each.cpu_per_request_s for each in comparable]),
        ]
    plan = header.experiment
    hypothesis = plan.get("hypothesis") or plan.get("title") or header.note
    result = experiment_index.latest_result(listed_run, entries)
    mine = next((entry for entry in entries if listed_run in entry.runs), None)
    decision = (mine.plan.texts.get("decision") if mine is not None else None) or plan.get(
        "decision", ""
    )
    return (
        name, when, length, best, trends[0], p99, trends[1], errors, cost, trends[2],
        summary.first, summary.hottest, hypothesis, plan.get("owner", ""),
        result.verdict_text if result is not None else "", decision,
    )  # fmt: skip


def _with_comparable(
    runs: Sequence[ListedRun],
) -> Iterator[tuple[ListedRun, Sequence[ServiceSummary]]]:
    """Yield each run with its service in the comparable runs up to it.

    Runs cut out of another run are excluded, because their data are already present.
    """
    before: dict[tuple[object, ...], list[ServiceSummary]] = {}
    for one in runs:
        if one.header is None or one.service is None:
            yield one, ()
            continue
        known = before.setdefault((one.service.name, *comparability_key(one.header)), [])
        yield one, (*known[1 - _TREND_RUNS :], one.service)
        if one.header.cut_from is None:
            known.append(one.service)


def _backlog_lines(rows: Sequence[Sequence[str]], entries: Sequence[ExperimentEntry]) -> list[str]:
    """Return a backlog: a line for each experiment, then one for each run."""
    listed_runs = _markdown_table(_HEADINGS, rows)
    if not entries:
        return listed_runs
    experiments = _markdown_table(
        _EXPERIMENT_HEADINGS, [_experiment_row(entry) for entry in entries]
    )
    return ["## Experiments", "", *experiments, "", "## Runs", "", *listed_runs]


def _experiment_row(entry: ExperimentEntry) -> tuple[str, ...]:
    texts = entry.plan.texts
    newest = entry.runs[-1] if entry.runs else None
    when = ""
    if newest is not None and newest.header is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(newest.header.began_time))
    told = [run.summary for run in reversed(entry.runs) if run.summary is not None]
    first = next((one.first for one in told if one.first), "")
    hottest = next((one.hottest for one in told if one.hottest), "")
    count = str(len(entry.runs)) if entry.runs else ""
    hypothesis = texts.get("hypothesis") or entry.plan.name
    return (
        hypothesis, texts.get("owner", ""), entry.state, texts.get("decision", ""), first, hottest, count, when,
    )  # fmt: skip


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return (
            "| "
            + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
            + " |"
        )

    return [line(headings), line(["---"] * len(headings)), *map(line, rows)]


def _run_object(listed_run: ListedRun, entries: Sequence[ExperimentEntry]) -> dict[str, object]:
    header = listed_run.header
    if header is None:
        return {"path": str(listed_run.path), "problem": listed_run.problem}
    result = experiment_index.latest_result(listed_run, entries)
    return {
        "path": str(listed_run.path),
        "bytes": listed_run.size,
        "began": header.began_time,
        "interval_s": header.interval_s,
        "ended": listed_run.end_description or None,
        "note": header.note or None,
        "experiment": dict(header.experiment),
        "verdict": None
        if result is None
        else {
            "verdict": result.verdict,
            "verified": result.is_verified,
            "figure": result.figure,
            "date": result.date.isoformat(),
        },
        "environment": dict(header.environment),
        "summary": to_plain(listed_run.summary),
    }


VERB = Verb(add_options, run, common_flags=(common_flags.ASCII,))
