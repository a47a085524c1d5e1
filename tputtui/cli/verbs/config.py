"""`tputtui config show|path|init`: the effective settings, where the file is, a file to start from."""

from __future__ import annotations

import os

from tputtui.cli import config_file
from tputtui.cli.output import say, tell
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective
from tputtui.cli.text_table import columns
from tputtui.settings import settings_reference


def run(arguments: Arguments) -> int:
    """Carry out one of the three; only `show` reads the file, so that the others help with a broken one."""
    action = arguments.options.action
    if action == "init":
        tell(settings_reference.starter().rstrip("\n"))
    elif action == "path":
        place = config_file.place(arguments.options.config, os.environ)
        named = arguments.options.config or os.environ.get("TPUTTUI_CONFIG")
        why = f"{os.devnull} was named" if named == os.devnull else "neither HOME nor XDG_CONFIG_HOME is set"
        tell(f"none: {why}" if place is None else place.path)
    else:
        from tputtui.text.redaction import redact_url

        found = effective(arguments)
        for note in found.settings.notes:
            say(note)
        tell(_file(found.place))
        tell("\n".join(columns(settings_reference.effective(found.settings, redact_url))))
    return 0


def _file(place: config_file.ConfigLocation | None) -> str:
    if place is None:
        return "# no config file"
    state = "" if os.path.exists(place.path) else ", which does not exist"
    return f"# config file: {place.path}{state}"
