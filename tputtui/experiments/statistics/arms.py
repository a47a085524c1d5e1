"""Both arms as arrays: aligned if they ran at the same time, cut and masked alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.statistics.long_run_variance import Array, to_array

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ArmArrays:
    """Rows of one arm as arrays; NaN is a missing value."""

    t: Array
    columns: Mapping[str, Array]
    step_s: float
    bounds: Array | None = None  # ms, of all buckets except the last
    # [row, bucket]: requests in each bucket alone; a row without them is NaN
    buckets: Array | None = None

    @property
    def rps(self) -> Array:
        """Throughput, always present and finite."""
        return self.columns["rps"]

    @property
    def seconds(self) -> float:
        """Measured seconds."""
        return len(self.t) * self.step_s

    def select(self, rows: Mask | NDArray[np.intp] | slice) -> ArmArrays:
        """Return a selection of the rows."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        buckets = None if self.buckets is None else self.buckets[rows]
        return ArmArrays(self.t[rows], columns, self.step_s, self.bounds, buckets)


@dataclass(frozen=True, slots=True, eq=False)
class ArmPair:
    """Baseline and candidate. `is_paired`: row for row at the same time."""

    baseline: ArmArrays
    candidate: ArmArrays
    is_paired: bool

    def select(self, rows: Mask | slice) -> ArmPair:
        """Select the same rows of both arms; paired arms only."""
        return ArmPair(self.baseline.select(rows), self.candidate.select(rows), self.is_paired)

    def column(self, name: str) -> tuple[Array, Array] | None:
        """Return a column of both arms if both have it.

        Its finite values; for paired arms only rows where both have one.
        """
        a, b = self.baseline.columns.get(name), self.candidate.columns.get(name)
        if a is None or b is None:
            return None
        if self.is_paired:
            both = np.isfinite(a) & np.isfinite(b)
            return a[both], b[both]
        return a[np.isfinite(a)], b[np.isfinite(b)]


def to_arrays(rows: MetricRows) -> ArmArrays:
    """Convert rows to arrays."""
    columns = {name: to_array(values) for name, values in rows.columns.items()}
    if rows.buckets is None:
        return ArmArrays(to_array(rows.t), columns, rows.step_s)
    bounds, counts = to_array(rows.buckets.bounds_ms), to_array(rows.buckets.counts)
    return ArmArrays(to_array(rows.t), columns, rows.step_s, bounds, counts)


def align_rows(a: ArmArrays, b: ArmArrays) -> tuple[ArmPair, float]:
    """Return the rows of both arms at common times, and their share of all rows' times.

    Arms measured at different intervals are both averaged to the longer one first.
    """
    step = max(a.step_s, b.step_s)
    if abs(a.step_s - b.step_s) > 0.1 * step:
        a, b = _average_rows(a, step), _average_rows(b, step)
    start = min(a.t[0], b.t[0])
    places = [np.rint((arm.t - start) / step).astype(np.int64) for arm in (a, b)]
    _, at_a, at_b = np.intersect1d(*places, return_indices=True)
    return ArmPair(a.select(at_a), b.select(at_b), is_paired=True), len(at_a) / len(
        np.union1d(*places)
    )


def _average_rows(arm: ArmArrays, step: float) -> ArmArrays:
    if arm.step_s >= 0.9 * step:
        return arm
    places = np.floor(arm.t / step)
    kept, where = np.unique(places, return_inverse=True)
    columns = {name: _cell_means(column, where, len(kept)) for name, column in arm.columns.items()}
    buckets = None
    if arm.buckets is not None:
        buckets = np.stack(
            [_cell_means(column, where, len(kept)) for column in arm.buckets.T], axis=1
        )
    return ArmArrays(kept * step, columns, step, arm.bounds, buckets)


def _cell_means(column: Array, cell_indexes: NDArray[np.intp], cell_count: int) -> Array:
    there = np.isfinite(column)
    count = np.bincount(cell_indexes[there], minlength=cell_count)
    total = np.bincount(cell_indexes[there], weights=column[there], minlength=cell_count)
    means: Array = np.divide(total, count, out=np.full(cell_count, np.nan), where=count > 0)
    return means
