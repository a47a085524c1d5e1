"""Footer hints and help rows, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tputtui.tui.commands import COMMANDS, Command, Scope, first_key
from tputtui.tui.key_names import key_label
from tputtui.views.live import panels

EXTRA_HELP: tuple[tuple[Scope, str, str, str], ...] = (
    ("everywhere", "arrows", "move", "up and down in a list; left and right in time"),
    (
        "live",
        "Enter",
        "open",
        "profile that process; show only that route or replica, until Esc; zoom any other panel",
    ),
    ("profile", "1-6", "views", "the views of the profile, in the order of its tabs"),
    ("profile", "Esc", "stop", "stop the capture; what was sampled stays"),
    ("profile", "p", "again", "sample once more; of several workers the next"),
)
"""What a key does that is no command of the table, for the help: (where, key, label, help)."""

MAX_FOOTER_HINTS = 10
_LAST_HINTS = ("help", "quit")


def footer_hints(
    scopes: Iterable[Scope], remapped: Mapping[str, str], commands: Sequence[Command] = COMMANDS
) -> list[tuple[str, str]]:
    """(key, word) for the footer, at most ten; the last two, the way to all others and the way out, always among them."""
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
    kept = [*shown[:-2][: MAX_FOOTER_HINTS - 2], *shown[-2:]]
    return [
        (key_labels(command, remapped), command.pair.label if command.pair else command.label)
        for command in kept
    ]


def key_labels(command: Command, remapped: Mapping[str, str]) -> str:
    """The command's key; of a pair, both."""
    other = next(
        (c for c in COMMANDS if command.pair is not None and c.id == command.pair.other_id), None
    )
    return " ".join(first_key(one, remapped) for one in (command, other) if one is not None)


def help_rows(
    scope: Scope, remapped: Mapping[str, str], commands: Sequence[Command] = COMMANDS
) -> list[tuple[str, str, str]]:
    """(keys, label, help) of all that keys do in a place; of a pair one row."""
    seconds = {command.pair.other_id for command in commands if command.pair is not None}
    rows = []
    for command in commands:
        if command.scope != scope or command.id in seconds:
            continue
        if command.pair is not None:
            rows.append((key_labels(command, remapped), command.pair.label, command.pair.help))
        else:
            shown = [key_label(key) for key in remapped.get(command.id, command.keys).split(",")]
            rows.append((" ".join(shown), command.label, command.help))
    if scope == "live":
        numbers = (f"{number} {panel.name}" for number, panel in panels.numbered_panels())
        rows.append(("1-9", "panels", ", ".join(numbers)))
    return rows + [(key, label, words) for where, key, label, words in EXTRA_HELP if where == scope]
