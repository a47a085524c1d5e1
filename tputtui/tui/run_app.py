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
from tputtui.settings import Settings
from tputtui.settings.state_paths import state_folder
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.session import ScreenEnvironment
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
    capabilities: Capabilities,
    notes: Sequence[str] = (),
    initial_profile_pid: int | None = None,
    should_exit: Callable[[], bool] | None = None,
    make_screen: Callable[[TputtuiApp], Screen[None]] | None = None,
    player: Player | None = None,
    baseline: Baseline | None = None,
) -> ScreenResult:
    """Show the screen until the user leaves.

    Args:
        settings: of this run.
        capabilities: of the engine or the player; those of a saved profile are all None.
        notes: sentences for the status line of the first picture; the last one is shown.
        initial_profile_pid: process to profile at once.
        should_exit: asked once a second whether to end.
        make_screen: makes a screen that is shown alone, in place of the live one.
        player: of the recorded run that is shown.
        baseline: what figures are compared with from the start.

    Raises:
        CannotShowError: before the terminal is touched.
        Exception: an error of this program, once the terminal is as it was.

    """
    themes = tuple(theme_files.theme_folders(theme_files.user_theme_folder()))
    try:
        initial_palette = palette.load_palette(theme_name(settings), themes)
    except theme_files.BadThemeError as error:
        raise CannotShowError(str(error)) from error
    if not settings.color:
        initial_palette = palette.without_color(initial_palette)
    environment = ScreenEnvironment(
        host_name=text.clean(_host_name(player), 60),
        zone_offset_s=float(time.localtime().tm_gmtoff),
        state_folder=state_folder(),
        theme_folders=themes,
    )
    app = TputtuiApp(settings, capabilities, initial_palette, environment, player)
    session = app.session
    session.view_state = replace(session.view_state, baseline=baseline)
    app.initial_profile_pid = initial_profile_pid
    app.should_exit = should_exit
    if make_screen is not None:
        app.show_alone(make_screen(app))
    for note in notes:
        session.set_initial_status(note)
    began = time.monotonic()
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.stop_watchers()
        _stop_captures()
        if capabilities.source is not None:
            capabilities.source.stop()
        app.recording_commands.close()
    if app.error is not None:
        raise app.error
    saved = [_abbreviate_home(path) for path in session.saved_paths]
    service_filter = session.view_state.service_filter
    filter_name = service_filter.name if service_filter is not None else None
    lines = summary_lines(session.latest, time.monotonic() - began, saved, filter_name)
    return ScreenResult(app.return_code or 0, tuple(lines), tuple(app.survived))


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
