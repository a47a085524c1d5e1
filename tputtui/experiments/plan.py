"""The written plan of an experiment: a TOML file that is filled in before anything is measured.

Its results are appended to it afterwards; see `results`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from tputtui.experiments.comparison_context import ContextError, known_metric, parse_margin
from tputtui.frozen import frozen
from tputtui.text import clean, did_you_mean, parse_duration

_TEXTS: Final = (
    "title", "owner", "hypothesis", "change", "risk", "rollback", "primary", "duration",
    "decision", "decided_by", "decided_on", "follow_up",
)  # fmt: skip
_LISTS: Final = ("declared_change", "margins", "levels", "outages")
_NUMBERS: Final = ("pairs",)
_BEFORE: Final = ("hypothesis", "change", "primary", "duration")
"""What is settled before anything is measured, among the texts: a later change of it is a deviation."""

_KEPT: Final = 400  # letters of a text that a run's header surely keeps

RESULTS: Final = "results"
"""The tables that `compare` appends."""

_TEMPLATE: Final = """\
# An experiment. Fill in what comes before "decision" before anything is measured.
title = ""
owner = ""

# "Changing X will change <primary> by at least <margin>, because ..."
hypothesis = ""
change = ""
risk = ""
rollback = ""
# Fields of the environment that the change changes on purpose; every other difference is reported.
declared_change = ["software"]

# What decides; the others guard it. throughput, p50, p90, p99, error_ratio, cpu_per_request
primary = "{primary}"
margins = ["throughput=2%", "p99=10%", "error_ratio=0.1pp"]

{needed}duration = "{duration}"
pairs = {pairs}
# An uplift is verified at three load levels and through one partial outage:
#   tputtui compare A B --stratum "load 500" A2 B2 --stratum "load 800" A3 B3 --stratum "outage" A4 B4
# Name them here; what is missing later is said. The level that is not among the strata is that of A and B.
levels = []
outages = []

# Afterwards: ship, revert, iterate or extend; by whom, when, and what follows from it.
decision = ""
decided_by = ""
decided_on = ""
follow_up = ""

# compare --experiment appends what it found below; it changes nothing above.
"""

_UNPLANNED: Final = """\
# How long each arm runs, and how many pairs of arms by turns. tputtui compare --power RUN --detect 5% says what the
# effect you look for needs; 5m is the least for a verdict, 10m for one to publish. Five pairs are better than one long one.
"""


class PlanError(ValueError):
    """The file is no plan; one sentence, cleaned."""


@frozen
class ExperimentPlan:
    """A plan, read. Texts are cleaned."""

    texts: Mapping[str, str] = field(default_factory=dict)
    declared_change: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    outages: tuple[str, ...] = ()
    duration_s: float | None = None  # of each arm
    pairs: int = 1

    @property
    def primary(self) -> str | None:
        """The metric that decides; None where the plan names none."""
        return self.texts.get("primary") or None

    @property
    def name(self) -> str:
        """What it is called: its title, else its hypothesis; nothing where it has neither."""
        return self.texts.get("title") or self.texts.get("hypothesis") or ""

    def missing(self, given: Iterable[str]) -> list[str]:
        """The planned strata that are not among the given."""
        there = set(map(_key, given))
        return [name for name in (*self.levels, *self.outages) if _key(name) not in there]

    def is_outage(self, name: str) -> bool:
        """Whether a stratum is one: planned as one, or called so."""
        if _key(name) in map(_key, (*self.levels, *self.outages)):
            return _key(name) in map(_key, self.outages)
        return "outage" in name.lower()

    def first_level(self, given: Sequence[str]) -> str:
        """The level that the pair compared first is at: the one that is planned and not among the strata. Nothing where
        that is not clear.
        """
        there = set(map(_key, given))
        left = [name for name in self.levels if _key(name) not in there]
        return left[0] if len(left) == 1 else ""

    def changed_since(self, earlier: ExperimentPlan) -> list[str]:
        """The fields settled before measuring that were others in `earlier`."""
        found = [key for key in _BEFORE if self.texts.get(key, "")[:_KEPT] != earlier.texts.get(key, "")[:_KEPT]]
        fields = ("declared_change", "margins", "levels", "outages", "pairs")
        return found + [name for name in fields if getattr(self, name) != getattr(earlier, name)]


def template(needed: str = "", duration: str = "5m", pairs: int = 1, primary: str = "throughput") -> str:
    """The file to fill in. `needed`: lines that say what a pilot says of the length."""
    said = "".join(f"# {line}\n" for line in needed.splitlines()) or _UNPLANNED
    return _TEMPLATE.format(needed=said, duration=duration, pairs=pairs, primary=primary)


def parse_experiment(text: str) -> ExperimentPlan:
    """A plan from its TOML. Raises PlanError with the key and what is allowed."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"it is no TOML: {clean(str(error), 100)}") from None
    for key, value in found.items():
        if key in _TEXTS:
            if not isinstance(value, str):
                raise PlanError(f"{key}: a text")
        elif key in _LISTS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise PlanError(f"{key}: a list of texts")
        elif key in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
                raise PlanError(f"{key}: a whole number from 1 to 1000")
        elif key != RESULTS:
            known = (*_TEXTS, *_LISTS, *_NUMBERS)
            raise PlanError(f"there is no {clean(key, 40)!r} in an experiment{did_you_mean(key, known)}")
    return _experiment({key: found[key] for key in _TEXTS if found.get(key)}, found, found.get("pairs", 1))


def from_header(words: Mapping[str, str]) -> ExperimentPlan:
    """The plan that a run carries: all its values as texts, lists joined by commas. What is not of a plan is left alone.

    Raises PlanError.
    """
    texts = {key: words[key] for key in _TEXTS if words.get(key)}
    lists = {key: [item.strip() for item in words.get(key, "").split(",") if item.strip()] for key in _LISTS}
    pairs = words.get("pairs", "1")
    return _experiment(texts, lists, int(pairs) if pairs.isdecimal() and 1 <= int(pairs) <= 1000 else 1)


def _experiment(texts: Mapping[str, str], lists: Mapping[str, Sequence[str]], pairs: int) -> ExperimentPlan:
    cleaned = {key: clean(" ".join(value.split()), 2000) for key, value in texts.items()}
    named = {key: tuple(clean(name, 60) for name in lists.get(key, ())) for key in ("levels", "outages")}
    for key, names in named.items():
        if any("," in name for name in names):
            raise PlanError(f"{key}: names without commas, each a text of its own")
    try:
        if "primary" in cleaned:
            known_metric(cleaned["primary"])
        margins = dict(parse_margin(item) for item in lists.get("margins", ()))
        duration = parse_duration(cleaned["duration"]) if "duration" in cleaned else None
    except ContextError as error:
        raise PlanError(str(error)) from None
    except ValueError as error:
        raise PlanError(f"duration: {error}") from None
    declared = tuple(clean(name, 200) for name in lists.get("declared_change", ()))
    return ExperimentPlan(cleaned, declared, margins, named["levels"], named["outages"], duration, pairs)


def _key(name: str) -> str:
    """Names are the same whatever their case and spaces."""
    return " ".join(name.lower().split())
