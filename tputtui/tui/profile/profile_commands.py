"""The keys of a profile that its book answers: each says what the book has to say, and shows the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.profile.profile_tab import TABS
from tputtui.views.profile.profile_view import ProfileView, tab_for_key

if TYPE_CHECKING:
    from tputtui.tui.profile.profile_session import ProfileSession


class ProfileViewCommands(SessionScreen):
    """The part of the profile's screen that only turns pages and knobs."""

    def __init__(self, profiles: ProfileSession, profile_view: ProfileView) -> None:
        super().__init__(profiles.session)
        self._profiles = profiles
        self.profile_view = profile_view  # tabs and filters of the profile that is shown

    def show_message(self, message: str) -> None:
        """Show what a key did; with words only where there are some."""
        if message:
            self.session.show_status(message)
        else:
            self.session.update_view(status="")

    def close_menu(self) -> None:
        """What stands in the pane's place goes."""

    def action_panel(self, number: int) -> None:
        """1 to 6: the views of the profile."""
        tab = tab_for_key(number)
        self.close_menu()
        self.show_message(
            self.profile_view.show_tab(tab)
            if tab is not None
            else f"the views are 1 to {len(TABS)}"
        )

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.FOCUS_NEXT: self.focus_next_tab,
            CommandId.FOCUS_PREVIOUS: self.focus_previous_tab,
            CommandId.HOTTEST: self.open_hottest,
            CommandId.FOCUS: self.focus_function,
            CommandId.UNFOCUS: self.go_back,
            CommandId.MINE: self.toggle_own_code,
            CommandId.LINES: self.toggle_lines,
            CommandId.THREADS: self.next_thread,
            CommandId.METRIC: self.next_metric,
            CommandId.UNFOLD: self.unfold_chain,
            CommandId.SORT_LEFT: self.sort_left,
            CommandId.SORT_RIGHT: self.sort_right,
            CommandId.INVERT: self.invert_order,
            CommandId.NEXT: self.next_match,
            CommandId.PREVIOUS: self.previous_match,
            CommandId.COPY: self.copy,
            CommandId.FILTER: self.ask_search,
            CommandId.EXPORT: self.export,
        }

    def focus_next_tab(self) -> None:
        """Show the next tab."""
        self._step_tab(1)

    def focus_previous_tab(self) -> None:
        """Show the tab before."""
        self._step_tab(-1)

    def _step_tab(self, step: int) -> None:
        order = [tab for tab, _, _ in TABS]
        self.action_panel((order.index(self.profile_view.tab_name) + step) % len(order) + 1)

    def open_hottest(self) -> None:
        """Open the hottest path."""
        self.show_message(self.profile_view.hottest())

    def focus_function(self) -> None:
        """Show only what runs below the chosen function."""
        self.show_message(self.profile_view.focus())

    def go_back(self) -> None:
        """Go back out of a zoom, a sandwich or a focus."""
        self.show_message(self.profile_view.back())

    def toggle_own_code(self) -> None:
        """Show only your own code, or all."""
        self.show_message(self.profile_view.toggle_own_code())

    def toggle_lines(self) -> None:
        """Count by line, or by function."""
        self.show_message(self.profile_view.toggle_lines())

    def next_thread(self) -> None:
        """Show the next thread; after the last, all."""
        self.show_message(self.profile_view.next_thread())

    def next_metric(self) -> None:
        """Count all samples, those that run, or those that hold the GIL."""
        self.show_message(self.profile_view.next_metric())

    def unfold_chain(self) -> None:
        """Show a folded chain link by link."""
        self.show_message(self.profile_view.unfold())

    def sort_left(self) -> None:
        """Sort by the column to the left."""
        self.show_message(self.profile_view.sort(-1))

    def sort_right(self) -> None:
        """Sort by the column to the right."""
        self.show_message(self.profile_view.sort(1))

    def invert_order(self) -> None:
        """Invert the order of the rows."""
        self.show_message(self.profile_view.invert())

    def next_match(self) -> None:
        """Go to the next match."""
        self.show_message(self.profile_view.go_to_match(1))

    def previous_match(self) -> None:
        """Go to the match before."""
        self.show_message(self.profile_view.go_to_match(-1))

    def copy(self) -> None:
        """Copy the function under the cursor with its file and line."""
        chosen = (
            self.profile_view.current_tab.selected_function()
            if self.profile_view.current_tab is not None
            else None
        )
        if chosen is None:
            self.session.show_status("no function under the cursor to copy")
            return
        where = f" {chosen.func.file}:{chosen.line}" if chosen.func.file else ""
        self.app.copy_to_clipboard(f"{chosen.func.name}{where}")
        self.session.show_status(f"copied {chosen.func.name}{where}")

    def ask_search(self) -> None:
        """Search functions and files."""

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            self.show_message(self.profile_view.search(words) if words else "")

        if self.profile_view.analysis is None:
            self.session.show_status("there is no profile yet")
            return
        self.query_one("#footer").display = False
        self.query_one(Prompt).ask(
            "search functions and files: words; n and N go on, Esc clears", done
        )

    def export(self) -> None:
        """Write the profile as speedscope JSON, collapsed stacks and an SVG flame graph."""
        study = self.profile_view.analysis
        self._profiles.export(study.profile if study is not None else None)
