"""`tputtui compare`: compare a candidate with a baseline.

The statistics need numpy and scipy (the extra `compare`), which are loaded only here: a comparison
is a separate process, and other callers start this command.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import comparison_inputs, comparison_plan, sample_size
from tputtui.cli.comparison_inputs import ComparisonSide
from tputtui.cli.options import common_flags
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verb import Verb
from tputtui.experiments.comparison_context import (
    ComparisonContext,
    ContextError,
    parse_context,
    parse_margin,
)
from tputtui.experiments.deviations import ExecutedPlan, describe_deviations
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import EXIT_CODES, VERDICTS, Comparison
from tputtui.report.report_input import ReportInput, ResourceComparison, ResourceUse
from tputtui.text import clean, did_you_mean

if TYPE_CHECKING:
    import argparse

Arms = tuple[ComparisonSide, ComparisonSide]
"""Baseline and candidate."""

_DEFAULT_FAILING_VERDICTS = ("regressed", "inconclusive", "not_comparable")


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
        help="the plan (tputtui experiment new): margins, primary, change, strata; what is found is appended to it",
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
        "--format", choices=("text", "markdown", "json", "html"), default="text", help="(text)"
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
    options = arguments.options
    fails = _failing_verdicts(options.fail_on)
    _check_options(options)
    plan = comparison_plan.read_plan(options.experiment)
    asked = _parse_margins(options.margin)
    given = _read_context(options.context)
    context = _merge_context(options, given, plan, asked)
    detect = sample_size.target_effect(options.detect, context)
    sample_size.require_statistics("compare")
    settings = effective_settings(arguments).settings
    plain = settings.ascii and options.format == "text"
    history = [comparison_inputs.load_side(word) for word in options.history]
    if options.power is not None:
        _write_report(
            _power_report(options, detect, sample_size.with_history(context, history)),
            options,
            plain,
        )
        return 0
    first = (
        comparison_inputs.load_side(options.baseline),
        comparison_inputs.load_side(options.candidate),
    )
    recorded, doubt = comparison_plan.plan_of_runs(*first)
    if options.experiment is None and recorded is not None:
        plan = recorded
        context = _merge_context(options, given, plan, asked)
    context = sample_size.with_history(context, history)
    pairs = [
        first,
        *(
            (comparison_inputs.load_side(a), comparison_inputs.load_side(b))
            for a, b in options.pair
        ),
    ]
    strata = [
        (clean(name, 60), (comparison_inputs.load_side(a), comparison_inputs.load_side(b)))
        for name, a, b in options.stratum
    ]
    answer = _compare_arms(pairs, strata, context, plan)
    code = EXIT_CODES[answer.verdict] if answer.verdict in fails else 0
    done = ExecutedPlan(
        _arm_lengths(pairs, strata),
        len(pairs),
        asked,
        recorded if options.experiment is not None else None,
    )
    told = describe_deviations(plan, done, answer)
    context = _with_environments(context, *first)
    record = ReportInput(
        {"baseline": clean(options.baseline), "candidate": clean(options.candidate)},
        plan,
        (first[0].rows, first[1].rows),
        (context.baseline_env, context.candidate_env),
        (first[0].workload, first[1].workload),
        _resource_comparisons(*first),
        (first[0].first_to_saturate, first[1].first_to_saturate),
        (first[0].identity, first[1].identity),
        tuple(clean(word) for word in options.history),
        (*((doubt,) if doubt else ()), *told),
        comparison_plan.earlier_results(options.experiment),
        *_profile_difference(*first),
    )
    _write_report(_render_report(options.format, answer, record, code), options, plain)
    if options.experiment is not None and not settings.read_only:
        comparison_plan.append_result(
            options.experiment, answer, record, [*pairs, *(arms for _, arms in strata)], history
        )
    return code


def _compare_arms(
    pairs: Sequence[Arms],
    strata: Sequence[tuple[str, Arms]],
    context: ComparisonContext,
    plan: ExperimentPlan,
) -> Comparison:
    """Compare one pair or several interleaved pairs, with their strata."""
    from tputtui.experiments.statistics.comparison import compare
    from tputtui.experiments.statistics.pairs import RunPair, compare_pairs
    from tputtui.experiments.statistics.strata import verify_uplift

    def pair(baseline: ComparisonSide, candidate: ComparisonSide) -> RunPair:
        absolute = baseline.is_unix_time and candidate.is_unix_time
        return RunPair(
            baseline.rows,
            candidate.rows,
            _with_environments(context, baseline, candidate),
            absolute,
        )

    def alone(one: RunPair) -> Comparison:
        return compare(
            one.baseline, one.candidate, one.context, has_absolute_times=one.has_absolute_times
        )

    first = (
        compare_pairs([pair(*arms) for arms in pairs]) if len(pairs) > 1 else alone(pair(*pairs[0]))
    )
    if not strata:
        return first
    return verify_uplift(first, [(name, alone(pair(*arms))) for name, arms in strata], plan)


def _arm_lengths(
    pairs: Sequence[Arms], strata: Sequence[tuple[str, Arms]]
) -> list[tuple[str, float]]:
    """Return the name and duration of every arm."""
    named = [
        (f"pair {number}" if len(pairs) > 1 else "", arms)
        for number, arms in enumerate(pairs, start=1)
    ]
    found = []
    for name, arms in (*named, *strata):
        for arm, side in zip(("baseline", "candidate"), arms, strict=True):
            found.append((f"the {arm} of {name}" if name else f"the {arm}", side.rows.seconds))
    return found


def _resource_comparisons(
    baseline: ComparisonSide, candidate: ComparisonSide
) -> tuple[ResourceComparison, ...]:
    """Return each resource in both arms, ordered by the higher use."""
    levels = [
        {one.name: ResourceUse(one.mean, one.highest, one.waiting) for one in side.resources}
        for side in (baseline, candidate)
    ]
    names = dict.fromkeys((*levels[0], *levels[1]))
    found = [
        ResourceComparison(
            name, levels[0].get(name, ResourceUse()), levels[1].get(name, ResourceUse())
        )
        for name in names
    ]
    return tuple(
        sorted(found, key=lambda one: -max(one.baseline.mean or 0.0, one.candidate.mean or 0.0))
    )


def _profile_difference(
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


def _power_report(
    options: argparse.Namespace, target_effect: float, context: ComparisonContext
) -> str:
    from tputtui.report.power_report import build_document, render_text

    found = sample_size.compute_power(options.power, target_effect, context)
    return (
        json.dumps(build_document(found), indent=2, allow_nan=False)
        if options.format == "json"
        else render_text(found)
    )


def _with_environments(
    context: ComparisonContext, baseline: ComparisonSide, candidate: ComparisonSide
) -> ComparisonContext:
    """Return the context with the environments recorded by the sides themselves."""
    return replace(
        context,
        baseline_env={**baseline.environment, **context.baseline_env},
        candidate_env={**candidate.environment, **context.candidate_env},
    )


def _check_options(options: argparse.Namespace) -> None:
    """Validate the command line before any expensive work."""
    if options.power is None and options.candidate is None:
        raise UsageError("compare takes two sides: tputtui compare BASELINE CANDIDATE")
    if options.power is not None and options.baseline is not None:
        raise UsageError("--power takes one pilot run, and no sides to compare")
    if options.output and os.path.exists(options.output) and not options.force:
        raise UsageError(f"{clean(options.output)} exists: --force overwrites it")


def _failing_verdicts(text: str | None) -> tuple[str, ...]:
    if text is None:
        return _DEFAULT_FAILING_VERDICTS
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in VERDICTS:
            hint = did_you_mean(word, VERDICTS)
            raise UsageError(
                f"--fail-on: {clean(word, 40)!r} is no verdict{hint}; there are {', '.join(VERDICTS)}"
            )
    return words


def _read_context(path: str | None) -> ComparisonContext:
    """Read the context file."""
    if path is None:
        return ComparisonContext()
    where = clean(path)
    try:
        return parse_context(json.loads(comparison_inputs.read_content(path)))
    except ContextError as error:
        raise UsageError(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: it is no JSON: {clean(str(error), 100)}") from None


def _parse_margins(arguments: Sequence[str]) -> dict[str, float]:
    try:
        return dict(parse_margin(text) for text in arguments)
    except ContextError as error:
        raise UsageError(f"--margin: {error}") from None


def _merge_context(
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


def _render_report(
    format_: str, comparison: Comparison, report_input: ReportInput, exit_code: int
) -> str:
    if format_ == "markdown":
        from tputtui.report.markdown_report import render_markdown

        return render_markdown(comparison, report_input)
    if format_ == "text":
        from tputtui.report.text_report import render_text

        return render_text(comparison, report_input)
    from tputtui.report.json_report import build_document

    raw = build_document(comparison, exit_code, report_input)
    if format_ == "json":
        return json.dumps(raw, indent=2, allow_nan=False)
    from tputtui.report.html_report import render_html

    return render_html(comparison, report_input, raw)


def _write_report(report: str, options: argparse.Namespace, as_ascii: bool) -> None:
    if not options.output:
        print_stdout(report, as_ascii)
        return
    try:
        Path(options.output).write_text(report + "\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{clean(options.output)}: it cannot be written: {reason}") from None


VERB = Verb(add_options, run, common_flags=(common_flags.ASCII,), epilog=_EPILOG)
