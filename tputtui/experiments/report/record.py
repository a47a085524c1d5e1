"""What a report tells besides the comparison: the sides' names, the plan, the rows to draw, the profiles' difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tputtui.experiments.plan import Experiment
from tputtui.experiments.rows import Rows
from tputtui.frozen import frozen


@frozen
class Record:
    """Cleaned texts and values."""

    sides: Mapping[str, str]  # "baseline" -> as it was typed
    plan: Experiment = field(default_factory=Experiment)
    rows: tuple[Rows, Rows] | None = None  # to draw
    environments: tuple[Mapping[str, object], Mapping[str, object]] = ({}, {})
    flame: str = ""  # a differential flame graph as SVG, from our own renderer
    hot: tuple[str, ...] = ()  # the largest sure changes of the profiles, a sentence each

    @property
    def decision(self) -> str:
        """What was decided, and by whom."""
        parts = [self.plan.texts.get(key, "") for key in ("decision", "decided_by")]
        return ", by ".join(part for part in parts if part)

    def sections(self) -> list[tuple[str, str]]:
        """(heading, text) of what was written down before."""
        named = (("Hypothesis", "hypothesis"), ("Change", "change"), ("Owner", "owner"))
        return [(head, self.plan.texts[key]) for head, key in named if self.plan.texts.get(key)]
