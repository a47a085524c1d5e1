"""`tputtui experiment new FILE`: write a plan to complete before anything is measured."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tputtui.cli import comparison_inputs, sample_size
from tputtui.cli.output import print_stderr, print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.verb import Verb
from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.plan import render_template
from tputtui.text import clean


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui experiment`."""
    parser.add_argument("action", choices=("new",), metavar="new", help="write the template")
    parser.add_argument("file", metavar="FILE", help="where to, such as experiment.toml")
    parser.add_argument(
        "--pilot",
        metavar="RUN",
        help="a run of the unchanged code: it says how long each arm must be",
    )
    parser.add_argument(
        "--detect", metavar="PERCENT", help="with --pilot: the effect to be found (the margin)"
    )
    parser.add_argument(
        "--primary", metavar="METRIC", help="what decides, such as p99 (throughput)"
    )
    parser.add_argument(
        "--history",
        metavar="RUN",
        action="append",
        default=[],
        help="with --pilot: how much equal runs differ",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def run(arguments: Arguments) -> int:
    """Write the template; with a pilot run, with the required duration of each arm."""
    options = arguments.options
    path, shown = Path(options.file), clean(options.file)
    if path.exists() and not options.force:
        raise UsageError(f"{shown} exists: --force overwrites it")
    written = _render_plan(options)
    try:
        with path.open("w" if options.force else "x", encoding="utf-8") as file:
            file.write(written)
    except FileExistsError:
        raise UsageError(f"{shown} exists: --force overwrites it") from None
    except (OSError, ValueError) as error:
        reason = (
            error.strerror.lower()
            if isinstance(error, OSError) and error.strerror
            else "that is no path"
        )
        raise UsageError(f"{shown}: it cannot be written: {reason}") from None
    print_stdout(
        f"{shown} is written: fill it in, then record with --experiment {shown} and compare with --experiment {shown}"
    )
    return 0


def _render_plan(options: argparse.Namespace) -> str:
    primary = sample_size.parse_metric(options.primary)
    if options.pilot is None:
        if options.detect is not None or options.history:
            raise UsageError(
                "--detect and --history belong to --pilot RUN: what is to be found depends on the noise"
            )
        return render_template(primary=primary or "throughput")
    context = ComparisonContext(primary=primary)
    detect = sample_size.target_effect(options.detect, context)
    sample_size.require_statistics("experiment new --pilot")
    context = sample_size.with_history(
        context, [comparison_inputs.load_side(word) for word in options.history]
    )
    found = sample_size.compute_power(options.pilot, detect, context)
    from tputtui.report.power_report import render_text

    said = render_text(found)
    for line in said.splitlines():
        print_stderr(line)
    in_pairs = math.inf if found.pairs is None else 2 * found.pairs * found.pair_seconds
    at_once = math.inf if found.seconds is None else 2 * found.seconds
    if min(in_pairs, at_once) == math.inf:
        raise UsageError(
            f"{clean(options.pilot)}: no affordable length finds that: a larger --detect, or a calmer machine"
        )
    said = f"By {clean(options.pilot)}. {said}"
    if found.pairs is not None and in_pairs < at_once:
        return render_template(
            said, _format_duration(found.pair_seconds), found.pairs, found.metric
        )
    return render_template(said, _format_duration(found.seconds or 0.0), 1, found.metric)


def _format_duration(seconds: float) -> str:
    """Format a forecast in whole minutes, unless it is shorter than that."""
    return f"{math.ceil(seconds / 60)}m" if seconds >= 120 else f"{math.ceil(seconds)}s"


VERB = Verb(add_options, run)
