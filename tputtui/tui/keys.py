"""Every command once: its key, its footer word, its help. Bindings, footer, palette and help are made from this table.

A letter means one thing everywhere; no key kills or signals anything. Textual is loaded for its bindings only: the
table is also what a config's [keys] is checked against, where no screen is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tputtui import text

if TYPE_CHECKING:
    from textual.binding import Binding

Where = Literal["everywhere", "time", "live", "profile"]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can do. `action` is the Textual action; `keys` are separated by commas, the first is shown."""

    id: str
    keys: str
    label: str
    help: str
    where: Where
    footer: bool = False
    shown: str = ""  # how the key is written, where its name is not that

    @property
    def key(self) -> str:
        """The first key, as a person writes it."""
        return self.shown or key_word(self.keys.split(",")[0])


_WORDS = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "at": "@",
    "plus": "+",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "asterisk": "*",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "backspace": "Backspace",
    "ctrl+p": "^P",
    "ctrl+c": "^C",
    "ctrl+z": "^Z",
}


def key_word(key: str) -> str:
    """How Textual's name of a key is written for a person: "question_mark" is "?"."""
    return _WORDS.get(key, key)


COMMANDS: tuple[Command, ...] = (
    Command("quit", "q", "quit", "back; on the live screen quit", "everywhere", footer=True),
    Command("help", "question_mark,f1", "help", "all keys", "everywhere", footer=True),
    Command("palette", "colon,ctrl+p", "commands", "find a command by name", "everywhere"),
    Command("filter", "slash", "filter", "keep the rows that contain a word; Esc clears", "everywhere", footer=True),
    Command("next", "n", "next", "the next row that matches", "everywhere"),
    Command("previous", "N", "previous", "the row before that matches", "everywhere"),
    Command("clear", "escape", "clear", "clear the filter; stop a capture; never quits", "everywhere"),
    Command("focus_next", "tab", "next panel", "focus the next panel (1 to 7: by number)", "everywhere"),
    Command("focus_previous", "shift+tab", "panel before", "focus the panel before", "everywhere"),
    Command("zoom_panel", "z", "whole screen", "give the focused panel the whole screen, and back", "everywhere"),
    Command("sort_left", "less_than_sign", "sort left", "sort by the column to the left", "everywhere"),
    Command("sort_right", "greater_than_sign", "sort right", "sort by the column to the right", "everywhere"),
    Command("invert", "I", "invert", "invert the order", "everywhere"),
    Command("export", "e", "export", "save what is shown: this screen as SVG, a profile as speedscope", "everywhere"),
    Command("copy", "y", "copy", "copy the row under the cursor to the clipboard of your terminal", "everywhere"),
    Command("theme", "T", "theme", "look at the themes and choose one", "everywhere"),
    Command("suspend", "ctrl+z", "suspend", "stop and go back to the shell; fg continues", "everywhere"),
    Command("freeze", "space", "freeze", "freeze the screen while collecting goes on", "time", footer=True),
    Command("back", "left_square_bracket", "back", "one step back in time", "time", footer=True, shown="[ ]"),
    Command("forward", "right_square_bracket", "forward", "one step forward in time", "time"),
    Command("back_far", "left_curly_bracket", "back ×10", "ten steps back", "time"),
    Command("forward_far", "right_curly_bracket", "forward ×10", "ten steps forward", "time"),
    Command("jump", "at", "a time", "go to a time: 14:03:22, or -90s", "time"),
    Command("live", "0,end", "live", "back to now", "time"),
    Command(
        "zoom_in", "plus,equals_sign", "zoom in", "halve the span of the time axis", "time", footer=True, shown="+ -"
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
    from textual.binding import Binding

    wanted = set(where)
    made = [Binding(c.keys, f"app.do('{c.id}')", c.label, id=c.id, show=False) for c in COMMANDS if c.where in wanted]
    made += [Binding(keys, action, show=False) for keys, action in MOVES]
    made += [Binding(str(number), f"panel({number})", show=False) for number in range(1, 10)]
    return made


_FIXED = {key for keys, _ in MOVES for key in keys.split(",")} | {str(number) for number in range(1, 10)}
_FIXED |= {"ctrl+c", "ctrl+q"}
_MODIFIERS = ("ctrl+", "shift+", "alt+", "super+", "hyper+", "meta+")
_NAMED = frozenset(
    [
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
        "insert",
        "delete",
        "escape",
        "enter",
        "return",
        "tab",
        "backspace",
        "space",
    ]
    + [f"f{number}" for number in range(1, 25)]
)
_RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Where Textual calls a character otherwise than Unicode does."""


def key_name(key: str) -> str:
    """Textual's name of a key as somebody writes it: "?" is "question_mark"."""
    key = key.strip()
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, "").lower().replace("-", "_").replace(" ", "_")
    return _RENAMED.get(name, name)


def is_key(name: str) -> bool:
    """Whether a terminal can send a key of that name (in Textual's words)."""
    base = name
    while base.startswith(_MODIFIERS) and not base.endswith("+"):
        base = base.partition("+")[2]
    if len(base) == 1:
        return base.isprintable() and not base.isspace()
    return base in _NAMED or base in {key_name(chr(code)) for code in range(0x21, 0x180)} - {""}


def check_remapped(keys: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a config's [keys]: a sentence for each action whose line has to change."""
    known = {command.id: command for command in COMMANDS}
    problems = {name: f"unknown action{text.did_you_mean(name, list(known))}" for name in keys if name not in known}
    taken: dict[str, str] = {}
    for command in sorted(COMMANDS, key=lambda command: command.id in keys):  # who was asked for stands corrected
        for key in map(key_name, keys.get(command.id, command.keys).split(",")):
            other = taken.setdefault(key, command.id)
            if command.id not in keys or command.id in problems:
                continue
            if not is_key(key):
                problems[command.id] = f"{text.clean(key, 20)!r} is no key; such as x, ctrl+x, f5, space, question_mark"
            elif key in _FIXED and key not in command.keys.split(","):
                problems[command.id] = f"{text.clean(key_word(key), 20)} moves, chooses a panel or leaves, and stays so"
            elif other != command.id:
                problems[command.id] = f"{text.clean(key_word(key), 20)} is the key of {other}"
    return problems


def hints(where: Iterable[Where], keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """(key, label) for the footer, at most ten."""
    wanted = set(where)
    shown = [c for c in COMMANDS if c.footer and c.where in wanted]
    shown.sort(key=lambda c: ("profile", "live", "time", "everywhere").index(c.where))
    return [(key_word(keys[c.id].split(",")[0]) if c.id in keys else c.key, c.label) for c in shown][:10]
