"""`tputtui [TARGET...]`: the live screen."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.options import add_baseline_option, add_target_arguments
from tputtui.cli.verbs import Verb

if TYPE_CHECKING:
    from tputtui.cli.parser import Arguments


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui`."""
    add_target_arguments(parser)
    add_baseline_option(parser)


def run(arguments: Arguments) -> int:
    """Watch the targets of the command line."""
    # Imported here: this module is loaded for `tputtui --version` and `tputtui --help`, too
    from tputtui.cli.baseline_run import read_baseline
    from tputtui.cli.resolve_settings import effective_settings
    from tputtui.cli.screen_runner import require_screen, show_screen

    settings = effective_settings(arguments).settings
    targets = " ".join(arguments.options.targets)
    require_screen(f"tputtui stream -n 1 {targets}".rstrip() + " prints the same as JSON")
    baseline = read_baseline(arguments.options.baseline)
    from tputtui.engine.engine_proxy import EngineProxy
    from tputtui.tui.capabilities import Capabilities

    return show_screen(
        settings, Capabilities.of_live(EngineProxy(settings)), settings.notes, baseline=baseline
    )


VERB = Verb(add_options, run, options.ALL_FLAGS)
