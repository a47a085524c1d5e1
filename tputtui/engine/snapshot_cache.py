"""Cache of the snapshots of the last hours, for stepping back while live: packed, thinned with age,
bounded.
"""

from __future__ import annotations

import io
import pickle
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tputtui.model import BreakdownRow, Labels, Quantile, Snapshot

LEVELS: Final = ((1.0, 900), (10.0, 1080), (60.0, 1440))
"""(seconds between kept snapshots, number of them), as the rings of `signals.rates.history`: 15
min, 3 h, 24 h.
"""

_COMPRESSION_LEVEL = 1


class SnapshotLog:
    """Snapshots by time, about 3 kB each, 10 MB when full.

    Pickle is safe here: the packed data never leaves the process, and nothing read from a file is
    unpickled.
    """

    def __init__(self) -> None:
        self._levels: tuple[deque[tuple[float, bytes]], ...] = tuple(
            deque(maxlen=count) for _, count in LEVELS
        )

    def add(self, snapshot: Snapshot) -> None:
        """Add the newest snapshot."""
        packed: bytes | None = None
        for (step, _), level in zip(LEVELS, self._levels, strict=True):
            # ticks are slightly irregular
            if level and snapshot.at - level[-1][0] < step - min(0.5, step / 10):
                continue
            if packed is None:
                packed = _pack(snapshot)
            level.append((snapshot.at, packed))

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot shown at a time: the newest that is not younger. None before the first one."""
        for level in self._levels:
            if level and level[0][0] <= at:
                times = [time for time, _ in level]
                entry = level[bisect_right(times, at) - 1]
                snapshot: Snapshot = _unpack(entry[1])
                return snapshot
        return None


class SnapshotCache:
    """All snapshots of a replay, packed; of very many every other one, to bound the memory
    (60 MB).
    """

    def __init__(self, max_snapshots: int = 20_000) -> None:
        self._max_snapshots = max_snapshots
        self._keep_every = 1  # one snapshot in this many is kept
        self._count = 0
        self._times: list[float] = []
        self._packed: list[bytes] = []

    def add(self, snapshot: Snapshot, extra: object = None) -> None:
        """Add the next snapshot with an extra value: values of the model, or made of such."""
        if self._count % self._keep_every == 0:
            if len(self._times) >= self._max_snapshots:
                self._keep_every *= 2
                self._times, self._packed = self._times[::2], self._packed[::2]
            self._packed.append(_pack((snapshot, extra)))
            self._times.append(snapshot.at)
        self._count += 1

    @property
    def newest_at(self) -> float | None:
        """Time of the newest kept snapshot; None before the first."""
        return self._times[-1] if self._times else None

    def shown_at(self, at: float) -> float | None:
        """`at` of the snapshot shown at a time; None before the first one."""
        place = bisect_right(self._times, at) - 1
        return self._times[place] if place >= 0 else None

    def snapshot_and_extra(self, at: float) -> tuple[Snapshot, Any] | None:
        """Snapshot shown at a time, with its extra value."""
        place = bisect_right(self._times, at) - 1
        unpacked: tuple[Snapshot, Any] | None = _unpack(self._packed[place]) if place >= 0 else None
        return unpacked

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot shown at a time. None before the first snapshot."""
        entry = self.snapshot_and_extra(at)
        return entry[0] if entry is not None else None


def _flatten_row(row: BreakdownRow) -> tuple[Callable[..., BreakdownRow], tuple[Any, ...]]:
    """Flatten a row with its quantiles.

    Rows are most of a snapshot, and each nested value adds to its size and time.
    """
    quantile_fields = [
        field
        for quantile in row.quantiles
        for field in (
            quantile.q,
            quantile.value,
            quantile.low,
            quantile.high,
            quantile.is_lower_bound,
        )
    ]
    return _restore_row, (row.labels, row.rps, row.error_ratio, *quantile_fields)


def _restore_row(
    labels: Labels, rps: float | None, ratio: float | None, *quantile_fields: Any
) -> BreakdownRow:
    return BreakdownRow(
        labels,
        rps,
        ratio,
        tuple(Quantile(*quantile_fields[at : at + 5]) for at in range(0, len(quantile_fields), 5)),
    )


def _pack(value: object) -> bytes:
    out = io.BytesIO()
    pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {BreakdownRow: _flatten_row}
    pickler.dump(value)
    return zlib.compress(out.getvalue(), _COMPRESSION_LEVEL)


def _unpack(packed: bytes) -> Any:
    """Unpack data packed by this process only: pickle executes its input."""
    return pickle.loads(zlib.decompress(packed))  # noqa: S301  # our own, in memory
