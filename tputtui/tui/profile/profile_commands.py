"""Commands of the profile screen that change its view, and the menus in the pane's place.

The commands are of tabs, cursor and filters; the menus are the options of a capture, and profiles
to open or compare with.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from tputtui.frozen import frozen
from tputtui.profiling.files.library import LibraryEntry
from tputtui.profiling.profile_model import Profile, UnreadableProfileError
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.profile.profile_workers import SampledProcess
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.profile import tabs
from tputtui.views.profile.option_menus import CapturePlan, LibraryMenu, OptionsMenu, default_plan
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from tputtui.tui.profile.profile_session import ProfileSession


class _ProfileViewCommands(SessionScreen):
    """Part of the profile screen that changes its view."""

    def __init__(self, profiles: ProfileSession, profile_view: ProfileView) -> None:
        super().__init__(profiles.session)
        self._profiles = profiles
        self.profile_view = profile_view  # tabs and filters of the profile that is shown

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.FOCUS_NEXT: self.focus_next_tab,
            CommandId.FOCUS_PREVIOUS: self.focus_previous_tab,
            CommandId.HOTTEST: self.open_hottest,
            CommandId.FOCUS: self.focus_function,
            CommandId.UNFOCUS: self.go_back,
            CommandId.OWN_CODE: self.toggle_own_code,
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

    def show_message(self, message: str) -> None:
        """Show the result of a key, with a message in the status line if there is one."""
        if message:
            self.session.show_status(message)
        else:
            self.session.update_view(status="")

    def close_menu(self) -> None:
        """Close the menu in the pane's place; here there is none."""

    def action_panel(self, number: int) -> None:
        """Show a tab by its number."""
        tab = tabs.tab_for_key(number)
        self.close_menu()
        self.show_message(
            self.profile_view.show_tab(tab)
            if tab is not None
            else f"the views are 1 to {len(tabs.TABS)}"
        )

    def focus_next_tab(self) -> None:
        """Show the next tab."""
        self._step_tab(1)

    def focus_previous_tab(self) -> None:
        """Show the tab before."""
        self._step_tab(-1)

    def _step_tab(self, step: int) -> None:
        number = tabs.tab_number(self.profile_view.tab_name) - 1
        following = tabs.TABS[(number + step) % len(tabs.TABS)]
        self.close_menu()
        self.show_message(self.profile_view.show_tab(following.name))

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

        def done(query: str | None) -> None:
            self.query_one("#footer").display = True
            self.show_message(self.profile_view.search(query) if query else "")

        if self.profile_view.analysis is None:
            self.session.show_status("there is no profile yet")
            return
        self.query_one("#footer").display = False
        self.query_one(Prompt).ask(
            "search functions and files: words; n and N go on, Esc clears", done
        )

    def export(self) -> None:
        """Write the profile in every format that can be written."""
        analysis = self.profile_view.analysis
        self._profiles.export(analysis.profile if analysis is not None else None)


@frozen
class OpenedProfile:
    """Profile to open instead of taking one. `before`: profile to compare it with."""

    profile: Profile
    before: Profile | None = None
    entry: LibraryEntry | None = None


class ProfileMenuCommands(_ProfileViewCommands):
    """Part of the profile screen with the menus."""

    def __init__(
        self,
        profiles: ProfileSession,
        profile_view: ProfileView,
        process: SampledProcess | None,
        plan: CapturePlan | None,
    ) -> None:
        super().__init__(profiles, profile_view)
        self._process = process
        self._plan = plan
        self._menu: OptionsMenu | LibraryMenu | None = None
        self._entry: LibraryEntry | None = None  # of the shown profile, once it is saved

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            **super().handlers(),
            CommandId.DIFFERENCE: self.toggle_difference,
            CommandId.PROFILE_OPTIONS: self.ask_options,
        }

    @property
    @abstractmethod
    def is_sampling(self) -> bool:
        """Whether a capture is running."""

    @property
    def menu_hints(self) -> list[tuple[str, str]]:
        """Footer hints of the menu; empty without a menu."""
        if self._menu is None:
            return []
        verb = "sample" if isinstance(self._menu, OptionsMenu) else "compare"
        return [("Enter", verb), ("Esc", "back"), ("?", "help"), ("q", "quit")]

    def close_menu(self) -> None:
        """Close the menu."""
        self._menu = None

    def toggle_difference(self) -> None:
        """Choose a profile to compare with; while comparing: show this one alone."""
        if isinstance(self._menu, LibraryMenu):
            self._menu = None
        elif (
            self.profile_view.analysis is not None and self.profile_view.analysis.before is not None
        ):
            self.profile_view.compare(None)
        else:
            shown = self._entry or (
                LibraryEntry(0.0, 0, "") if self.profile_view.analysis is not None else None
            )
            frame = self.session.current_frame()
            self._menu = LibraryMenu(
                self._profiles.library.entries(),
                shown,
                frame.format_clock if frame is not None else str,
            )
        self.session.show_frame()

    def ask_options(self) -> None:
        """Ask how the process is to be sampled."""
        process = self._process
        if self.is_sampling or process is None:
            self.session.show_status(
                "it is being sampled already: Esc stops"
                if process
                else "there is no process to sample"
            )
            return
        plan = self._plan or default_plan(self.session.settings.profile)
        title = f"{process.identity.pid} {process.name}"
        self._menu = OptionsMenu(plan, self.session.settings.profile, title, process.threads)
        self.session.show_frame()

    def compare(self, entry: LibraryEntry | None) -> None:
        """Compare the profile with one of the library."""
        self._menu = None
        if entry is None:
            self.session.show_frame()
            return
        try:
            self.profile_view.compare(self._profiles.library.load_profile(entry))
        except UnreadableProfileError as error:
            self.session.show_status(str(error))
        else:
            self.show_message(
                ""
                if self.profile_view.analysis is not None
                else "there is no profile yet to compare it with"
            )
