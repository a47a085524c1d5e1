"""The keys that move in time. They mean the same on every screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


def ask(desk: TputtuiApp, hint: str, done: Callable[[str | None], None]) -> None:
    """Ask for a line in the footer's place, where the screen in front has room for that."""
    prompt = next(iter(desk.screen.query(Prompt)), None)
    if prompt is None:
        desk.say("q goes back to the live screen, where that can be typed")
        return
    prompt.ask(hint, done)


class TimeCommands:
    """Moves the app's time line, and shows what is there."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk

    def do_freeze(self) -> None:
        """Space: hold the picture; collecting goes on."""
        self._desk.timeline.hold()
        self._desk.show_scene()

    def do_live(self) -> None:
        """0."""
        self._desk.timeline.go_live()
        self._desk.show_scene()

    def do_back(self, steps: float = -1) -> None:
        """[."""
        self._desk.timeline.travel(steps)
        if not self._desk.profiles.greet():
            self._desk.show_scene()

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
        if self._desk.alone:
            self._desk.say("a saved profile has no time to go to")
            return

        def done(words: str | None) -> None:
            marked = next((mark for mark in self._desk.marks if words and mark.text == words.strip()), None)
            if marked is not None:
                self._desk.go_to(marked.at)
            elif words and not self._desk.timeline.jump(words, self._desk.place.zone_offset_s):
                self._desk.say(f"{words!r} is no time in reach: 14:03:22, -90s, or a mark")
            else:
                self._desk.show_scene()

        ask(self._desk, "a time: 14:03:22, 14:03, -90s from now, or a mark's text", done)

    def do_marks(self) -> None:
        """M: a list to go to one."""
        from tputtui.tui.dialogs.marks_screen import MarksScreen

        self._desk.push_screen(MarksScreen())

    def do_faster(self) -> None:
        """.: only what was recorded can play faster."""
        self._desk.say("a recorded run plays faster and slower: tputtui replay RUN")

    do_slower = do_faster

    def do_zoom_in(self) -> None:
        """+: half the span."""
        self._desk.timeline.zoom_in()
        self._desk.show_scene()

    def do_zoom_out(self) -> None:
        """-: the next longer span."""
        self._desk.timeline.zoom_out()
        if self._desk.timeline.shown_span() < self._desk.timeline.span_s:
            self._desk.say(f"the axis grows to {text.brief_span(self._desk.timeline.span_s)} with the data")
        else:
            self._desk.show_scene()
