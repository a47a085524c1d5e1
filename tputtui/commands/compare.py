"""`tputtui compare`: is the candidate better than the baseline, by how much, how sure.

The statistics need numpy and scipy (the extra `compare`). They are loaded here and nowhere else: a comparison is a
process of its own, and what else needs one starts this command.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.commands import sides
from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.effective import effective
from tputtui.commands.terminal import tell
from tputtui.experiments.context import Context, ContextError, parse_context, parse_margin
from tputtui.experiments.outcome import EXIT_CODES, VERDICTS, Comparison
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
    context = _context(options)
    _check(options)
    if any(importlib.util.find_spec(name) is None for name in ("numpy", "scipy")):
        raise UsageError(_INSTALL)
    baseline, candidate = sides.load(options.baseline), sides.load(options.candidate)
    context = replace(
        context,
        env_a={**baseline.environment, **context.env_a},
        env_b={**candidate.environment, **context.env_b},
    )
    from tputtui.experiments.statistics.compare import compare

    answer = compare(baseline.rows, candidate.rows, context, absolute_times=baseline.absolute and candidate.absolute)
    code = EXIT_CODES[answer.verdict] if answer.verdict in fails else 0
    names = {"baseline": clean(options.baseline), "candidate": clean(options.candidate)}
    plain = effective(arguments).settings.ascii and options.format == "text"
    _deliver(_report(options.format, answer, names, code), options, plain)
    return code


def _check(options: argparse.Namespace) -> None:
    """Complain about the command line before anything dear is done."""
    if options.candidate is None:
        raise UsageError("compare takes two sides: tputtui compare BASELINE CANDIDATE")
    if options.output and os.path.exists(options.output) and not options.force:
        raise UsageError(f"{clean(options.output)} exists: --force overwrites it")


def _fails(text: str | None) -> tuple[str, ...]:
    if text is None:
        return _DEFAULT_FAILS
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in VERDICTS:
            hint = did_you_mean(word, VERDICTS)
            raise UsageError(f"--fail-on: {clean(word, 40)!r} is no verdict{hint}; there are {', '.join(VERDICTS)}")
    return words


def _context(options: argparse.Namespace) -> Context:
    """The context file with the flags laid over it."""
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
    return replace(context, design=options.design or context.design, margins={**context.margins, **margins})


def _report(format_: str, answer: Comparison, names: Mapping[str, str], code: int) -> str:
    if format_ == "json":
        from tputtui.experiments.report.document import document

        return json.dumps(document(answer, code, names), indent=2, allow_nan=False)
    from tputtui.experiments.report.text import text

    return text(answer, names)


def _deliver(report: str, options: argparse.Namespace, plain: bool) -> None:
    if not options.output:
        tell(report, plain)
        return
    try:
        Path(options.output).write_text(report + "\n", encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{clean(options.output)}: it cannot be written: {reason}") from None
