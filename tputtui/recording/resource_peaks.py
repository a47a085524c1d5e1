"""Utilisation and queued work of each resource of a service and its host over a run."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui.frozen import frozen
from tputtui.model import SaturationState

MAX_RESOURCES = 64  # resources that are tracked


@frozen
class ResourcePeak:
    """One resource over all rows in which it was known. None: unknown."""

    name: str
    mean: float | None  # of its utilisation, 0 to 1
    highest: float | None
    waiting: float | None  # mean queued work, in its own unit
    max_waiting: float | None


class ResourcePeaks:
    """Accumulator of saturation rows, tick by tick."""

    def __init__(self) -> None:
        # name -> [sum, count, maximum] of utilisation, of queued work
        self._totals: dict[str, tuple[list[float], list[float]]] = {}

    def add(self, rows: Iterable[SaturationState]) -> None:
        """Add the rows of one tick."""
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
        """All resources with known values, most used first."""
        out = []
        for name, (use, waiting) in self._totals.items():
            if use[1] or waiting[1]:
                out.append(ResourcePeak(name, *_mean_and_max(use), *_mean_and_max(waiting)))
        return tuple(sorted(out, key=lambda resource: -(resource.mean or 0.0)))


def _mean_and_max(totals: list[float]) -> tuple[float | None, float | None]:
    return (totals[0] / totals[1], totals[2]) if totals[1] else (None, None)
