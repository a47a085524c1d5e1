"""Written plan of an experiment: a TOML file completed before anything is measured.

Deviations of a comparison from its plan are reported whatever the verdict. Results are appended to
the file afterwards; see `result_log`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from tputtui.experiments.comparison_context import ContextError, parse_margin, parse_metric_name
from tputtui.experiments.result import Comparison
from tputtui.frozen import frozen
from tputtui.text import clean, did_you_mean, format_duration, parse_duration

_TEXT_KEYS: Final = (
    "title", "owner", "hypothesis", "change", "risk", "rollback", "primary", "duration",
    "decision", "decided_by", "decided_on", "follow_up",
)  # fmt: skip
_LIST_KEYS: Final = ("declared_change", "margins", "levels", "outages")
_NUMBER_KEYS: Final = ("pairs",)
_PREREGISTERED_KEYS: Final = ("hypothesis", "change", "primary", "duration")
"""Text fields fixed before measuring; a later change is a deviation."""

_MAX_HEADER_TEXT: Final = 400  # characters of a text that are guaranteed to fit into a run's header

RESULTS_KEY: Final = "results"
"""Name of the tables that `compare` appends."""

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

_DURATION_HINT: Final = """\
# How long each arm runs, and how many pairs of arms by turns. tputtui compare --power RUN --detect 5% says what the
# effect you look for needs; 5m is the least for a verdict, 10m for one to publish. Five pairs are better than one long one.
"""

# Part of the planned duration that may be missing, and at least _STARTUP_S
_TOLERATED_SHORTFALL: Final = 0.05
_MAX_NAMED_ARMS: Final = 2  # arms named individually
_STARTUP_S: Final = 10.0  # for the first scrapes, which have no rate yet


class PlanError(ValueError):
    """Invalid plan file; one sentence, cleaned."""


@frozen
class ExperimentPlan:
    """Parsed plan. Texts are cleaned."""

    texts: Mapping[str, str] = field(default_factory=dict)
    declared_change: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    levels: tuple[str, ...] = ()
    outages: tuple[str, ...] = ()
    duration_s: float | None = None  # of each arm
    pairs: int = 1

    @property
    def primary(self) -> str | None:
        """The deciding metric; None if the plan names none."""
        return self.texts.get("primary") or None

    @property
    def name(self) -> str:
        """The title, else the hypothesis, else ""."""
        return self.texts.get("title") or self.texts.get("hypothesis") or ""

    def missing_strata(self, names: Iterable[str]) -> list[str]:
        """Return the planned strata that are not among the given names."""
        there = set(map(_normalize_name, names))
        return [
            name for name in (*self.levels, *self.outages) if _normalize_name(name) not in there
        ]

    def is_outage(self, name: str) -> bool:
        """Return whether a stratum is an outage: planned as one, or named so."""
        if _normalize_name(name) in map(_normalize_name, (*self.levels, *self.outages)):
            return _normalize_name(name) in map(_normalize_name, self.outages)
        return "outage" in name.lower()

    def unlisted_level(self, names: Sequence[str]) -> str:
        """Return the planned level that is missing from the strata: that of the pair compared
        first.

        "" if it is ambiguous.
        """
        there = set(map(_normalize_name, names))
        left = [name for name in self.levels if _normalize_name(name) not in there]
        return left[0] if len(left) == 1 else ""

    def changed_fields(self, earlier: ExperimentPlan) -> list[str]:
        """Return the fields fixed before measuring that differ from `earlier`."""
        changed = [
            key
            for key in _PREREGISTERED_KEYS
            if self.texts.get(key, "")[:_MAX_HEADER_TEXT]
            != earlier.texts.get(key, "")[:_MAX_HEADER_TEXT]
        ]
        fields = ("declared_change", "margins", "levels", "outages", "pairs")
        return changed + [name for name in fields if getattr(self, name) != getattr(earlier, name)]


def render_template(
    duration_advice: str = "", duration: str = "5m", pairs: int = 1, primary: str = "throughput"
) -> str:
    """Render the file to complete. `duration_advice`: lines on the duration derived from a
    pilot.
    """
    needed = "".join(f"# {line}\n" for line in duration_advice.splitlines()) or _DURATION_HINT
    return _TEMPLATE.format(needed=needed, duration=duration, pairs=pairs, primary=primary)


def parse_plan(text: str) -> ExperimentPlan:
    """Parse a plan from TOML. Raises PlanError with the key and what is allowed."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"it is no TOML: {clean(str(error), 100)}") from None
    for key, value in document.items():
        if key in _TEXT_KEYS:
            if not isinstance(value, str):
                raise PlanError(f"{key}: a text")
        elif key in _LIST_KEYS:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise PlanError(f"{key}: a list of texts")
        elif key in _NUMBER_KEYS:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
                raise PlanError(f"{key}: a whole number from 1 to 1000")
        elif key != RESULTS_KEY:
            keys = (*_TEXT_KEYS, *_LIST_KEYS, *_NUMBER_KEYS)
            raise PlanError(
                f"there is no {clean(key, 40)!r} in an experiment{did_you_mean(key, keys)}"
            )
    return _build_plan(
        {key: document[key] for key in _TEXT_KEYS if document.get(key)},
        document,
        document.get("pairs", 1),
    )


def plan_from_header(header_fields: Mapping[str, str]) -> ExperimentPlan:
    """Rebuild the plan that a run carries: all its values as texts, lists joined by commas.

    Fields that do not belong to a plan are ignored. Raises PlanError.
    """
    texts = {key: header_fields[key] for key in _TEXT_KEYS if header_fields.get(key)}
    lists = {
        key: [item.strip() for item in header_fields.get(key, "").split(",") if item.strip()]
        for key in _LIST_KEYS
    }
    pairs = header_fields.get("pairs", "1")
    return _build_plan(
        texts, lists, int(pairs) if pairs.isdecimal() and 1 <= int(pairs) <= 1000 else 1
    )


def _build_plan(
    texts: Mapping[str, str], lists: Mapping[str, Sequence[str]], pairs: int
) -> ExperimentPlan:
    cleaned = {key: clean(" ".join(value.split()), 2000) for key, value in texts.items()}
    named = {
        key: tuple(clean(name, 60) for name in lists.get(key, ())) for key in ("levels", "outages")
    }
    for key, names in named.items():
        if any("," in name for name in names):
            raise PlanError(f"{key}: names without commas, each a text of its own")
    try:
        if "primary" in cleaned:
            parse_metric_name(cleaned["primary"])
        margins = dict(parse_margin(item) for item in lists.get("margins", ()))
        duration = parse_duration(cleaned["duration"]) if "duration" in cleaned else None
    except ContextError as error:
        raise PlanError(str(error)) from None
    except ValueError as error:
        raise PlanError(f"duration: {error}") from None
    declared = tuple(clean(name, 200) for name in lists.get("declared_change", ()))
    return ExperimentPlan(
        cleaned, declared, margins, named["levels"], named["outages"], duration, pairs
    )


def _normalize_name(name: str) -> str:
    """Normalize case and whitespace of a name."""
    return " ".join(name.lower().split())


@frozen
class ExecutedPlan:
    """Execution of a comparison, in addition to its result."""

    seconds: Sequence[tuple[str, float]] = ()  # (arm, its duration) of every arm
    pairs: int = 1
    margins: Mapping[str, float] = field(default_factory=dict)  # requested in place of the plan's
    recorded_plan: ExperimentPlan | None = None  # the plan as recorded in the runs


def describe_deviations(
    plan: ExperimentPlan, executed: ExecutedPlan, comparison: Comparison
) -> tuple[str, ...]:
    """Describe each deviation in a sentence; none without a plan."""
    deviations = _describe_short_arms(plan, executed)
    if executed.pairs < plan.pairs:
        deviations.append(
            f"{plan.pairs} pairs were planned: "
            f"{executed.pairs} {'is' if executed.pairs == 1 else 'are'} here."
        )
    if plan.primary is not None and plan.primary != comparison.primary:
        reason = ", for the load was limited" if "load-limited" in comparison.flags else ""
        deviations.append(f"{plan.primary} was to decide: {comparison.primary} did{reason}.")
    for metric, margin in executed.margins.items():
        planned = plan.margins.get(metric)
        if planned is not None and planned != margin:
            unit = "pp" if metric == "error_ratio" else "%"
            deviations.append(
                f"The margin of {metric} was to be {100 * planned:g} {unit}: "
                f"it was {100 * margin:g} {unit}."
            )
    given = [stratum.name for stratum in comparison.strata if stratum.kind in ("level", "outage")]
    missing = plan.missing_strata(given)
    if missing:
        deviations.append(f"Planned and not given: {', '.join(missing)}.")
    if executed.recorded_plan is not None:
        changed = plan.changed_fields(executed.recorded_plan)
        if changed:
            deviations.append(
                f"Changed in the plan since the runs were recorded: {', '.join(changed)}."
            )
    return tuple(deviations)


def _describe_short_arms(plan: ExperimentPlan, executed: ExecutedPlan) -> list[str]:
    """Describe the arms that ran shorter than planned, in one sentence at most."""
    if plan.duration_s is None:
        return []
    least_s = plan.duration_s - max(_STARTUP_S, _TOLERATED_SHORTFALL * plan.duration_s)
    short = {name: seconds for name, seconds in executed.seconds if seconds < least_s}
    if not short:
        return []
    if len(short) <= _MAX_NAMED_ARMS:
        ran = ", ".join(f"{name} ran {format_duration(seconds)}" for name, seconds in short.items())
    else:
        shortest, longest = map(format_duration, (min(short.values()), max(short.values())))
        lengths = shortest if shortest == longest else f"{shortest} to {longest}"
        count, arms = len(short), len(executed.seconds)
        which = f"all {count}" if count == arms else f"{count} of {arms}"
        ran = f"{which} ran {lengths}"
    return [f"Each arm was to run {format_duration(plan.duration_s)}: {ran}."]
