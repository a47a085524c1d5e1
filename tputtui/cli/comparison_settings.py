"""Settings of a comparison: context file, plan and flags merged; the verdicts that fail it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tputtui.cli import comparison_inputs
from tputtui.cli.parser import UsageError
from tputtui.experiments.comparison_context import (
    ComparisonContext,
    ContextError,
    parse_context,
    parse_margin,
)
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import VERDICTS
from tputtui.text import clean, did_you_mean

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
