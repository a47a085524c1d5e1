"""Verbs for profiles."""

from __future__ import annotations

import argparse

from tputtui.cli.options import argument_types, common
from tputtui.cli.options.verb import Verb


def _add_profile_options(parser: argparse.ArgumentParser) -> None:
    # Imported lazily: only these two verbs need the formats.
    from tputtui.profiling.files.file_formats import writable_formats

    parser.add_argument(
        "process",
        metavar="PID|:PORT",
        type=argument_types.process,
        help="the process, as ps -e lists it, or the one that serves a port of this machine: of workers the busiest",
    )
    parser.add_argument(
        "--for",
        metavar="DURATION",
        dest="duration",
        type=argument_types.positive_duration,
        help="length of the capture, from 0.5s on (10s)",
    )
    parser.add_argument(
        "--rate", metavar="HZ", type=argument_types.non_negative_int, help="samples a second (100)"
    )
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="output",
        help=f"write it as {writable_formats()}; .gz on any",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _add_view_options(parser: argparse.ArgumentParser) -> None:
    from tputtui.profiling.files import file_formats

    parser.add_argument(
        "file",
        metavar="FILE",
        help=f"{file_formats.readable_formats()}, gzipped or not; or {file_formats.calls_suffixes()}",
    )
    parser.add_argument(
        "other", metavar="FILE2", nargs="?", help="a later profile: their difference is shown"
    )
    parser.add_argument(
        "-o",
        metavar="OUT",
        dest="output",
        help=f"write FILE as {file_formats.writable_suffixes()} instead, .gz on any",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT")


VERBS = (
    Verb(
        "profile",
        "capture where a process spends its time, and open it or write it",
        _add_profile_options,
        (*common.TICK_FLAGS, *common.SCREEN_FLAGS),
    ),
    Verb(
        "view",
        "open a saved profile; two: their difference",
        _add_view_options,
        common.SCREEN_FLAGS,
    ),
)
