"""Split of a service into control and treatment: by target, by label or by service.

The treatment is one value; the control is all others together (the other one, if there are two).
Both arms answer at the same time, so shocks common to both arms cancel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tputtui.frozen import frozen
from tputtui.model import Labels, Match

TARGET, SERVICE = "target", "service"
"""Kinds of split besides the names of labels."""

WHOLE_SERVICE: Final = "all of it"
"""Value of an arm that is a whole service."""

MAX_VALUES: Final = 50
"""Maximum number of a label's values offered, busiest first."""

_OUTCOME_LABELS: Final = frozenset(
    ("le", "quantile", "status", "code", "status_code", "status_class", "error", "outcome")
)
"""Labels that describe the result of a request; a split by them would select on the result."""

_ROLLOUT_LABELS: Final = (
    (
        "version",
        "app_version",
        "service_version",
        "build",
        "release",
        "revision",
        "commit",
        "image",
        "tag",
    ),
    (
        "canary",
        "track",
        "stage",
        "variant",
        "experiment",
        "arm",
        "group",
        "color",
        "colour",
        "slot",
        "deployment",
    ),
    ("pod", "instance", "replica", "node", "host", "zone", "region"),
)
"""Labels that identify a release or a machine; offered first, in this order."""


@frozen
class SplitArm:
    """One arm of a split: part of a service. `description` names the part, in foreign text."""

    service: str
    description: str
    targets: frozenset[str] | None = None  # None: all targets of the service
    matches: tuple[Match, ...] = ()

    @property
    def short_name(self) -> str:
        """Name beside the other arm. Foreign text."""
        return self.service if self.description == WHOLE_SERVICE else self.description

    @property
    def name(self) -> str:
        """Name of its figures on the time axis."""
        return f"{self.service} ({self.description})"

    def covers(self, target: str) -> bool:
        """Tell whether a target of the service belongs to the arm."""
        return self.targets is None or target in self.targets


@frozen
class TrafficSplit:
    """The two arms of a split. `by` is TARGET, SERVICE or the label's name."""

    by: str
    control: SplitArm
    treatment: SplitArm

    @property
    def services(self) -> frozenset[str]:
        """Names of the services in the split: one, or two when services are compared."""
        return frozenset((self.control.service, self.treatment.service))

    @property
    def is_allocated(self) -> bool:
        """Whether the arms are whole targets.

        The traffic that the targets of one arm get can then be compared with that of the other's.
        """
        return self.by in (TARGET, SERVICE)


@frozen
class SplitOption:
    """One way to split: this value is the treatment.

    `rps` is its current traffic in the service's unit.
    """

    split: TrafficSplit
    value: str
    rps: float | None = None


def split_options(
    service: str,
    targets: Mapping[str, float | None],
    others: Mapping[str, float | None],
    labels: Mapping[str, Mapping[str, float]],
) -> tuple[SplitOption, ...]:
    """List the ways to split a service, each with its traffic.

    By its `targets`, against `others`, and by the values of its traffic's `labels`. Labels that
    identify releases come first. Targets or labels with fewer than two values, and labels that
    describe the result of a request, are left out.
    """
    options = [*_split_by_target(service, targets), *_split_by_service(service, others)]
    for label in sorted(labels, key=lambda name: (_label_rank(name), name)):
        options += _split_by_label(service, label, labels[label])
    return tuple(options)


def _split_by_target(service: str, targets: Mapping[str, float | None]) -> list[SplitOption]:
    if len(targets) < 2:
        return []
    options = []
    for target, rps in targets.items():
        others = [other for other in targets if other != target]
        description = others[0] if len(others) == 1 else f"{len(others)} others"
        control = SplitArm(service, description, frozenset(others))
        treatment = SplitArm(service, target, frozenset((target,)))
        options.append(SplitOption(TrafficSplit(TARGET, control, treatment), target, rps))
    return options


def _split_by_service(service: str, others: Mapping[str, float | None]) -> list[SplitOption]:
    control = SplitArm(service, WHOLE_SERVICE)
    return [
        SplitOption(TrafficSplit(SERVICE, control, SplitArm(other, WHOLE_SERVICE)), other, rps)
        for other, rps in others.items()
    ]


def _split_by_label(service: str, label: str, values: Mapping[str, float]) -> list[SplitOption]:
    if len(values) < 2 or label in _OUTCOME_LABELS:
        return []
    options = []
    for value in sorted(values, key=lambda value: (-values[value], value))[:MAX_VALUES]:
        others = [other for other in values if other != value]
        description = f"{label}={others[0]}" if len(others) == 1 else f"{label} not {value}"
        control = SplitArm(service, description, matches=(Match(label, "!=", value),))
        treatment = SplitArm(service, f"{label}={value}", matches=(Match(label, "=", value),))
        options.append(SplitOption(TrafficSplit(label, control, treatment), value, values[value]))
    return options


def _label_rank(label: str) -> int:
    return next(
        (rank for rank, names in enumerate(_ROLLOUT_LABELS) if label in names), len(_ROLLOUT_LABELS)
    )


def rates_by_label(rates: Sequence[tuple[Labels, float]]) -> dict[str, dict[str, float]]:
    """Return the rates of series by label and value.

    A series without a label counts for none of its values.
    """
    rates_by_value: dict[str, dict[str, float]] = {}
    for labels, rate in rates:
        for name, value in labels:
            values = rates_by_value.setdefault(name, {})
            values[value] = values.get(value, 0.0) + rate
    return rates_by_value
