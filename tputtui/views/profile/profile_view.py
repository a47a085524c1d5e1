"""State of the views of one profile: current tab, search, focus and filters. Pure.

Commands return a message for the status line, usually empty; a command without effect says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tputtui import text
from tputtui.profiling.profile_model import Function, Profile
from tputtui.views.profile import tabs
from tputtui.views.profile.option_menus import METRIC_DESCRIPTIONS, METRICS
from tputtui.views.profile.profile_analysis import ProfileAnalysis, ProfileFilters
from tputtui.views.profile.profile_tab import ProfileTab, TabSpec, format_share
from tputtui.views.profile.threads_tab import all_threads


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
        analysis = self.analysis
        if analysis is None:
            raise AssertionError("a tab needs an analysis")
        tab = self._tabs.get(tab_name)
        if tab is None:
            tab = self._tabs[tab_name] = tabs.tab_spec(tab_name).create(analysis)
        elif self._shown_analyses[tab_name] is not analysis:
            tab.refresh(analysis)
        self._shown_analyses[tab_name] = analysis
        return tab

    def update(self, analysis: ProfileAnalysis) -> None:
        """Show another profile, or the same one with a new slice.

        The open tab, the selection and the filters stay.
        """
        self.analysis = analysis.with_filters(self._filters)
        self._update_search()

    def show_tab(self, tab_name: str) -> str:
        """Open another tab.

        A tab that shows one function, such as the source, opens at the function under the cursor of
        the previous tab.
        """
        if self.analysis is None:
            return "there is no profile yet"
        previous = self._open_tab(self.tab_name)
        self._open_tab(tab_name).show_function(previous.selected_function())
        self.tab_name = tab_name
        self._update_search()
        return ""

    @property
    def tab_spec(self) -> TabSpec:
        """Entry of the open tab in the list of tabs."""
        return tabs.tab_spec(self.tab_name)

    def _change_filters(self, **changes: Any) -> None:
        self._set_filters(replace(self._filters, **changes))

    def _set_filters(self, filters: ProfileFilters) -> None:
        self._filters = filters
        if self.analysis is not None:
            self.analysis = self.analysis.with_filters(self._filters)
            self._update_search()

    @property
    def file(self) -> str:
        """Source file of the function under the cursor; empty without one."""
        tab = self.current_tab
        selected = tab.selected_function() if tab is not None else None
        return selected.func.file if selected is not None else ""

    @property
    def breadcrumbs(self) -> tuple[str, ...]:
        """Functions from the root to what the open tab is zoomed into."""
        tab = self.current_tab
        return () if tab is None else tuple(tab.breadcrumbs())

    # ----------------------------------------------------------------------------------------- keys

    def open_selected(self) -> str:
        """Open, zoom or toggle a thread (Enter); on a leaf of the tree, show its source."""
        tab = self.current_tab
        if tab is None:
            return ""
        filters = tab.filters_on_enter()
        if filters is not None:
            self._set_filters(filters)
            return ""
        if tab.open():
            return ""
        if self.tab_spec.lists_functions and self.file:
            return self.show_tab("source")
        return "nothing opens here"

    def hottest(self) -> str:
        """Go to the hottest function (*)."""
        tab = self.current_tab
        return "" if tab is None else tab.hottest()

    def focus(self) -> str:
        """Restrict the profile to the calls below the function under the cursor (f)."""
        tab = self.current_tab
        selected = tab.selected_function() if tab is not None else None
        if selected is None:
            return "no function under the cursor to focus on"
        if self._filters.focus and self._filters.focus[-1] == selected.func:
            return f"it is in focus already: {selected.func.name}"
        self._change_filters(focus=(*self._filters.focus, selected.func))
        return ""

    def back(self) -> str:
        """Leave a zoom or the callers and callees, then a focus (Backspace)."""
        tab = self.current_tab
        if tab is not None and tab.back():
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
        if self.analysis is not None and not self.analysis.is_own_code_only:
            return "all code is shown: no sample is in your own code"
        return (
            "my code only: of libraries, the standard library and import machinery "
            "what my code called, and no deeper"
        )

    def toggle_lines(self) -> str:
        """Toggle between functions and lines (L)."""
        self._change_filters(by_line=not self._filters.by_line)
        return "each line by itself" if self._filters.by_line else "by function"

    def next_thread(self) -> str:
        """Show the next thread by itself, the busiest first, then all threads (t)."""
        if self.analysis is None:
            return "there is no profile yet"
        rows = self.analysis.derive_unfiltered(all_threads)
        if len(rows) < 2:
            return "there is one thread"
        order = [frozenset((row.thread,)) for row in rows]
        current = self._filters.threads
        following = order.index(current) + 1 if current in order else 0
        self._change_filters(threads=order[following] if following < len(order) else None)
        return ""

    def next_metric(self) -> str:
        """Switch the basis of the shares (g): all samples, running ones, those holding the GIL."""
        has_gil = self.analysis is not None and self.analysis.has_gil
        choices = [metric for metric in METRICS if metric != "gil" or has_gil]
        current = self._filters.metric
        following = choices.index(current) + 1 if current in choices else 0
        self._change_filters(metric=choices[following % len(choices)])
        note = "" if has_gil else "; the capture did not ask for the GIL"
        return METRIC_DESCRIPTIONS[self._filters.metric] + note

    def sort(self, step: int) -> str:
        """Sort by the previous or next column (< and >)."""
        tab = self.current_tab
        message = tab.sort(step) if tab is not None else None
        if message is None:
            return f"sorting is for the hot functions: {tabs.tab_number('hot')}"
        return message

    def invert(self) -> str:
        """Reverse the order (I)."""
        tab = self.current_tab
        message = tab.invert() if tab is not None else None
        if message is None:
            return f"the order can be inverted in the hot functions: {tabs.tab_number('hot')}"
        return message

    def unfold(self) -> str:
        """Expand or fold the chain under the cursor (u)."""
        tab = self.current_tab
        was_toggled = tab.unfold() if tab is not None else None
        if was_toggled is None:
            return f"chains are folded in the call tree: {tabs.tab_number('tree')}"
        return "" if was_toggled else "no folded chain under the cursor"

    def compare(self, before: Profile | None) -> None:
        """Compare this profile with another; None ends the comparison."""
        shown = self.analysis
        if shown is not None:
            self.analysis = ProfileAnalysis(
                shown.profile, self._filters, shown.table, before, shown.evidence
            )
            self._update_search()

    # --------------------------------------------------------------------------------------- search

    def search(self, query: str) -> str:
        """Search functions whose name or file contains all the words (/).

        An empty query ends the search.
        """
        words = query.casefold().split()
        self._search_text = text.clean(query.strip(), 60)

        def matches(func: Function) -> bool:
            name = f"{func.name} {func.file}".casefold()
            return all(word in name for word in words)

        self._predicate = matches if words else None
        problem = self._update_search()
        if problem or self._predicate is None:
            return problem
        return self.go_to_match(1)

    def go_to_match(self, step: int) -> str:
        """Go to the next match (n) or the previous one (N).

        In the source, the matches are the lines that were sampled.
        """
        tab = self.current_tab
        if tab is not None and tab.go_to_match(step):
            return ""
        if self._predicate is None:
            return "no active search; / starts one"
        return "nothing matches"

    def _update_search(self) -> str:
        """Mark the matches on the open tab; return a reason where that is impossible."""
        tab = self.current_tab
        if tab is None:
            return ""
        result = tab.search(self._predicate)
        self.search_status = ""
        if self._predicate is None:
            return ""
        if result is None:
            numbers = [str(at) for at, spec in enumerate(tabs.TABS, 1) if spec.is_searchable]
            return f"functions are searched in the views {', '.join(numbers)}"
        count, share = result
        self.search_status = (
            f"“{self._search_text}”: {count:,} found, {format_share(share)} % of the samples"
        )
        return ""
