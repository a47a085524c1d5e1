"""Every command once: its key, its footer word, its help. Bindings, footer, palette and help are made from this table.

A letter means one thing everywhere; no key kills or signals anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding
from textual.keys import key_to_character

from tputtui import text
from tputtui.views.scene import PANELS

Where = Literal["everywhere", "time", "live", "profile"]


@dataclass(frozen=True, slots=True)
class Pair:
    """What two keys are together, where they stand side by side: in the footer and in the help."""

    other: str  # the second command's id
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can do. `keys` are separated by commas, the first is shown."""

    id: str
    keys: str
    label: str
    help: str
    where: Where
    footer: bool = False
    pair: Pair | None = None  # on the first of the two

    @property
    def key(self) -> str:
        """The first key, as a person writes it."""
        return first_key(self, {})


_WORDS = {
    "slash": "/",  # five that Textual names otherwise than Unicode does
    "at": "@",
    "plus": "+",
    "minus": "-",
    "underscore": "_",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "backspace": "Backspace",
    "ctrl+p": "^P",
    "ctrl+c": "^C",
    "ctrl+z": "^Z",
    "f1": "F1",
    "end": "End",
    "space": "space",
}


def key_word(key: str) -> str:
    """How Textual's name of a key is written for a person: "question_mark" is "?"."""
    key = key.strip()
    character = key_to_character(key) if len(key) > 1 and key not in _WORDS else None
    return _WORDS.get(key, character or key)


def first_key(command: Command, remapped: Mapping[str, str]) -> str:
    """The first of a command's keys, as a person writes it."""
    return key_word(remapped.get(command.id, command.keys).split(",")[0])


COMMANDS: tuple[Command, ...] = (
    Command(
        "quit",
        "q",
        "quit",
        "back: out of a panel that has the whole screen, out of a view; on the live screen quit",
        "everywhere",
        footer=True,
    ),
    Command("help", "question_mark,f1", "help", "all keys", "everywhere", footer=True),
    Command("palette", "colon,ctrl+p", "commands", "find a command by name", "everywhere"),
    Command("filter", "slash", "filter", "keep the rows that contain a word; Esc clears", "everywhere", footer=True),
    Command(
        "next",
        "n",
        "next",
        "the next row that matches",
        "everywhere",
        pair=Pair("previous", "next", "the next row that matches; the row before"),
    ),
    Command("previous", "N", "previous", "the row before that matches", "everywhere"),
    Command(
        "clear",
        "escape",
        "clear",
        "clear the filter; leave the whole screen; show all of the service again; never quits",
        "everywhere",
    ),
    Command(
        "focus_next",
        "tab",
        "next panel",
        "focus the next panel (1 to 7: by number)",
        "everywhere",
        pair=Pair("focus_previous", "next panel", "focus the next panel; the panel before"),
    ),
    Command("focus_previous", "shift+tab", "panel before", "focus the panel before", "everywhere"),
    Command("zoom_panel", "z", "whole screen", "give the focused panel the whole screen, and back", "everywhere"),
    Command(
        "sort_left",
        "less_than_sign",
        "sort left",
        "sort by the column to the left",
        "everywhere",
        pair=Pair("sort_right", "sort", "sort by the column to the left; to the right"),
    ),
    Command("sort_right", "greater_than_sign", "sort right", "sort by the column to the right", "everywhere"),
    Command("invert", "I", "invert", "invert the order", "everywhere"),
    Command("export", "e", "export", "save what is shown: this screen as SVG, a profile as speedscope", "everywhere"),
    Command("copy", "y", "copy", "copy the row under the cursor to the clipboard of your terminal", "everywhere"),
    Command("theme", "T", "theme", "look at the themes and choose one", "everywhere"),
    Command("suspend", "ctrl+z", "suspend", "stop and go back to the shell; fg continues", "everywhere"),
    Command("freeze", "space", "freeze", "freeze the screen while collecting goes on", "time", footer=True),
    Command(
        "back",
        "left_square_bracket",
        "back",
        "one step back in time",
        "time",
        footer=True,
        pair=Pair("forward", "time", "one step back in time; one forward"),
    ),
    Command("forward", "right_square_bracket", "forward", "one step forward in time", "time"),
    Command(
        "back_far",
        "left_curly_bracket",
        "back ×10",
        "ten steps back",
        "time",
        pair=Pair("forward_far", "time ×10", "ten steps back in time; ten forward"),
    ),
    Command("forward_far", "right_curly_bracket", "forward ×10", "ten steps forward", "time"),
    Command("jump", "at", "a time", "go to a time: 14:03:22, or -90s", "time"),
    Command("live", "0,end", "live", "back to now", "time"),
    Command(
        "zoom_in",
        "plus,equals_sign",
        "zoom in",
        "halve the span of the time axis",
        "time",
        footer=True,
        pair=Pair("zoom_out", "span", "halve the span of the time axis; double it"),
    ),
    Command("zoom_out", "minus", "zoom out", "double the span of the time axis", "time"),
    Command("profile", "p", "profile", "sample the chosen process with py-spy for 10 s", "live", footer=True),
    Command("follow", "F", "follow", "keep the chosen process in the first row", "live"),
    Command(
        "browser", "i", "metrics", "every metric of a target: search, look, choose what it feeds", "live", footer=True
    ),
    Command("window", "w", "window", "the span of rates and quantiles: 10 s, 30 s, 60 s", "live"),
    Command("breakdown", "d", "break down", "break the traffic down by the next label", "live"),
    Command("hottest", "asterisk", "hottest", "open the hottest path", "profile", footer=True),
)

MOVES: tuple[tuple[str, str], ...] = (
    ("up,k", "move(-1)"),
    ("down,j", "move(1)"),
    ("pageup", "move(-10)"),
    ("pagedown", "move(10)"),
    ("home", "move(-1000000)"),
    ("enter", "open"),
    ("left,h", "sideways(-1)"),
    ("right,l", "sideways(1)"),
)
"""The keys that move; they are the same everywhere and are not remapped."""


def bindings(where: Iterable[Where]) -> list[Binding]:
    """Textual's bindings for the commands of some places, remappable by their id."""
    wanted = set(where)
    made = [Binding(c.keys, f"app.do('{c.id}')", c.label, id=c.id, show=False) for c in COMMANDS if c.where in wanted]
    made += [Binding(keys, action, show=False) for keys, action in MOVES]
    made += [Binding(str(number), f"panel({number})", show=False) for number in range(1, 10)]
    return made


def check_remapped(keys: Mapping[str, str]) -> list[str]:
    """What is wrong with a config's [keys]: unknown commands, and two commands on one key; one sentence each."""
    known = [command.id for command in COMMANDS]
    problems = [
        f"[keys] {text.clean(name, 40)}: unknown command{text.did_you_mean(name, known)}"
        for name in keys
        if name not in known
    ]
    taken: dict[str, str] = {}
    for command in COMMANDS:
        for key in keys.get(command.id, command.keys).split(","):
            other = taken.setdefault(key.strip(), command.id)
            if other != command.id and (command.id in keys or other in keys):
                problems.append(f"[keys] {command.id}: {text.clean(key, 20)} is the key of {other}")
    return problems


LABELS: Mapping[str, str] = {command.id: command.label for command in COMMANDS}

ALSO: tuple[tuple[Where, str, str, str], ...] = (
    ("everywhere", "arrows", "move", "up and down in a list; left and right in time"),
    ("live", "1-7", "panels", ", ".join(f"{number} {name}" for number, name in enumerate(PANELS, 1))),
    ("live", "Enter", "open", "profile that process; show only that route or replica, until Esc; zoom any other panel"),
    ("profile", "1-6", "views", "the views of the profile, in the order of its tabs"),
    ("profile", "Esc", "stop", "stop the capture; what was sampled stays"),
    ("profile", "p", "again", "sample once more"),
)
"""What a key does that is no command of the table, for the help: (where, key, label, help)."""

FOOTER_MOST = 10
_LAST = ("help", "quit")


def hints(where: Iterable[Where], keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """(key, word) for the footer, at most ten; the last two, the way to all others and the way out, always among them."""
    wanted = set(where)
    shown = [command for command in COMMANDS if command.footer and command.where in wanted]
    order = ("profile", "live", "time", "everywhere")
    shown.sort(key=lambda command: (command.id in _LAST, order.index(command.where), command.id == "quit"))
    kept = [*shown[:-2][: FOOTER_MOST - 2], *shown[-2:]]
    return [(together(command, keys), command.pair.label if command.pair else command.label) for command in kept]


def together(command: Command, remapped: Mapping[str, str]) -> str:
    """The command's key; of a pair, both."""
    other = next((c for c in COMMANDS if command.pair is not None and c.id == command.pair.other), None)
    return " ".join(first_key(one, remapped) for one in (command, other) if one is not None)


def help_rows(place: Where, remapped: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(keys, label, help) of all that keys do in a place; of a pair one row."""
    seconds = {command.pair.other for command in COMMANDS if command.pair is not None}
    rows = []
    for command in COMMANDS:
        if command.where != place or command.id in seconds:
            continue
        if command.pair is not None:
            rows.append((together(command, remapped), command.pair.label, command.pair.help))
        else:
            shown = [key_word(key) for key in remapped.get(command.id, command.keys).split(",")]
            rows.append((" ".join(shown), command.label, command.help))
    return rows + [(key, label, words) for where, key, label, words in ALSO if where == place]


def elsewhere(pressed: Iterable[str], keys: Mapping[str, str]) -> Command | None:
    """The command that a key stands for, wherever it works."""
    wanted = set(pressed)
    return next(
        (c for c in COMMANDS if wanted & {key.strip() for key in keys.get(c.id, c.keys).split(",")}),
        None,
    )
