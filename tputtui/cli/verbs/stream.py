"""`tputtui stream`: one JSON object a tick on stdout, until N of them, a signal, or the reader is gone."""

from __future__ import annotations

from tputtui.cli.headless import objects, require_stdout, signals, write
from tputtui.cli.output import say
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective


def run(arguments: Arguments) -> int:
    """Stream what the command line asks for."""
    settings = effective(arguments).settings
    require_stdout()
    for note in settings.notes:
        say(note)
    with signals() as stop:
        for snapshot in objects(settings, stop, arguments.options.count):
            write(snapshot)
    return 128 + stop.number if stop.number else 0
