"""Context of a comparison besides the rows: design, environments, declared change, history,
margins, primary.

Differences between the environments, other than the declared change, limit comparability.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, TypeVar, cast

from tputtui.experiments.result import METRIC_UNITS, Design, EnvironmentDifference
from tputtui.frozen import frozen
from tputtui.text import clean, did_you_mean

_T = TypeVar("_T")

DESIGNS: Final[tuple[Design, ...]] = ("sequential", "concurrent", "baseline")

DEFAULT_MARGINS: Final[Mapping[str, float]] = {
    "throughput": 0.02,
    "p50": 0.10,
    "p90": 0.10,
    "p99": 0.10,
    "error_ratio": 0.001,
    "cpu_per_request": 0.05,
}
"""Smallest effect of interest: relative, for `error_ratio` a difference (0.001 = 0.1 percentage
points).
"""

GUARDRAILS: Final = ("throughput", "p99", "error_ratio")
"""Metrics that always count towards the verdict."""

INVALIDATING_FIELDS: Final = frozenset(
    (
        "hardware",
        "cpus",
        "mem",
        "mem_gb",
        "kernel",
        "instances",
        "region",
        "workload_id",
        "offered_rps",
        "client_model",
    )
)
"""Fields whose undeclared difference makes a difference in throughput meaningless for the
change.
"""

_ALIASES: Final[Mapping[str, str]] = {"mem": "mem_gb", "memory": "mem_gb"}


class ContextError(ValueError):
    """Unusable context or margin; one sentence, cleaned."""


@frozen
class ComparisonContext:
    """Context with the defaults of the method."""

    design: Design | None = (
        None  # None: concurrent where the arms' times overlap by half, else sequential
    )
    baseline_env: Mapping[str, object] = field(default_factory=dict)
    candidate_env: Mapping[str, object] = field(default_factory=dict)
    declared_change: tuple[str, ...] = ()
    aa_history_rps: tuple[float, ...] = ()
    aa_history: Mapping[str, tuple[float, ...]] = field(
        default_factory=dict
    )  # other metrics of the same A/A runs
    pair_history: tuple[float, ...] = ()  # B/A ratios of A/A windows on the same two targets
    is_load_limited: bool | None = None  # None: derived from offered_rps
    margins: Mapping[str, float] = field(default_factory=dict)  # requested margins
    primary: str | None = None

    def history(self, metric: str) -> tuple[float, ...]:
        """Return a metric's values in equal runs; if unknown, their throughput, as a lower bound of
        the variance.
        """
        own = self.aa_history.get(metric, ())
        return own if len(own) >= len(self.aa_history_rps) else self.aa_history_rps

    def margin(self, metric: str) -> float:
        """Return the smallest effect of interest of a metric."""
        return self.margins.get(metric, DEFAULT_MARGINS.get(metric, 0.10))

    def is_guardrail(self, metric: str) -> bool:
        """Return whether a metric counts towards the verdict: the three defaults, the primary, and
        requested ones.
        """
        return metric in GUARDRAILS or metric == self.primary or metric in self.margins


def parse_context(value: object) -> ComparisonContext:
    """Parse a context from JSON; unknown keys are ignored.

    Raises ContextError with the key and what is allowed.
    """
    if not isinstance(value, dict):
        raise ContextError("a context is a JSON object")
    design = value.get("mode")
    if design is not None and design not in DESIGNS:
        raise ContextError(f"mode: one of {', '.join(DESIGNS)}, not {clean(str(design), 40)!r}")
    primary = value.get("primary")
    if primary is not None and primary not in METRIC_UNITS:
        raise ContextError(
            f"primary: one of {', '.join(METRIC_UNITS)}, not {clean(str(primary), 40)!r}"
        )
    limited = value.get("load_limited")
    if limited is not None and not isinstance(limited, bool):
        raise ContextError("load_limited: true or false")
    margins = _read_mapping(value, "margins")
    return ComparisonContext(
        design=cast("Design | None", design),
        baseline_env=_read_mapping(value, "env_a"),
        candidate_env=_read_mapping(value, "env_b"),
        declared_change=tuple(_read_list(value, "declared_change", _read_text)),
        aa_history_rps=tuple(_read_list(value, "aa_history_rps", _read_positive)),
        pair_history=tuple(_read_list(value, "aa_pair_ratio_history", _read_positive)),
        is_load_limited=limited,
        margins={
            parse_metric_name(name): _parse_margin_ratio(name, margin)
            for name, margin in margins.items()
        },
        primary=primary,
    )


def parse_margin(text: str) -> tuple[str, float]:
    """Parse `throughput=2%`, `error_ratio=0.1pp` into (metric, ratio). Raises ContextError."""
    name, equals, amount = (part.strip() for part in text.partition("="))
    if not equals:
        raise ContextError(
            f"a margin reads METRIC=AMOUNT, such as throughput=2%, not {clean(text, 40)!r}"
        )
    metric = parse_metric_name(name)
    points, percent = amount.endswith("pp"), amount.endswith("%")
    digits = amount.removesuffix("pp").removesuffix("%").strip()
    try:
        value = float(digits) / (100 if points or percent else 1)
    except ValueError:
        value = math.nan
    if points != (metric == "error_ratio") and (points or percent):
        unit = "0.1pp (percentage points)" if metric == "error_ratio" else "2%"
        raise ContextError(f"the margin of {metric} reads {metric}={unit}")
    if not (points or percent) and value >= 1:
        raise ContextError(
            f"the margin {metric}={digits} is {100 * value:.0f} %: "
            f"write {metric}={digits}% for {digits} %"
        )
    return metric, _parse_margin_ratio(metric, value)


def parse_metric_name(name: str) -> str:
    """Return the name if it is a metric's. Raises ContextError."""
    if name not in METRIC_UNITS:
        metrics = tuple(METRIC_UNITS)
        raise ContextError(
            f"there is no metric {clean(name, 40)!r}{did_you_mean(name, metrics)}; "
            f"there are {', '.join(metrics)}"
        )
    return name


def _parse_margin_ratio(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10:
        raise ContextError(
            f"the margin of {clean(name, 40)} is a ratio above 0, such as 0.02 for 2 %"
        )
    return float(value)


def _read_mapping(value: Mapping[str, object], key: str) -> dict[str, object]:
    mapping = value.get(key)
    if mapping is None:
        return {}
    if not isinstance(mapping, dict):
        raise ContextError(f"{key}: an object")
    return mapping


def _read_list(
    value: Mapping[str, object], key: str, read_item: Callable[[str, object], _T]
) -> Sequence[_T]:
    items = value.get(key)
    if items is None:
        return ()
    if not isinstance(items, list):
        raise ContextError(f"{key}: a list")
    return [read_item(key, item) for item in items]


def _read_text(key: str, item: object) -> str:
    if not isinstance(item, str):
        raise ContextError(f"{key}: names of fields")
    return item


def _read_positive(key: str, item: object) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float) or not 0 < item < math.inf:
        raise ContextError(f"{key}: numbers above 0")
    return float(item)


def environment_differences(
    baseline: Mapping[str, object], candidate: Mapping[str, object], declared: Iterable[str]
) -> tuple[EnvironmentDifference, ...]:
    """Return the differences, invalidating ones first. A field known of one arm only is a soft
    difference.

    Declaring "software" declares every build that a run reports ("software app_build_info").
    """
    allowed = {_ALIASES.get(name, name) for name in declared}
    differences = []
    for name in dict.fromkeys((*baseline, *candidate)):
        before, after = baseline.get(name), candidate.get(name)
        if before == after:
            continue
        is_in_both = name in baseline and name in candidate
        is_declared = _ALIASES.get(name, name) in allowed or name.partition(" ")[0] in allowed
        is_invalidating = name in INVALIDATING_FIELDS and is_in_both and not is_declared
        differences.append(EnvironmentDifference(name, before, after, is_declared, is_invalidating))
    return tuple(
        sorted(
            differences,
            key=lambda difference: (not difference.is_invalidating, difference.is_declared),
        )
    )
