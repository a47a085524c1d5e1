"""The written plan of an experiment: a TOML file that is filled in before anything is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from tputtui.experiments.context import ContextError, known_metric, parse_margin
from tputtui.frozen import frozen
from tputtui.text import clean, did_you_mean

_TEXTS: Final = ("title", "owner", "hypothesis", "change", "primary", "duration", "decision", "decided_by")
_LISTS: Final = ("declared_change", "margins", "levels", "outages")

TEMPLATE: Final = """\
# An experiment. Fill in what comes before "decision" before anything is measured.
title = ""
owner = ""

# "Changing X will change <primary> by at least <margin>, because ..."
hypothesis = ""
change = ""
# Fields of the environment that the change changes on purpose; every other difference is reported.
declared_change = ["software"]

# What decides; the others guard it. throughput, p50, p90, p99, error_ratio, cpu_per_request
primary = "throughput"
margins = ["throughput=2%", "p99=10%", "error_ratio=0.1pp"]

# How long each arm runs. tputtui compare --power RUN --detect 5% says what the effect you look for needs;
# 5m is the least for a verdict, 10m for one to publish. Better than one long pair: five pairs, by turns.
duration = "5m"
# An uplift is verified at three load levels and through one partial outage:
#   tputtui compare A B --stratum "load 500" A2 B2 --stratum "load 800" A3 B3 --stratum "outage" A4 B4
levels = []
outages = []

# Afterwards: ship, revert, iterate or extend; by whom, and why.
decision = ""
decided_by = ""
"""


class PlanError(ValueError):
    """The file is no plan; one sentence, cleaned."""


@frozen
class Experiment:
    """A plan, read. Texts are cleaned."""

    texts: Mapping[str, str] = field(default_factory=dict)
    declared_change: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> str | None:
        """The metric that decides; None where the plan names none."""
        return self.texts.get("primary") or None


def parse_experiment(text: str) -> Experiment:
    """A plan from its TOML. Raises PlanError with the key and what is allowed."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"it is no TOML: {clean(str(error), 100)}") from None
    for key, value in found.items():
        if key in _TEXTS:
            if not isinstance(value, str):
                raise PlanError(f"{key}: a text")
        elif key in _LISTS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise PlanError(f"{key}: a list of texts")
        else:
            raise PlanError(f"there is no {clean(key, 40)!r} in an experiment{did_you_mean(key, (*_TEXTS, *_LISTS))}")
    texts = {key: clean(found[key], 2000) for key in _TEXTS if found.get(key)}
    try:
        if "primary" in texts:
            known_metric(texts["primary"])
        margins = dict(parse_margin(item) for item in found.get("margins", ()))
    except ContextError as error:
        raise PlanError(str(error)) from None
    return Experiment(texts, tuple(found.get("declared_change", ())), margins)
