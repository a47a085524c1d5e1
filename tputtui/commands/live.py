"""`tputtui [TARGET...]`: the live screen."""

from __future__ import annotations

from tputtui.commands.arguments import Arguments
from tputtui.commands.baseline import named
from tputtui.commands.effective import effective
from tputtui.commands.screen import require_screen, show


def run(arguments: Arguments) -> int:
    """Watch what the command line asks for."""
    settings = effective(arguments).settings
    words = " ".join(arguments.options.targets)
    require_screen(f"tputtui stream -n 1 {words}".rstrip() + " prints the same as JSON")
    baseline = named(arguments.options.baseline)
    from tputtui.monitor.late import LateEngine

    return show(settings, LateEngine(settings), settings.notes, baseline=baseline)
