"""The keys in a replay: those that move in time move the replay; those that need the living service say that they are off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tputtui.monitor.replay import Replay
    from tputtui.tui.app import TputtuiApp

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_STEPS_A_SPAN = 60


class ReplayCommands:
    """Takes the commands before all others do."""

    def __init__(self, desk: TputtuiApp, replay: Replay) -> None:
        self._desk = desk
        self._replay = replay

    def begin(self) -> None:
        """The screen stands."""
        self._desk.set_interval(0.25, self._tell)
        self._tell()

    def _tell(self) -> None:
        """Say in the header how it plays."""
        if self._desk.viewpoint.replay != self._replay.state:
            self._desk.look(replay=self._replay.state)

    # ------------------------------------------------------------------------------------------ time

    def do_freeze(self) -> None:
        """Space: stand still, or go on."""
        self._replay.pause()
        self._tell()

    def do_live(self) -> None:
        """0: to the end."""
        self._replay.seek(self._replay.end_at)
        self._tell()

    def do_back(self, steps: float = -1) -> None:
        """[: one step back, which holds the picture."""
        step = max(self._replay.interval_s, self._desk.timeline.shown_span() / _STEPS_A_SPAN)
        self._replay.paused = True
        self._replay.seek(self._replay.position + steps * step)
        self._tell()

    def do_forward(self) -> None:
        """]."""
        self.do_back(1)

    def do_back_far(self) -> None:
        """{."""
        self.do_back(-10)

    def do_forward_far(self) -> None:
        """}."""
        self.do_back(10)

    def do_faster(self) -> None:
        """. ."""
        self._change_speed(1)

    def do_slower(self) -> None:
        """, ."""
        self._change_speed(-1)

    def _change_speed(self, step: int) -> None:
        self._replay.change_speed(step)
        self._replay.paused = False
        self._tell()

    def do_jump(self) -> None:
        """@: ask for a moment."""
        prompt = next(iter(self._desk.screen.query(Prompt)), None)
        if prompt is None:
            return

        def done(words: str | None) -> None:
            at = self._moment(words.strip()) if words else None
            if at is not None:
                self._replay.seek(at)
            elif words:
                self._desk.say(f"{words!r} is no moment of this run: 14:03:22, +90s from its start, or a mark")
                return
            self._desk.show_scene()

        prompt.ask("a moment: 14:03:22, +90s from the start, or a mark", done)

    def _moment(self, words: str) -> float | None:
        """`at` of "14:03", "+90s", "-90s" (from the end) or a mark's text; None where it lies outside of the run."""
        replay = self._replay
        for mark in replay.marks:
            if mark.text.casefold() == words.casefold():
                return mark.at
        clock = _CLOCK.fullmatch(words)
        if clock is not None:
            wanted = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
            began = replay.began_time + self._desk.place.zone_offset_s
            at = replay.first_at + (wanted - began) % 86400
        else:
            try:
                seconds = text.parse_duration(words.removeprefix("+").removeprefix("-"))
            except ValueError:
                return None
            at = replay.end_at - seconds if words.startswith("-") else replay.first_at + seconds
        return at if replay.first_at - 60 <= at <= replay.end_at + 60 else None

    # ------------------------------------------------------------------------------------------ what is off

    def _off(self, what: str) -> None:
        self._desk.say(f"{what} in a replay")

    def do_profile(self) -> None:
        """p."""
        self._off("no process is sampled")

    do_profile_options = do_profile

    def do_browser(self) -> None:
        """i."""
        self._desk.say("the metric browser is off in a replay: tputtui export --format openmetrics holds what was read")

    def do_window(self) -> None:
        """w."""
        self._off("the window is that of the recording")

    def do_breakdown(self) -> None:
        """d."""
        self._off("the breakdown is that of the recording")
