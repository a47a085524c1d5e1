"""Commands of a replay: they move in the run; what needs a live process says it is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.engine.replay.player import Player
from tputtui.recording.time_spec import parse_time_spec
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.time_commands import ask_line
from tputtui.views.shared.frame import ReplayStatus

if TYPE_CHECKING:
    from tputtui.recording.run_header import Mark
    from tputtui.tui.profile.profile_session import ProfileSession
    from tputtui.tui.session import Session


class ReplayCommands:
    """Commands that mean something else in a replay, on whatever screen is in front."""

    def __init__(
        self,
        session: Session,
        player: Player,
        profiles: Callable[[], ProfileSession],
        set_span_baseline: Callable[[Mark, Mark], None],
    ) -> None:
        self._session = session
        self.player = player
        self._profiles = profiles
        self._set_span_baseline = set_span_baseline
        self._has_warned_damage = False

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.FREEZE: self.toggle_pause,
            CommandId.LIVE: self.go_to_end,
            CommandId.BACK: self.step_back,
            CommandId.FORWARD: self.step_forward,
            CommandId.BACK_FAR: self.step_far_back,
            CommandId.FORWARD_FAR: self.step_far_forward,
            CommandId.JUMP: self.ask_time,
            CommandId.MARKS: self.show_marks,
            CommandId.FASTER: self.play_faster,
            CommandId.SLOWER: self.play_slower,
            CommandId.PROFILE: self.show_profile,
            CommandId.PROFILE_OPTIONS: self.refuse_options,
            CommandId.RECORD: self.refuse_recording,
            CommandId.MARK: self.refuse_mark,
        }

    def status(self) -> ReplayStatus:
        """Return the playback state for the header; report damage of the run once."""
        damage = self.player.damage
        if damage and not self._has_warned_damage:
            self._has_warned_damage = True
            self._session.app.call_later(self._session.show_status, f"damaged: {damage[0]}")
        now = self.player.position
        return ReplayStatus(now.seconds, now.length_s, now.speed, now.is_paused, now.read_ratio)

    # --------------------------------------------------------------------------------------- moving

    def toggle_pause(self) -> None:
        """Pause, or play on; at the end, from the beginning."""
        self.player.pause()
        self._session.show_frame()

    def go_to_end(self) -> None:
        """Go to the end of the run."""
        self.player.seek_to_end()
        self._session.show_status("the end of the run: space plays it from the beginning")

    def step_back(self) -> None:
        """Go one step back in the run."""
        self._step(-1)

    def step_forward(self) -> None:
        """Go one step forward in the run."""
        self._step(1)

    def step_far_back(self) -> None:
        """Go ten steps back in the run."""
        self._step(-10)

    def step_far_forward(self) -> None:
        """Go ten steps forward in the run."""
        self._step(10)

    def _step(self, steps: float) -> None:
        self.player.pause(True)
        self.player.step(steps * self._session.timeline.step_s)
        if not self._profiles().show_current():
            self._session.show_frame()

    def show_marks(self) -> None:
        """List the marks of the run, to go to one."""
        from tputtui.tui.dialogs.choice_screens import MarksScreen

        self._session.push_screen(MarksScreen(self._session, self.go_to, self._set_span_baseline))

    def ask_time(self) -> None:
        """Ask for a time in the run, and go to it."""

        def done(answer: str | None) -> None:
            if not answer or not answer.strip():
                self._session.show_frame()
                return
            try:
                at = self._parse_clock_time(answer.strip())
                if at is None:
                    at = parse_time_spec(answer, self.player.header, self.player.marks)
            except ValueError as error:
                self._session.show_status(str(error))
                return
            self.go_to(at)

        ask_line(
            self._session,
            "a time in the run: +90s from its start, 14:03:22, or a mark's text",
            done,
        )

    def _parse_clock_time(self, clock_text: str) -> float | None:
        """Return the first moment of the run with that time of day; None: not a time of day."""
        seconds = text.parse_time_of_day(clock_text)
        if seconds is None:
            return None
        header = self.player.header
        began = (header.began_time + self._session.environment.zone_offset_s) % 86400
        return header.began_at + (seconds - began) % 86400

    def go_to(self, at: float) -> None:
        """Go to a moment on the run's clock; say so if it lies outside of the run."""
        header, length = self.player.header, self.player.position.length_s
        self.player.seek(at)
        if not -1.0 <= at - header.began_at <= length + 1.0:
            self._session.show_status(
                f"that lies outside of the run, which is {text.format_duration(round(length))} long"
            )
        else:
            self._session.show_frame()

    def play_faster(self) -> None:
        """Play faster, up to 60x."""
        self.player.change_speed(1)
        self._session.show_frame()

    def play_slower(self) -> None:
        """Play slower, down to 1x."""
        self.player.change_speed(-1)
        self._session.show_frame()

    # ---------------------------------------------------------------------------------- what is off

    def show_profile(self) -> None:
        """Show the profile that was recorded at this moment; none can be taken."""
        profiles = self._profiles()
        entry = profiles.current_entry()
        if entry is not None:
            profiles.open(entry)
        else:
            self._session.show_status(
                "off in a replay: no process to profile, and no profile was recorded here"
            )

    def refuse_options(self) -> None:
        """Say that there is no process to profile."""
        self._session.show_status("off in a replay: there is no process to profile")

    def refuse_recording(self) -> None:
        """Say that the run is recorded already."""
        self._session.show_status(
            "off in a replay: it is recorded already; tputtui cut takes a part of it"
        )

    def refuse_mark(self) -> None:
        """Say that a run is not written to."""
        self._session.show_status("off in a replay: a run is not written to; M lists its marks")
