"""Threads as a page: how much of each was sampled, waiting, and holding the GIL; Enter chooses some of them."""

from __future__ import annotations

from collections.abc import Callable

from tputtui import text
from tputtui.profiling.analysis.top_functions import ThreadRow
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function, ProfileThread
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import TabBody, share
from tputtui.views.shared.frame import scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, spark

_SPARK_CELLS = 20


class ThreadsTab:
    """The first row is all of them."""

    def __init__(self, study: ProfileAnalysis) -> None:
        self._study = study
        self._cursor = self._top = 0

    def renew(self, study: ProfileAnalysis) -> None:
        """The cursor stays with its thread."""
        thread = self.thread
        self._study = study
        found = (at for at, row in enumerate(study.threads, 1) if thread is not None and row.thread == thread)
        self._cursor = next(found, 0)

    @property
    def thread(self) -> ProfileThread | None:
        """The thread under the cursor; None on "all threads"."""
        rows = self._study.threads
        return rows[self._cursor - 1].thread if 0 < self._cursor <= len(rows) else None

    def toggled(self) -> frozenset[ProfileThread] | None:
        """The threads that are chosen with the one under the cursor turned over; None: all."""
        thread = self.thread
        if thread is None:
            return None
        chosen = (self._study.knobs.threads or frozenset()) ^ {thread}
        return chosen or None

    def move(self, rows: int) -> None:
        """Up and down."""
        self._cursor = max(0, min(len(self._study.threads), self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Nothing beside."""
        del step

    def open(self) -> bool:
        """Enter: the book turns the choice over, which makes another study."""
        return False

    def back(self) -> bool:
        """Nothing to come back from."""
        return False

    def hottest(self) -> str:
        """The busiest."""
        self._cursor = min(1, len(self._study.threads))
        thread = self.thread
        return f"the busiest thread: {thread.label}" if thread is not None else ""

    def point(self, key: int) -> bool:
        """A click."""
        here, self._cursor = self._cursor == key, key
        return here

    def chosen(self) -> SelectedFunction | None:
        """No function."""
        return None

    def search(self, wanted: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Functions are searched in the other views."""
        del wanted
        return None

    def to_match(self, step: int) -> bool:
        """Nothing is searched."""
        del step
        return False

    def body(self, width: int, height: int, source: SourceText | None = None) -> TabBody:  # noqa: ARG002 - a page may use it
        """The head and the rows."""
        rows = self._study.threads
        room = max(1, height - 1)
        self._top = scrolled(self._top, self._cursor, len(rows) + 1, room)
        shown = range(self._top, min(len(rows) + 1, self._top + room))
        lines = [self._head(width)]
        lines += [self._line(rows[at - 1], width) if at else self._all(width) for at in shown]
        return TabBody(lines, 1 + self._cursor - self._top, (None, *shown))

    def _head(self, width: int) -> Line:
        row = (
            LineBuilder(width)
            .ending_at(11, "samples", "dim")
            .ending_at(19, "wall", "dim")
            .ending_at(28, "waiting", "dim")
        )
        row.ending_at(36, "gil", "dim").ending_at(45, "cpu", "dim")
        if width >= 84:
            row.at(48, "not waiting", "dim")
        return row.at(self._x(width), "thread", "dim").line()

    @staticmethod
    def _x(width: int) -> int:
        return 48 + _SPARK_CELLS + 2 if width >= 84 else 48

    def _mark(self, row: LineBuilder, chosen: bool) -> None:
        row.at(1, "●" if chosen else "○", "accent" if chosen else "dim")

    def _all(self, width: int) -> Line:
        row = LineBuilder(width)
        self._mark(row, self._study.knobs.threads is None)
        row.ending_at(11, text.short(sum(one.samples for one in self._study.threads)))
        row.ending_at(19, "100.0 %" if self._study.threads else "")
        count = len(self._study.threads)
        return row.at(self._x(width), f"all {count} threads" if count != 1 else "the one thread", "strong").line()

    def _line(self, item: ThreadRow, width: int) -> Line:
        row = LineBuilder(width)
        self._mark(row, item.thread in (self._study.knobs.threads or ()))
        row.ending_at(11, text.short(item.samples))
        row.ending_at(17, share(item.wall)).then(" %", "dim")
        row.ending_at(26, share(item.waiting)).then(" %", "dim")
        row.ending_at(34, share(item.gil), "strong" if (item.gil or 0) >= 0.1 else "plain").then(
            " %" if item.gil is not None else "", "dim"
        )
        row.ending_at(43, share(item.cpu)).then(" %" if item.cpu is not None else "", "dim")
        if width >= 84:
            row.at(48, spark(item.sparkline[-_SPARK_CELLS:], 1.0), "data")
        several = len({one.thread.pid for one in self._study.threads}) > 1
        name = f"{item.thread.pid}: {item.thread.label}" if several else item.thread.label
        idle = item.waiting >= 0.995
        row.at(self._x(width), name, "dim" if idle else "strong")
        return row.then("  waiting" if idle else "", "dim").line()
