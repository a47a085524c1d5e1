"""Verbs of the command line: one file each, with its options and its `run`, and this list.

Only the module of the chosen verb is imported. It is imported before the command line is parsed,
so its expensive imports stand inside its functions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from tputtui.cli.options import CommonFlag
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


LIVE = VerbEntry("", "tputtui.cli.verbs.live", "the live screen")
"""The live screen: `tputtui` without a verb."""

_ENTRIES = (
    VerbEntry(
        "demo",
        "tputtui.cli.verbs.demo",
        "a real instrumented service with load on it, in the same screen",
    ),
    VerbEntry(
        "stream",
        "tputtui.cli.verbs.stream",
        "one JSON object a tick on stdout, for jq and scripts",
    ),
    VerbEntry("record", "tputtui.cli.verbs.record", "record a run without a screen, with progress"),
    VerbEntry("replay", "tputtui.cli.verbs.replay", "look at a run as it was live, at any speed"),
    VerbEntry(
        "runs",
        "tputtui.cli.verbs.runs",
        "the runs of a folder: when, how long, best 60 s, p99, and more",
    ),
    VerbEntry("export", "tputtui.cli.verbs.export", "a run for other programs"),
    VerbEntry("cut", "tputtui.cli.verbs.cut", "a span of a run as a run of its own, to hand over"),
    VerbEntry(
        "profile",
        "tputtui.cli.verbs.profile",
        "capture where a process spends its time, and open it or write it",
    ),
    VerbEntry("view", "tputtui.cli.verbs.view", "open a saved profile; two: their difference"),
    VerbEntry(
        "compare",
        "tputtui.cli.verbs.compare",
        "is the candidate better than the baseline, by how much, how sure",
    ),
    VerbEntry(
        "experiment",
        "tputtui.cli.verbs.experiment",
        "write a plan to fill in: hypothesis, change, what decides, how long",
    ),
    VerbEntry(
        "check",
        "tputtui.cli.verbs.check",
        "what each target is taken for and why, and what will mislead",
    ),
    VerbEntry("discover", "tputtui.cli.verbs.discover", "what on this machine serves metrics"),
    VerbEntry(
        "config",
        "tputtui.cli.verbs.config",
        "effective settings, the config file's path, a file to start from",
    ),
)

VERBS: Mapping[str, VerbEntry] = {entry.name: entry for entry in _ENTRIES}
"""Verbs by name, in the order of `tputtui --help`; without `LIVE`, which has no name."""
