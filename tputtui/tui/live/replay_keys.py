"""What keys are called in a replay: the same keys, with other words where they do something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tputtui.tui.keys import COMMANDS, Command, KeyPair

_REPLAY_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "jump": {
        "label": "a time",
        "help": "go to a time in the run: +90s, 14:03:22, or a mark",
        "footer": True,
    },
    "zoom_in": {"footer": False},
    "live": {"label": "end", "help": "the end of the run"},
    "slower": {
        "footer": True,
        "help": "play slower",
        "pair": KeyPair("faster", "speed", "play slower; faster: 1x to 60x"),
    },
    "faster": {"label": "faster", "help": "play faster, up to 60x"},
    "mark": {
        "help": "off: a run is not written to",
        "pair": KeyPair("marks", "marks", "m is off; M lists the marks"),
    },
    "record": {
        "help": "off: it is recorded already; tputtui cut makes a part of it a run of its own"
    },
    "profile": {"help": "the profile that was recorded at this moment", "footer": False},
    "profile_options": {"help": "off: the process is not there to be profiled"},
    "browser": {"help": "every metric of a target that was recorded: search, look"},
}


def replay_commands(is_paused: bool) -> tuple[Command, ...]:
    """The table of `keys`, as it reads in a replay."""
    space = {
        "label": "play" if is_paused else "pause",
        "help": "stand still, or play on; at the end, from the beginning",
    }
    otherwise = {**_REPLAY_CHANGES, "freeze": space}
    return tuple(replace(command, **otherwise.get(command.id, {})) for command in COMMANDS)
