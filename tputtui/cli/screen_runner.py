"""Screen start and end shared by the verbs: check the terminal, load Textual, print the closing
lines.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tputtui.cli.output import no_screen_reason, print_stderr
from tputtui.cli.parser import NoScreenError, UsageError
from tputtui.model import ProcessReference
from tputtui.settings import Settings

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.engine.replay.player import Player
    from tputtui.tui.app import TputtuiApp
    from tputtui.tui.capabilities import Capabilities
    from tputtui.views.shared.comparison_base import Baseline


def require_screen(alternative: str) -> None:
    """Raise NoScreenError if no screen is possible; `alternative` is a command that works there.

    Textual is not loaded for this.
    """
    why = no_screen_reason(os.environ)
    if why:
        raise NoScreenError(f"no screen is possible, {why}: {alternative}")


def show_screen(
    settings: Settings,
    capabilities: Capabilities,
    notes: Sequence[str] = (),
    initial_process: ProcessReference | None = None,
    should_exit: Callable[[], bool] | None = None,
    make_screen: Callable[[TputtuiApp], Screen[None]] | None = None,
    player: Player | None = None,
    baseline: Baseline | None = None,
) -> int:
    """Run the screen and return its exit code. Its closing lines go to stderr, as the screen
    did.
    """
    gc.disable()  # objects created while loading are permanent: the app collects garbage afterwards
    from tputtui.tui.run_app import CannotShowError, run

    try:
        ended = run(
            settings,
            capabilities,
            notes,
            initial_process,
            should_exit,
            make_screen,
            player,
            baseline,
        )
    except CannotShowError as error:
        raise UsageError(str(error)) from error
    finally:
        gc.enable()
    for line in ended.lines:
        print_stderr(line)
    if ended.recovered_errors:
        from tputtui.cli import output

        for survived in ended.recovered_errors:
            print_stderr(output.write_crash_report(survived))
    return ended.exit_code
