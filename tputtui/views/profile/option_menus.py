"""Menus in place of the pane: options of a capture; profiles to open or to compare with. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tputtui import text
from tputtui.profiling.files.library import LibraryEntry
from tputtui.settings import ProfileSettings
from tputtui.views.profile.capture_options import (
    OPTION_NAMES,
    CapturePlan,
    change_option,
    options_lines,
)
from tputtui.views.shared.frame import PanelView, first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, blank_line, rule_line

Clock = Callable[[float], str]
"""Function that formats unix seconds as the time of day of the wall clock."""


class OptionsMenu:
    """Menu that changes a capture plan with the arrow keys."""

    def __init__(
        self, plan: CapturePlan, settings: ProfileSettings, process: str, threads: int | None
    ) -> None:
        self.plan = plan
        self._settings, self._process, self._threads = settings, process, threads
        self._cursor = 0

    def move(self, rows: int) -> None:
        """Move to another option."""
        self._cursor = max(0, min(len(OPTION_NAMES) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Change the value of the selected option."""
        self.plan = change_option(self.plan, self._cursor, step, self._settings)

    def click(self, row: int) -> None:
        """Select the option that was clicked."""
        self._cursor = row

    def view(self, width: int, height: int) -> PanelView:
        """Render the list."""
        lines = options_lines(self.plan, self._cursor, self._process, self._threads, width)
        keys: list[int | None] = [None, *range(len(OPTION_NAMES))]
        return _menu_view(lines, keys, 1 + self._cursor, width, height)


class LibraryMenu:
    """Menu of the stored profiles.

    Enter compares with the profile that is shown, the right arrow opens one in its place.
    """

    def __init__(
        self, entries: Sequence[LibraryEntry], shown_entry: LibraryEntry | None, clock: Clock
    ) -> None:
        self._entries = [
            entry for entry in entries if shown_entry is None or not _is_same(entry, shown_entry)
        ]
        self._clock = clock
        self._is_comparing = shown_entry is not None
        self._cursor = self._top = 0

    @property
    def selected_entry(self) -> LibraryEntry | None:
        """Entry under the cursor."""
        return self._entries[self._cursor] if self._entries else None

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._cursor = max(0, min(len(self._entries) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Do nothing: the screen opens the selected profile."""

    def click(self, row: int) -> None:
        """Select the entry that was clicked."""
        self._cursor = row

    def view(self, width: int, height: int) -> PanelView:
        """Render the list."""
        lines = [rule_line("Profiles", f"{len(self._entries)}", width, focused=True)]
        keys: list[int | None] = [None]
        hints = (
            LineBuilder(width)
            .at(1, "Enter ", "accent")
            .then("compares with the profile shown  ", "dim")
        )
        lines.append(
            hints.then("→ ", "accent")
            .then("opens  ", "dim")
            .then("Esc ", "accent")
            .then("back", "dim")
            .line()
        )
        lines.append(
            LineBuilder(width)
            .ending_at(12, "taken", "dim")
            .ending_at(20, "pid", "dim")
            .at(22, "process", "dim")
            .line()
        )
        keys += [None, None]
        room = max(1, height - len(lines))
        self._top = first_visible_row(self._top, self._cursor, len(self._entries), room)
        first = len(lines)
        for at in range(self._top, min(len(self._entries), self._top + room)):
            lines.append(self._line(self._entries[at], width))
            keys.append(at)
        if not self._entries:
            lines.append(
                LineBuilder(width).at(1, "no other profile yet: p takes one", "dim").line()
            )
        cursor = first + self._cursor - self._top if self._entries else None
        return _menu_view(lines, keys, cursor, width, height)

    def _line(self, entry: LibraryEntry, width: int) -> Line:
        row = (
            LineBuilder(width)
            .ending_at(12, self._clock(entry.time), "strong")
            .ending_at(20, str(entry.pid or ""))
        )
        row.at(22, text.truncate(entry.label, max(8, width // 3)))
        if entry.duration_s:
            row.then(f"   {text.format_duration(round(entry.duration_s, 1))}", "dim")
        return row.then(
            f"   {entry.path.name if entry.path is not None else 'not saved'}", "dim"
        ).line()


def _is_same(first: LibraryEntry, second: LibraryEntry) -> bool:
    return first is second or (first.path is not None and first.path == second.path)


def _menu_view(
    lines: list[Line], keys: list[int | None], cursor: int | None, width: int, height: int
) -> PanelView:
    lines = (lines + [blank_line(width)] * height)[:height]
    return PanelView(tuple(lines), cursor, tuple((keys + [None] * height)[:height]))
