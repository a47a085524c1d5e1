"""`tputtui config show|path|init`: show the effective settings or the file's path, or create a
file.
"""

from __future__ import annotations

import argparse
import os

from tputtui.cli import config_file
from tputtui.cli.output import format_columns, print_stderr, print_stdout
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb
from tputtui.settings import settings_reference

_EPILOG = "config show takes every flag that is a setting (see tputtui --help), too."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui config`."""
    parser.add_argument(
        "action",
        choices=("show", "path", "init"),
        metavar="show|path|init",
        help="each effective setting with its origin; where the file is looked for; "
        "a commented file to start from",
    )


def run(arguments: Arguments) -> int:
    """Run one of the three; only `show` reads the file, so that the others work with a broken
    one.
    """
    action = arguments.options.action
    if action == "init":
        print_stdout(settings_reference.render_starter_config().rstrip("\n"))
    elif action == "path":
        place = config_file.config_location(arguments.options.config, os.environ)
        print_stdout(_describe_missing_path(arguments) if place is None else place.path)
    else:
        from tputtui.text.redaction import redact_url

        effective = effective_settings(arguments)
        for note in effective.settings.notes:
            print_stderr(note)
        print_stdout(_describe_file(effective.location))
        print_stdout(
            "\n".join(
                format_columns(
                    settings_reference.list_effective_settings(effective.settings, redact_url)
                )
            )
        )
    return 0


def _describe_missing_path(arguments: Arguments) -> str:
    named = arguments.options.config or os.environ.get("TPUTTUI_CONFIG")
    if named == os.devnull:
        return f"none: {os.devnull} was named"
    return "none: neither HOME nor XDG_CONFIG_HOME is set"


def _describe_file(location: config_file.ConfigLocation | None) -> str:
    if location is None:
        return "# no config file"
    state = "" if os.path.exists(location.path) else ", which does not exist"
    return f"# config file: {location.path}{state}"


VERB = Verb(add_options, run, epilog=_EPILOG)
