"""Commands that move in time, the same on every screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tputtui.recording.run_header import Mark
    from tputtui.tui.profile.profile_session import ProfileSession
    from tputtui.tui.session import Session


def ask_line(session: Session, hint: str, on_done: Callable[[str | None], None]) -> None:
    """Ask for a line in the footer's place, if the screen in front has a prompt."""
    prompt = next(iter(session.app.screen.query(Prompt)), None)
    if prompt is None:
        session.show_status("q goes back to the live screen, where that can be typed")
        return
    prompt.ask(hint, on_done)


class TimeCommands:
    """Commands that move on the time axis."""

    def __init__(
        self,
        session: Session,
        profiles: Callable[[], ProfileSession],
        set_span_baseline: Callable[[Mark, Mark], None],
    ) -> None:
        self._session = session
        self._profiles = profiles
        self._set_span_baseline = set_span_baseline

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.FREEZE: self.toggle_freeze,
            CommandId.LIVE: self.go_live,
            CommandId.BACK: self.step_back,
            CommandId.FORWARD: self.step_forward,
            CommandId.BACK_FAR: self.step_far_back,
            CommandId.FORWARD_FAR: self.step_far_forward,
            CommandId.JUMP: self.ask_time,
            CommandId.MARKS: self.show_marks,
            CommandId.FASTER: self.explain_speed,
            CommandId.SLOWER: self.explain_speed,
            CommandId.ZOOM_IN: self.zoom_in,
            CommandId.ZOOM_OUT: self.zoom_out,
        }

    def toggle_freeze(self) -> None:
        """Hold the picture while collecting goes on, or continue."""
        self._session.timeline.toggle_freeze()
        self._session.show_frame()

    def go_live(self) -> None:
        """Go back to now."""
        self._session.timeline.go_live()
        self._session.show_frame()

    def step_back(self) -> None:
        """Go one step back in time."""
        self._step(-1)

    def step_forward(self) -> None:
        """Go one step forward in time."""
        self._step(1)

    def step_far_back(self) -> None:
        """Go ten steps back in time."""
        self._step(-10)

    def step_far_forward(self) -> None:
        """Go ten steps forward in time."""
        self._step(10)

    def _step(self, steps: float) -> None:
        self._session.timeline.step(steps)
        if not self._profiles().show_current():
            self._session.show_frame()

    def ask_time(self) -> None:
        """Ask for a time, and go to it."""
        if self._session.is_standalone:
            self._session.show_status("a saved profile has no time to go to")
            return

        def done(answer: str | None) -> None:
            wanted = answer.strip() if answer is not None else ""
            mark = next((mark for mark in self._session.marks if mark.text == wanted), None)
            if mark is not None and wanted:
                self._go_to(mark.at)
            elif answer and not self._session.timeline.jump(
                answer, self._session.environment.zone_offset_s
            ):
                self._session.show_status(
                    f"{answer!r} is no time in reach: 14:03:22, -90s, or a mark"
                )
            else:
                self._session.show_frame()

        ask_line(self._session, "a time: 14:03:22, 14:03, -90s from now, or a mark's text", done)

    def show_marks(self) -> None:
        """List the marks, to go to one."""
        from tputtui.tui.dialogs.choice_screens import MarksScreen

        self._session.push_screen(MarksScreen(self._session, self._go_to, self._set_span_baseline))

    def _go_to(self, at: float) -> None:
        self._session.timeline.go_to(at)
        self._session.show_frame()

    def explain_speed(self) -> None:
        """Say where speed can be changed: in a replay."""
        self._session.show_status("a recorded run plays faster and slower: tputtui replay RUN")

    def zoom_in(self) -> None:
        """Halve the span of the time axis."""
        self._session.timeline.zoom_in()
        self._session.show_frame()

    def zoom_out(self) -> None:
        """Choose the next longer span of the time axis."""
        self._session.timeline.zoom_out()
        timeline = self._session.timeline
        if timeline.shown_span() < timeline.span_s:
            span = text.format_axis_duration(timeline.span_s)
            self._session.show_status(f"the axis grows to {span} with the data")
        else:
            self._session.show_frame()
