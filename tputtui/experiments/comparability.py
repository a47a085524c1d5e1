"""Comparability: differences between the arms other than the declared change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tputtui.experiments.result import EnvironmentDifference

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
