"""Saturation of a service from its gauges: use, limit and waiting work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tputtui.model import Binding, SaturationState
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    ServiceWindow,
    compile_matches,
    gauge_values,
)
from tputtui.signals.service.latency import LatencyReader

_SHARE_UNITS = {"ratio": 1.0, "percent": 100.0}
_TIME_UNITS = frozenset(("s", "ms", "us"))


def is_aggregated_by_max(binding: Binding) -> bool:
    """Tell whether the highest of several values is used, as for shares and times.

    Amounts are summed.
    """
    return binding.unit in _SHARE_UNITS or binding.unit in _TIME_UNITS


class GaugeReader:
    """Read one saturation binding."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self._meets = compile_matches(binding.match)
        self._numbers: list[int] = []
        self._mean = (
            LatencyReader(binding, ()) if binding.kind in ("histogram", "summary", "mean") else None
        )

    def set_layout(self, layout: SeriesLayout) -> None:
        """Find the counters it needs if it is not a gauge."""
        if self._mean is not None:
            self._mean.set_layout(layout)
        elif self.binding.kind == "counter":
            self._numbers = [
                number for number, _ in layout.select(self.binding.family, self._meets)
            ]

    def state(self, tick: ServiceWindow) -> SaturationState:
        """Return the current level.

        Amounts are summed over series and replicas; of shares and times the highest is used.
        """
        binding = self.binding
        unit = binding.unit or ""
        value = self._value(tick, use_max=is_aggregated_by_max(binding))
        limit = self._limit(tick)
        ratio = None
        if value is not None and limit is not None:
            ratio = value / limit
        elif value is not None and unit in _SHARE_UNITS:
            ratio = value / _SHARE_UNITS[unit]
        return SaturationState(
            name=binding.name or binding.family,
            family=binding.family,
            value=value,
            limit=limit,
            ratio=None if ratio is None else min(1.0, max(0.0, ratio)),
            waiting=value if binding.waiting else None,
            unit=unit,
            reason=binding.reason,
        )

    def _value(self, tick: ServiceWindow, *, use_max: bool) -> float | None:
        if self._mean is not None:
            return self._mean.mean(tick)
        if self.binding.kind == "counter":
            if not tick.live_windows or not self._numbers:
                return None
            return tick.sum_rates(self._numbers) * self.binding.scale
        values = [
            value
            for _, value in gauge_values(tick.layout.windows, self.binding.family, self._meets)
        ]
        if not values:
            return None
        return (max(values) if use_max else sum(values)) * self.binding.scale

    def _limit(self, tick: ServiceWindow) -> float | None:
        """Return the sum of the limits. Exporters write -1, 0 and Inf for "no limit"."""
        if self.binding.limit is None:
            return None
        values = [
            value for _, value in gauge_values(tick.layout.windows, self.binding.limit, self._meets)
        ]
        limits = [value for value in values if 0 < value < float("inf")]
        return sum(limits) * self.binding.scale if limits else None


_QUEUE_SUFFIXES = (" waiting", " queue", " pending", " queued")


def merge_queues(states: Iterable[SaturationState]) -> list[SaturationState]:
    """Merge a pool and its queue into one row.

    The number waiting for "db pool" is a figure of the pool, not a second resource.
    """
    all_states = list(states)
    by_name = {state.name: state for state in all_states if state.waiting is None}
    merged: list[SaturationState] = []
    queue_by_pool: dict[str, SaturationState] = {}
    for state in all_states:
        pool = _pool_of_queue(state.name)
        if state.waiting is not None and pool in by_name and pool not in queue_by_pool:
            queue_by_pool[pool] = state
        else:
            merged.append(state)
    for index, state in enumerate(merged):
        if state.name in queue_by_pool and state.waiting is None:
            merged[index] = replace(state, waiting=queue_by_pool[state.name].waiting)
    return merged


def _pool_of_queue(name: str) -> str | None:
    """Return the name of the pool that a queue belongs to; None if the name is not a queue's."""
    for suffix in _QUEUE_SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return None
