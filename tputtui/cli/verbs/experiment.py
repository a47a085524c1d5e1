"""`tputtui experiment new FILE`: write a plan to complete before anything is measured."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tputtui.cli.output import print_stderr, print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.verbs import Verb
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
    plan = _render_plan(options)
    try:
        with path.open("w" if options.force else "x", encoding="utf-8") as file:
            file.write(plan)
    except FileExistsError:
        raise UsageError(f"{shown} exists: --force overwrites it") from None
    except (OSError, ValueError) as error:
        reason = "that is no path"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror.lower()
        raise UsageError(f"{shown}: it cannot be written: {reason}") from None
    print_stdout(
        f"{shown} is written: fill it in, then record with --experiment {shown} "
        f"and compare with --experiment {shown}"
    )
    return 0


def _render_plan(options: argparse.Namespace) -> str:
    from tputtui.cli import comparison_setup
    from tputtui.experiments.plan import render_template

    primary = comparison_setup.parse_metric(options.primary)
    if options.pilot is not None:
        return _render_plan_of_pilot(options, primary)
    if options.detect is not None or options.history:
        raise UsageError(
            "--detect and --history belong to --pilot RUN: what is to be found depends on the noise"
        )
    return render_template(primary=primary or "throughput")


def _render_plan_of_pilot(options: argparse.Namespace, primary: str | None) -> str:
    """Render the plan with the shorter of two designs: one pair, or several interleaved."""
    from tputtui.cli import comparison_inputs, comparison_setup
    from tputtui.experiments.comparison_context import ComparisonContext
    from tputtui.experiments.plan import render_template
    from tputtui.report import power_report

    context = ComparisonContext(primary=primary)
    target_effect = comparison_setup.target_effect(options.detect, context)
    comparison_setup.require_statistics("experiment new --pilot")
    history = [comparison_inputs.load_side(argument) for argument in options.history]
    context = comparison_setup.with_history(context, history)
    power = comparison_setup.compute_power(options.pilot, target_effect, context)
    requirements = power_report.render_text(power)
    for line in requirements.splitlines():
        print_stderr(line)
    in_pairs = math.inf if power.pairs is None else 2 * power.pairs * power.pair_seconds
    in_one_pair = math.inf if power.seconds is None else 2 * power.seconds
    pilot = clean(options.pilot)
    if min(in_pairs, in_one_pair) == math.inf:
        raise UsageError(
            f"{pilot}: no affordable length finds that: a larger --detect, or a calmer machine"
        )
    origin = f"By {pilot}. {requirements}"
    if power.pairs is not None and in_pairs < in_one_pair:
        duration = _format_duration(power.pair_seconds)
        return render_template(origin, duration, power.pairs, power.metric)
    return render_template(origin, _format_duration(power.seconds or 0.0), 1, power.metric)


def _format_duration(seconds: float) -> str:
    """Format a forecast in whole minutes, unless it is shorter than that."""
    return f"{math.ceil(seconds / 60)}m" if seconds >= 120 else f"{math.ceil(seconds)}s"


VERB = Verb(add_options, run)
