"""An instrumented profile's screen: hot functions, and who calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from tputtui.profiling.files.pstats_file import PstatsProfile
from tputtui.tui import keys
from tputtui.tui.terminal.base_screen import DrawnWhole
from tputtui.tui.widgets.line_bar import LineBar
from tputtui.tui.widgets.panel import Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live.header import footer_line
from tputtui.views.profile.pstats_tab import PstatsTab
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class PstatsScreen(DrawnWhole, Screen[None]):
    """A table; Enter puts a function under its callers, Backspace goes back."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "profile"))]

    def __init__(self, profile: PstatsProfile) -> None:
        super().__init__()
        self._tab = PstatsTab(profile)

    @property
    def tputtui_app(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    def compose(self) -> ComposeResult:
        """Table and footer."""
        yield Panel("counted")
        yield LineBar("footer")
        yield Prompt()

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self.tputtui_app.show_frame)

    def show_frame(self, frame: Frame) -> None:
        """Hand the widgets their lines."""
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
        """Arrows and pages."""
        self._tab.move(rows)
        self.tputtui_app.show_frame()

    def action_open(self) -> None:
        """Enter: who called it."""
        self._tab.open()
        self.tputtui_app.show_frame()

    def action_sideways(self, step: int) -> None:
        """Right is Enter, left is Backspace."""
        if step > 0:
            self.action_open()
        else:
            self.do_unfocus()

    def action_panel(self, _number: int) -> None:
        """There is one table."""
        self.tputtui_app.show_status("an instrumented profile has one view: no stacks were kept")

    @on(Panel.Clicked)
    def _handle_click(self, event: Panel.Clicked) -> None:
        if isinstance(event.key, int):
            self._tab.click(event.key)
            self.tputtui_app.show_frame()

    @on(Panel.Scrolled)
    def _handle_scroll(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    def do_unfocus(self) -> None:
        """Backspace."""
        if not self._tab.back():
            self.tputtui_app.show_status("nothing to go back from")
        else:
            self.tputtui_app.show_frame()

    def do_filter(self) -> None:
        """/."""

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            if words:
                self.tputtui_app.show_status(f"{self._tab.search(words):,} match")
                self._tab.go_to_match(1)
            self.tputtui_app.show_frame()

        self.query_one("#footer").display = False
        self.query_one(Prompt).ask("search functions and files", done)

    def do_next(self) -> None:
        """n."""
        self._go_to_match(1)

    def do_previous(self) -> None:
        """N."""
        self._go_to_match(-1)

    def _go_to_match(self, step: int) -> None:
        if self._tab.go_to_match(step):
            self.tputtui_app.show_frame()
        else:
            self.tputtui_app.show_status("nothing matches: / searches")

    def do_clear(self) -> None:
        """Esc."""
        self._tab.search("")
        self.tputtui_app.update_view(status="")

    def do_copy(self) -> None:
        """y."""
        func, line = self._tab.selected_function()
        self.app.copy_to_clipboard(f"{func.name} {func.file}:{line}".strip(" :0"))
        self.tputtui_app.show_status(f"copied {func.name}")

    def do_zoom_panel(self) -> None:
        """z."""
        self.tputtui_app.show_status("it has the whole screen already")

    def do_quit(self) -> None:
        """q."""
        self.app.exit(0)
