"""The app: wiring only. Snapshots come in from the engine's thread, views go out to the screen in front."""

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
from textual.app import App, InvalidThemeError
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

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
from tputtui.tui import keys, palette
from tputtui.tui.command_palette import CommandProvider
from tputtui.tui.live.baseline_commands import BaselineCommands
from tputtui.tui.live.engine_commands import EngineCommands
from tputtui.tui.live.live_screen import LiveScreen
from tputtui.tui.live.panel_commands import PanelCommands
from tputtui.tui.live.recording_commands import RecordingCommands
from tputtui.tui.session import ScreenEnvironment, SnapshotMessage, SnapshotSource
from tputtui.tui.terminal.terminal_app import MAX_QUEUED_WRITES, TerminalApp
from tputtui.tui.terminal.tty_watchdog import TtyWatchdog
from tputtui.tui.time_commands import TimeCommands
from tputtui.tui.timeline import Timeline
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.shared.frame import Frame, ListState, ViewState, busiest_service

if TYPE_CHECKING:
    from tputtui.recording.run_header import Mark
    from tputtui.tui.live.replay_commands import ReplayCommands
    from tputtui.tui.live.split_screen import SplitCommands
    from tputtui.tui.profile.objective_captures import LiveObjectiveCapture
    from tputtui.tui.profile.profile_session import ProfileSession

STATUS_TIMEOUT_S = 6.0


def _resume_garbage_collection() -> None:
    """Garbage is looked for again (`commands.screen` turned that off), and no longer in what stays for good."""
    gc.freeze()
    gc.enable()


class TputtuiApp(TerminalApp):
    """Holds where the user stands (the viewpoint) and shows the scene on whatever screen is in front."""

    TITLE = "tputtui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = {CommandProvider}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        settings: Settings,
        source: SnapshotSource,
        initial_palette: palette.Palette,
        environment: ScreenEnvironment,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.source = source
        self.palette = initial_palette
        self.environment = environment
        self.latest: Snapshot | None = None
        self.view_state = ViewState(is_read_only=settings.read_only)
        self.timeline = Timeline(settings.interval_s)
        self.is_quit_pending = False
        self.initial_process: ProcessReference | None = None
        self.should_exit: Callable[[], bool] | None = None  # what ends the screen by itself
        self.survived: list[Exception] = []  # errors of ours that cost one input each
        self.saved_paths: list[str] = []  # files, for the lines in the scrollback
        self.profile_times: list[float] = []  # monotonic seconds of each profile that was taken
        self.engine_commands = EngineCommands(self)
        self.standalone_screen: Screen[None] | None = (
            None  # shown alone, in place of the live screen
        )
        self.recording_commands = RecordingCommands(self)
        self._panel_commands = PanelCommands(self)
        self.replay: ReplayCommands | None = None  # a recorded run is shown
        self.baseline_commands = BaselineCommands(self)
        self._commands = (
            TimeCommands(self),
            self.engine_commands,
            self._panel_commands,
            self.recording_commands,
            self.baseline_commands,
        )
        self._status_at = 0.0
        self._watchdog = TtyWatchdog(self._exit_with, source.stop)
        self._set_initial_theme(initial_palette.textual_theme())

    def _set_initial_theme(self, theme: Theme) -> None:
        """The first theme. Assigned to `theme`, it would be one that changes: Textual parses all styles again, and lays
        everything out again.
        """
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.set_class(theme.dark, "-dark-mode", update=False)
        self.set_class(not theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())
        self._refresh_truecolor_filter(self.ansi_theme)

    @cached_property
    def profile_session(self) -> ProfileSession:
        """The profiles taken so far. What reads and keeps them is loaded with the first use, not before the first paint."""
        from tputtui.tui.profile.profile_session import ProfileSession

        return ProfileSession(self)

    @cached_property
    def split_commands(self) -> SplitCommands:
        """Control and treatment; nothing of it is loaded before it is asked for."""
        from tputtui.tui.live.split_screen import SplitCommands

        return SplitCommands(self)

    def do_split(self) -> None:
        """a."""
        self.split_commands.do_split()

    @cached_property
    def _objective_capture(self) -> LiveObjectiveCapture | None:
        """What takes a profile while an objective is missed; nothing of it is loaded where nobody asked for it."""
        wanted = self.settings.profile.on_objective_missed
        if wanted is None or self.settings.read_only:
            return None

        from tputtui.tui.profile.objective_captures import LiveObjectiveCapture

        return LiveObjectiveCapture(self, wanted)

    # ------------------------------------------------------------------------------------------ life

    async def on_mount(self) -> None:
        """Paint, then start to collect."""
        if os.environ.get("TERM"):
            self._watchdog.start(asyncio.get_running_loop())
        if self.settings.keys:
            self.set_keymap(self.settings.keys)
        self.call_after_refresh(self._start_engine)

    def get_default_screen(self) -> Screen[Any]:
        """The live screen, or what is shown in its place, without one of Textual's own below it."""
        self.latest = self._placeholder_snapshot()
        return self.standalone_screen or LiveScreen()

    def _placeholder_snapshot(self) -> Snapshot:
        """What there is to show before anything was asked: the frame, and the targets that are waited for."""
        waiting = tuple(
            TargetStatus(target.name or redact_url(target.url), redact_url(target.url))
            for target in self.settings.targets
        )
        window_s = max(self.settings.window_s, 2 * self.settings.interval_s)
        return Snapshot(time.time(), time.monotonic(), self.settings.interval_s, window_s, waiting)

    def _start_engine(self) -> None:
        """Begin to collect, once the first picture stands."""
        self.source.subscribe(lambda snapshot: self.post_message(SnapshotMessage(snapshot)))
        self.source.start()
        self.set_interval(1.0, self._check_engine)
        self.set_timer(1.0, _resume_garbage_collection)

    def _check_engine(self) -> None:
        """An engine that died is our own error: it ends the screen, and the sentence says so."""
        if self.source.failure is not None:
            raise self.source.failure
        if self.should_exit is not None and self.should_exit():
            self.exit(0)
        self.recording_commands.check()
        if self.is_standalone and self._expire_status():
            self.show_frame()  # no tick will

    def _fatal_error(self) -> None:
        """Leave without Textual's traceback, which shows the values of local variables; `run` passes the error on."""
        self._close_messages_no_wait()

    @property
    def error(self) -> Exception | None:
        """What ended the screen, if it was an error of ours."""
        return self._exception

    def _exit_with(self, code: int) -> None:
        self.exit(code, return_code=code)

    def action_leave(self) -> None:
        """^C: leave at once."""
        self.exit(0)

    def stop_watchers(self) -> None:
        """The screen is restored; the watch on the terminal ends."""
        self._watchdog.stop()
        by_itself = self.__dict__.get(
            "_objective_capture"
        )  # not made now, where nobody asked for it
        if by_itself is not None:
            by_itself.stop()

    async def on_event(self, event: events.Event) -> None:
        """A passing sentence goes with the next key."""
        if isinstance(event, events.Key) and self.view_state.status and not event.is_forwarded:
            self.view_state = replace(self.view_state, status="")
            self.call_next(self.show_frame)
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """What was typed on the heels of / or @ belongs to the prompt: it came while that was still opening. Otherwise no
        key of ours is silent: one that works elsewhere says where.
        """
        prompt = next(iter(self.screen.query(Prompt)), None)
        if prompt is not None and prompt.display:
            if event.is_printable and event.character:
                event.stop()
                event.prevent_default()
                prompt.insert_text_at_cursor(event.character)
            return
        pressed = (event.key, *event.aliases)
        command = keys.find_command(pressed, self.settings.keys)
        bound = self.screen.active_bindings  # a key that was obeyed comes by, too
        if (
            command is not None
            and hasattr(self.screen, "show_frame")
            and not any(key in bound for key in pressed)
        ):
            places = {
                "live": "on the live screen: q goes back to it",
                "profile": "in a profile: p takes one",
            }
            self.show_status(
                f"{command.key} ({command.label}) works {places.get(command.scope, 'elsewhere')}"
            )

    # ------------------------------------------------------------------------------------------ data in

    def on_snapshot_message(self, message: SnapshotMessage) -> None:
        """Show the newest snapshot, unless the user looks at another moment or the terminal cannot keep up."""
        self.latest = message.snapshot
        self.timeline.on_snapshot(message.snapshot)
        if (
            self.view_state.service is None
            and not self.settings.targets
            and message.snapshot.is_ready
        ):
            self.view_state = replace(self.view_state, service=busiest_service(message.snapshot))
        self._expire_status()
        self.engine_commands.drop_ended_process(message.snapshot)
        self._panel_commands.on_snapshot(message.snapshot)
        self.baseline_commands.on_snapshot(message.snapshot)
        if self.view_state.split is not None:
            self.split_commands.on_snapshot(message.snapshot)
        if self._objective_capture is not None:
            self._objective_capture.on_snapshot(message.snapshot)
        self.show_frame()
        if self.initial_process is not None and message.snapshot.processes is not None:
            self._profile_initial_process(self.initial_process, message.snapshot.processes)
            self.initial_process = None

    def _profile_initial_process(
        self, wanted: ProcessReference, processes: Sequence[ProcessState]
    ) -> None:
        """Profile the process of the command line, once the process table is there."""
        for process in processes:
            if wanted.matches(process.identity, START_TOLERANCE_S):
                self.profile_session.sample(process)
                return
        self.show_status(f"process {wanted.pid} has ended, or may not be seen")

    def _expire_status(self) -> bool:
        """What was said goes after a while. True where there was something."""
        over = (
            bool(self.view_state.status) and time.monotonic() - self._status_at > STATUS_TIMEOUT_S
        )
        if over:
            self.view_state = replace(self.view_state, status="")
        return over

    @property
    def is_standalone(self) -> bool:
        """Is a saved profile looked at, without a live screen below it?"""
        return self.standalone_screen is not None

    # ------------------------------------------------------------------------------------------ the scene

    def current_frame(self) -> Frame | None:
        """What there is to show now; None before the first snapshot."""
        if self.latest is None:
            return None
        moment, span, until = (
            self.timeline.moment,
            self.timeline.shown_span(),
            self.timeline.axis_end,
        )
        snapshot = self.latest if moment is None else self.source.snapshot_at(moment) or self.latest
        viewpoint = replace(
            self.view_state,
            span_s=self.timeline.span_s,
            shown_span_s=span,
            behind_s=self.timeline.behind_s,
            is_frozen=self.timeline.is_frozen,
            cursor=self.timeline.cursor,
            ascii_only=self.settings.ascii,
            service=self._shown_service(snapshot),
            recording_status=self.recording_commands.status_text(),
            replay=self.replay.status() if self.replay is not None else None,
            mark_times=tuple(mark.at for mark in self.marks),
            profile_times=tuple(
                self.profile_times
                if self.replay is None
                else (one.at for one in self.replay.player.profiles)
            ),
        )
        return Frame(
            snapshot,
            lambda name, columns: self.source.history(name, columns, span, until),
            viewpoint,
            self.environment.host_name,
            self.environment.zone_offset_s,
            lambda service, columns: self.source.heatmap(service, columns, span, until),
            self.source.replicas() if moment is None else {},
            self.baseline_commands.evaluate,
            self.split_commands.evaluate
            if self.view_state.split is not None
            else lambda _figure: "",
        )

    def _shown_service(self, snapshot: Snapshot) -> str | None:
        """The service through the lens, once there is a snapshot that has it."""
        lens = self.view_state.service_filter
        if lens is not None and any(service.name == lens.name for service in snapshot.services):
            return lens.name
        return self.view_state.service

    def show_frame(self) -> None:
        """Show the scene on the screen in front, at once or when the terminal can take it: a tick may never come."""
        if self.backlog() > MAX_QUEUED_WRITES:
            self.put_off()
            return
        scene = self.current_frame()
        show = getattr(self.screen, "show_frame", None)
        if scene is not None and show is not None:
            show(scene)

    def draw_again(self) -> None:
        """Show the scene that was put off, and draw all of the screen in front."""
        self.show_frame()
        super().draw_again()

    def update_view(self, **changes: Any) -> None:
        """Change where the user stands, and show it."""
        self.view_state = replace(self.view_state, **changes)
        self.show_frame()

    def save_list_state(self, panel: str, state: ListState) -> None:
        """Remember how a list is looked at."""
        if self.view_state.list_states.get(panel) != state:
            self.view_state = replace(
                self.view_state, list_states={**self.view_state.list_states, panel: state}
            )

    def set_initial_status(self, message: str) -> None:
        """Say a sentence with the first picture."""
        self._status_at = time.monotonic()
        self.view_state = replace(self.view_state, status=text.clean(message, 400))

    def show_status(self, message: str) -> None:
        """A sentence in the footer's place for a few seconds."""
        self._status_at = time.monotonic()
        self.update_view(status=text.clean(message, 400))

    def lost_input(self, error: Exception) -> None:
        """Show an error of ours that cost a key or a report; its traceback is kept until the screen has ended."""
        self.survived.append(error)
        what = text.clean(redact_text(f"{type(error).__name__}: {error}"), 120)
        sentence = f"an error of tputtui itself, one input is lost: {what}"
        self.source.log_event(Event(time.time(), "warning", sentence))
        self.show_status(sentence)

    # ------------------------------------------------------------------------------------------ commands

    def action_do(self, command: str) -> None:
        """Run a command of keys.py: the screen in front knows it, else the app does."""
        if command != "quit":
            self.is_quit_pending = False
        first = (self.replay,) if self.replay is not None else ()
        for owner in (
            *first,
            self.screen,
            *getattr(self.screen, "handlers", ()),
            self,
            *self._commands,
        ):
            handler = getattr(owner, f"do_{command}", None)
            if handler is not None:
                handler()
                return
        self.show_status(f"{keys.LABELS[command]} has no meaning here: ? shows the keys")

    @property
    def commands(self) -> tuple[keys.Command, ...]:
        """What the keys are called now: in a replay some do something else."""
        return self.replay.commands if self.replay is not None else keys.COMMANDS

    @property
    def marks(self) -> list[Mark]:
        """The marks there are: those that were set here, or those of the run."""
        return (
            self.replay.player.marks if self.replay is not None else self.recording_commands.marks
        )

    @property
    def is_past_complete(self) -> bool:
        """Whether what was before the moment that is shown stays as it is: a run is read while it is shown."""
        return self.replay is None or self.replay.player.position.read_ratio >= 1

    def go_to(self, at: float) -> None:
        """Look at a moment."""
        if self.replay is not None:
            self.replay.go_to(at)
        else:
            self.timeline.go_to(at)
            self.show_frame()

    def do_quit(self) -> None:
        """q on the live screen: asks once while something is recorded."""
        if self.recording_commands.is_running and not self.is_quit_pending:
            self.is_quit_pending = True
            self.show_status(
                "it is being recorded: q again saves the run and quits, R only stops it"
            )
            return
        self.exit(0)

    def do_help(self) -> None:
        """?."""
        from tputtui.tui.dialogs.help_screen import HelpScreen

        self.push_screen(HelpScreen())

    def do_palette(self) -> None:
        """: and ^P."""
        self.action_command_palette()

    def do_theme(self) -> None:
        """T."""
        from tputtui.tui.dialogs.theme_screen import ThemeScreen

        self.push_screen(ThemeScreen())

    def do_suspend(self) -> None:
        """^Z."""
        self.action_suspend_process()

    def do_export(self) -> None:
        """e: this screen as an SVG file."""
        if self.settings.read_only:
            self.show_status("read-only: no file is written")
            return
        folder = self.environment.state_folder
        path = folder / f"screen-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            picture = self.export_screenshot(title="tputtui")
            with os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(picture)
        except OSError as error:
            self.show_status(f"the screen was not saved: {path}: {error.strerror}")
        else:
            self.saved_paths.append(str(path))
            self.show_status(f"saved {path}")

    def apply_palette(self, new_palette: palette.Palette) -> None:
        """Paint with another theme from now on."""
        self.palette = new_palette
        self.register_theme(new_palette.textual_theme())
        try:
            self.theme = new_palette.name
        except InvalidThemeError:
            return
        for screen in self.screen_stack:
            screen.refresh(layout=False)
            for widget in screen.query("Panel"):
                widget.refresh()
