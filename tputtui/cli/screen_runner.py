"""What every verb with a screen does: look at the terminal first, load Textual then, leave a few lines behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tputtui.cli.output import say, why_no_screen
from tputtui.cli.parser import NoScreenError, UsageError
from tputtui.settings import Settings

if TYPE_CHECKING:
    from textual.screen import Screen as ScreenOf

    from tputtui.engine.replay.player import Player
    from tputtui.tui.session import SnapshotSource
    from tputtui.views.shared.comparison_base import Baseline


def require_screen(instead: str) -> None:
    """Raise NoScreen where none is possible; `instead` is what works there. Textual is not loaded for that."""
    why = why_no_screen(os.environ)
    if why:
        raise NoScreenError(f"no screen is possible, {why}: {instead}")


def show(
    settings: Settings,
    source: SnapshotSource,
    notes: Sequence[str] = (),
    profile_pid: int | None = None,
    over_when: Callable[[], bool] | None = None,
    opened: Callable[[], ScreenOf[None]] | None = None,
    player: Player | None = None,
    baseline: Baseline | None = None,
) -> int:
    """Run the screen; its exit code. The lines of its end go to stderr, as the screen did."""
    gc.disable()  # what is made while all is loaded stays: the app looks for garbage once it is
    from tputtui.tui.run_app import CannotShowError, run

    try:
        ended = run(settings, source, notes, profile_pid, over_when, opened, player, baseline)
    except CannotShowError as error:
        raise UsageError(str(error)) from error
    finally:
        gc.enable()
    for line in ended.lines:
        say(line)
    if ended.survived:
        from tputtui.cli import crash_report

        for survived in ended.survived:
            say(crash_report.report(survived))
    return ended.code
