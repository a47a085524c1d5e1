"""Interface of the tabs of a profile: cursor, movement, rendering. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from tputtui import text
from tputtui.profiling.analysis.categories import WorkKind
from tputtui.profiling.analysis.code_origin import module_name, origin
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.shared.styled_text import Line, Role

BAR_CELLS = 10
TABS: tuple[tuple[str, str, str], ...] = (
    ("tree", "Call tree", "tree"),
    ("callers", "Callers", "callers"),
    ("hot", "Hot functions", "hot"),
    ("flame", "Flame", "flame"),
    ("source", "Source", "source"),
    ("threads", "Threads", "threads"),
)
"""Tabs as (name, title, short title), in the order of the keys 1 to 6."""

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


class ProfileTab(Protocol):
    """One tab of a profile; its cursor stays on the same item when the analysis changes."""

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Show another analysis, after a new slice or a change of the filters."""

    def render(self, width: int, height: int, source: SourceText | None) -> TabBody:
        """Render at most `height` lines of `width` cells."""
        ...

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""

    def sideways(self, step: int) -> None:
        """Move left or right."""

    def open(self) -> bool:
        """Open the selection (Enter); False where there is nothing to open."""
        ...

    def back(self) -> bool:
        """Go back one level (Backspace); False on the first level."""
        ...

    def hottest(self) -> str:
        """Go to the hottest item, running code before waiting code, and return its description."""
        ...

    def click(self, row: int) -> bool:
        """Select a row by mouse; True if it was selected already."""
        ...

    def selected_function(self) -> SelectedFunction | None:
        """Function under the cursor."""
        ...

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark the functions that match; None clears the marks.

        Returns the number of matches and the share of samples through them; None without a search.
        """
        ...

    def go_to_match(self, step: int) -> bool:
        """Go to the next or previous match; False without a match."""
        ...


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
