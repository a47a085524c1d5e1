"""`tputtui stream`: print one JSON object a tick on stdout, until N objects, a signal or a closed
pipe.
"""

from __future__ import annotations

import argparse

from tputtui.cli import options
from tputtui.cli.headless import iter_snapshots, require_stdout, stop_on_signals, write_snapshot
from tputtui.cli.options import add_count_option, add_target_arguments
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui stream`."""
    add_target_arguments(parser)
    add_count_option(parser)


def run(arguments: Arguments) -> int:
    """Stream as the command line asks."""
    settings = effective_settings(arguments).settings
    require_stdout()
    for note in settings.notes:
        print_stderr(note)
    with stop_on_signals() as stop:
        for snapshot in iter_snapshots(settings, stop, arguments.options.count):
            write_snapshot(snapshot)
    return 128 + stop.signal_number if stop.signal_number else 0


VERB = Verb(add_options, run, common_flags=(*options.RATE_FLAGS, options.NO_DISCOVER))
