"""`tputtui compare`: is the candidate better than the baseline, by how much, how sure.

The statistics need numpy and scipy (the extra `compare`). They are loaded here and nowhere else: a comparison is a
process of its own, and what else needs one starts this command.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.commands import sides
from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.effective import effective
from tputtui.commands.sides import Side
from tputtui.commands.terminal import tell
from tputtui.experiments.context import Context, ContextError, parse_context, parse_margin
from tputtui.experiments.outcome import EXIT_CODES, VERDICTS, Comparison
from tputtui.experiments.plan import Experiment, PlanError, parse_experiment
from tputtui.experiments.report.record import Record
from tputtui.text import clean, did_you_mean

if TYPE_CHECKING:
    import argparse

_INSTALL = (
    "compare needs numpy and scipy (170 MB), which are not installed: pip install 'tputtui[compare]' "
    "(with pipx: pipx inject tputtui numpy scipy)"
)
_DEFAULT_FAILS = ("regressed", "inconclusive", "not_comparable")


def run(arguments: Arguments) -> int:
    """Compare, report, and return the verdict's exit code."""
    options = arguments.options
    fails = _fails(options.fail_on)
    plan = _plan(options.experiment)
    context = _context(options, plan)
    detect = _detect(options.detect, context)
    _check(options)
    if any(importlib.util.find_spec(name) is None for name in ("numpy", "scipy")):
        raise UsageError(_INSTALL)
    plain = effective(arguments).settings.ascii and options.format == "text"
    context = _with_history(context, [sides.load(word) for word in options.history])
    if options.power is not None:
        _deliver(_power(options, detect, context), options, plain)
        return 0
    baseline, candidate = sides.load(options.baseline), sides.load(options.candidate)
    context = _between(context, baseline, candidate)
    answer = _answer(options, baseline, candidate, context)
    code = EXIT_CODES[answer.verdict] if answer.verdict in fails else 0
    record = Record(
        {"baseline": clean(options.baseline), "candidate": clean(options.candidate)},
        plan,
        (baseline.rows, candidate.rows),
        (context.env_a, context.env_b),
        *_profiles(baseline, candidate),
    )
    _deliver(_report(options.format, answer, record, code), options, plain)
    return code


def _answer(options: argparse.Namespace, baseline: Side, candidate: Side, context: Context) -> Comparison:
    """One pair, several interleaved ones, or one with its strata."""
    from tputtui.experiments.statistics.compare import compare
    from tputtui.experiments.statistics.pairs import compare_pairs
    from tputtui.experiments.statistics.strata import verified

    if options.pair:
        more = [(sides.load(a).rows, sides.load(b).rows) for a, b in options.pair]
        first = compare_pairs([(baseline.rows, candidate.rows), *more], context)
    else:
        absolute = baseline.absolute and candidate.absolute
        first = compare(baseline.rows, candidate.rows, context, absolute_times=absolute)
    if not options.stratum:
        return first
    others = []
    for name, a, b in options.stratum:
        before, after = sides.load(a), sides.load(b)
        absolute = before.absolute and after.absolute
        one = compare(before.rows, after.rows, _between(context, before, after), absolute_times=absolute)
        others.append((clean(name, 60), one))
    return verified(first, others)


def _profiles(baseline: Side, candidate: Side) -> tuple[str, tuple[str, ...]]:
    """The flame graph of the difference and what it says, where both runs hold a profile."""
    before, after = sides.profile_of(baseline), sides.profile_of(candidate)
    if before is None or after is None:
        return "", ()
    from tputtui.profiling import flame_diff

    return flame_diff.svg(before, after), tuple(flame_diff.sentences(before, after))


def _power(options: argparse.Namespace, detect: float, context: Context) -> str:
    from tputtui.experiments.report.power import document, text
    from tputtui.experiments.statistics.planning import plan

    try:
        found = plan(sides.load(options.power).rows, detect, context)
    except ValueError as error:
        raise UsageError(f"{clean(options.power)}: {error}") from None
    return json.dumps(document(found), indent=2, allow_nan=False) if options.format == "json" else text(found)


def _between(context: Context, baseline: Side, candidate: Side) -> Context:
    """The context with what the sides themselves know of where they were taken."""
    return replace(
        context,
        env_a={**baseline.environment, **context.env_a},
        env_b={**candidate.environment, **context.env_b},
    )


def _with_history(context: Context, runs: Sequence[Side]) -> Context:
    if not runs:
        return context
    from tputtui.experiments.statistics.planning import figures

    each = [figures(run.rows) for run in runs]
    named = {name: tuple(one[name] for one in each if name in one) for name in ("p50", "p90", "p99")}
    rates = tuple(one["throughput"] for one in each if one["throughput"] > 0)
    return replace(context, aa_history_rps=(*context.aa_history_rps, *rates), aa_history=named)


def _check(options: argparse.Namespace) -> None:
    """Complain about the command line before anything dear is done."""
    if options.power is None and options.candidate is None:
        raise UsageError("compare takes two sides: tputtui compare BASELINE CANDIDATE")
    if options.power is not None and options.baseline is not None:
        raise UsageError("--power takes one pilot run, and no sides to compare")
    if options.output and os.path.exists(options.output) and not options.force:
        raise UsageError(f"{clean(options.output)} exists: --force overwrites it")


def _detect(text: str | None, context: Context) -> float:
    """The effect to plan for, as a ratio; the margin of the throughput where none was named."""
    if text is None:
        return context.margin("throughput")
    try:
        return parse_margin(f"throughput={text}")[1]
    except ContextError:
        raise UsageError(f"--detect: {clean(text, 40)!r} is no effect, such as 5%") from None


def _plan(path: str | None) -> Experiment:
    if path is None:
        return Experiment()
    try:
        return parse_experiment(sides.content_of(path).decode())
    except (PlanError, UnicodeDecodeError) as error:
        raise UsageError(f"{clean(path)}: {error if isinstance(error, PlanError) else 'it is no text'}") from None


def _fails(text: str | None) -> tuple[str, ...]:
    if text is None:
        return _DEFAULT_FAILS
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in VERDICTS:
            hint = did_you_mean(word, VERDICTS)
            raise UsageError(f"--fail-on: {clean(word, 40)!r} is no verdict{hint}; there are {', '.join(VERDICTS)}")
    return words


def _context(options: argparse.Namespace, plan: Experiment) -> Context:
    """The context file, the plan over it, the flags over both."""
    value: object = {}
    where = "--context"
    if options.context is not None:
        where = clean(options.context)
        try:
            value = json.loads(sides.content_of(options.context))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: it is no JSON: {clean(str(error), 100)}") from None
    try:
        context = parse_context(value)
    except ContextError as error:
        raise UsageError(f"{where}: {error}") from None
    try:
        margins = dict(parse_margin(text) for text in options.margin)
    except ContextError as error:
        raise UsageError(f"--margin: {error}") from None
    return replace(
        context,
        design=options.design or context.design,
        margins={**context.margins, **plan.margins, **margins},
        primary=plan.primary or context.primary,
        declared_change=(*context.declared_change, *plan.declared_change),
    )


def _report(format_: str, answer: Comparison, record: Record, code: int) -> str:
    if format_ == "markdown":
        from tputtui.experiments.report.markdown import markdown

        return markdown(answer, record)
    if format_ == "text":
        from tputtui.experiments.report.text import text

        return text(answer, record)
    from tputtui.experiments.report.document import document

    raw = document(answer, code, record.sides)
    if format_ == "json":
        return json.dumps(raw, indent=2, allow_nan=False)
    from tputtui.experiments.report.html import html

    return html(answer, record, raw)


def _deliver(report: str, options: argparse.Namespace, plain: bool) -> None:
    if not options.output:
        tell(report, plain)
        return
    try:
        Path(options.output).write_text(report + "\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{clean(options.output)}: it cannot be written: {reason}") from None
