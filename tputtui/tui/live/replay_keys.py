"""What keys are called in a replay: the same keys, with other words where they do something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tputtui.tui.commands import COMMANDS, Command, CommandId, KeyPair

_REPLAY_CHANGES: Mapping[CommandId, Mapping[str, Any]] = {
    CommandId.JUMP: {
        "label": "a time",
        "help": "go to a time in the run: +90s, 14:03:22, or a mark",
        "footer": True,
    },
    CommandId.ZOOM_IN: {"footer": False},
    CommandId.LIVE: {"label": "end", "help": "the end of the run"},
    CommandId.SLOWER: {
        "footer": True,
        "help": "play slower",
        "pair": KeyPair(CommandId.FASTER, "speed", "play slower; faster: 1x to 60x"),
    },
    CommandId.FASTER: {"label": "faster", "help": "play faster, up to 60x"},
    CommandId.MARK: {
        "help": "off: a run is not written to",
        "pair": KeyPair(CommandId.MARKS, "marks", "m is off; M lists the marks"),
    },
    CommandId.RECORD: {
        "help": "off: it is recorded already; tputtui cut makes a part of it a run of its own"
    },
    CommandId.PROFILE: {"help": "the profile that was recorded at this moment", "footer": False},
    CommandId.PROFILE_OPTIONS: {"help": "off: the process is not there to be profiled"},
    CommandId.BROWSER: {"help": "every metric of a target that was recorded: search, look"},
}


def replay_commands(is_paused: bool) -> tuple[Command, ...]:
    """The table of `keys`, as it reads in a replay."""
    space = {
        "label": "play" if is_paused else "pause",
        "help": "stand still, or play on; at the end, from the beginning",
    }
    otherwise = {**_REPLAY_CHANGES, CommandId.FREEZE: space}
    return tuple(replace(command, **otherwise.get(command.id, {})) for command in COMMANDS)
