"""What all views of a profile have in common: a page has a cursor, moves it, and draws its lines. Pure."""

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
"""(name, title, title where there is little room), in the order of the keys 1 to 6."""

CATEGORY_ROLES: dict[WorkKind, Role] = {
    "your code": "data",
    "framework": "faint",
    "database": "accent",
    "outbound": "plain",
    "waiting": "rule",
    "idle": "rule",
    "other": "dim",
}
"""What a box of the flame graph is filled with: roles that judge nothing."""
CATEGORY_LABELS: dict[WorkKind, str] = {"outbound": "outbound calls"}


class TabBody(NamedTuple):
    """A page's lines; `cursor`: the line of the cursor; `keys`: the row of each line; `filled`: lines that are boxes."""

    lines: list[Line]
    cursor: int | None = None
    row_keys: tuple[int | None, ...] = ()
    box_rows: frozenset[int] = frozenset()


class ProfileTab(Protocol):
    """One view of a profile. Its cursor stays with what it is on when the study changes."""

    def refresh(self, analysis: ProfileAnalysis) -> None:
        """Another study: the next slice, or a knob was turned."""

    def render(self, width: int, height: int, source: SourceText | None) -> TabBody:
        """At most `height` lines of `width` cells."""
        ...

    def move(self, rows: int) -> None:
        """Up and down."""

    def sideways(self, step: int) -> None:
        """Left and right."""

    def open(self) -> bool:
        """Enter; False where there is nothing to open."""
        ...

    def back(self) -> bool:
        """Backspace; False where there is nothing to come back from."""
        ...

    def hottest(self) -> str:
        """Go where the time is spent, code that runs before code that waits. Returns what it is, in words."""
        ...

    def click(self, row: int) -> bool:
        """A click on a row. True where the cursor was there already."""
        ...

    def selected_function(self) -> SelectedFunction | None:
        """The function under the cursor."""
        ...

    def search(self, predicate: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Mark what is wanted (None: no longer): how many, and the share of the samples through them; None: no search."""
        ...

    def go_to_match(self, step: int) -> bool:
        """The next match, or the one before; False where there is none."""
        ...


def next_place(places: Iterable[int], current: int, step: int) -> int | None:
    """The first place beyond `here`, around the end; None where there are none."""
    order = sorted(places)
    if not order:
        return None
    if step > 0:
        return next((place for place in order if place > current), order[0])
    return next((place for place in reversed(order) if place < current), order[-1])


def note_of(table: CategoryTable) -> Callable[[Function], str | None]:
    """Make the word beside a function's name: that it waits, or that it is not the user's own code."""

    def note(func: Function) -> str | None:
        if is_waiting(func):
            return "waiting"
        return "library" if origin(func.file, table.own_packages) == "library" else None

    return note


def format_place(file: str, line: int, cells: int) -> str:
    """Where a function stands, as short as it is told apart: package/module.py:12, the end of longer ones."""
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
    """A ratio as a percentage's digits."""
    return text.UNKNOWN if ratio is None else text.format_percent(ratio * 100, decimals)


def format_spread(spread: float | None) -> str:
    """The ± of a share as "±4.6"; nothing where it is not known."""
    return "" if spread is None else f"±{text.format_percent(spread * 100, 1)}"


def format_points(change: float) -> str:
    """A difference in percentage points: "+4.2", and "0.0" for none."""
    return f"{change * 100:+.1f}" if abs(change) >= 0.0005 else "0.0"


def describe_hottest(name: str, ratio: float, is_running: bool) -> str:
    """What `*` went to."""
    return (
        f"hottest function (running): {name}, {format_share(ratio)} %"
        if is_running
        else f"no function runs; longest wait: {name}, {format_share(ratio)} %"
    )
