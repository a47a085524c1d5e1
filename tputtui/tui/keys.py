"""Key bindings made from the table of commands, and checks of a config's [keys].

Textual is imported for its bindings only: [keys] is also checked where no screen is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.commands import COMMANDS, Command, CommandId, Scope
from tputtui.tui.key_names import key_label, key_name

if TYPE_CHECKING:
    from textual.binding import Binding

MOVE_KEYS: tuple[tuple[str, str], ...] = (
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


def command_action(command: CommandId) -> str:
    """Return Textual's name of the action that runs a command (`action_do` of the app)."""
    return f"app.do('{command}')"


def bindings(scopes: Iterable[Scope]) -> list[Binding]:
    """Textual's bindings for the commands of some places, remappable by their id."""
    from textual.binding import Binding

    wanted = set(scopes)
    made = [
        Binding(c.keys, command_action(c.id), c.label, id=c.id, show=False)
        for c in COMMANDS
        if c.scope in wanted
    ]
    made += [Binding(keys, action, show=False) for keys, action in MOVE_KEYS]
    made += [Binding(str(number), f"panel({number})", show=False) for number in range(1, 10)]
    return made


_FIXED_KEYS = {key for keys, _ in MOVE_KEYS for key in keys.split(",")} | {
    str(number) for number in range(1, 10)
}
_FIXED_KEYS |= {"ctrl+c", "ctrl+q"}
_MODIFIERS = ("ctrl+", "shift+", "alt+", "super+", "hyper+", "meta+")
_NAMED_KEYS = frozenset(
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


def is_key(name: str) -> bool:
    """Whether a terminal can send a key of that name (in Textual's words)."""
    base = name
    while base.startswith(_MODIFIERS) and not base.endswith("+"):
        base = base.partition("+")[2]
    if len(base) == 1:
        return base.isprintable() and not base.isspace()
    return base in _NAMED_KEYS or base in {key_name(chr(code)) for code in range(0x21, 0x180)} - {
        ""
    }


def check_remapped(keys: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a config's [keys]: a sentence for each action whose line has to change."""
    known = {command.id: command for command in COMMANDS}
    problems = {
        name: f"unknown action{text.did_you_mean(name, list(known))}"
        for name in keys
        if name not in known
    }
    taken: dict[str, str] = {}
    for command in sorted(
        COMMANDS, key=lambda command: command.id in keys
    ):  # who was asked for stands corrected
        for key in map(key_name, keys.get(command.id, command.keys).split(",")):
            other = taken.setdefault(key, command.id)
            if command.id not in keys or command.id in problems:
                continue
            if not is_key(key):
                problems[command.id] = (
                    f"{text.clean(key, 20)!r} is no key; such as x, ctrl+x, f5, space, question_mark"
                )
            elif key in _FIXED_KEYS and key not in command.keys.split(","):
                problems[command.id] = (
                    f"{text.clean(key_label(key), 20)} moves, chooses a panel or leaves, and stays so"
                )
            elif other != command.id:
                problems[command.id] = f"{text.clean(key_label(key), 20)} is the key of {other}"
    return problems


def find_command(pressed: Iterable[str], remapped: Mapping[str, str]) -> Command | None:
    """The command that a key stands for, wherever it works."""
    wanted = set(pressed)
    return next(
        (
            c
            for c in COMMANDS
            if wanted & {key.strip() for key in remapped.get(c.id, c.keys).split(",")}
        ),
        None,
    )
