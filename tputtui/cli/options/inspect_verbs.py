"""Verbs that inspect once and print: available targets and effective settings."""

from __future__ import annotations

import argparse

from tputtui.cli.options import common
from tputtui.cli.options.verb import Verb
from tputtui.cli.options.watch_verbs import add_target_arguments


def _add_config_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("show", "path", "init"),
        metavar="show|path|init",
        help="each effective setting with its origin; where the file is looked for; a commented file to start from",
    )


VERBS = (
    Verb(
        "check",
        "what each target is taken for and why, and what will mislead",
        add_target_arguments,
        (common.INTERVAL, common.TIMEOUT, common.OBJECTIVE, common.NO_DISCOVER, common.ASCII),
    ),
    Verb("discover", "what on this machine serves metrics", common_flags=(common.ASCII,)),
    Verb(
        "config",
        "effective settings, the config file's path, a file to start from",
        _add_config_options,
        epilog="config show takes every flag that is a setting (see tputtui --help), too.",
    ),
)
