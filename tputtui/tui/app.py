"""App: the wiring of the session, the screens and the command objects.

Snapshots come in from the engine's thread; frames go to the screen in front.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen

from tputtui import text
from tputtui.model import (
    START_TOLERANCE_S,
    Event,
    ProcessReference,
    ProcessState,
    Snapshot,
    TargetStatus,
)
from tputtui.settings import Settings
from tputtui.text.redaction import redact_text, redact_url
from tputtui.tui import keys
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.commands import LABELS, CommandId, Handlers, first_key
from tputtui.tui.live.baseline_commands import BaselineCommands
from tputtui.tui.live.engine_commands import EngineCommands
from tputtui.tui.live.live_screen import LiveScreen
from tputtui.tui.live.panel_commands import PanelCommands
from tputtui.tui.live.recording_commands import RecordingCommands
from tputtui.tui.palette import Palette
from tputtui.tui.session import FrameScreen, ScreenEnvironment, Session, SnapshotMessage
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.terminal.terminal_app import TerminalApp
from tputtui.tui.terminal.tty_watchdog import TtyWatchdog
from tputtui.tui.time_commands import TimeCommands
from tputtui.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from tputtui.engine.replay.player import Player
    from tputtui.tui.live.replay_commands import ReplayCommands
    from tputtui.tui.live.split_screen import SplitCommands
    from tputtui.tui.profile.profile_session import LiveObjectiveCapture, ProfileSession

_SCOPE_HINTS = {
    "live": "on the live screen: q goes back to it",
    "profile": "in a profile: p takes one",
}


def _resume_garbage_collection() -> None:
    """Collect garbage again (`screen_runner` turned that off), except in what is permanent."""
    gc.freeze()
    gc.enable()


def _command_provider() -> type[Provider]:
    """Import the provider of the command palette when the palette opens."""
    from tputtui.tui.dialogs.help_screen import CommandProvider

    return CommandProvider


class TputtuiApp(TerminalApp):
    """Textual's app: builds the session and all that hangs on it, and dispatches commands."""

    TITLE = "tputtui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = {_command_provider}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        settings: Settings,
        capabilities: Capabilities,
        initial_palette: Palette,
        environment: ScreenEnvironment,
        player: Player | None = None,
    ) -> None:
        """`player`: of the shown run; the capabilities are then those of the player."""
        super().__init__(initial_palette, ascii_only=settings.ascii)
        self.session = Session(self, settings, capabilities, environment, player)
        self.initial_process: ProcessReference | None = None  # to profile at once
        self.should_exit: Callable[[], bool] | None = None  # asked once a second
        self.recovered_errors: list[Exception] = []  # internal errors that cost one input each
        self.engine_commands = EngineCommands(self.session)
        self.panel_commands = PanelCommands(self.session, self.engine_commands)
        self.recording_commands = RecordingCommands(self.session)
        self.baseline_commands = BaselineCommands(self.session)
        self.time_commands = TimeCommands(
            self.session,
            lambda: self.profile_session,
            self.baseline_commands.set_span_baseline,
        )
        self.replay_commands = self._make_replay_commands(player)
        self._standalone_screen: Screen[None] | None = None
        self._watchdog = TtyWatchdog(self._exit_with, self._stop_source)
        self.session.run_command = self.run_command
        self.session.recording_status = self.recording_commands.status_text
        self.session.compare_with_baseline = self.baseline_commands.evaluate
        if self.replay_commands is not None:
            self.session.replay_status = self.replay_commands.status

    # -------------------------------------------------------------------- parts loaded on first use

    def _make_replay_commands(self, player: Player | None) -> ReplayCommands | None:
        if player is None:
            return None
        from tputtui.tui.live.replay_commands import ReplayCommands

        return ReplayCommands(
            self.session,
            player,
            lambda: self.profile_session,
            self.baseline_commands.set_span_baseline,
        )

    @cached_property
    def profile_session(self) -> ProfileSession:
        """Profiles of this session; loaded with the first use, not before the first paint."""
        from tputtui.tui.profile.profile_session import ProfileSession

        return ProfileSession(self.session, self.recording_commands.record_profile)

    @cached_property
    def split_commands(self) -> SplitCommands:
        """Split into control and treatment; loaded with the first use."""
        from tputtui.tui.live.split_screen import SplitCommands

        commands = SplitCommands(self.session)
        self.session.compare_arms = commands.evaluate
        return commands

    @cached_property
    def _objective_capture(self) -> LiveObjectiveCapture | None:
        """Capture while an objective is missed; loaded where the config asks for it."""
        trigger = self.session.settings.profile.on_objective_missed
        if trigger is None or self.session.settings.read_only:
            return None

        from tputtui.tui.profile.profile_session import LiveObjectiveCapture

        return LiveObjectiveCapture(self.profile_session, trigger)

    # ----------------------------------------------------------------------------------------- life

    async def on_mount(self) -> None:
        """Paint, then start to collect."""
        if os.environ.get("TERM"):
            self._watchdog.start(asyncio.get_running_loop())
        if self.session.settings.keys:
            self.set_keymap(self.session.settings.keys)
        self.call_after_refresh(self._start_source)

    def show_alone(self, screen: Screen[None]) -> None:
        """Show a saved profile in place of the live screen; called before `run`."""
        self._standalone_screen = screen
        self.session.is_standalone = True

    def get_default_screen(self) -> Screen[Any]:
        """Return the first screen, without one of Textual's own below it."""
        self.session.latest = self._placeholder_snapshot()
        if self._standalone_screen is not None:
            return self._standalone_screen
        return LiveScreen(
            self.session,
            self.engine_commands,
            lambda: self.profile_session,
            self.recording_commands.quit,
        )

    def _placeholder_snapshot(self) -> Snapshot:
        """Placeholder until the first scrape: the targets, as waiting."""
        settings = self.session.settings
        waiting = tuple(
            TargetStatus(target.name or redact_url(target.url), redact_url(target.url))
            for target in settings.targets
        )
        window_s = max(settings.window_s, 2 * settings.interval_s)
        return Snapshot(time.time(), time.monotonic(), settings.interval_s, window_s, waiting)

    def _start_source(self) -> None:
        """Start to collect, once the first picture is shown."""
        source = self.session.capabilities.source
        if source is not None:
            source.subscribe(self._post_snapshot)
            source.start()
        self.set_interval(1.0, self._check)
        self.set_timer(1.0, _resume_garbage_collection)

    def _post_snapshot(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to the screen. Called on the thread of the source."""
        self.post_message(SnapshotMessage(snapshot))

    def _stop_source(self) -> None:
        if self.session.capabilities.source is not None:
            self.session.capabilities.source.stop()

    def _check(self) -> None:
        """Check once a second what no message reports. Raises the error that ended the engine."""
        source = self.session.capabilities.source
        if source is not None and source.failure is not None:
            raise source.failure
        if self.should_exit is not None and self.should_exit():
            self.exit(0)
        self.recording_commands.check()
        if self.session.is_standalone and self.session.expire_status():
            self.session.show_frame()  # no tick will

    def _exit_with(self, code: int) -> None:
        self.exit(code, return_code=code)

    def action_leave(self) -> None:
        """End the program at once, for Ctrl+C."""
        self.exit(0)

    def stop_watchers(self) -> None:
        """Stop watching the terminal and the objectives; the screen is restored already."""
        self._watchdog.stop()
        capture = self.__dict__.get("_objective_capture")  # not created here if it was not needed
        if capture is not None:
            capture.stop()

    # ---------------------------------------------------------------------------------------- input

    async def on_event(self, event: events.Event) -> None:
        """Clear the status line with the next key."""
        session = self.session
        if isinstance(event, events.Key) and session.view_state.status and not event.is_forwarded:
            session.view_state = replace(session.view_state, status="")
            self.call_next(session.show_frame)
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Type into a prompt that was still opening; else say where an unbound command works."""
        prompt = next(iter(self.screen.query(Prompt)), None)
        if prompt is not None and prompt.display:
            if event.is_printable and event.character:
                event.stop()
                event.prevent_default()
                prompt.insert_text_at_cursor(event.character)
            return
        pressed = (event.key, *event.aliases)
        command = keys.find_command(pressed, self.session.settings.keys)
        bound = self.screen.active_bindings  # keys that were obeyed arrive here, too
        is_bound = any(key in bound for key in pressed)
        if command is not None and isinstance(self.screen, FrameScreen) and not is_bound:
            place = _SCOPE_HINTS.get(command.scope, "elsewhere")
            key = first_key(command, {})
            self.session.show_status(f"{key} ({command.label}) works {place}")

    def lost_input(self, error: Exception) -> None:
        """Report an internal error that cost a key or a terminal report.

        Its traceback is kept until the screen has ended.
        """
        self.recovered_errors.append(error)
        description = text.clean(redact_text(f"{type(error).__name__}: {error}"), 120)
        sentence = f"an error of tputtui itself, one input is lost: {description}"
        self.session.log_event(Event(time.time(), "warning", sentence))
        self.session.show_status(sentence)

    # ------------------------------------------------------------------------------------ snapshots

    def on_snapshot_message(self, message: SnapshotMessage) -> None:
        """Show the newest snapshot, and tell the command objects."""
        session, snapshot = self.session, message.snapshot
        session.on_snapshot(snapshot)
        session.expire_status()
        self.engine_commands.drop_ended_process(snapshot)
        self.panel_commands.on_snapshot(snapshot)
        self.baseline_commands.on_snapshot(snapshot)
        if session.view_state.split is not None:
            self.split_commands.on_snapshot(snapshot)
        if self._objective_capture is not None:
            self._objective_capture.on_snapshot(snapshot)
        session.show_frame()
        if self.initial_process is not None and snapshot.processes is not None:
            wanted, self.initial_process = self.initial_process, None
            self._profile_initial_process(wanted, snapshot.processes)

    def _profile_initial_process(
        self, wanted: ProcessReference, processes: Sequence[ProcessState]
    ) -> None:
        """Profile the process of the command line, once the process table is there."""
        for process in processes:
            if wanted.matches(process.identity, START_TOLERANCE_S):
                self.profile_session.sample(process)
                return
        self.session.show_status(f"process {wanted.pid} has ended, or may not be seen")

    def draw_again(self) -> None:
        """Show the frame that was put off, and draw all of the screen in front."""
        self.session.show_frame()
        super().draw_again()

    # ------------------------------------------------------------------------------------- commands

    def action_do(self, command: str) -> None:
        """Run a command of the table, for Textual's bindings and the palette."""
        self.run_command(CommandId(command))

    def run_command(self, command: CommandId) -> None:
        """Run a command: a replay's meaning of it, else the screen's, else that of all screens."""
        if command != CommandId.QUIT:
            self.session.is_quit_pending = False
        for handlers in self.handlers_in_order():
            if command in handlers:
                handlers[command]()
                return
        self.session.show_status(f"{LABELS[command]} has no meaning here: ? shows the keys")

    def handlers_in_order(self) -> list[Handlers]:
        """Return the handlers for the screen in front; the first that has a command runs it."""
        tables: list[Handlers] = []
        if self.replay_commands is not None:
            tables.append(self.replay_commands.handlers())
        if isinstance(self.screen, SessionScreen):
            tables.append(self.screen.handlers())
        tables += [
            self.handlers(),
            self.time_commands.handlers(),
            self.engine_commands.handlers(),
            self.panel_commands.handlers(),
            self.recording_commands.handlers(),
            self.baseline_commands.handlers(),
        ]
        return tables

    def handlers(self) -> Handlers:
        """Map each command of the app itself to its method."""
        return {
            CommandId.HELP: self.show_help,
            CommandId.PALETTE: self.action_command_palette,
            CommandId.THEME: self.show_themes,
            CommandId.SUSPEND: self.action_suspend_process,
            CommandId.EXPORT: self.export_screen,
            CommandId.SPLIT: self.toggle_split,
        }

    def show_help(self) -> None:
        """Show all keys."""
        from tputtui.tui.dialogs.help_screen import HelpScreen

        self.push_screen(HelpScreen(self.session))

    def show_themes(self) -> None:
        """Show the themes, to choose one."""
        from tputtui.tui.dialogs.choice_screens import ThemeScreen

        self.push_screen(ThemeScreen(self.session))

    def toggle_split(self) -> None:
        """Split the service into control and treatment, or show it as one again."""
        self.split_commands.toggle_split()

    def export_screen(self) -> None:
        """Save this screen as an SVG file."""
        session = self.session
        if session.settings.read_only:
            session.show_status("read-only: no file is written")
            return
        folder = session.environment.state_folder
        path = folder / f"screen-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            picture = self.export_screenshot(title="tputtui")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(picture)
        except OSError as error:
            session.show_status(f"the screen was not saved: {path}: {error.strerror}")
        else:
            session.saved_paths.append(str(path))
            session.show_status(f"saved {path}")
