"""The keys of a profile that its book answers: each says what the book has to say, and shows the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from tputtui.tui.terminal.base_screen import DrawnWhole
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.profile.profile_tab import TABS
from tputtui.views.profile.profile_view import ProfileView, tab_of

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class ProfileViewCommands(DrawnWhole, Screen[None]):
    """The part of the profile's screen that only turns pages and knobs."""

    @property
    def book(self) -> ProfileView:
        """The pages of the profile that is shown."""
        raise NotImplementedError

    @property
    def desk(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    def say(self, words: str) -> None:
        """Show what a key did; with words only where there are some."""
        if words:
            self.desk.say(words)
        else:
            self.desk.look(status="")

    def close_menu(self) -> None:
        """What stands in the pane's place goes."""

    def action_panel(self, number: int) -> None:
        """1 to 6: the views of the profile."""
        tab = tab_of(number)
        self.close_menu()
        self.say(self.book.show(tab) if tab is not None else f"the views are 1 to {len(TABS)}")

    def do_focus_next(self) -> None:
        """Tab: the next view."""
        self._step_tab(1)

    def do_focus_previous(self) -> None:
        """Shift+Tab: the view before."""
        self._step_tab(-1)

    def _step_tab(self, step: int) -> None:
        order = [tab for tab, _, _ in TABS]
        self.action_panel((order.index(self.book.tab) + step) % len(order) + 1)

    def do_hottest(self) -> None:
        """*."""
        self.say(self.book.hottest())

    def do_focus(self) -> None:
        """f."""
        self.say(self.book.focus())

    def do_unfocus(self) -> None:
        """Backspace."""
        self.say(self.book.back())

    def do_mine(self) -> None:
        """o."""
        self.say(self.book.mine())

    def do_lines(self) -> None:
        """L."""
        self.say(self.book.lines())

    def do_threads(self) -> None:
        """t."""
        self.say(self.book.threads())

    def do_metric(self) -> None:
        """g."""
        self.say(self.book.metric())

    def do_unfold(self) -> None:
        """u."""
        self.say(self.book.unfold())

    def do_sort_left(self) -> None:
        """<."""
        self.say(self.book.sort(-1))

    def do_sort_right(self) -> None:
        """>."""
        self.say(self.book.sort(1))

    def do_invert(self) -> None:
        """I."""
        self.say(self.book.invert())

    def do_next(self) -> None:
        """n."""
        self.say(self.book.next(1))

    def do_previous(self) -> None:
        """N."""
        self.say(self.book.next(-1))

    def do_copy(self) -> None:
        """y: the function under the cursor with its file and line."""
        chosen = self.book.page.chosen() if self.book.page is not None else None
        if chosen is None:
            self.desk.say("no function under the cursor to copy")
            return
        where = f" {chosen.func.file}:{chosen.line}" if chosen.func.file else ""
        self.app.copy_to_clipboard(f"{chosen.func.name}{where}")
        self.desk.say(f"copied {chosen.func.name}{where}")

    def do_filter(self) -> None:
        """/: search functions and files."""

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            self.say(self.book.search(words) if words else "")

        if self.book.study is None:
            self.desk.say("there is no profile yet")
            return
        self.query_one("#footer").display = False
        self.query_one(Prompt).ask("search functions and files: words; n and N go on, Esc clears", done)

    def do_export(self) -> None:
        """e: the profile as speedscope JSON, collapsed stacks and an SVG flame graph."""
        study = self.book.study
        self.desk.profiles.export(study.profile if study is not None else None)
