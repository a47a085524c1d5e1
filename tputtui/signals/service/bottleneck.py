"""Order of resources by saturation, and the resource named as the first to saturate.

A resource that will reach its limit within half an hour at its present slope comes first. Waiting
work outranks percentages: a service's own queue comes before the host's (requests wait in it), a
whole queue of tasks before a share of time, then the higher ratio to a limit. If nothing waits, the
highest ratio to a limit comes first, from `NEAR_RATIO`: below it, nothing is near a limit. Two
ratios are ignored: a share of the host's time without a limit (I/O wait, throttling) below its
threshold, and swap, which may be full of old pages. Unknown values come last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from tputtui import text
from tputtui.model import FirstToSaturate, SaturationState
from tputtui.signals.service.limit_forecast import LimitForecast, RatioTrend

MIN_TICKS_AHEAD = 3
"""Consecutive ticks for which another resource must be ahead before it is named.

Resources with nearly equal values do not alternate then.
"""

NEAR_RATIO = 0.7
"""Ratio to a limit below which a resource without waiting work is not near it."""

HELD_BACK_RATIO = 0.1
"""Ratio of the time from which an exporter's pressure or throttling counts as waiting work."""

# swap holds old pages; if it matters, memory is short or under pressure
_NEVER_FIRST = frozenset(("swap",))

OwnedResource = tuple[str, SaturationState]
"""(service, resource); the host's owner is ""."""


def urgency_key(row: SaturationState) -> tuple[bool, bool, bool, bool, bool, float, bool, str]:
    """Sort key of resources, the most urgent first."""
    waits = (row.waiting or 0.0) > 0
    return (
        not (waits or _is_held_back(row)),
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
    """Tell whether something waits for it, or it is near its limit."""
    is_near = _has_meaningful_ratio(row) and (row.ratio or 0.0) >= NEAR_RATIO
    return (row.waiting or 0.0) > 0 or is_near or _is_held_back(row)


def _is_held_back(row: SaturationState) -> bool:
    """Tell whether a service's row of pressure or throttling says that work is held back."""
    is_share = row.family is not None and ("pressure" in row.name or "throttl" in row.name)
    return is_share and row.ratio is not None and row.ratio >= HELD_BACK_RATIO


def describe_highest(rows: Iterable[SaturationState]) -> str:
    """Say that nothing is near a limit, with the highest ratio; "" if no ratio is known."""
    known = [row for row in rows if _has_meaningful_ratio(row)]
    if not known:
        return ""
    highest = max(known, key=lambda row: (row.ratio or 0.0, row.name))
    ratio = text.format_percent(100 * (highest.ratio or 0.0))
    return f"nothing near a limit (highest: {highest.name} {ratio} %)"


class BottleneckTracker:
    """Name the first resource to saturate, tick by tick.

    The name changes once another resource has been ahead for `MIN_TICKS_AHEAD` ticks.
    """

    def __init__(self) -> None:
        self._current: tuple[str, str] | None = None
        self._ticks_ahead = 0  # consecutive ticks in which another resource was ahead
        self._trends: dict[tuple[str, str], RatioTrend] = {}

    def update(
        self,
        rows: Iterable[OwnedResource],
        services: Sequence[str] = (),
        at: float | None = None,
    ) -> FirstToSaturate | None:
        """Return this tick's first resource to saturate, with evidence.

        None if nothing is near a limit. With several `services` its owner is named too. Without
        `at` (monotonic seconds) no slope is followed.
        """
        all_rows = {(owner, row.name): row for owner, row in rows}
        if at is not None:
            self._update_trends(at, all_rows)
        known = {
            key: row
            for key, row in all_rows.items()
            if _has_evidence(row) or self._forecast(key) is not None
        }
        if not known:
            self._current = None
            return None
        leader = min(known, key=lambda key: (self._seconds_left(key), urgency_key(known[key]), key))
        if leader == self._current:
            self._ticks_ahead = 0
        else:
            self._ticks_ahead += 1
            if self._current not in known or self._ticks_ahead >= MIN_TICKS_AHEAD:
                self._current, self._ticks_ahead = leader, 0
        owner, name = self._current or leader
        shown = f"{owner}: {name}" if owner and len(services) > 1 else name
        reason = describe_evidence(known[owner, name])
        forecast = self._forecast((owner, name))
        if forecast is not None:
            left = text.format_duration(round(forecast.reaches_s))
            reason = f"{reason}, reaches its limit in {left}" if reason else reason
        return FirstToSaturate(shown, reason, owner, name)

    def _update_trends(self, at: float, rows: Mapping[tuple[str, str], SaturationState]) -> None:
        """Follow the ratio of each resource that has a limit."""
        for key in self._trends.keys() - rows.keys():
            del self._trends[key]
        for key, row in rows.items():
            if row.limit is not None and row.name not in _NEVER_FIRST:
                self._trends.setdefault(key, RatioTrend()).add(at, row.ratio)

    def _forecast(self, key: tuple[str, str]) -> LimitForecast | None:
        trend = self._trends.get(key)
        return trend.forecast if trend is not None else None

    def _seconds_left(self, key: tuple[str, str]) -> float:
        """Return the seconds until its limit, in whole minutes, so that the order is steady."""
        forecast = self._forecast(key)
        return math.inf if forecast is None else forecast.reaches_s // 60


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
