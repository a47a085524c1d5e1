"""`tputtui config show|path|init`: the effective settings, where the file is, a file to start from."""

from __future__ import annotations

import os

from tputtui.commands import configfile
from tputtui.commands.arguments import Arguments
from tputtui.commands.effective import effective
from tputtui.commands.table import columns
from tputtui.commands.terminal import say, tell
from tputtui.settings import document


def run(arguments: Arguments) -> int:
    """Carry out one of the three; only `show` reads the file, so that the others help with a broken one."""
    action = arguments.options.action
    if action == "init":
        tell(document.starter().rstrip("\n"))
    elif action == "path":
        place = configfile.place(arguments.options.config, os.environ)
        named = arguments.options.config or os.environ.get("TPUTTUI_CONFIG")
        why = f"{os.devnull} was named" if named == os.devnull else "neither HOME nor XDG_CONFIG_HOME is set"
        tell(f"none: {why}" if place is None else place.path)
    else:
        from tputtui.redaction import redact_url

        found = effective(arguments)
        for note in found.settings.notes:
            say(note)
        tell(_file(found.place))
        tell("\n".join(columns(document.effective(found.settings, redact_url))))
    return 0


def _file(place: configfile.Place | None) -> str:
    if place is None:
        return "# no config file"
    state = "" if os.path.exists(place.path) else ", which does not exist"
    return f"# config file: {place.path}{state}"
