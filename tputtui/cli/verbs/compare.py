"""`tputtui compare`: compare a candidate with a baseline.

The statistics need numpy and scipy (the extra `compare`), which are loaded only here: a comparison
is a separate process, and other callers start this command.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb
from tputtui.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tputtui.cli.comparison_setup import Arms
    from tputtui.experiments.comparison_context import ComparisonContext
    from tputtui.experiments.plan import ExperimentPlan
    from tputtui.report import ReportFormat
    from tputtui.report.report_input import ReportInput

_EPILOG = """\
a side:
  before.csv                a table: t,rps,err_ratio,p50,p90,p99,cpu
  run.tput.gz               a recorded run
  run.tput.gz@deploy..end   from a moment to another: a mark, +90s, or nothing
  run.tput.gz:api           one of its services

examples:
  tputtui compare before.tput.gz after.tput.gz
  tputtui compare a1.csv b1.csv --pair a2.csv b2.csv --pair a3.csv b3.csv
  tputtui compare before.csv after.csv --context context.json --format json
  tputtui compare a.tput.gz b.tput.gz --stratum "load 800" a2.tput.gz b2.tput.gz
  tputtui compare --power before.tput.gz --detect 5%

Runs that were recorded for the same experiment bring its plan along.

Exit codes: 0 improved or equivalent, 10 regressed, 11 inconclusive,
12 not comparable, 1 failed, 2 usage."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui compare`."""
    from tputtui.report import FORMATS

    default_format = next(iter(FORMATS))
    parser.add_argument("baseline", metavar="BASELINE", nargs="?", help="the side to compare with")
    parser.add_argument(
        "candidate", metavar="CANDIDATE", nargs="?", help="the side that was changed"
    )
    parser.add_argument(
        "--pair",
        metavar=("A", "B"),
        nargs=2,
        action="append",
        default=[],
        help="one more interleaved pair",
    )
    parser.add_argument(
        "--stratum",
        metavar=("NAME", "A", "B"),
        nargs=3,
        action="append",
        default=[],
        help="the same change elsewhere: another load level, or an outage (named so)",
    )
    parser.add_argument(
        "--history",
        metavar="RUN",
        action="append",
        default=[],
        help="a run of unchanged code: how much runs differ",
    )
    parser.add_argument(
        "--experiment",
        metavar="FILE",
        help="the plan (tputtui experiment new): margins, primary, change, strata; "
        "what is found is appended to it",
    )
    parser.add_argument(
        "--design", choices=("sequential", "concurrent", "baseline"), help="how the arms were run"
    )
    parser.add_argument(
        "--context", metavar="FILE", help="JSON: environments, declared change, history, margins"
    )
    parser.add_argument(
        "--margin",
        metavar="METRIC=AMOUNT",
        action="append",
        default=[],
        help="the least effect of interest: throughput=2%%, p99=10%%, error_ratio=0.1pp",
    )
    parser.add_argument(
        "--fail-on",
        metavar="VERDICT[,VERDICT]",
        help="end with 0 on every verdict but these (regressed,inconclusive)",
    )
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default=default_format, help=f"({default_format})"
    )
    parser.add_argument(
        "-o", metavar="FILE", dest="output", help="write the report there instead of to stdout"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    parser.add_argument(
        "--power", metavar="RUN", help="how long each arm must be, judged by this pilot run"
    )
    parser.add_argument(
        "--detect", metavar="PERCENT", help="with --power: the effect to be found (the margin)"
    )


def run(arguments: Arguments) -> int:
    """Compare, report, and return the exit code of the verdict."""
    from tputtui.cli import comparison_inputs, comparison_setup
    from tputtui.experiments.deviations import ExecutedPlan, describe_deviations
    from tputtui.experiments.result import EXIT_CODES
    from tputtui.report.report_input import ComparisonReport

    options = arguments.options
    failing_verdicts = comparison_setup.parse_failing_verdicts(options.fail_on)
    _check_options(options)
    plan = comparison_setup.read_plan(options.experiment)
    margins = comparison_setup.parse_margins(options.margin)
    file_context = comparison_setup.read_context(options.context)
    context = comparison_setup.merge_context(options, file_context, plan, margins)
    target_effect = comparison_setup.target_effect(options.detect, context)
    comparison_setup.require_statistics("compare")
    settings = effective_settings(arguments).settings
    history = [comparison_inputs.load_side(argument) for argument in options.history]
    if options.power is not None:
        context = comparison_setup.with_history(context, history)
        _write_report(_render_power(options, target_effect, context), options, settings.ascii)
        return 0
    first = comparison_setup.load_arms(options.baseline, options.candidate)
    recorded_plan, doubt = comparison_setup.plan_of_runs(*first)
    if options.experiment is None and recorded_plan is not None:
        plan = recorded_plan
        context = comparison_setup.merge_context(options, file_context, plan, margins)
    context = comparison_setup.with_history(context, history)
    pairs = [first, *(comparison_setup.load_arms(*sides) for sides in options.pair)]
    strata = comparison_setup.load_strata(options.stratum)
    comparison = comparison_setup.compare_arms(pairs, strata, context, plan)
    exit_code = EXIT_CODES[comparison.verdict] if comparison.verdict in failing_verdicts else 0
    executed = ExecutedPlan(
        comparison_setup.arm_lengths(pairs, strata),
        len(pairs),
        margins,
        recorded_plan if options.experiment is not None else None,
    )
    deviations = [doubt] if doubt else []
    deviations += describe_deviations(plan, executed, comparison)
    report_input = _report_input(options, plan, context, first, deviations)
    report = ComparisonReport(comparison, report_input, exit_code)
    _write_report(_report_format(options).render(report), options, settings.ascii)
    if options.experiment is not None and not settings.read_only:
        arms = [*pairs, *(arms for _, arms in strata)]
        comparison_setup.append_result(options.experiment, comparison, report_input, arms, history)
    return exit_code


def _check_options(options: argparse.Namespace) -> None:
    """Validate the command line before any expensive work."""
    if options.power is None and options.candidate is None:
        raise UsageError("compare takes two sides: tputtui compare BASELINE CANDIDATE")
    if options.power is not None and options.baseline is not None:
        raise UsageError("--power takes one pilot run, and no sides to compare")
    if options.output and os.path.exists(options.output) and not options.force:
        raise UsageError(f"{clean(options.output)} exists: --force overwrites it")


def _report_input(
    options: argparse.Namespace,
    plan: ExperimentPlan,
    context: ComparisonContext,
    arms: Arms,
    deviations: Sequence[str],
) -> ReportInput:
    """Return what the report shows beside the comparison of the first pair of arms."""
    from tputtui.cli import comparison_setup
    from tputtui.report.report_input import ReportInput

    baseline, candidate = arms
    context = comparison_setup.with_environments(context, baseline, candidate)
    flame_graph, profile_changes = comparison_setup.profile_difference(baseline, candidate)
    return ReportInput(
        sides={"baseline": clean(options.baseline), "candidate": clean(options.candidate)},
        plan=plan,
        rows=(baseline.rows, candidate.rows),
        environments=(context.baseline_env, context.candidate_env),
        workloads=(baseline.workload, candidate.workload),
        saturation=comparison_setup.resource_comparisons(baseline, candidate),
        first_to_saturate=(baseline.first_to_saturate, candidate.first_to_saturate),
        identities=(baseline.identity, candidate.identity),
        history=tuple(clean(argument) for argument in options.history),
        deviations=tuple(deviations),
        earlier_results=comparison_setup.earlier_results(options.experiment),
        flame_graph=flame_graph,
        profile_changes=profile_changes,
    )


def _render_power(
    options: argparse.Namespace, target_effect: float, context: ComparisonContext
) -> str:
    from tputtui.cli import comparison_setup
    from tputtui.report import power_report

    power = comparison_setup.compute_power(options.power, target_effect, context)
    if options.format == "json":
        return json.dumps(power_report.build_document(power), indent=2, allow_nan=False)
    return power_report.render_text(power)


def _report_format(options: argparse.Namespace) -> ReportFormat:
    from tputtui.report import FORMATS

    return FORMATS[options.format]


def _write_report(report: str, options: argparse.Namespace, as_ascii: bool) -> None:
    if not options.output:
        print_stdout(report, as_ascii and _report_format(options).is_for_terminal)
        return
    try:
        Path(options.output).write_text(report + "\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{clean(options.output)}: it cannot be written: {reason}") from None


VERB = Verb(add_options, run, common_flags=(options.ASCII,), epilog=_EPILOG)
