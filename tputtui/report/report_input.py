"""What a report tells besides the comparison: the sides, the plan and what became of it, the load, the machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from tputtui.experiments.comparability import INVALIDATING_FIELDS
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result_log import LoggedResult
from tputtui.frozen import frozen

_EMPTY: Final[Mapping[str, object]] = {}


@frozen
class ResourceUse:
    """How near to its limit a resource was in one arm. Ratios of use; what waited is in its own unit. None: not known."""

    mean: float | None = None
    highest: float | None = None
    waiting: float | None = None  # mean


@frozen
class ResourceComparison:
    """One resource in both arms."""

    name: str
    baseline: ResourceUse = field(default_factory=ResourceUse)
    candidate: ResourceUse = field(default_factory=ResourceUse)


@frozen
class ReportInput:
    """Cleaned texts and values."""

    sides: Mapping[str, str]  # "baseline" -> as it was typed
    plan: ExperimentPlan = field(default_factory=ExperimentPlan)
    rows: tuple[MetricRows, MetricRows] | None = None  # to draw
    environments: tuple[Mapping[str, object], Mapping[str, object]] = (_EMPTY, _EMPTY)
    workloads: tuple[Mapping[str, object], Mapping[str, object]] = (_EMPTY, _EMPTY)  # what was said of the load
    saturation: tuple[ResourceComparison, ...] = ()
    first_to_saturate: tuple[str, str] = ("", "")  # what was first to saturate in each arm
    identities: tuple[str, str] = ("", "")  # what the sides are known by, however they are called
    history: tuple[str, ...] = ()  # runs of unchanged code that were used, as they were typed
    deviations: tuple[str, ...] = ()  # from the plan, a sentence each
    earlier_results: tuple[LoggedResult, ...] = ()  # what the experiment's file says of comparisons before
    flame_graph: str = ""  # a differential flame graph as SVG, from our own renderer
    profile_changes: tuple[str, ...] = ()  # the largest sure changes of the profiles, a sentence each

    @property
    def decision(self) -> str:
        """What was decided, by whom and when, and what follows."""
        texts = self.plan.texts
        parts = [texts.get("decision", "")]
        parts += [f"by {texts['decided_by']}"] if texts.get("decided_by") else []
        parts += [texts["decided_on"]] if texts.get("decided_on") else []
        said = ", ".join(part for part in parts if part)
        return f"{said}. Next: {texts['follow_up']}" if texts.get("follow_up") else said

    @property
    def cores(self) -> tuple[float | None, float | None]:
        """CPUs of either arm's machine, where that is known."""
        return _parse_number(self.environments[0].get("cpus")), _parse_number(self.environments[1].get("cpus"))

    def sections(self) -> list[tuple[str, str]]:
        """(heading, text) of what was written down before."""
        named = (
            ("Experiment", "title"), ("Hypothesis", "hypothesis"), ("Change", "change"), ("Owner", "owner"),
            ("Risk", "risk"), ("Rollback", "rollback"),
        )  # fmt: skip
        return [(head, self.plan.texts[key]) for head, key in named if self.plan.texts.get(key)]


def digest(values: Mapping[str, object]) -> str:
    """Twelve hexadecimal digits by which two descriptions are known to be the same."""
    said = json.dumps({name: str(value) for name, value in values.items()}, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def invalidating_fields(environment: Mapping[str, object]) -> dict[str, object]:
    """The fields of an environment that have to be the same for a comparison to hold."""
    return {name: value for name, value in environment.items() if name in INVALIDATING_FIELDS}


def _parse_number(value: object) -> float | None:
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return None
