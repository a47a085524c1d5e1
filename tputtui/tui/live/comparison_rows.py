"""Rows of a comparison: figures since it began, evaluated whenever a row has been filled."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tputtui.frozen import frozen
from tputtui.signals.rates.past import Past, PastNames
from tputtui.views.shared.comparison_base import row_width_s

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tputtui.tui.session import Session

MAX_ROWS: Final = 1000  # what the history holds at ten seconds a cell

T = TypeVar("T")


@frozen
class FilledRows:
    """Count of complete rows of `width_s` seconds, before the one being filled, number `end`."""

    width_s: float
    end: int
    count: int

    def read_past(self, session: Session, names: Collection[str]) -> RowValues:
        """Read these figures in each row."""
        if self.count < 1:
            return RowValues(Past(), 0)
        past = session.read_past(
            PastNames(frozenset(names)),
            self.count * self.width_s,
            self.end * self.width_s - self.width_s / 2,
            self.count,
        )
        return RowValues(past, self.count)


@frozen
class RowValues:
    """Figures of a comparison in each of its rows."""

    past: Past
    count: int

    def __getitem__(self, figure: str) -> Sequence[float | None]:
        """Return the mean of a figure in each row; None is a gap."""
        return self.past.columns(figure, self.count)


def rows_since(session: Session, since: float | None) -> FilledRows | None:
    """Return the rows since a moment (monotonic seconds; None: all) up to the shown one.

    None before the first tick.
    """
    latest = session.latest
    if latest is None:
        return None
    width_s = row_width_s(latest.window_s, latest.interval_s)
    moment = session.timeline.moment
    end = floor((latest.at if moment is None else moment) / width_s)
    # The first window since then still holds some of what was before.
    begin = end - MAX_ROWS if since is None else floor((since + latest.window_s) / width_s) + 1
    return FilledRows(width_s, end, max(0, min(MAX_ROWS, end - begin)))


class FigureCache(Generic[T]):
    """Result for each figure, valid while its cache key stays the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._entries: dict[str, tuple[object, T]] = {}

    def clear(self) -> None:
        """Forget all results."""
        self._entries.clear()

    def get(self, figure: str, cache_key: object, compute: Callable[[], T]) -> T:
        """Return the cached result of a figure, or compute it.

        Nothing is cached while a run is still being read: its past may change.
        """
        is_final = self._session.is_past_complete
        entry = self._entries.get(figure)
        if is_final and entry is not None and entry[0] == cache_key:
            return entry[1]
        result = compute()
        if is_final:
            self._entries[figure] = (cache_key, result)
        return result
