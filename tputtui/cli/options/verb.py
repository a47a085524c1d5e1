"""A verb of the command line, as its group describes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tputtui.cli.options.common import CommonFlag
from tputtui.frozen import frozen


def no_options(_: argparse.ArgumentParser) -> None:
    """For a verb without options of its own."""


@frozen
class Verb:
    """One verb: `commands.NAME.run` carries it out."""

    name: str
    help: str  # a clause, lower case, without a full stop
    add_options: Callable[[argparse.ArgumentParser], None] = no_options
    common_flags: tuple[
        CommonFlag, ...
    ] = ()  # those its --help shows; the others are understood: an alias can carry them
    epilog: str | None = None
