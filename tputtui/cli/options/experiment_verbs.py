"""Verbs for experiments: compare runs, and plan a comparison."""

from __future__ import annotations

import argparse

from tputtui.cli.options import common
from tputtui.cli.options.verb import Verb

_COMPARE_EPILOG = """\
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


def _add_compare_options(parser: argparse.ArgumentParser) -> None:
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


def _add_experiment_options(parser: argparse.ArgumentParser) -> None:
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


VERBS = (
    Verb(
        "compare",
        "is the candidate better than the baseline, by how much, how sure",
        _add_compare_options,
        (common.ASCII,),
        _COMPARE_EPILOG,
    ),
    Verb(
        "experiment",
        "write a plan to fill in: hypothesis, change, what decides, how long",
        _add_experiment_options,
    ),
)
