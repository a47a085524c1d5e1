"""Interface and list entry of the tabs of a profile, and formatting that tabs share. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.analysis.activity import WorkKind
from tputtui.profiling.analysis.code_origin import module_name, origin
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import (
    ProfileAnalysis,
    ProfileFilters,
    SelectedFunction,
)
from tputtui.views.shared.styled_text import Line, Role

BAR_CELLS = 10
CATEGORY_ROLES: dict[WorkKind, Role] = {
    "your code": "data",
    "framework": "faint",
    "database": "accent",
    "outbound": "plain",
    "waiting": "rule",
    "idle": "rule",
    "other": "dim",
}
"""Roles that fill the boxes of the flame graph; none of them expresses good or bad."""
CATEGORY_LABELS: dict[WorkKind, str] = {"outbound": "outbound calls"}


class TabBody(NamedTuple):
    """Rendered lines of a tab.

    `cursor`: the line of the cursor; `row_keys`: the row of each line; `box_rows`: the lines that
    consist of boxes.
    """

    lines: list[Line]
    cursor: int | None = None
    row_keys: tuple[int | None, ...] = ()
    box_rows: frozenset[int] = frozenset()


class ProfileTab(ABC):
    """One tab of a profile; its cursor stays on the same item when the analysis changes.

    A tab implements the abstract methods. The others belong to keys that do nothing in most tabs.

    A profile has pseudo frames, such as "[waits in C]" and "[incomplete]" (`profile_model.py`), and
    built-in functions: their `file` is "".
    """

    @abstractmethod
    def __init__(self, analysis: ProfileAnalysis) -> None:
        """Open the tab on an analysis."""

    @abstractmethod
    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis, after a new slice or a change of the filters."""

    @abstractmethod
    def render(self, width: int, height: int, source: SourceText | None) -> TabBody:
        """Render at most `height` lines of `width` cells."""

    @abstractmethod
    def move(self, rows: int) -> None:
        """Move the cursor up or down."""

    @abstractmethod
    def hottest(self) -> str:
        """Go to the hottest item, running code before waiting code, and return its description.

        `is_waiting` and `hottest_first` of `profiling.analysis` tell them apart.
        """

    def click(self, row: int) -> bool:
        """Select a row by mouse; True if it was selected already. Here: no row to select."""
        del row
        return False

    def selected_function(self) -> SelectedFunction | None:
        """Function under the cursor. Here: rows are no functions."""
        return None

    def show_function(self, selected: SelectedFunction | None) -> None:
        """Follow the function that was selected in the tab before. Here: stay as it is."""
        del selected

    def open(self) -> bool:
        """Open the selection (Enter); False where there is nothing to open, as here."""
        return False

    def filters_on_enter(self) -> ProfileFilters | None:
        """Filters that Enter sets. None, as here: Enter opens the selection instead."""
        return None

    def back(self) -> bool:
        """Go back one level (Backspace); False on the first level. Here: there is one level."""
        return False

    def sideways(self, step: int) -> None:
        """Move left or right. Here: nothing is beside a row."""
        del step

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the functions that match; None clears the marks.

        Returns the number of matches and the share of samples through them; None without a search,
        and in a tab that is not searched, as here.
        """
        del predicate
        return None

    def go_to_match(self, step: int) -> bool:
        """Go to the next or previous match; False without a match."""
        del step
        return False

    def sort(self, step: int) -> str | None:
        """Sort by another column; return the message, None where the order is fixed, as here."""
        del step
        return None

    def invert(self) -> str | None:
        """Reverse the order; return the message, None where the order is fixed, as here."""
        return None

    def unfold(self) -> bool | None:
        """Expand or fold the chain under the cursor; False without one, None in other tabs."""
        return None

    def breadcrumbs(self) -> list[str]:
        """Functions from the root to what the tab is zoomed into. Here: there is no zoom."""
        return []


@frozen
class TabSpec:
    """One entry of the list of tabs (`tabs.TABS`): its texts and how it is created."""

    name: str
    title: str
    short_title: str  # where the pane is narrow
    help: str  # in the help's row of the number keys
    create: type[ProfileTab]
    prepare: tuple[Callable[[ProfileAnalysis], object], ...] = ()
    """Derived values, independent of the filters, which the capture's thread computes in advance
    with `ProfileAnalysis.derive_unfiltered`."""
    lists_functions: bool = False
    """Rows are functions: details stand beside them, Enter on a leaf opens its source."""
    shows_insights: bool = True  # below the tab, where there is room
    legend: Callable[[ProfileAnalysis], list[tuple[str, Role, str]]] | None = None
    """(mark, its role, text) of each colour, for the status line instead of the categories."""

    @property
    def is_searchable(self) -> bool:
        """Whether the tab marks what is searched for: it has a method `search`."""
        return self.create.search is not ProfileTab.search

    @property
    def enter_label(self) -> str:
        """Label of Enter in the footer, from the tab's methods; empty where Enter does nothing."""
        if self.create.filters_on_enter is not ProfileTab.filters_on_enter:
            return "choose"
        opens = self.lists_functions or self.create.open is not ProfileTab.open
        return "open" if opens else ""


def next_place(places: Iterable[int], current: int, step: int) -> int | None:
    """Find the next place after `current`, or before it, with wrap-around; None without places."""
    order = sorted(places)
    if not order:
        return None
    if step > 0:
        return next((place for place in order if place > current), order[0])
    return next((place for place in reversed(order) if place < current), order[-1])


def note_of(table: CategoryTable) -> Callable[[Function], str | None]:
    """Make the function that annotates functions which wait or are not the user's own code."""

    def note(func: Function) -> str | None:
        if is_waiting(func):
            return "waiting"
        return "library" if origin(func.file, table.own_packages) == "library" else None

    return note


def format_place(file: str, line: int, cells: int) -> str:
    """Format file and line in at most `cells`: package/module.py:12, cut from the left."""
    if not file:
        return ""
    if origin(file) in ("library", "stdlib") and not file.startswith("<"):
        parts = file.split("/")
        depth = min(len(parts), max(2, module_name(file).count(".") + 1))
        short = "/".join(parts[-min(3, depth) :]) if origin(file) == "library" else parts[-1]
    else:
        short = "/".join(file.split("/")[-2:])
    return text.truncate_left(f"{short}:{line}" if line else short, cells)


def format_share(ratio: float | None, decimals: int = 1) -> str:
    """Format a ratio as the digits of a percentage."""
    return text.UNKNOWN if ratio is None else text.format_percent(ratio * 100, decimals)


def format_spread(spread: float | None) -> str:
    """Format the ± of a share as "±4.6"; empty where unknown."""
    return "" if spread is None else f"±{text.format_percent(spread * 100, 1)}"


def format_points(change: float) -> str:
    """Format a difference in percentage points: "+4.2", and "0.0" for none."""
    return f"{change * 100:+.1f}" if abs(change) >= 0.0005 else "0.0"


def describe_hottest(name: str, ratio: float, is_running: bool) -> str:
    """Describe the item that `*` went to."""
    return (
        f"hottest function (running): {name}, {format_share(ratio)} %"
        if is_running
        else f"no function runs; longest wait: {name}, {format_share(ratio)} %"
    )
