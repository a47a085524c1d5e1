"""The rows that a watch is judged by: what was seen since it began, told anew when a row has been filled."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tputtui.frozen import frozen
from tputtui.views.shared.comparison_base import row_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tputtui.tui.app import TputtuiApp

MOST_ROWS: Final = 1000  # what the history holds at ten seconds a cell

T = TypeVar("T")


@frozen
class FilledRows:
    """So many whole rows of `wide` seconds, up to the one that is being filled, number `end`."""

    wide: float
    end: int
    count: int

    def values(self, desk: TputtuiApp, figure: str) -> Sequence[float | None]:
        """A figure's mean in each; None is a gap."""
        if self.count < 1:
            return []
        return desk.source.past(figure, self.count, self.count * self.wide, self.end * self.wide - self.wide / 2)


def rows_since(desk: TputtuiApp, since: float | None) -> FilledRows | None:
    """The rows since a moment (monotonic seconds; None: all there are) up to the one that is shown; None before the first tick."""
    latest = desk.latest
    if latest is None:
        return None
    wide = row_s(latest.window_s, latest.interval_s)
    moment = desk.timeline.moment
    end = floor((latest.at if moment is None else moment) / wide)
    # The first window since then still holds some of what was before.
    begin = end - MOST_ROWS if since is None else floor((since + latest.window_s) / wide) + 1
    return FilledRows(wide, end, max(0, min(MOST_ROWS, end - begin)))


class JudgedFigures(Generic[T]):
    """What was told of each figure, for as long as what it rests on stays as it is."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk
        self._kept: dict[str, tuple[object, T]] = {}

    def clear(self) -> None:
        """Tell everything anew."""
        self._kept.clear()

    def of(self, figure: str, rests_on: object, tell: Callable[[], T]) -> T:
        """What `tell` says of a figure; what is kept of it, where it `rests_on` the same."""
        known = self._desk.past_is_known
        kept = self._kept.get(figure)
        if known and kept is not None and kept[0] == rests_on:
            return kept[1]
        told = tell()
        if known:
            self._kept[figure] = (rests_on, told)
        return told
