"""State of the views of one profile: current tab, search, focus and filters. Pure.

Commands return a message for the status line, usually empty; a command without effect says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tputtui import text
from tputtui.profiling.profile_model import Function, Profile
from tputtui.views.profile.capture_options import METRIC_DESCRIPTIONS, METRICS
from tputtui.views.profile.flame_tab import FlameTab
from tputtui.views.profile.profile_analysis import ProfileAnalysis, ProfileFilters
from tputtui.views.profile.profile_tab import TABS, ProfileTab, format_share
from tputtui.views.profile.source_tab import SourceTab
from tputtui.views.profile.threads_tab import ThreadsTab
from tputtui.views.profile.top_functions_tab import TopFunctionsTab
from tputtui.views.profile.tree_tab import TreeTab


class ProfileView:
    """Tabs of one profile; empty until there is an analysis."""

    def __init__(self, filters: ProfileFilters | None = None) -> None:
        self.analysis: ProfileAnalysis | None = None
        self.tab_name = "tree"
        self.search_status = ""  # status message of the last search
        self._filters = filters or ProfileFilters()
        self._tabs: dict[str, ProfileTab] = {}
        self._shown_analyses: dict[str, ProfileAnalysis] = {}  # analysis that each tab shows
        self._predicate: Callable[[Function], bool] | None = None
        self._search_text = ""

    # ----------------------------------------------------------------------------------------- tabs

    @property
    def current_tab(self) -> ProfileTab | None:
        """Tab that is open."""
        return None if self.analysis is None else self._open_tab(self.tab_name)

    def _open_tab(self, tab_name: str) -> ProfileTab:
        study = self.analysis
        if study is None:
            raise AssertionError("a page needs a study")
        page = self._tabs.get(tab_name)
        if page is None:
            page = self._tabs[tab_name] = _make_tab(tab_name, study)
        elif self._shown_analyses[tab_name] is not study:
            page.refresh(study)
        self._shown_analyses[tab_name] = study
        return page

    def update(self, analysis: ProfileAnalysis) -> None:
        """Show another profile, or the same one with a new slice.

        The open tab, the selection and the filters stay.
        """
        self.analysis = analysis.with_filters(self._filters)
        self._update_search()

    def show_tab(self, tab_name: str) -> str:
        """Open another tab.

        The source tab opens at the function under the cursor of the previous tab.
        """
        if self.analysis is None:
            return "there is no profile yet"
        if tab_name == "source":
            source = self._open_tab("source")
            if isinstance(source, SourceTab):
                source.show_function(self._open_tab(self.tab_name).selected_function())
        self.tab_name = tab_name
        self._update_search()
        return ""

    def _change_filters(self, **changes: Any) -> None:
        self._filters = replace(self._filters, **changes)
        if self.analysis is not None:
            self.analysis = self.analysis.with_filters(self._filters)
            self._update_search()

    @property
    def file(self) -> str:
        """Source file of the function under the cursor; empty without one."""
        page = self.current_tab
        chosen = page.selected_function() if page is not None else None
        return chosen.func.file if chosen is not None else ""

    @property
    def breadcrumbs(self) -> tuple[str, ...]:
        """Functions from the root to the box that fills the width of the flame graph."""
        page = self.current_tab
        return tuple(page.breadcrumbs()) if isinstance(page, FlameTab) else ()

    # ----------------------------------------------------------------------------------------- keys

    def open_selected(self) -> str:
        """Open, zoom or toggle a thread (Enter); on a leaf of the tree, show its source."""
        page = self.current_tab
        if page is None:
            return ""
        if isinstance(page, ThreadsTab):
            self._change_filters(threads=page.toggled_threads())
            return ""
        if page.open():
            return ""
        return (
            self.show_tab("source")
            if self.tab_name in ("tree", "callers", "hot") and self.file
            else "nothing opens here"
        )

    def hottest(self) -> str:
        """Go to the hottest function (*)."""
        page = self.current_tab
        return "" if page is None else page.hottest()

    def focus(self) -> str:
        """Restrict the profile to the calls below the function under the cursor (f)."""
        page = self.current_tab
        chosen = page.selected_function() if page is not None else None
        if chosen is None:
            return "no function under the cursor to focus on"
        if self._filters.focus and self._filters.focus[-1] == chosen.func:
            return f"it is in focus already: {chosen.func.name}"
        self._change_filters(focus=(*self._filters.focus, chosen.func))
        return ""

    def back(self) -> str:
        """Leave a zoom or the callers and callees, then a focus (Backspace)."""
        page = self.current_tab
        if page is not None and page.back():
            return ""
        if not self._filters.focus:
            return "nothing to go back from"
        self._change_filters(focus=self._filters.focus[:-1])
        return ""

    def toggle_own_code(self) -> str:
        """Toggle between own code and all code (o)."""
        self._change_filters(own_code_only=not self._filters.own_code_only)
        if not self._filters.own_code_only:
            return "all code"
        if self.analysis is not None and not self.analysis.is_mine_only:
            return "all code is shown: no sample is in your own code"
        return "my code only: of libraries, the standard library and import machinery what my code called, and no deeper"

    def toggle_lines(self) -> str:
        """Toggle between functions and lines (L)."""
        self._change_filters(by_line=not self._filters.by_line)
        return "each line by itself" if self._filters.by_line else "by function"

    def next_thread(self) -> str:
        """Show the next thread by itself, the busiest first, then all threads (t)."""
        study = self.analysis
        if study is None or len(study.threads) < 2:
            return "there is one thread" if study is not None else "there is no profile yet"
        order = [frozenset((row.thread,)) for row in study.threads]
        now = self._filters.threads
        at = order.index(now) + 1 if now in order else 0
        self._change_filters(threads=order[at] if at < len(order) else None)
        return ""

    def next_metric(self) -> str:
        """Switch the basis of the shares (g): all samples, running ones, those holding the GIL."""
        study = self.analysis
        choices = [
            metric for metric in METRICS if metric != "gil" or (study is not None and study.has_gil)
        ]
        at = choices.index(self._filters.metric) + 1 if self._filters.metric in choices else 0
        self._change_filters(metric=choices[at % len(choices)])
        lacking = "" if "gil" in choices else "; nobody asked for the GIL"
        return METRIC_DESCRIPTIONS[self._filters.metric] + lacking

    def sort(self, step: int) -> str:
        """Sort by the previous or next column (< and >)."""
        page = self.current_tab
        if not isinstance(page, TopFunctionsTab):
            return "sorting is for the hot functions: 3"
        return page.sort(step)

    def invert(self) -> str:
        """Reverse the order (I)."""
        page = self.current_tab
        if not isinstance(page, TopFunctionsTab):
            return "the order can be inverted in the hot functions: 3"
        return page.invert()

    def unfold(self) -> str:
        """Expand or fold the chain under the cursor (u)."""
        page = self.current_tab
        if not isinstance(page, TreeTab):
            return "chains are folded in the call tree: 1"
        return "" if page.unfold() else "no folded chain under the cursor"

    def compare(self, before: Profile | None) -> None:
        """Compare this profile with another; None ends the comparison."""
        study = self.analysis
        if study is not None:
            self.analysis = ProfileAnalysis(
                study.profile, self._filters, study.table, before, study.evidence
            )
            self._update_search()

    # --------------------------------------------------------------------------------------- search

    def search(self, query: str) -> str:
        """Search functions whose name or file contains all the words (/).

        An empty query ends the search.
        """
        parts = query.casefold().split()
        self._search_text = text.clean(query.strip(), 60)

        def wanted(func: Function) -> bool:
            name = f"{func.name} {func.file}".casefold()
            return all(part in name for part in parts)

        self._predicate = wanted if parts else None
        said = self._update_search()
        return self.go_to_match(1) if self._predicate is not None and not said else said

    def go_to_match(self, step: int) -> str:
        """Go to the next match (n) or the previous one (N).

        In the source, the matches are the lines that were sampled.
        """
        page = self.current_tab
        if page is not None and page.go_to_match(step):
            return ""
        return (
            "nothing matches" if self._predicate is not None else "no active search; / starts one"
        )

    def _update_search(self) -> str:
        """Mark the matches on the open tab; return a reason where that is impossible."""
        page = self.current_tab
        if page is None:
            return ""
        found = page.search(self._predicate)
        self.search_status = ""
        if self._predicate is None:
            return ""
        if found is None:
            return "functions are searched in the views 1 to 4"
        self.search_status = (
            f"“{self._search_text}”: {found[0]:,} found, {format_share(found[1])} % of the samples"
        )
        return ""


def _make_tab(tab_name: str, analysis: ProfileAnalysis) -> ProfileTab:
    if tab_name == "callers":
        return TreeTab(analysis, is_inverted=True)
    kinds: dict[str, Callable[[ProfileAnalysis], ProfileTab]] = {
        "tree": TreeTab,
        "hot": TopFunctionsTab,
        "flame": FlameTab,
        "source": SourceTab,
        "threads": ThreadsTab,
    }
    return kinds[tab_name](analysis)


def tab_for_key(number: int) -> str | None:
    """Name of the tab for a key from 1 to 6; None for another key."""
    return TABS[number - 1][0] if 0 < number <= len(TABS) else None
