"""The rows that a watch is judged by: what was seen since it began, told anew when a row has been filled."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tputtui.frozen import frozen
from tputtui.views.shared.comparison_base import row_width_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tputtui.tui.session import Session

MAX_ROWS: Final = 1000  # what the history holds at ten seconds a cell

T = TypeVar("T")


@frozen
class FilledRows:
    """So many whole rows of `wide` seconds, up to the one that is being filled, number `end`."""

    width_s: float
    end: int
    count: int

    def values(self, session: Session, figure: str) -> Sequence[float | None]:
        """A figure's mean in each; None is a gap."""
        if self.count < 1:
            return []
        return session.history(
            figure,
            self.count,
            self.count * self.width_s,
            self.end * self.width_s - self.width_s / 2,
        )


def rows_since(session: Session, since: float | None) -> FilledRows | None:
    """The rows since a moment (monotonic seconds; None: all there are) up to the one that is shown; None before the first tick."""
    latest = session.latest
    if latest is None:
        return None
    wide = row_width_s(latest.window_s, latest.interval_s)
    moment = session.timeline.moment
    end = floor((latest.at if moment is None else moment) / wide)
    # The first window since then still holds some of what was before.
    begin = end - MAX_ROWS if since is None else floor((since + latest.window_s) / wide) + 1
    return FilledRows(wide, end, max(0, min(MAX_ROWS, end - begin)))


class FigureCache(Generic[T]):
    """What was told of each figure, for as long as what it rests on stays as it is."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._entries: dict[str, tuple[object, T]] = {}

    def clear(self) -> None:
        """Tell everything anew."""
        self._entries.clear()

    def get(self, figure: str, cache_key: object, compute: Callable[[], T]) -> T:
        """What `tell` says of a figure; what is kept of it, where it `rests_on` the same."""
        known = self._session.is_past_complete
        kept = self._entries.get(figure)
        if known and kept is not None and kept[0] == cache_key:
            return kept[1]
        told = compute()
        if known:
            self._entries[figure] = (cache_key, told)
        return told
