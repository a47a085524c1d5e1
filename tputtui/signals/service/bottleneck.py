"""Order of resources by saturation, and the resource named as the first to saturate.

Waiting work outranks percentages: a service's own queue comes before the host's (requests wait in
it), a whole queue of tasks before a share of time, then the higher ratio to a limit. If nothing
waits, the highest ratio to a limit comes first. Two ratios are ignored: a share of the host's time
without a limit (I/O wait, throttling) below its threshold, and swap, which may be full of old
pages. Unknown values come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tputtui import text
from tputtui.model import FirstToSaturate, SaturationState

MIN_TICKS_AHEAD = 3
"""Consecutive ticks for which another resource must be ahead before it is named.

Resources with nearly equal values do not alternate then.
"""

# swap holds old pages; if it matters, memory is short or under pressure
_NEVER_FIRST = frozenset(("swap",))

OwnedResource = tuple[str, SaturationState]
"""(service, resource); the host's owner is ""."""


def urgency_key(row: SaturationState) -> tuple[bool, bool, bool, bool, float, bool, str]:
    """Sort key of resources, the most urgent first."""
    waits = (row.waiting or 0.0) > 0
    return (
        not waits,
        waits and row.family is None,
        waits and (row.waiting or 0.0) < 1,
        not waits and not _has_meaningful_ratio(row),
        -(row.ratio if row.ratio is not None else -1.0),
        row.value is None,
        row.name,
    )


def _has_meaningful_ratio(row: SaturationState) -> bool:
    """Tell whether its ratio shows how close to its limit it is."""
    return (
        row.ratio is not None
        and (row.limit is not None or row.family is not None)
        and row.name not in _NEVER_FIRST
    )


def _has_evidence(row: SaturationState) -> bool:
    return (row.waiting or 0.0) > 0 or _has_meaningful_ratio(row)


class BottleneckTracker:
    """Name the first resource to saturate, tick by tick.

    The name changes once another resource has been ahead for `MIN_TICKS_AHEAD` ticks.
    """

    def __init__(self) -> None:
        self._current: tuple[str, str] | None = None
        self._ticks_ahead = 0  # consecutive ticks in which another resource was ahead

    def update(
        self, rows: Iterable[OwnedResource], services: Sequence[str] = ()
    ) -> FirstToSaturate | None:
        """Return this tick's first resource to saturate, with evidence; None if nothing is known.

        With several `services` its owner is named too.
        """
        known = {(owner, row.name): row for owner, row in rows if _has_evidence(row)}
        if not known:
            self._current = None
            return None
        leader = min(known, key=lambda key: (urgency_key(known[key]), key))
        if leader == self._current:
            self._ticks_ahead = 0
        else:
            self._ticks_ahead += 1
            if self._current not in known or self._ticks_ahead >= MIN_TICKS_AHEAD:
                self._current, self._ticks_ahead = leader, 0
        owner, name = self._current or leader
        shown = f"{owner}: {name}" if owner and len(services) > 1 else name
        return FirstToSaturate(shown, describe_evidence(known[owner, name]), owner, name)


def first_to_saturate(rows: Iterable[SaturationState]) -> FirstToSaturate | None:
    """Return the first resource to saturate at one moment, for one owner."""
    return BottleneckTracker().update(("", row) for row in rows)


def sort_by_urgency(
    rows: Iterable[OwnedResource], first: FirstToSaturate | None
) -> list[OwnedResource]:
    """Sort resources by urgency, with the one named as the first on top."""
    first_key = (first.owner, first.resource) if first is not None else None
    return sorted(
        rows, key=lambda row: ((row[0], row[1].name) != first_key, urgency_key(row[1]), row[0])
    )


def describe_evidence(row: SaturationState) -> str:
    """Describe the evidence of saturation.

    Rows of the host have a sentence of their own. The reason of a service's row explains its
    binding, so it is not used.
    """
    if row.family is None and row.reason:
        return row.reason
    share = ""
    if row.ratio is not None and row.limit is not None:
        digits, unit = text.format_amount(row.limit, row.unit)
        share = f"{text.format_percent(100 * row.ratio)} % of {digits} {unit}".rstrip()
    elif row.ratio is not None:
        share = f"{text.format_percent(100 * row.ratio)} %"
    waiting = f"{text.format_number(row.waiting)} waiting" if row.waiting else ""
    return ", ".join(part for part in (waiting, share) if part)
