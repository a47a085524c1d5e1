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
    ("profile", "Esc", "stop", "stop the capture; what was sampled stays"),
    ("profile", "p", "again", "sample once more; of several workers the next"),
)
"""Keys that are no command of the table, for the help: (scope, key, label, help)."""

MAX_FOOTER_HINTS = 10
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
    shown = [*shown[:-2][: MAX_FOOTER_HINTS - 2], *shown[-2:]]
    hints = []
    for command in shown:
        label = command.pair.label if command.pair is not None else command.label
        hints.append((key_labels(command, remapped), label))
    return hints


def key_labels(command: Command, remapped: Mapping[str, str]) -> str:
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
            rows.append((key_labels(command, remapped), command.pair.label, command.pair.help))
        else:
            shown = [key_label(key) for key in remapped.get(command.id, command.keys).split(",")]
            rows.append((" ".join(shown), command.label, command.help))
    if scope == "profile":
        # Imported lazily: the tabs load the analysis of profiles, which the first screen needs not.
        from tputtui.views.profile.tabs import help_row

        rows.append(help_row())
    if scope == "live":
        numbers = (f"{number} {panel.name}" for number, panel in panels.numbered_panels())
        rows.append(("1-9", "panels", ", ".join(numbers)))
    return rows + [
        (key, label, help_text)
        for of_scope, key, label, help_text in EXTRA_HELP
        if of_scope == scope
    ]
