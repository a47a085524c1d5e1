"""`tputtui [TARGET...]`: the live screen."""

from __future__ import annotations

from tputtui.cli.baseline_run import read_baseline
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen


def run(arguments: Arguments) -> int:
    """Watch the targets of the command line."""
    settings = effective_settings(arguments).settings
    words = " ".join(arguments.options.targets)
    require_screen(f"tputtui stream -n 1 {words}".rstrip() + " prints the same as JSON")
    baseline = read_baseline(arguments.options.baseline)
    from tputtui.engine.engine_proxy import EngineProxy
    from tputtui.tui.capabilities import Capabilities

    return show_screen(
        settings, Capabilities.of_live(EngineProxy(settings)), settings.notes, baseline=baseline
    )
