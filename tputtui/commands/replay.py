"""`tputtui replay RUN`: the live screen on a recorded run."""

from __future__ import annotations

from dataclasses import replace

from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.effective import effective
from tputtui.commands.runfile import opened
from tputtui.commands.screen import require_screen, show
from tputtui.runs.reader import NotARun
from tputtui.text import clean


def run(arguments: Arguments) -> int:
    """Open the run first, so that a file that cannot be read never touches the terminal."""
    from tputtui.monitor.player import Player

    path = arguments.options.run
    with opened(path) as recorded:
        header = recorded.header
        settings = replace(
            effective(arguments).settings,
            targets=(),
            servers=(),
            interval_s=header.interval_s,
            window_s=header.window_s,
            quantiles=header.quantiles,
            objectives=header.objectives,
            by=header.by,
        )
        try:
            player = Player(recorded)
        except NotARun as error:
            raise UsageError(f"{clean(path, 200)}: {error}") from None
        require_screen(f"tputtui export --format csv {clean(path, 100)} prints its figures")
        return show(settings, player, settings.notes, player=player)
