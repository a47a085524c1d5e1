"""The verbs that watch: the live screen, `stream`, and `demo` with something to watch."""

from __future__ import annotations

import argparse

from tputtui.cli.options import argument_types, common
from tputtui.cli.options.verb import Verb


def targets(parser: argparse.ArgumentParser) -> None:
    """TARGET... and where more of them stand."""
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="URL, host:port, :port, or a name from the config file"
    )
    parser.add_argument(
        "--targets-from", metavar="FILE", action="append", default=[], help="more targets, as Prometheus file_sd JSON"
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        action="append",
        default=[],
        help="a Prometheus-compatible server to ask, or its name from the config file",
    )
    parser.add_argument(
        "--match", metavar="SELECTOR", help="what to take from the server, such as 'job=\"api\"' (all its jobs)"
    )


def baseline(parser: argparse.ArgumentParser) -> None:
    """--baseline, of every verb with the live screen."""
    parser.add_argument(
        "--baseline", metavar="RUN", help="hold all figures against a recorded run, or a span of one: RUN@MARK..MARK"
    )


def _live(parser: argparse.ArgumentParser) -> None:
    targets(parser)
    baseline(parser)


def _objects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", metavar="N", type=argument_types.count, dest="count", help="end after N objects")


def _stream(parser: argparse.ArgumentParser) -> None:
    targets(parser)
    _objects(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--load",
        metavar="RPS",
        type=argument_types.number,
        help="constant load; without it: ramp, hold, burst, and again",
    )
    parser.add_argument("--seconds", metavar="N", type=argument_types.seconds, help="end after that time")
    parser.add_argument(
        "--slowdown", metavar="X", type=argument_types.number, default=1.0, help="multiply every handler's time (1)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=argument_types.whole, help="the same arrivals and service times again"
    )
    parser.add_argument(
        "--stop-replica", metavar="T", type=argument_types.seconds, help="the last replica dies after T"
    )
    parser.add_argument(
        "--replicas",
        metavar="N",
        type=argument_types.count,
        help="processes of the service (1; 2 with --stop-replica or --canary)",
    )
    parser.add_argument(
        "--canary",
        metavar="X",
        type=argument_types.number,
        help="the last replica takes X times as long, as a release that is tried out: a splits it off",
    )
    parser.add_argument(
        "--add-latency", metavar="T:MS", type=argument_types.at_latency, help="MS milliseconds more after T"
    )
    baseline(parser)
    parser.add_argument("--stream", action="store_true", help="no screen: JSON on stdout, a summary on stderr")
    _objects(parser)


LIVE = Verb("", "the live screen", _live, common.ALL)
VERBS = (
    Verb("demo", "a real instrumented service with load on it, in the same screen", _demo, common.ALL),
    Verb(
        "stream",
        "one JSON object a tick on stdout, for jq and scripts",
        _stream,
        (*common.RATES, common.NO_DISCOVER),
    ),
)
