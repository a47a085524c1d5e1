"""Description of a verb of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tputtui.cli.options.common import CommonFlag
from tputtui.frozen import frozen


def no_options(_: argparse.ArgumentParser) -> None:
    """Add no options: for a verb without its own."""


@frozen
class Verb:
    """One verb, run by `cli.verbs.NAME.run`."""

    name: str
    help: str  # a clause, lower case, without a full stop
    add_options: Callable[[argparse.ArgumentParser], None] = no_options
    common_flags: tuple[
        CommonFlag, ...
    ] = ()  # flags listed in its --help; the others are accepted, because an alias may contain them
    epilog: str | None = None
