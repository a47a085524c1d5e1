"""Screen of an instrumented profile: hot functions, and the callers of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from tputtui.profiling.files.pstats_file import PstatsProfile
from tputtui.tui import keys
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.widgets.panel import LineBar, Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live.header import footer_line
from tputtui.views.profile.pstats_tab import PstatsTab
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.tui.session import Session


class PstatsScreen(SessionScreen):
    """Table of functions. Enter shows the callers of one, Backspace goes back."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "profile"))]

    def __init__(self, session: Session, profile: PstatsProfile) -> None:
        super().__init__(session)
        self._tab = PstatsTab(profile)

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.UNFOCUS: self.go_back,
            CommandId.FILTER: self.ask_search,
            CommandId.NEXT: self.next_match,
            CommandId.PREVIOUS: self.previous_match,
            CommandId.CLEAR: self.clear,
            CommandId.COPY: self.copy,
            CommandId.ZOOM_PANEL: self.refuse_zoom,
            CommandId.QUIT: self.quit,
        }

    def compose(self) -> ComposeResult:
        """Compose table and footer."""
        yield Panel("counted")
        yield LineBar("footer")
        yield Prompt()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.session.show_frame)

    def show_frame(self, frame: Frame) -> None:
        """Show the lines of each widget."""
        if not self.query("#counted"):
            return
        panel = self.query_one("#counted", Panel)
        if panel.size.height > 3:
            panel.show(self._tab.view(panel.size.width, panel.size.height))
        if not self.query_one(Prompt).display:
            hints = [
                ("Enter", "callers"),
                ("Backspace", "back"),
                ("/", "search"),
                ("q", "quit"),
                ("?", "help"),
            ]
            self.query_one("#footer", LineBar).show_line(
                footer_line(hints, frame.view_state.status, self.size.width)
            )

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._tab.move(rows)
        self.session.show_frame()

    def action_open(self) -> None:
        """Show the callers of the function."""
        self._tab.open()
        self.session.show_frame()

    def action_sideways(self, step: int) -> None:
        """Show the callers (right), or go back (left)."""
        if step > 0:
            self.action_open()
        else:
            self.go_back()

    def action_panel(self, _number: int) -> None:
        """Say that there is only one table."""
        self.session.show_status("an instrumented profile has one view: no stacks were kept")

    @on(Panel.Clicked)
    def _handle_click(self, event: Panel.Clicked) -> None:
        if isinstance(event.key, int):
            self._tab.click(event.key)
            self.session.show_frame()

    @on(Panel.Scrolled)
    def _handle_scroll(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    def go_back(self) -> None:
        """Go back from the callers."""
        if not self._tab.back():
            self.session.show_status("nothing to go back from")
        else:
            self.session.show_frame()

    def ask_search(self) -> None:
        """Search functions and files."""

        def done(query: str | None) -> None:
            self.query_one("#footer").display = True
            if query:
                self.session.show_status(f"{self._tab.search(query):,} match")
                self._tab.go_to_match(1)
            self.session.show_frame()

        self.query_one("#footer").display = False
        self.query_one(Prompt).ask("search functions and files", done)

    def next_match(self) -> None:
        """Go to the next match."""
        self._go_to_match(1)

    def previous_match(self) -> None:
        """Go to the match before."""
        self._go_to_match(-1)

    def _go_to_match(self, step: int) -> None:
        if self._tab.go_to_match(step):
            self.session.show_frame()
        else:
            self.session.show_status("nothing matches: / searches")

    def clear(self) -> None:
        """Clear the search."""
        self._tab.search("")
        self.session.update_view(status="")

    def copy(self) -> None:
        """Copy the function under the cursor with its file and line."""
        func, line = self._tab.selected_function()
        self.app.copy_to_clipboard(f"{func.name} {func.file}:{line}".strip(" :0"))
        self.session.show_status(f"copied {func.name}")

    def refuse_zoom(self) -> None:
        """Say that the table has the whole screen already."""
        self.session.show_status("it has the whole screen already")

    def quit(self) -> None:
        """End the program."""
        self.app.exit(0)
