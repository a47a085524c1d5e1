"""From settings to a running screen and back to a clean terminal."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from tputtui.frozen import frozen

if TYPE_CHECKING:
    from tputtui.engine.replay.player import Player
    from tputtui.views.shared.comparison_base import Baseline

from tputtui import text
from tputtui.model import ProcessReference
from tputtui.settings import Settings
from tputtui.settings.state_paths import state_folder
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.session import ScreenEnvironment, SnapshotSource
from tputtui.tui.terminal.background import is_light
from tputtui.views.live.exit_summary import summary_lines


class CannotShowError(ValueError):  # reads as what it is
    """The screen cannot be shown as asked: its theme cannot be used. One sentence."""


@frozen
class ScreenResult:
    """How the screen ended: the exit code, the lines that belong into the scrollback, and errors that it outlived."""

    exit_code: int
    lines: tuple[str, ...] = ()
    survived: tuple[Exception, ...] = ()


def run(
    settings: Settings,
    source: SnapshotSource,
    notes: Sequence[str] = (),
    initial_process: ProcessReference | None = None,
    should_exit: Callable[[], bool] | None = None,
    make_screen: Callable[[], Screen[None]] | None = None,
    player: Player | None = None,
    baseline: Baseline | None = None,
) -> ScreenResult:
    """Show the live screen until the user leaves. Raises CannotShow before the terminal is touched, and
    what was an error of ours once the terminal is as it was.

    `initial_process`: the process that is profiled at once. `over_when` is asked once a second whether the screen shall end.
    `baseline`: what figures are held against from the start. `opened` makes a screen that is shown alone, in place of the live one. `player`: the source is this, a recorded run.
    """
    themes = tuple(theme_files.theme_folders(theme_files.user_theme_folder()))
    try:
        look = palette.load_palette(theme_name(settings), themes)
    except theme_files.BadThemeError as error:
        raise CannotShowError(str(error)) from error
    if not settings.color:
        look = palette.without_color(look)
    place = ScreenEnvironment(
        host_name=text.clean(_host_name(player), 60),
        zone_offset_s=float(time.localtime().tm_gmtoff),
        state_folder=state_folder(),
        theme_folders=themes,
    )
    app = TputtuiApp(settings, source, look, place)
    app.view_state = replace(app.view_state, baseline=baseline)
    app.initial_process = initial_process
    app.should_exit = should_exit
    app.standalone_screen = make_screen() if make_screen is not None else None
    if player is not None:
        from tputtui.tui.live.replay_commands import ReplayCommands

        app.replay = ReplayCommands(app, player)
    for note in notes:
        app.set_initial_status(note)
    began = time.monotonic()
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.stop_watchers()
        _stop_captures()
        source.stop()
        app.recording_commands.close()
    if app.error is not None:
        raise app.error
    saved = [_abbreviate_home(path) for path in app.saved_paths]
    lens = app.view_state.service_filter
    told = summary_lines(
        app.latest, time.monotonic() - began, saved, lens.name if lens is not None else None
    )
    return ScreenResult(app.return_code or 0, tuple(told), tuple(app.survived))


def _host_name(player: Player | None) -> str:
    """The name of this host, or that of the host on which a run was recorded."""
    return player.header.environment.get("host", "") if player is not None else socket.gethostname()


def _abbreviate_home(path: str) -> str:
    """A path with its home as ~: short enough for a line, and the shell takes it."""
    home = os.path.expanduser("~").rstrip("/") + "/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) and " " not in path else path


def _stop_captures() -> None:
    """What was sampled so far is saved before we go."""
    capture = sys.modules.get("tputtui.profiling.capture.capture")
    if capture is not None:
        capture.stop_all()


def theme_name(settings: Settings) -> str:
    """The theme's file name: the one that was named, else what suits the terminal."""
    if settings.theme != "auto":
        return settings.theme
    if not settings.color:
        return "terminal"
    if settings.background != "auto":
        return settings.background
    return "light" if is_light() else "dark"
