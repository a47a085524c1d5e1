"""Cache of columns of the time axis: only the newest ones are computed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tputtui.signals.rates.history import History

MIN_COLUMN_S = 2.0
"""Minimum width of a column in seconds, so that a short axis does not move at every tick."""

MAX_CACHED = 128
"""Cached figures: a screen shows some thirty."""


_V = TypeVar("_V")


def distinct_columns(columns: int, span_s: float, interval_s: float) -> int:
    """Maximum number of distinct columns: none is narrower than the interval, or than
    `MIN_COLUMN_S`.
    """
    return max(1, min(columns, int(span_s / max(interval_s, MIN_COLUMN_S))))


def repeat_values(values: Sequence[_V], columns: int) -> list[_V]:
    """Repeat the values so that there are `columns`."""
    return [values[at * len(values) // columns] for at in range(columns)]


class ColumnCache:
    """Cache of the history's columns for the screen: only the newest are computed again.

    Columns lie on an absolute grid, so that all but the last keep their value until the axis
    advances.
    """

    def __init__(self, history: History, interval_s: float) -> None:
        self.newest_at: float | None = None  # `at` of the newest tick
        self._history = history
        self._interval_s = interval_s
        self._cached: dict[tuple[str, int, float], tuple[int, list[float | None]]] = {}

    def clear(self) -> None:
        """Clear the cache: the past has changed."""
        self._cached.clear()

    def column_values(
        self, name: str, columns: int, span_s: float, until: float | None
    ) -> list[float | None]:
        """Return `columns` values; each is repeated where there are more columns than samples in
        the span.
        """
        newest = self.newest_at
        if columns <= 0 or newest is None:
            return [None] * max(0, columns)
        grain = distinct_columns(columns, span_s, self._interval_s)
        if until is not None:
            values = self._history.column_values(name, until, span_s, grain)
        else:
            values = self._live_values(name, newest, span_s, grain)
        return values if grain == columns else repeat_values(values, columns)

    def _live_values(
        self, name: str, newest: float, span_s: float, grain: int
    ) -> list[float | None]:
        width = span_s / grain
        number = int(newest / width + 1e-6)
        key = (name, grain, span_s)
        kept = self._cached.get(key)
        # The column before the newest may still be filling: a cell that begins in it ends in the
        # next one.
        fresh = min(grain, number - kept[0] + 2) if kept is not None else grain
        if kept is None or fresh >= grain or fresh < 1:
            values = self._history.column_values(name, newest, span_s, grain)
        else:
            tail = self._history.column_values(name, newest, span_s, grain, fresh)
            advanced = number - kept[0]
            values = kept[1][advanced : advanced + grain - fresh] + tail
        while len(self._cached) >= MAX_CACHED and key not in self._cached:
            del self._cached[next(iter(self._cached))]
        self._cached[key] = (number, values)
        return values
