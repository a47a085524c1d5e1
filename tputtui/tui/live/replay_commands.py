"""The keys of a replay: they move in the run, and what would need the living process says that it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tputtui import text
from tputtui.engine.replay.player import Player
from tputtui.recording.time_spec import parse_time_spec
from tputtui.tui.keys import Command
from tputtui.tui.live.replay_keys import replay_commands
from tputtui.tui.time_commands import ask_line
from tputtui.views.shared.frame import ReplayStatus

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class ReplayCommands:
    """Asked before the screen in front: in a replay these keys mean this, wherever they are pressed."""

    def __init__(self, app: TputtuiApp, player: Player) -> None:
        self._app = app
        self.player = player
        self._has_warned_damage = False

    def status(self) -> ReplayStatus:
        """How it plays, for the header."""
        damage = self.player.damage
        if damage and not self._has_warned_damage:
            self._has_warned_damage = True
            self._app.call_later(self._app.show_status, f"damaged: {damage[0]}")
        now = self.player.position
        return ReplayStatus(now.seconds, now.length_s, now.speed, now.is_paused, now.read_ratio)

    @property
    def commands(self) -> tuple[Command, ...]:
        """What the keys are called: space plays where the run stands."""
        now = self.player.position
        return replay_commands(now.is_paused or now.seconds >= now.length_s)

    # ------------------------------------------------------------------------------------------ moving

    def do_freeze(self) -> None:
        """Space: stand still, or play on; at the end, from the beginning."""
        self.player.pause()
        self._app.show_frame()

    def do_live(self) -> None:
        """0, End: the end of the run."""
        self.player.seek_to_end()
        self._app.show_status("the end of the run: space plays it from the beginning")

    def do_back(self, steps: float = -1) -> None:
        """[."""
        self.player.pause(True)
        self.player.step(steps * self._app.timeline.step_s)
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
        """@: +90s from its beginning, 14:03:22, or a mark."""

        def done(words: str | None) -> None:
            if not words or not words.strip():
                self._app.show_frame()
                return
            try:
                at = self._parse_clock_time(words.strip())
                if at is None:
                    at = parse_time_spec(words, self.player.header, self.player.marks)
            except ValueError as error:
                self._app.show_status(str(error))
                return
            self.go_to(at)

        ask_line(
            self._app, "a time in the run: +90s from its start, 14:03:22, or a mark's text", done
        )

    def _parse_clock_time(self, clock_text: str) -> float | None:
        """The first moment of the run at which the wall clock showed that; None where it is no time of day."""
        seconds = text.parse_time_of_day(clock_text)
        if seconds is None:
            return None
        header = self.player.header
        began = (header.began_time + self._app.environment.zone_offset_s) % 86400
        return header.began_at + (seconds - began) % 86400

    def go_to(self, at: float) -> None:
        """Go to a moment on the run's clock, and say where it lies outside of the run."""
        header, length = self.player.header, self.player.position.length_s
        self.player.seek(at)
        if not -1.0 <= at - header.began_at <= length + 1.0:
            self._app.show_status(
                f"that lies outside of the run, which is {text.format_duration(round(length))} long"
            )
        else:
            self._app.show_frame()

    def do_faster(self) -> None:
        """.: up to 60x."""
        self.player.change_speed(1)
        self._app.show_frame()

    def do_slower(self) -> None:
        """,: down to 1x."""
        self.player.change_speed(-1)
        self._app.show_frame()

    # ------------------------------------------------------------------------------------------ what is off

    def do_profile(self) -> None:
        """p: a profile that was recorded at this moment; none can be taken."""
        here = self._app.profile_session.current_entry()
        if here is not None:
            self._app.profile_session.open(here)
        else:
            self._app.show_status(
                "off in a replay: no process to profile, and no profile was recorded here"
            )

    def do_profile_options(self) -> None:
        """P."""
        self._app.show_status("off in a replay: there is no process to profile")

    def do_record(self) -> None:
        """R."""
        self._app.show_status(
            "off in a replay: it is recorded already; tputtui cut takes a part of it"
        )

    def do_mark(self) -> None:
        """m."""
        self._app.show_status("off in a replay: a run is not written to; M lists its marks")
