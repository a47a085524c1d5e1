"""Options of each verb: one file for each group of verbs, collected here.

A verb is added in three steps: a `Verb` in the file of its group (or a file of its own, named
below), a module `tputtui.cli.verbs.NAME` with `run(arguments) -> int`, and a line in the README.
Nothing expensive is imported here, because the parser is built for every call.
"""

from __future__ import annotations

from collections.abc import Mapping

from tputtui.cli.options import (
    experiment_verbs,
    inspect_verbs,
    profile_verbs,
    run_verbs,
    watch_verbs,
)
from tputtui.cli.options.verb import Verb

_GROUPS: tuple[tuple[Verb, ...], ...] = (
    watch_verbs.VERBS,
    run_verbs.VERBS,
    profile_verbs.VERBS,
    experiment_verbs.VERBS,
    inspect_verbs.VERBS,
)

VERBS: Mapping[str, Verb] = {verb.name: verb for group in _GROUPS for verb in group}
"""Verbs by name, in the order of `tputtui --help`; without `LIVE`, which has no name."""

LIVE = watch_verbs.LIVE
"""The live screen: `tputtui` without a verb."""
