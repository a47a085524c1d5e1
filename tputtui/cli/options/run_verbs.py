"""Verbs for runs: record, replay, list and export."""

from __future__ import annotations

import argparse

from tputtui.cli.options import argument_types, common
from tputtui.cli.options.verb import Verb
from tputtui.cli.options.watch_verbs import add_baseline_option, add_target_arguments

_RECORD_EPILOG = """\
The run is one file: --for, ^C or SIGTERM close it (exit code 0), kill -9 leaves
it readable. Exit code 10: an objective was missed, or it was aborted; 1: it was
not written to its end. The rules of --abort: docs/objectives.md."""


def _add_record_options(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    parser.add_argument(
        "-o", metavar="RUN", dest="output", required=True, help="the file, such as before.tput.gz"
    )
    parser.add_argument("--force", action="store_true", help="overwrite RUN")
    parser.add_argument(
        "--for",
        metavar="DURATION",
        dest="duration",
        type=argument_types.positive_duration,
        help="end after that time",
    )
    parser.add_argument(
        "--like",
        metavar="RUN",
        help="targets, interval, duration and objectives of that run; says if the load was too",
    )
    parser.add_argument(
        "--all-metrics", action="store_true", help="every metric, not only those that are shown"
    )
    parser.add_argument(
        "--profile",
        metavar="WHAT",
        type=argument_types.sampling_schedule,
        help="PID@60s or :PORT@60s, and again every 5 min: :8000@60s/5m",
    )
    parser.add_argument(
        "--mark",
        metavar="[T=]TEXT",
        type=argument_types.mark_spec,
        action="append",
        default=[],
        help="a mark: at the start, or +90s=TEXT",
    )
    parser.add_argument(
        "--mark-file",
        metavar="FILE",
        help='marks as they are appended to it: "TIME TEXT" lines; - is stdin',
    )
    parser.add_argument("--note", metavar="TEXT", default="", help="what the run is about")
    parser.add_argument(
        "--experiment",
        metavar="FILE",
        help="the experiment it belongs to, TOML: hypothesis, owner, change",
    )
    parser.add_argument(
        "--workload",
        metavar="FILE",
        help="what the load is, TOML: generator, arguments, concurrency",
    )
    parser.add_argument(
        "--fail-after",
        metavar="S",
        type=argument_types.positive_duration,
        help="an objective has to be missed for so long to fail the run",
    )
    parser.add_argument(
        "--abort",
        action="store_true",
        help="end when it has failed, with the evidence as JSON on stdout (exit code 10)",
    )
    parser.add_argument(
        "--control",
        metavar="SERVICE",
        help="what the others are compared with: a service, or a target",
    )
    parser.add_argument(
        "--margin",
        metavar="METRIC=AMOUNT",
        action="append",
        default=[],
        help="with --control, what is not yet worse: throughput=2%%, p99=10%%",
    )
    parser.add_argument(
        "--listen", metavar="ADDR", help="serve what is derived as /metrics: 127.0.0.1:9464"
    )
    parser.add_argument(
        "--limit",
        metavar="SIZE",
        type=argument_types.byte_size,
        help="go on in a new file beyond that: 500MiB",
    )


_REPLAY_EPILOG = """\
keys: space pauses, [ ] { } step, @ goes to a time, 0 to the end, M to a mark;
"," and "." change the speed.
T is +90s from the start, ISO 8601, or the text of a mark."""


def _add_replay_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument("--from", metavar="T", dest="begin", help="where to begin (its start)")
    parser.add_argument(
        "--speed",
        metavar="X",
        type=argument_types.positive_number,
        default=1.0,
        help="play X times as fast, up to 60 (1)",
    )
    add_baseline_option(parser)
    parser.add_argument(
        "--stream", action="store_true", help="no screen: the objects of stream, as fast as it goes"
    )
    parser.add_argument(
        "-n",
        metavar="N",
        type=argument_types.positive_int,
        dest="count",
        help="with --stream: end after N objects",
    )


def _add_runs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="where they are ($XDG_STATE_HOME/tputtui/runs)"
    )
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="text, markdown (a team's backlog) or json",
    )


def _add_export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument(
        "--format",
        choices=("openmetrics", "csv", "json"),
        required=True,
        help="openmetrics: for promtool tsdb create-blocks-from openmetrics; csv: as compare reads it; json: lines",
    )
    parser.add_argument("--service", metavar="NAME", help="csv: only that service")
    parser.add_argument("-o", metavar="FILE", dest="output", help="write there, not to stdout")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _add_cut_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument(
        "--from", metavar="T", dest="begin", help="+90s, ISO 8601, or a mark (its start)"
    )
    parser.add_argument("--to", metavar="T", dest="end", help="likewise (its end)")
    parser.add_argument("-o", metavar="NEW", dest="output", required=True, help="the new run")
    parser.add_argument("--force", action="store_true", help="overwrite NEW")


VERBS = (
    Verb(
        "record",
        "record a run without a screen, with progress",
        _add_record_options,
        (*common.RATE_FLAGS, common.NO_DISCOVER),
        _RECORD_EPILOG,
    ),
    Verb(
        "replay",
        "look at a run as it was live, at any speed",
        _add_replay_options,
        common.SCREEN_FLAGS,
        _REPLAY_EPILOG,
    ),
    Verb(
        "runs",
        "the runs of a folder: when, how long, best 60 s, p99, and more",
        _add_runs_options,
        (common.ASCII,),
    ),
    Verb("export", "a run for other programs", _add_export_options),
    Verb("cut", "a span of a run as a run of its own, to hand over", _add_cut_options),
)
