"""Options that name the targets to watch."""

from __future__ import annotations

import argparse


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
