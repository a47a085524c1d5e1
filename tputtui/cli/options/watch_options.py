"""Options shared by the verbs that watch: on a screen, or as JSON objects."""

from __future__ import annotations

import argparse

from tputtui.cli.options import argument_types


def add_baseline_option(parser: argparse.ArgumentParser) -> None:
    """Add --baseline, for every verb with the live screen."""
    parser.add_argument(
        "--baseline",
        metavar="RUN",
        help="hold all figures against a recorded run, or a span of one: RUN@MARK..MARK",
    )


def add_count_option(parser: argparse.ArgumentParser) -> None:
    """Add -n, the number of JSON objects to print."""
    parser.add_argument(
        "-n",
        metavar="N",
        type=argument_types.positive_int,
        dest="count",
        help="end after N objects",
    )
