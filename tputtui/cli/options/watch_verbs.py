"""Verbs that watch: the live screen, `stream`, and `demo`."""

from __future__ import annotations

import argparse

from tputtui.cli.options import argument_types, common
from tputtui.cli.options.verb import Verb


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add TARGET... and the options for further sources of targets."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="URL, host:port, :port, or a name from the config file",
    )
    parser.add_argument(
        "--targets-from",
        metavar="FILE",
        action="append",
        default=[],
        help="more targets, as Prometheus file_sd JSON",
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        action="append",
        default=[],
        help="a Prometheus-compatible server to ask, or its name from the config file",
    )
    parser.add_argument(
        "--match",
        metavar="SELECTOR",
        help="what to take from the server, such as 'job=\"api\"' (all its jobs)",
    )


def add_baseline_option(parser: argparse.ArgumentParser) -> None:
    """Add --baseline, for every verb with the live screen."""
    parser.add_argument(
        "--baseline",
        metavar="RUN",
        help="hold all figures against a recorded run, or a span of one: RUN@MARK..MARK",
    )


def _add_live_options(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    add_baseline_option(parser)


def _add_count_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n",
        metavar="N",
        type=argument_types.positive_int,
        dest="count",
        help="end after N objects",
    )


def _add_stream_options(parser: argparse.ArgumentParser) -> None:
    add_target_arguments(parser)
    _add_count_option(parser)


def _add_demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--load",
        metavar="RPS",
        type=argument_types.positive_number,
        help="constant load; without it: ramp, hold, burst, and again",
    )
    parser.add_argument(
        "--seconds", metavar="N", type=argument_types.positive_duration, help="end after that time"
    )
    parser.add_argument(
        "--slowdown",
        metavar="X",
        type=argument_types.positive_number,
        default=1.0,
        help="multiply every handler's time (1)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=argument_types.non_negative_int,
        help="the same arrivals and service times again",
    )
    parser.add_argument(
        "--stop-replica",
        metavar="T",
        type=argument_types.positive_duration,
        help="the last replica dies after T",
    )
    parser.add_argument(
        "--replicas",
        metavar="N",
        type=argument_types.positive_int,
        help="processes of the service (1; 2 with --stop-replica or --canary)",
    )
    parser.add_argument(
        "--canary",
        metavar="X",
        type=argument_types.positive_number,
        help="the last replica takes X times as long, as a release that is tried out: a splits it off",
    )
    parser.add_argument(
        "--add-latency",
        metavar="T:MS",
        type=argument_types.latency_step,
        help="MS milliseconds more after T",
    )
    add_baseline_option(parser)
    parser.add_argument(
        "--stream", action="store_true", help="no screen: JSON on stdout, a summary on stderr"
    )
    _add_count_option(parser)


LIVE = Verb("", "the live screen", _add_live_options, common.ALL_FLAGS)
VERBS = (
    Verb(
        "demo",
        "a real instrumented service with load on it, in the same screen",
        _add_demo_options,
        common.ALL_FLAGS,
    ),
    Verb(
        "stream",
        "one JSON object a tick on stdout, for jq and scripts",
        _add_stream_options,
        (*common.RATE_FLAGS, common.NO_DISCOVER),
    ),
)
