"""How close each resource of a service and of its host came to its limit over a run: utilisation and waiting work."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui.frozen import frozen
from tputtui.model import SaturationState

MAX_RESOURCES = 64  # resources that are followed


@frozen
class ResourcePeak:
    """One resource over all rows in which it was known. None is not known."""

    name: str
    mean: float | None  # of its ratio of use, 0 to 1
    highest: float | None
    waiting: float | None  # mean of what waited, in its own unit
    max_waiting: float | None


class ResourcePeaks:
    """Takes the rows of saturation tick by tick."""

    def __init__(self) -> None:
        self._totals: dict[str, tuple[list[float], list[float]]] = {}  # name -> [sum, count, most] of use, of waiting

    def add(self, rows: Iterable[SaturationState]) -> None:
        """Add one tick's."""
        for row in rows:
            if row.name not in self._totals and len(self._totals) >= MAX_RESOURCES:
                continue
            use, waiting = self._totals.setdefault(row.name, ([0.0, 0, 0.0], [0.0, 0, 0.0]))
            for kept, value in ((use, row.ratio), (waiting, row.waiting)):
                if value is not None:
                    kept[0] += value
                    kept[1] += 1
                    kept[2] = max(kept[2], value)

    def peaks(self) -> tuple[ResourcePeak, ...]:
        """All of which anything was known, most used first."""
        out = []
        for name, (use, waiting) in self._totals.items():
            if use[1] or waiting[1]:
                out.append(ResourcePeak(name, *_mean_and_max(use), *_mean_and_max(waiting)))
        return tuple(sorted(out, key=lambda one: -(one.mean or 0.0)))


def _mean_and_max(totals: list[float]) -> tuple[float | None, float | None]:
    return (totals[0] / totals[1], totals[2]) if totals[1] else (None, None)
