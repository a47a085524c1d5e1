"""The views of one profile as a book: which page is open, what is searched, focused on and turned. Pure.

A command returns what there is to say to the user, mostly nothing; one that has no effect here says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tputtui import text
from tputtui.profiling.profile_model import Function, Profile
from tputtui.views.profile.capture_options import METRIC_WORDS, METRICS
from tputtui.views.profile.flame_tab import FlameTab
from tputtui.views.profile.profile_analysis import ProfileAnalysis, ProfileFilters
from tputtui.views.profile.profile_tab import TABS, ProfileTab, share
from tputtui.views.profile.source_tab import SourceTab
from tputtui.views.profile.threads_tab import ThreadsTab
from tputtui.views.profile.top_functions_tab import TopFunctionsTab
from tputtui.views.profile.tree_tab import TreeTab


class ProfileView:
    """The pages of a profile. It is empty until there is a study."""

    def __init__(self, knobs: ProfileFilters | None = None) -> None:
        self.study: ProfileAnalysis | None = None
        self.tab = "tree"
        self.found = ""  # what the last search said of itself
        self._knobs = knobs or ProfileFilters()
        self._pages: dict[str, ProfileTab] = {}
        self._current: dict[str, ProfileAnalysis] = {}  # the study that each page shows
        self._wanted: Callable[[Function], bool] | None = None
        self._words = ""

    # ------------------------------------------------------------------------------------------ pages

    @property
    def page(self) -> ProfileTab | None:
        """The page that is open."""
        return None if self.study is None else self._page(self.tab)

    def _page(self, tab: str) -> ProfileTab:
        study = self.study
        if study is None:
            raise AssertionError("a page needs a study")
        page = self._pages.get(tab)
        if page is None:
            page = self._pages[tab] = _made(tab, study)
        elif self._current[tab] is not study:
            page.renew(study)
        self._current[tab] = study
        return page

    def take(self, study: ProfileAnalysis) -> None:
        """A profile, or the same one grown by a slice: what is open, chosen and turned stays."""
        self.study = study.turned(self._knobs)
        self._search_again()

    def show(self, tab: str) -> str:
        """Open another page; the source opens where the cursor of the last one is."""
        if self.study is None:
            return "there is no profile yet"
        if tab == "source":
            source = self._page("source")
            if isinstance(source, SourceTab):
                source.aim(self._page(self.tab).chosen())
        self.tab = tab
        self._search_again()
        return ""

    def _turn(self, **changes: Any) -> None:
        self._knobs = replace(self._knobs, **changes)
        if self.study is not None:
            self.study = self.study.turned(self._knobs)
            self._search_again()

    @property
    def file(self) -> str:
        """The source file that is looked at: the one under the cursor; empty where there is none."""
        page = self.page
        chosen = page.chosen() if page is not None else None
        return chosen.func.file if chosen is not None else ""

    @property
    def crumbs(self) -> tuple[str, ...]:
        """What fills the width of the flame graph, and its callers."""
        page = self.page
        return tuple(page.crumbs()) if isinstance(page, FlameTab) else ()

    # ------------------------------------------------------------------------------------------ keys

    def enter(self) -> str:
        """Enter: open, zoom, choose a thread; a leaf of the tree shows its source."""
        page = self.page
        if page is None:
            return ""
        if isinstance(page, ThreadsTab):
            self._turn(threads=page.toggled())
            return ""
        if page.open():
            return ""
        return self.show("source") if self.tab in ("tree", "callers", "hot") and self.file else "nothing opens here"

    def hottest(self) -> str:
        """*."""
        page = self.page
        return "" if page is None else page.hottest()

    def focus(self) -> str:
        """f: only what runs below the function under the cursor."""
        page = self.page
        chosen = page.chosen() if page is not None else None
        if chosen is None:
            return "no function under the cursor to focus on"
        if self._knobs.focus and self._knobs.focus[-1] == chosen.func:
            return f"it is in focus already: {chosen.func.name}"
        self._turn(focus=(*self._knobs.focus, chosen.func))
        return ""

    def back(self) -> str:
        """Backspace: out of a zoom or a sandwich, then out of a focus."""
        page = self.page
        if page is not None and page.back():
            return ""
        if not self._knobs.focus:
            return "nothing to go back from"
        self._turn(focus=self._knobs.focus[:-1])
        return ""

    def mine(self) -> str:
        """o."""
        self._turn(mine=not self._knobs.mine)
        if not self._knobs.mine:
            return "all code"
        if self.study is not None and not self.study.is_mine_only:
            return "all code is shown: no sample is in your own code"
        return (
            "my code only: of libraries, the standard library and import machinery what my code called, and no deeper"
        )

    def lines(self) -> str:
        """L."""
        self._turn(lines=not self._knobs.lines)
        return "each line by itself" if self._knobs.lines else "by function"

    def threads(self) -> str:
        """t: each thread by itself, the busiest first, then all of them."""
        study = self.study
        if study is None or len(study.threads) < 2:
            return "there is one thread" if study is not None else "there is no profile yet"
        order = [frozenset((row.thread,)) for row in study.threads]
        now = self._knobs.threads
        at = order.index(now) + 1 if now in order else 0
        self._turn(threads=order[at] if at < len(order) else None)
        return ""

    def metric(self) -> str:
        """g: all, what runs, who holds the GIL."""
        study = self.study
        choices = [metric for metric in METRICS if metric != "gil" or (study is not None and study.has_gil)]
        at = choices.index(self._knobs.metric) + 1 if self._knobs.metric in choices else 0
        self._turn(metric=choices[at % len(choices)])
        lacking = "" if "gil" in choices else "; nobody asked for the GIL"
        return METRIC_WORDS[self._knobs.metric] + lacking

    def sort(self, step: int) -> str:
        """< and >."""
        page = self.page
        if not isinstance(page, TopFunctionsTab):
            return "sorting is for the hot functions: 3"
        return page.sort(step)

    def invert(self) -> str:
        """I."""
        page = self.page
        if not isinstance(page, TopFunctionsTab):
            return "the order can be inverted in the hot functions: 3"
        return page.invert()

    def unfold(self) -> str:
        """u."""
        page = self.page
        if not isinstance(page, TreeTab):
            return "chains are folded in the call tree: 1"
        return "" if page.unfold() else "no folded chain under the cursor"

    def compare(self, before: Profile | None) -> None:
        """Show this profile against another; None: by itself again."""
        study = self.study
        if study is not None:
            self.study = ProfileAnalysis(study.profile, self._knobs, study.table, before, study.evidence)
            self._search_again()

    # ------------------------------------------------------------------------------------------ searching

    def search(self, words: str) -> str:
        """/: functions whose name or file holds all the words; with none, the search ends."""
        parts = words.casefold().split()
        self._words = text.clean(words.strip(), 60)

        def wanted(func: Function) -> bool:
            name = f"{func.name} {func.file}".casefold()
            return all(part in name for part in parts)

        self._wanted = wanted if parts else None
        said = self._search_again()
        return self.next(1) if self._wanted is not None and not said else said

    def next(self, step: int) -> str:
        """n and N: the next match; in the source, the next line that was sampled."""
        page = self.page
        if page is not None and page.to_match(step):
            return ""
        return "nothing matches" if self._wanted is not None else "no active search; / starts one"

    def _search_again(self) -> str:
        """Mark the matches on the page that is open. Returns why not."""
        page = self.page
        if page is None:
            return ""
        found = page.search(self._wanted)
        self.found = ""
        if self._wanted is None:
            return ""
        if found is None:
            return "functions are searched in the views 1 to 4"
        self.found = f"“{self._words}”: {found[0]:,} found, {share(found[1])} % of the samples"
        return ""


def _made(tab: str, study: ProfileAnalysis) -> ProfileTab:
    if tab == "callers":
        return TreeTab(study, callers=True)
    kinds: dict[str, Callable[[ProfileAnalysis], ProfileTab]] = {
        "tree": TreeTab,
        "hot": TopFunctionsTab,
        "flame": FlameTab,
        "source": SourceTab,
        "threads": ThreadsTab,
    }
    return kinds[tab](study)


def tab_of(number: int) -> str | None:
    """The page of a key 1 to 6."""
    return TABS[number - 1][0] if 0 < number <= len(TABS) else None
