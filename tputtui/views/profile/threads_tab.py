"""Tab of the threads: shares sampled, waiting and holding the GIL; Enter toggles a thread."""

from __future__ import annotations

from dataclasses import replace

from tputtui import text
from tputtui.profiling.analysis.top_functions import ThreadRow, thread_rows
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import ProfileThread
from tputtui.views.profile.profile_analysis import ProfileAnalysis, ProfileFilters
from tputtui.views.profile.profile_tab import ProfileTab, TabBody, TabSpec, format_share
from tputtui.views.shared.frame import first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, sparkline

_SPARK_CELLS = 20


def all_threads(analysis: ProfileAnalysis) -> list[ThreadRow]:
    """List all threads of the profile, whatever the filters, the busiest first."""
    return thread_rows(analysis.profile)


class ThreadsTab(ProfileTab):
    """Table of the threads; the first row is all threads."""

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._set_analysis(analysis)
        self._cursor = self._top = 0

    def _set_analysis(self, analysis: ProfileAnalysis) -> None:
        self._analysis = analysis
        self._rows = analysis.derive_unfiltered(all_threads)

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis; the cursor stays on its thread."""
        thread = self.selected_thread
        self._set_analysis(analysis)
        self._cursor = 0
        for number, row in enumerate(self._rows, 1):
            if row.thread == thread:
                self._cursor = number

    @property
    def selected_thread(self) -> ProfileThread | None:
        """Thread under the cursor; None on "all threads"."""
        rows = self._rows
        return rows[self._cursor - 1].thread if 0 < self._cursor <= len(rows) else None

    def filters_on_enter(self) -> ProfileFilters:
        """Toggle the thread under the cursor; on "all threads", and without any, select all."""
        filters, thread = self._analysis.filters, self.selected_thread
        if thread is None:
            return replace(filters, threads=None)
        threads = (filters.threads or frozenset()) ^ {thread}
        return replace(filters, threads=threads or None)

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._cursor = max(0, min(len(self._rows), self._cursor + rows))

    def hottest(self) -> str:
        """Go to the busiest thread."""
        self._cursor = min(1, len(self._rows))
        thread = self.selected_thread
        return f"the busiest thread: {thread.label}" if thread is not None else ""

    def click(self, row: int) -> bool:
        """Select the row that was clicked."""
        was_selected = self._cursor == row
        self._cursor = row
        return was_selected

    def render(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Render the header and the rows."""
        del source
        rows = self._rows
        room = max(1, height - 1)
        self._top = first_visible_row(self._top, self._cursor, len(rows) + 1, room)
        shown = range(self._top, min(len(rows) + 1, self._top + room))
        lines = [self._header_line(width)]
        lines += [
            self._thread_line(rows[at - 1], width) if at else self._all_threads_line(width)
            for at in shown
        ]
        return TabBody(lines, 1 + self._cursor - self._top, (None, *shown))

    def _header_line(self, width: int) -> Line:
        row = (
            LineBuilder(width)
            .ending_at(11, "samples", "dim")
            .ending_at(19, "wall", "dim")
            .ending_at(28, "waiting", "dim")
        )
        row.ending_at(36, "gil", "dim").ending_at(45, "cpu", "dim")
        if width >= 84:
            row.at(48, "not waiting", "dim")
        return row.at(self._name_column(width), "thread", "dim").line()

    @staticmethod
    def _name_column(width: int) -> int:
        return 48 + _SPARK_CELLS + 2 if width >= 84 else 48

    def _draw_mark(self, row: LineBuilder, is_chosen: bool) -> None:
        row.at(1, "●" if is_chosen else "○", "accent" if is_chosen else "dim")

    def _all_threads_line(self, width: int) -> Line:
        row = LineBuilder(width)
        self._draw_mark(row, self._analysis.filters.threads is None)
        row.ending_at(11, text.format_axis_value(sum(thread.samples for thread in self._rows)))
        row.ending_at(19, "100.0 %" if self._rows else "")
        count = len(self._rows)
        return row.at(
            self._name_column(width),
            f"all {count} threads" if count != 1 else "the one thread",
            "strong",
        ).line()

    def _thread_line(self, item: ThreadRow, width: int) -> Line:
        row = LineBuilder(width)
        self._draw_mark(row, item.thread in (self._analysis.filters.threads or ()))
        row.ending_at(11, text.format_axis_value(item.samples))
        row.ending_at(17, format_share(item.wall)).then(" %", "dim")
        row.ending_at(26, format_share(item.waiting)).then(" %", "dim")
        row.ending_at(
            34, format_share(item.gil), "strong" if (item.gil or 0) >= 0.1 else "plain"
        ).then(" %" if item.gil is not None else "", "dim")
        row.ending_at(43, format_share(item.cpu)).then(" %" if item.cpu is not None else "", "dim")
        if width >= 84:
            row.at(48, sparkline(item.sparkline[-_SPARK_CELLS:], 1.0), "data")
        several = len({other.thread.pid for other in self._rows}) > 1
        name = f"{item.thread.pid}: {item.thread.label}" if several else item.thread.label
        idle = item.waiting >= 0.995
        row.at(self._name_column(width), name, "dim" if idle else "strong")
        return row.then("  waiting" if idle else "", "dim").line()


TAB = TabSpec(
    name="threads",
    title="Threads",
    short_title="threads",
    help="threads",
    create=ThreadsTab,
    prepare=(all_threads,),
)
