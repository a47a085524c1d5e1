"""Report input besides the comparison: the sides, the plan and its outcome, the load, the
machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from tputtui.experiments.comparison_context import INVALIDATING_FIELDS
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison
from tputtui.experiments.result_log import LoggedResult
from tputtui.frozen import frozen

_EMPTY: Final[Mapping[str, object]] = {}
_PROSE_KEYS: Final = ("hypothesis", "change", "owner", "risk", "rollback")


@frozen
class ResourceUse:
    """Use of a resource in one arm relative to its limit.

    Ratios of use; waiting work is in its own unit. None: unknown.
    """

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
    """Cleaned texts and values for the report."""

    sides: Mapping[str, str]  # "baseline" -> as typed
    plan: ExperimentPlan = field(default_factory=ExperimentPlan)
    rows: tuple[MetricRows, MetricRows] | None = None  # rows for the charts
    environments: tuple[Mapping[str, object], Mapping[str, object]] = (_EMPTY, _EMPTY)
    # Descriptions of the load
    workloads: tuple[Mapping[str, object], Mapping[str, object]] = (_EMPTY, _EMPTY)
    saturation: tuple[ResourceComparison, ...] = ()
    first_to_saturate: tuple[str, str] = ("", "")  # resource that saturated first in each arm
    # Identities of the sides, independent of their file names
    identities: tuple[str, str] = ("", "")
    history: tuple[str, ...] = ()  # runs of unchanged code that were used, as typed
    deviations: tuple[str, ...] = ()  # deviations from the plan, a sentence each
    # Earlier comparisons recorded in the experiment's file
    earlier_results: tuple[LoggedResult, ...] = ()
    flame_graph: str = ""  # differential flame graph as SVG, from this program's renderer
    # Largest significant changes of the profiles, a sentence each
    profile_changes: tuple[str, ...] = ()

    @property
    def decision(self) -> str:
        """The decision: what, by whom, when, and the consequences."""
        texts = self.plan.texts
        parts = [texts.get("decision", "")]
        parts += [f"by {texts['decided_by']}"] if texts.get("decided_by") else []
        parts += [texts["decided_on"]] if texts.get("decided_on") else []
        sentence = ", ".join(part for part in parts if part)
        return f"{sentence}. Next: {texts['follow_up']}" if texts.get("follow_up") else sentence

    @property
    def cores(self) -> tuple[float | None, float | None]:
        """CPUs of each arm's machine, where known."""
        return _parse_number(self.environments[0].get("cpus")), _parse_number(
            self.environments[1].get("cpus")
        )

    def sections(self) -> list[tuple[str, str]]:
        """Return (heading, text) of the sections written in advance."""
        named = [("Experiment", "title"), *((key.capitalize(), key) for key in _PROSE_KEYS)]
        texts = self.plan.texts
        return [(heading, texts[key]) for heading, key in named if texts.get(key)]


@frozen
class ComparisonReport:
    """All that a report of a comparison holds. `exit_code` is that of the caller."""

    comparison: Comparison
    report_input: ReportInput
    exit_code: int


def digest(values: Mapping[str, object]) -> str:
    """Return twelve hexadecimal digits that identify equal descriptions."""
    content = json.dumps({name: str(value) for name, value in values.items()}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def invalidating_fields(environment: Mapping[str, object]) -> dict[str, object]:
    """Return the environment fields that must be equal for a comparison to be valid."""
    return {name: value for name, value in environment.items() if name in INVALIDATING_FIELDS}


def _parse_number(value: object) -> float | None:
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return None
