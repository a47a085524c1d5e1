"""Every command once: its key, its footer word, its help. Bindings, footer, palette and help are made from this table.

A letter means one thing everywhere; no key kills or signals anything. Textual is loaded for its bindings only: the
table is also what a config's [keys] is checked against, where no screen is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from tputtui import text
from tputtui.frozen import frozen

if TYPE_CHECKING:
    from textual.binding import Binding

Scope = Literal["everywhere", "time", "live", "profile"]


@frozen
class KeyPair:
    """What two keys are together, where they stand side by side: in the footer and in the help."""

    other_id: str  # the second command's id
    label: str
    help: str


@frozen
class Command:
    """One thing the user can do. `keys` are separated by commas, the first is shown."""

    id: str
    keys: str
    label: str
    help: str
    scope: Scope
    footer: bool = False
    pair: KeyPair | None = None  # on the first of the two

    @property
    def key(self) -> str:
        """The first key, as a person writes it."""
        return first_key(self, {})


_KEY_LABELS = {
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
    "comma": ",",
}


_TEXTUAL_NAMES = {
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
    return _TEXTUAL_NAMES.get(name, name)


_CHARACTERS = {key_name(chr(code)): chr(code) for code in range(0x21, 0x7F)}


def key_label(key: str) -> str:
    """How Textual's name of a key is written for a person: "question_mark" is "?"."""
    key = key.strip()
    return _KEY_LABELS.get(key) or _CHARACTERS.get(key, key)


def first_key(command: Command, remapped: Mapping[str, str]) -> str:
    """The first of a command's keys, as a person writes it."""
    return key_label(remapped.get(command.id, command.keys).split(",")[0])


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
    Command(
        "filter",
        "slash",
        "filter",
        "keep the rows that contain a word; Esc clears",
        "everywhere",
        footer=True,
    ),
    Command(
        "next",
        "n",
        "next",
        "the next row that matches",
        "everywhere",
        pair=KeyPair("previous", "next", "the next row that matches; the row before"),
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
        "focus the next panel (1 to 9: by number)",
        "everywhere",
        pair=KeyPair("focus_previous", "next panel", "focus the next panel; the panel before"),
    ),
    Command("focus_previous", "shift+tab", "panel before", "focus the panel before", "everywhere"),
    Command(
        "zoom_panel",
        "z",
        "whole screen",
        "give the focused panel the whole screen, and back",
        "everywhere",
    ),
    Command(
        "sort_left",
        "less_than_sign",
        "sort left",
        "sort by the column to the left",
        "everywhere",
        pair=KeyPair("sort_right", "sort", "sort by the column to the left; to the right"),
    ),
    Command(
        "sort_right",
        "greater_than_sign",
        "sort right",
        "sort by the column to the right",
        "everywhere",
    ),
    Command("invert", "I", "invert", "invert the order", "everywhere"),
    Command(
        "export",
        "e",
        "export",
        "save what is shown: this screen as SVG, a profile as speedscope",
        "everywhere",
    ),
    Command(
        "copy",
        "y",
        "copy",
        "copy the row under the cursor to the clipboard of your terminal",
        "everywhere",
    ),
    Command("theme", "T", "theme", "look at the themes and choose one", "everywhere"),
    Command(
        "suspend", "ctrl+z", "suspend", "stop and go back to the shell; fg continues", "everywhere"
    ),
    Command(
        "freeze",
        "space",
        "freeze",
        "freeze the screen while collecting goes on",
        "time",
        footer=True,
    ),
    Command(
        "back",
        "left_square_bracket",
        "back",
        "one step back in time",
        "time",
        footer=True,
        pair=KeyPair("forward", "time", "one step back in time; one forward"),
    ),
    Command("forward", "right_square_bracket", "forward", "one step forward in time", "time"),
    Command(
        "back_far",
        "left_curly_bracket",
        "back ×10",
        "ten steps back",
        "time",
        pair=KeyPair("forward_far", "time ×10", "ten steps back in time; ten forward"),
    ),
    Command("forward_far", "right_curly_bracket", "forward ×10", "ten steps forward", "time"),
    Command("jump", "at", "a time", "go to a time: 14:03:22, -90s, or a mark", "time"),
    Command("live", "0,end", "live", "back to now", "time"),
    Command(
        "zoom_in",
        "plus,equals_sign",
        "zoom in",
        "halve the span of the time axis",
        "time",
        footer=True,
        pair=KeyPair("zoom_out", "span", "halve the span of the time axis; double it"),
    ),
    Command("zoom_out", "minus", "zoom out", "double the span of the time axis", "time"),
    Command(
        "mark",
        "m",
        "mark",
        "name this moment: shown on every time axis, in the log, and in the recording",
        "time",
        pair=KeyPair(
            "marks",
            "mark, marks",
            "name this moment, on all axes, in log and recording; list the marks",
        ),
    ),
    Command("marks", "M", "marks", "the marks that were set: Enter goes to one", "time"),
    Command(
        "slower",
        "comma",
        "slower",
        "play a recorded run slower",
        "time",
        pair=KeyPair("faster", "speed", "play a recorded run slower; faster: 1x to 60x"),
    ),
    Command("faster", "full_stop", "faster", "play a recorded run faster, up to 60x", "time"),
    Command(
        "record",
        "R",
        "record",
        "record a run, to replay, compare or hand over; again: stop and save it",
        "time",
    ),
    Command(
        "baseline",
        "b",
        "baseline",
        "compare all figures with those of now, or of a span (b b in the marks, M)",
        "time",
        pair=KeyPair(
            "forget_baseline",
            "baseline",
            "compare all figures with those of now (a span: b b in M); with those since start",
        ),
    ),
    Command("forget_baseline", "B", "no baseline", "show the figures since start again", "time"),
    Command(
        "profile",
        "p",
        "profile",
        "sample the process that serves what is shown, or the chosen one (6)",
        "live",
        footer=True,
    ),
    Command("follow", "F", "follow", "keep the chosen process in the first row", "live"),
    Command(
        "browser",
        "i",
        "metrics",
        "every metric of a target: search, look, chart it here, choose what it feeds",
        "live",
        footer=True,
    ),
    Command(
        "view",
        "v",
        "view",
        "the next arrangement of the config's [views], and the usual one again",
        "live",
    ),
    Command(
        "take_away",
        "X",
        "take away",
        "take away the metric that was put here (i, then Enter)",
        "live",
    ),
    Command(
        "split",
        "a",
        "split",
        "control beside treatment: by target, label value or other service; again: whole",
        "live",
    ),
    Command("window", "w", "window", "the span of rates and quantiles: 10 s, 30 s, 60 s", "live"),
    Command("breakdown", "d", "break down", "break the traffic down by the next label", "live"),
    Command(
        "profile_options",
        "P",
        "options",
        "choose duration, rate and mode first, or a preset of the config",
        "live",
    ),
    Command(
        "hottest",
        "asterisk",
        "hottest",
        "open the hottest path: what runs before what waits",
        "profile",
        footer=True,
    ),
    Command(
        "focus",
        "f",
        "focus",
        "only what runs below the function; Backspace goes back",
        "profile",
        footer=True,
    ),
    Command("unfocus", "backspace", "back", "out of a zoom, a sandwich or a focus", "profile"),
    Command(
        "mine",
        "o",
        "my code",
        "my code only: of libraries just what it called",
        "profile",
        footer=True,
    ),
    Command("lines", "L", "lines", "each line by itself, or by function", "profile"),
    Command(
        "threads",
        "t",
        "threads",
        "one thread after the other, then all; 6 chooses several",
        "profile",
    ),
    Command(
        "metric", "g", "wall or GIL", "all samples, only what runs, who holds the GIL", "profile"
    ),
    Command("unfold", "u", "unfold", "show a folded chain link by link", "profile"),
    Command(
        "difference",
        "D",
        "difference",
        "compare with another profile, or open one",
        "profile",
        footer=True,
    ),
)

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


def bindings(scopes: Iterable[Scope]) -> list[Binding]:
    """Textual's bindings for the commands of some places, remappable by their id."""
    from textual.binding import Binding

    wanted = set(scopes)
    made = [
        Binding(c.keys, f"app.do('{c.id}')", c.label, id=c.id, show=False)
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


LABELS: Mapping[str, str] = {command.id: command.label for command in COMMANDS}

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
        rows.append(("1-9", "panels", _panel_numbers()))
    return rows + [(key, label, words) for where, key, label, words in EXTRA_HELP if where == scope]


def _panel_numbers() -> str:
    # Imported lazily: the keys of a config are checked without a screen.
    from tputtui.views.live import panels

    return ", ".join(f"{number} {panel.name}" for number, panel in panels.numbered_panels())


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
