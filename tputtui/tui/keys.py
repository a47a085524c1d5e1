"""Key bindings, footer hints and help rows from the table of commands; checks of a config's [keys].

Textual is imported for its bindings only: [keys] is also checked where no screen is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.tui.commands import COMMANDS, Command, CommandId, Scope, first_key
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
"""Keys that move, the same on every screen and not remappable."""


def command_action(command: CommandId) -> str:
    """Return Textual's name of the action that runs a command (`action_do` of the app)."""
    return f"app.do('{command}')"


def bindings(scopes: Iterable[Scope]) -> list[Binding]:
    """Return Textual's bindings for the commands of some scopes, remappable by their id."""
    from textual.binding import Binding

    wanted = set(scopes)
    table = [
        Binding(c.keys, command_action(c.id), c.label, id=c.id, show=False)
        for c in COMMANDS
        if c.scope in wanted
    ]
    table += [Binding(keys, action, show=False) for keys, action in MOVE_KEYS]
    table += [Binding(str(number), f"panel({number})", show=False) for number in range(1, 10)]
    return table


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
    """Return whether a terminal can send a key of that name (Textual's)."""
    base = name
    while base.startswith(_MODIFIERS) and not base.endswith("+"):
        base = base.partition("+")[2]
    if len(base) == 1:
        return base.isprintable() and not base.isspace()
    return base in _NAMED_KEYS or base in {key_name(chr(code)) for code in range(0x21, 0x180)} - {
        ""
    }


def check_remapped(keys: Mapping[str, str]) -> dict[str, str]:
    """Check a config's [keys]; return a sentence for each action whose line has to change."""
    known = {command.id: command for command in COMMANDS}
    problems = {
        name: f"unknown action{text.did_you_mean(name, list(known))}"
        for name in keys
        if name not in known
    }
    taken: dict[str, str] = {}
    # Remapped commands last: the problem is reported for the line in the config.
    for command in sorted(COMMANDS, key=lambda command: command.id in keys):
        for key in map(key_name, keys.get(command.id, command.keys).split(",")):
            other = taken.setdefault(key, command.id)
            if command.id not in keys or command.id in problems:
                continue
            if not is_key(key):
                problems[command.id] = (
                    f"{text.clean(key, 20)!r} is no key;"
                    " such as x, ctrl+x, f5, space, question_mark"
                )
            elif key in _FIXED_KEYS and key not in command.keys.split(","):
                problems[command.id] = (
                    f"{text.clean(key_label(key), 20)} moves, chooses a panel or leaves,"
                    " and stays so"
                )
            elif other != command.id:
                problems[command.id] = f"{text.clean(key_label(key), 20)} is the key of {other}"
    return problems


def find_command(pressed: Iterable[str], remapped: Mapping[str, str]) -> Command | None:
    """Return the command of a key, in whatever scope."""
    wanted = set(pressed)
    return next(
        (
            c
            for c in COMMANDS
            if wanted & {key.strip() for key in remapped.get(c.id, c.keys).split(",")}
        ),
        None,
    )


_EXTRA_HELP: tuple[tuple[Scope, str, str, str], ...] = (
    ("everywhere", "arrows", "move", "up and down in a list; left and right in time"),
    (
        "live",
        "Enter",
        "open",
        "profile that process; show only that route or replica, until Esc; zoom any other panel",
    ),
    ("profile", "Esc", "stop", "stop the capture; what was sampled stays"),
    ("profile", "p", "again", "sample once more; of several workers the next"),
)
"""Keys that are no command of the table, for the help: (scope, key, label, help)."""

_MAX_FOOTER_HINTS = 10
_LAST_HINTS = ("help", "quit")


def footer_hints(
    scopes: Iterable[Scope], remapped: Mapping[str, str], commands: Sequence[Command] = COMMANDS
) -> list[tuple[str, str]]:
    """Return (key, label) for the footer, at most ten; help and quit are always among them."""
    wanted = set(scopes)
    shown = [command for command in commands if command.footer and command.scope in wanted]
    order = ("profile", "live", "time", "everywhere")
    shown.sort(
        key=lambda command: (
            command.id in _LAST_HINTS,
            order.index(command.scope),
            command.id == "quit",
        )
    )
    shown = [*shown[:-2][: _MAX_FOOTER_HINTS - 2], *shown[-2:]]
    hints = []
    for command in shown:
        label = command.pair.label if command.pair is not None else command.label
        hints.append((_key_labels(command, remapped), label))
    return hints


def _key_labels(command: Command, remapped: Mapping[str, str]) -> str:
    """Return the key of a command; of a pair, both keys."""
    commands = [command]
    if command.pair is not None:
        other_id = command.pair.other_id
        commands += [other for other in COMMANDS if other.id == other_id]
    return " ".join(first_key(shown, remapped) for shown in commands)


def help_rows(
    scope: Scope, remapped: Mapping[str, str], commands: Sequence[Command] = COMMANDS
) -> list[tuple[str, str, str]]:
    """Return (keys, label, help) of the commands of a scope; a pair has one row."""
    seconds = {command.pair.other_id for command in commands if command.pair is not None}
    rows = []
    for command in commands:
        if command.scope != scope or command.id in seconds:
            continue
        if command.pair is not None:
            rows.append((_key_labels(command, remapped), command.pair.label, command.pair.help))
        else:
            shown = [key_label(key) for key in remapped.get(command.id, command.keys).split(",")]
            rows.append((" ".join(shown), command.label, command.help))
    if scope == "profile":
        # Imported lazily: the tabs load the analysis of profiles, which the first screen needs not.
        from tputtui.views.profile.tabs import help_row

        rows.append(help_row())
    if scope == "live":
        # Imported lazily: [keys] is also checked where no screen is shown
        from tputtui.views.live import panels

        numbers = (f"{number} {panel.name}" for number, panel in panels.numbered_panels())
        rows.append(("1-9", "panels", ", ".join(numbers)))
    return rows + [
        (key, label, help_text)
        for of_scope, key, label, help_text in _EXTRA_HELP
        if of_scope == scope
    ]
