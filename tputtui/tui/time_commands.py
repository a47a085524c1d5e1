"""The keys that move in time. They mean the same on every screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


def ask_line(app: TputtuiApp, hint: str, on_done: Callable[[str | None], None]) -> None:
    """Ask for a line in the footer's place, where the screen in front has room for that."""
    prompt = next(iter(app.screen.query(Prompt)), None)
    if prompt is None:
        app.show_status("q goes back to the live screen, where that can be typed")
        return
    prompt.ask(hint, on_done)


class TimeCommands:
    """Moves the app's time line, and shows what is there."""

    def __init__(self, app: TputtuiApp) -> None:
        self._app = app

    def do_freeze(self) -> None:
        """Space: hold the picture; collecting goes on."""
        self._app.timeline.toggle_freeze()
        self._app.show_frame()

    def do_live(self) -> None:
        """0."""
        self._app.timeline.go_live()
        self._app.show_frame()

    def do_back(self, steps: float = -1) -> None:
        """[."""
        self._app.timeline.step(steps)
        if not self._app.profile_session.show_current():
            self._app.show_frame()

    def do_forward(self) -> None:
        """]."""
        self.do_back(1)

    def do_back_far(self) -> None:
        """{."""
        self.do_back(-10)

    def do_forward_far(self) -> None:
        """}."""
        self.do_back(10)

    def do_jump(self) -> None:
        """@: ask for a time."""
        if self._app.is_standalone:
            self._app.show_status("a saved profile has no time to go to")
            return

        def done(words: str | None) -> None:
            marked = next(
                (mark for mark in self._app.marks if words and mark.text == words.strip()), None
            )
            if marked is not None:
                self._app.go_to(marked.at)
            elif words and not self._app.timeline.jump(words, self._app.environment.zone_offset_s):
                self._app.show_status(f"{words!r} is no time in reach: 14:03:22, -90s, or a mark")
            else:
                self._app.show_frame()

        ask_line(self._app, "a time: 14:03:22, 14:03, -90s from now, or a mark's text", done)

    def do_marks(self) -> None:
        """M: a list to go to one."""
        from tputtui.tui.dialogs.marks_screen import MarksScreen

        self._app.push_screen(MarksScreen())

    def do_faster(self) -> None:
        """.: only what was recorded can play faster."""
        self._app.show_status("a recorded run plays faster and slower: tputtui replay RUN")

    do_slower = do_faster

    def do_zoom_in(self) -> None:
        """+: half the span."""
        self._app.timeline.zoom_in()
        self._app.show_frame()

    def do_zoom_out(self) -> None:
        """-: the next longer span."""
        self._app.timeline.zoom_out()
        if self._app.timeline.shown_span() < self._app.timeline.span_s:
            self._app.show_status(
                f"the axis grows to {text.format_axis_duration(self._app.timeline.span_s)} with the data"
            )
        else:
            self._app.show_frame()
