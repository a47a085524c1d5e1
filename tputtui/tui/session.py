"""Session: the state that screens and command objects share, and how it is shown.

The app builds one session and hands it to every screen. Nothing in here knows a particular screen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from textual.message import Message
from textual.screen import Screen

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Event, Snapshot
from tputtui.settings import Settings
from tputtui.signals.rates.past import LEAST_COLUMNS, MadeColumns, Past, PastNames, PastRequest
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.commands import COMMANDS, Command, CommandId
from tputtui.tui.terminal.terminal_app import MAX_QUEUED_WRITES, TerminalApp
from tputtui.tui.timeline import Timeline
from tputtui.views.shared.frame import Frame, ListState, ReplayStatus, ViewState, busiest_service

if TYPE_CHECKING:
    from tputtui.engine.replay.player import Player
    from tputtui.experiments.sequential_test import EffectEstimate
    from tputtui.recording.records import Mark
    from tputtui.stats.confidence_sequence import SequenceResult

STATUS_TIMEOUT_S = 6.0
MAX_STATUS_CHARACTERS = 400


class SnapshotMessage(Message):
    """New snapshot. It replaces one not yet handled: a slow screen drops frames, none queue up."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        """Replace an older snapshot."""
        return isinstance(message, SnapshotMessage)


@frozen
class ScreenEnvironment:
    """Host, time zone and folders of this program."""

    host_name: str
    zone_offset_s: float
    state_folder: Path
    theme_folders: tuple[Path, ...]


@runtime_checkable
class FrameScreen(Protocol):
    """Screen that shows frames; dialogs do not."""

    def past_names(self, frame: Frame) -> PastNames:
        """Return the names of what it draws of the past. The frame has none yet."""

    def show_frame(self, frame: Frame) -> None:
        """Show the frame."""


class Session:
    """State of one run of the screen.

    `app` is Textual's side: the screen stack, the size and the threads of the terminal.
    """

    def __init__(
        self,
        app: TerminalApp,
        settings: Settings,
        capabilities: Capabilities,
        environment: ScreenEnvironment,
        player: Player | None = None,
    ) -> None:
        self.app = app
        self.settings = settings
        self.capabilities = capabilities
        self.environment = environment
        self.player = player  # of the recorded run that is shown; None: live
        self.is_standalone = False  # a saved profile is shown, without a live screen below it
        self.latest: Snapshot | None = None
        self.view_state = ViewState(is_read_only=settings.read_only)
        self.timeline = Timeline(settings.interval_s)
        self.is_quit_pending = False  # the next q quits, whatever is still running
        self.marks: list[Mark] = []
        self.profile_times: list[float] = []  # monotonic seconds of each profile that was taken
        self.saved_paths: list[str] = []  # files, for the lines in the scrollback
        if player is not None:
            self.marks = list(player.marks)
            self.profile_times = [profile.at for profile in player.profiles]
        # Set by the app: the parts of a frame that command objects know, and their dispatch.
        self.recording_status: Callable[[], str | None] = lambda: None
        self.replay_status: Callable[[], ReplayStatus | None] = lambda: None
        self.compare_with_baseline: Callable[
            [Collection[str]], Mapping[str, SequenceResult | None]
        ] = lambda _figures: {}
        self.compare_arms: Callable[[Snapshot], Mapping[str, EffectEstimate | str]] = (
            lambda _snapshot: {}
        )
        self.run_command: Callable[[CommandId], None] = lambda _command: None
        self._status_at = 0.0
        self._made_columns = MadeColumns()  # of the frame that was shown last

    # ----------------------------------------------------------------------------------------- data

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Make a snapshot the newest one."""
        self.latest = snapshot
        self.timeline.on_snapshot(snapshot)
        is_undecided = self.view_state.service is None and not self.settings.targets
        if is_undecided and snapshot.is_ready:
            self.view_state = replace(self.view_state, service=busiest_service(snapshot))

    def read_past(
        self,
        names: PastNames,
        span_s: float,
        until: float | None,
        least_columns: int = LEAST_COLUMNS,
    ) -> Past:
        """Read the past of these names; nothing is known where there is no history."""
        history = self.capabilities.history
        if history is None:
            return Past()
        return history.read_past(PastRequest(names, span_s, until, least_columns))

    def log_event(self, event: Event) -> None:
        """Add an event to the event log; a replay and a saved profile have none to add to."""
        if self.capabilities.recordable is not None:
            self.capabilities.recordable.log_event(event)

    @property
    def is_past_complete(self) -> bool:
        """Whether the past is final: a run is still being read while it is shown."""
        return self.player is None or self.player.position.read_ratio >= 1

    @property
    def commands(self) -> tuple[Command, ...]:
        """Key table as it reads now: in a replay some keys do something else."""
        if self.player is None:
            return COMMANDS
        from tputtui.tui.live.replay_keys import replay_commands

        position = self.player.position
        return replay_commands(position.is_paused or position.seconds >= position.length_s)

    # --------------------------------------------------------------------------------------- frames

    def current_frame(self) -> Frame | None:
        """Return the frame to show now; None before the first snapshot."""
        if self.latest is None:
            return None
        timeline, history = self.timeline, self.capabilities.history
        moment, span, until = timeline.moment, timeline.shown_span(), timeline.axis_end
        snapshot = self.latest
        if moment is not None and self.capabilities.source is not None:
            snapshot = self.capabilities.source.snapshot_at(moment) or self.latest
        view_state = replace(
            self.view_state,
            span_s=timeline.span_s,
            shown_span_s=span,
            behind_s=timeline.behind_s,
            is_frozen=timeline.is_frozen,
            cursor=timeline.cursor,
            ascii_only=self.settings.ascii,
            service=self._shown_service(snapshot),
            recording_status=self.recording_status(),
            replay=self.replay_status(),
            mark_times=tuple(mark.at for mark in self.marks),
            profile_times=tuple(self.profile_times),
        )
        frame = Frame(
            snapshot,
            Past(),
            view_state,
            self.environment.host_name,
            self.environment.zone_offset_s,
            history.replicas() if history is not None and moment is None else {},
        )
        screen = self.app.screen
        if not isinstance(screen, FrameScreen):
            return frame
        names = screen.past_names(frame)
        return replace(
            frame,
            past=self.read_past(names, span, until).reuse(self._made_columns),
            differences=self.compare_with_baseline(names.figures),
            effects=self.compare_arms(snapshot),
        )

    def _shown_service(self, snapshot: Snapshot) -> str | None:
        """Return the filtered service once the snapshot has it, else the chosen one."""
        service_filter = self.view_state.service_filter
        names = {service.name for service in snapshot.services}
        if service_filter is not None and service_filter.name in names:
            return service_filter.name
        return self.view_state.service

    def show_frame(self) -> None:
        """Show the current frame on the screen in front, or as soon as the terminal takes it."""
        if self.app.backlog() > MAX_QUEUED_WRITES:
            self.app.put_off()
            return
        frame, screen = self.current_frame(), self.app.screen
        if frame is not None and isinstance(screen, FrameScreen):
            screen.show_frame(frame)
            self._made_columns = frame.past.made

    def update_view(self, **changes: Any) -> None:
        """Change the view state, and show it."""
        self.view_state = replace(self.view_state, **changes)
        self.show_frame()

    def save_list_state(self, panel: str, state: ListState) -> None:
        """Keep the cursor, filter and order of a list."""
        if self.view_state.list_states.get(panel) != state:
            list_states = {**self.view_state.list_states, panel: state}
            self.view_state = replace(self.view_state, list_states=list_states)

    # ---------------------------------------------------------------------------------- status line

    def set_initial_status(self, message: str) -> None:
        """Set the status line of the first picture."""
        self._status_at = time.monotonic()
        self.view_state = replace(
            self.view_state, status=text.clean(message, MAX_STATUS_CHARACTERS)
        )

    def show_status(self, message: str) -> None:
        """Show a sentence in the footer's place for a few seconds."""
        self.set_initial_status(message)
        self.show_frame()

    def show_status_from_thread(self, message: str) -> None:
        """Show a sentence, from any thread but the screen's; nothing once the screen has gone."""
        with contextlib.suppress(RuntimeError):
            self.app.call_from_thread(self.show_status, message)

    def expire_status(self) -> bool:
        """Clear a sentence that has been shown long enough; return whether there was one."""
        is_over = time.monotonic() - self._status_at > STATUS_TIMEOUT_S
        if not self.view_state.status or not is_over:
            return False
        self.view_state = replace(self.view_state, status="")
        return True

    # -------------------------------------------------------------------------------------- screens

    def push_screen(self, screen: Screen[None]) -> None:
        """Open a screen above the one in front."""
        self.app.push_screen(screen)
