"""The keys of a profile that its book answers: each says what the book has to say, and shows the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from tputtui.tui.terminal.base_screen import DrawnWhole
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.profile import tabs
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class ProfileViewCommands(DrawnWhole, Screen[None]):
    """The part of the profile's screen that only turns pages and knobs."""

    @property
    def profile_view(self) -> ProfileView:
        """The pages of the profile that is shown."""
        raise NotImplementedError

    @property
    def tputtui_app(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    def show_message(self, message: str) -> None:
        """Show what a key did; with words only where there are some."""
        if message:
            self.tputtui_app.show_status(message)
        else:
            self.tputtui_app.update_view(status="")

    def close_menu(self) -> None:
        """What stands in the pane's place goes."""

    def action_panel(self, number: int) -> None:
        """Show the view of a number key (1 to 9)."""
        tab = tabs.tab_for_key(number)
        self.close_menu()
        self.show_message(
            self.profile_view.show_tab(tab)
            if tab is not None
            else f"the views are 1 to {len(tabs.TABS)}"
        )

    def do_focus_next(self) -> None:
        """Tab: the next view."""
        self._step_tab(1)

    def do_focus_previous(self) -> None:
        """Shift+Tab: the view before."""
        self._step_tab(-1)

    def _step_tab(self, step: int) -> None:
        number = tabs.tab_number(self.profile_view.tab_name) - 1
        following = tabs.TABS[(number + step) % len(tabs.TABS)]
        self.close_menu()
        self.show_message(self.profile_view.show_tab(following.name))

    def do_hottest(self) -> None:
        """*."""
        self.show_message(self.profile_view.hottest())

    def do_focus(self) -> None:
        """f."""
        self.show_message(self.profile_view.focus())

    def do_unfocus(self) -> None:
        """Backspace."""
        self.show_message(self.profile_view.back())

    def do_mine(self) -> None:
        """o."""
        self.show_message(self.profile_view.toggle_own_code())

    def do_lines(self) -> None:
        """L."""
        self.show_message(self.profile_view.toggle_lines())

    def do_threads(self) -> None:
        """t."""
        self.show_message(self.profile_view.next_thread())

    def do_metric(self) -> None:
        """g."""
        self.show_message(self.profile_view.next_metric())

    def do_unfold(self) -> None:
        """u."""
        self.show_message(self.profile_view.unfold())

    def do_sort_left(self) -> None:
        """<."""
        self.show_message(self.profile_view.sort(-1))

    def do_sort_right(self) -> None:
        """>."""
        self.show_message(self.profile_view.sort(1))

    def do_invert(self) -> None:
        """I."""
        self.show_message(self.profile_view.invert())

    def do_next(self) -> None:
        """n."""
        self.show_message(self.profile_view.go_to_match(1))

    def do_previous(self) -> None:
        """N."""
        self.show_message(self.profile_view.go_to_match(-1))

    def do_copy(self) -> None:
        """y: the function under the cursor with its file and line."""
        chosen = (
            self.profile_view.current_tab.selected_function()
            if self.profile_view.current_tab is not None
            else None
        )
        if chosen is None:
            self.tputtui_app.show_status("no function under the cursor to copy")
            return
        where = f" {chosen.func.file}:{chosen.line}" if chosen.func.file else ""
        self.app.copy_to_clipboard(f"{chosen.func.name}{where}")
        self.tputtui_app.show_status(f"copied {chosen.func.name}{where}")

    def do_filter(self) -> None:
        """/: search functions and files."""

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            self.show_message(self.profile_view.search(words) if words else "")

        if self.profile_view.analysis is None:
            self.tputtui_app.show_status("there is no profile yet")
            return
        self.query_one("#footer").display = False
        self.query_one(Prompt).ask(
            "search functions and files: words; n and N go on, Esc clears", done
        )

    def do_export(self) -> None:
        """Export the profile in every format that can be written (e)."""
        study = self.profile_view.analysis
        self.tputtui_app.profile_session.export(study.profile if study is not None else None)
