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
from tputtui.tui.session import ScreenEnvironment, SnapshotSource
from tputtui.tui.terminal.background import is_light
from tputtui.views.live.exit_summary import summary


class CannotShowError(ValueError):  # reads as what it is
    """The screen cannot be shown as asked: its theme cannot be used. One sentence."""


@frozen
class ScreenResult:
    """How the screen ended: the exit code, the lines that belong into the scrollback, and errors that it outlived."""

    code: int
    lines: tuple[str, ...] = ()
    survived: tuple[Exception, ...] = ()


def run(
    settings: Settings,
    source: SnapshotSource,
    notes: Sequence[str] = (),
    profile_pid: int | None = None,
    over_when: Callable[[], bool] | None = None,
    opened: Callable[[], Screen[None]] | None = None,
    player: Player | None = None,
    baseline: Baseline | None = None,
) -> ScreenResult:
    """Show the live screen until the user leaves. Raises CannotShow before the terminal is touched, and
    what was an error of ours once the terminal is as it was.

    `profile_pid`: the process that is profiled at once. `over_when` is asked once a second whether the screen shall end.
    `baseline`: what figures are held against from the start. `opened` makes a screen that is shown alone, in place of the live one. `player`: the source is this, a recorded run.
    """
    themes = tuple(theme_files.folders(theme_files.user_folder()))
    try:
        look = palette.load(theme_name(settings), themes)
    except theme_files.BadThemeError as error:
        raise CannotShowError(str(error)) from error
    if not settings.color:
        look = palette.without_color(look)
    place = ScreenEnvironment(
        host_name=text.clean(_host_name(player), 60),
        zone_offset_s=float(time.localtime().tm_gmtoff),
        state_folder=state_folder(),
        themes=themes,
    )
    app = TputtuiApp(settings, source, look, place)
    app.viewpoint = replace(app.viewpoint, baseline=baseline)
    app.profile_at_once = profile_pid
    app.over_when = over_when
    app.opened = opened() if opened is not None else None
    if player is not None:
        from tputtui.tui.live.replay_commands import ReplayCommands

        app.replay = ReplayCommands(app, player)
    for note in notes:
        app.say_later(note)
    began = time.monotonic()
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.over()
        _end_captures()
        source.stop()
        app.recording.over()
    if app.error is not None:
        raise app.error
    saved = [_from_home(path) for path in app.saved]
    lens = app.viewpoint.lens
    told = summary(app.latest, time.monotonic() - began, saved, lens.name if lens is not None else None)
    return ScreenResult(app.return_code or 0, tuple(told), tuple(app.survived))


def _host_name(player: Player | None) -> str:
    """The name of this host, or that of the host on which a run was recorded."""
    return player.header.environment.get("host", "") if player is not None else socket.gethostname()


def _from_home(path: str) -> str:
    """A path with its home as ~: short enough for a line, and the shell takes it."""
    home = os.path.expanduser("~").rstrip("/") + "/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) and " " not in path else path


def _end_captures() -> None:
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
