"""Both arms as arrays on a common footing: aligned where they ran at the same time, cut and masked alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.statistics.long_run_variance import Array, array

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ArmArrays:
    """One arm's rows as arrays; NaN is a missing value."""

    t: Array
    columns: Mapping[str, Array]
    step_s: float
    bounds: Array | None = None  # ms, of the buckets but the last
    buckets: Array | None = None  # [row, bucket]: requests in each alone; a row without them is NaN

    @property
    def rps(self) -> Array:
        """Throughput, always there and finite."""
        return self.columns["rps"]

    @property
    def seconds(self) -> float:
        """How long was measured."""
        return len(self.t) * self.step_s

    def take(self, which: Mask | NDArray[np.intp] | slice) -> ArmArrays:
        """Some of the rows."""
        columns = {name: column[which] for name, column in self.columns.items()}
        buckets = None if self.buckets is None else self.buckets[which]
        return ArmArrays(self.t[which], columns, self.step_s, self.bounds, buckets)


@dataclass(frozen=True, slots=True, eq=False)
class ArmPair:
    """Baseline and candidate. `paired`: row for row at the same time."""

    baseline: ArmArrays
    candidate: ArmArrays
    paired: bool

    def take(self, which: Mask | slice) -> ArmPair:
        """The same rows of both; of paired arms only."""
        return ArmPair(self.baseline.take(which), self.candidate.take(which), self.paired)

    def column(self, name: str) -> tuple[Array, Array] | None:
        """A column of both arms where both have it: its finite values, and of paired arms only where both have one."""
        a, b = self.baseline.columns.get(name), self.candidate.columns.get(name)
        if a is None or b is None:
            return None
        if self.paired:
            both = np.isfinite(a) & np.isfinite(b)
            return a[both], b[both]
        return a[np.isfinite(a)], b[np.isfinite(b)]


def arm(rows: MetricRows) -> ArmArrays:
    """Rows as arrays."""
    columns = {name: array(values) for name, values in rows.columns.items()}
    if rows.buckets is None:
        return ArmArrays(array(rows.t), columns, rows.step_s)
    bounds, counts = array(rows.buckets.bounds_ms), array(rows.buckets.counts)
    return ArmArrays(array(rows.t), columns, rows.step_s, bounds, counts)


def aligned(a: ArmArrays, b: ArmArrays) -> tuple[ArmPair, float]:
    """The rows that both arms have at the same time, and their share of all rows' times.

    Where the arms were measured at different intervals, both are averaged to the longer one first.
    """
    step = max(a.step_s, b.step_s)
    if abs(a.step_s - b.step_s) > 0.1 * step:
        a, b = _averaged(a, step), _averaged(b, step)
    start = min(a.t[0], b.t[0])
    places = [np.rint((one.t - start) / step).astype(np.int64) for one in (a, b)]
    _, at_a, at_b = np.intersect1d(*places, return_indices=True)
    return ArmPair(a.take(at_a), b.take(at_b), paired=True), len(at_a) / len(np.union1d(*places))


def _averaged(one: ArmArrays, step: float) -> ArmArrays:
    if one.step_s >= 0.9 * step:
        return one
    places = np.floor(one.t / step)
    kept, where = np.unique(places, return_inverse=True)
    columns = {name: _means(column, where, len(kept)) for name, column in one.columns.items()}
    buckets = None
    if one.buckets is not None:
        buckets = np.stack([_means(column, where, len(kept)) for column in one.buckets.T], axis=1)
    return ArmArrays(kept * step, columns, step, one.bounds, buckets)


def _means(column: Array, where: NDArray[np.intp], cells: int) -> Array:
    there = np.isfinite(column)
    count = np.bincount(where[there], minlength=cells)
    total = np.bincount(where[there], weights=column[there], minlength=cells)
    means: Array = np.divide(total, count, out=np.full(cells, np.nan), where=count > 0)
    return means
