"""Verb of the command line, and its row in the list of verbs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from tputtui.cli.options.common_flags import CommonFlag
from tputtui.frozen import frozen

if TYPE_CHECKING:
    from tputtui.cli.parser import Arguments


def no_options(_: argparse.ArgumentParser) -> None:
    """Add no options: for a verb without its own."""


@frozen
class Verb:
    """Options of a verb and the function that runs it.

    Each verb's file ends in one, named `VERB`. `run` returns the exit code.
    """

    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Arguments], int]
    # Flags listed in its --help. The others are accepted, because an alias may contain them.
    common_flags: tuple[CommonFlag, ...] = ()
    epilog: str | None = None


@frozen
class VerbEntry:
    """Row in the list of verbs: all that is needed before one of them is chosen."""

    name: str
    module: str
    help: str  # a clause, lower case, without a full stop

    def load(self) -> Verb:
        """Import the verb's module and return its `VERB`."""
        verb: Verb = import_module(self.module).VERB
        return verb
