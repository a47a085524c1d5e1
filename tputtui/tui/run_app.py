"""Run the app: from settings to a screen, and back to a clean terminal.

The terminal is asked once for its background, before the screen starts; without an answer it counts
as dark.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import sys
import termios
import time
import tty
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ProcessReference
from tputtui.settings import Settings
from tputtui.settings.state_paths import state_folder
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.session import ScreenEnvironment
from tputtui.views.live.exit_summary import summary_lines

if TYPE_CHECKING:
    from tputtui.engine.replay.player import Player
    from tputtui.views.shared.comparison_base import Baseline


_ANSWER_TIMEOUT_S = 0.2
_COLOR_REPLY = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})"
)
_ATTRIBUTES_REPLY = re.compile(rb"\x1b\[\?[0-9;]*c")
_MAX_BYTES = 4096


def _is_light() -> bool:
    """Ask the terminal by OSC 11, within 200 ms; else read COLORFGBG, else assume dark.

    Every terminal answers the request for device attributes that is sent behind it.
    """
    answer = _query_terminal()
    found = _COLOR_REPLY.search(answer)
    if found is not None:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
        return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return ground in ("7", "15")


def _query_terminal() -> bytes:
    """Send OSC 11 and a request for device attributes; read until the latter is answered."""
    try:
        source, sink = sys.stdin.fileno(), sys.stderr.fileno()
        before = termios.tcgetattr(source)
    except (OSError, ValueError, termios.error):
        return b""
    answer = b""
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(sink, b"\x1b]11;?\x1b\\\x1b[c")
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while len(answer) < _MAX_BYTES and not _ATTRIBUTES_REPLY.search(answer):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                break
            read = os.read(source, 256)
            if not read:
                break
            answer += read
    except OSError:
        pass
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(source, termios.TCSANOW, before)
    return answer


class CannotShowError(ValueError):
    """The theme cannot be used. The message is one sentence."""


@frozen
class ScreenResult:
    """Exit code of the screen, closing lines for the scrollback, and errors that it survived."""

    exit_code: int
    lines: tuple[str, ...] = ()
    recovered_errors: tuple[Exception, ...] = ()


def run(
    settings: Settings,
    capabilities: Capabilities,
    notes: Sequence[str] = (),
    initial_process: ProcessReference | None = None,
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
        initial_process: process to profile at once.
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
        initial_palette = palette.load_palette(_theme_name(settings), themes)
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
    app.initial_process = initial_process
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
    return ScreenResult(app.return_code or 0, tuple(lines), tuple(app.recovered_errors))


def _host_name(player: Player | None) -> str:
    """Return the name of this host, or of the host on which a run was recorded."""
    return player.header.environment.get("host", "") if player is not None else socket.gethostname()


def _abbreviate_home(path: str) -> str:
    """Abbreviate the home folder to ~, unless a space would need quotes in a shell."""
    home = os.path.expanduser("~").rstrip("/") + "/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) and " " not in path else path


def _stop_captures() -> None:
    """Stop all captures; what was sampled so far is saved."""
    capture = sys.modules.get("tputtui.profiling.capture.capture")
    if capture is not None:
        capture.stop_all()


def _theme_name(settings: Settings) -> str:
    """Return the name of the theme: the configured one, else one that suits the terminal."""
    if settings.theme != "auto":
        return settings.theme
    if not settings.color:
        return "terminal"
    if settings.background != "auto":
        return settings.background
    return "light" if _is_light() else "dark"
