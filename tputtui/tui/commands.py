"""Table of commands: for each its id, keys, footer label, help and scope.

Bindings, footer, palette and help are made from this table. A letter means one thing everywhere;
no key kills or signals anything. A handler of a command is found by the uses of its `CommandId`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from tputtui.frozen import frozen
from tputtui.tui.key_names import key_label

Scope = Literal["everywhere", "time", "live", "profile"]


class CommandId(StrEnum):
    """Name of a command: in the bindings, in a config's [keys], and of its handlers."""

    QUIT = "quit"
    HELP = "help"
    PALETTE = "palette"
    FILTER = "filter"
    NEXT = "next"
    PREVIOUS = "previous"
    CLEAR = "clear"
    FOCUS_NEXT = "focus_next"
    FOCUS_PREVIOUS = "focus_previous"
    ZOOM_PANEL = "zoom_panel"
    SORT_LEFT = "sort_left"
    SORT_RIGHT = "sort_right"
    INVERT = "invert"
    EXPORT = "export"
    COPY = "copy"
    THEME = "theme"
    SUSPEND = "suspend"
    FREEZE = "freeze"
    BACK = "back"
    FORWARD = "forward"
    BACK_FAR = "back_far"
    FORWARD_FAR = "forward_far"
    JUMP = "jump"
    LIVE = "live"
    ZOOM_IN = "zoom_in"
    ZOOM_OUT = "zoom_out"
    MARK = "mark"
    MARKS = "marks"
    SLOWER = "slower"
    FASTER = "faster"
    RECORD = "record"
    BASELINE = "baseline"
    FORGET_BASELINE = "forget_baseline"
    PROFILE = "profile"
    FOLLOW = "follow"
    BROWSER = "browser"
    VIEW = "view"
    REMOVE_CHART = "take_away"
    SPLIT = "split"
    WINDOW = "window"
    BREAKDOWN = "breakdown"
    PROFILE_OPTIONS = "profile_options"
    HOTTEST = "hottest"
    FOCUS = "focus"
    UNFOCUS = "unfocus"
    OWN_CODE = "mine"
    LINES = "lines"
    THREADS = "threads"
    METRIC = "metric"
    UNFOLD = "unfold"
    DIFFERENCE = "difference"


Handlers: TypeAlias = Mapping[CommandId, Callable[[], None]]
"""Methods of a screen or a command object that carry out commands."""


@frozen
class KeyPair:
    """Label and help of two keys that stand side by side in the footer and in the help."""

    other_id: CommandId  # of the second command
    label: str
    help: str


@frozen
class Command:
    """Command of the user. `keys` are separated by commas; the first one is shown."""

    id: CommandId
    keys: str
    label: str
    help: str
    scope: Scope
    footer: bool = False
    pair: KeyPair | None = None  # on the first of the two


def first_key(command: Command, remapped: Mapping[str, str]) -> str:
    """Return the first key of a command, as a person writes it."""
    return key_label(remapped.get(command.id, command.keys).split(",")[0])


COMMANDS: tuple[Command, ...] = (
    Command(
        CommandId.QUIT,
        "q",
        "quit",
        "back: out of a panel that has the whole screen, out of a view; on the live screen quit",
        "everywhere",
        footer=True,
    ),
    Command(CommandId.HELP, "question_mark,f1", "help", "all keys", "everywhere", footer=True),
    Command(CommandId.PALETTE, "colon,ctrl+p", "commands", "find a command by name", "everywhere"),
    Command(
        CommandId.FILTER,
        "slash",
        "filter",
        "keep the rows that contain a word; Esc clears",
        "everywhere",
        footer=True,
    ),
    Command(
        CommandId.NEXT,
        "n",
        "next",
        "the next row that matches",
        "everywhere",
        pair=KeyPair(CommandId.PREVIOUS, "next", "the next row that matches; the row before"),
    ),
    Command(CommandId.PREVIOUS, "N", "previous", "the row before that matches", "everywhere"),
    Command(
        CommandId.CLEAR,
        "escape",
        "clear",
        "clear the filter; leave the whole screen; show all of the service again; never quits",
        "everywhere",
    ),
    Command(
        CommandId.FOCUS_NEXT,
        "tab",
        "next panel",
        "focus the next panel (1 to 9: by number)",
        "everywhere",
        pair=KeyPair(
            CommandId.FOCUS_PREVIOUS, "next panel", "focus the next panel; the panel before"
        ),
    ),
    Command(
        CommandId.FOCUS_PREVIOUS,
        "shift+tab",
        "panel before",
        "focus the panel before",
        "everywhere",
    ),
    Command(
        CommandId.ZOOM_PANEL,
        "z",
        "whole screen",
        "give the focused panel the whole screen, and back",
        "everywhere",
    ),
    Command(
        CommandId.SORT_LEFT,
        "less_than_sign",
        "sort left",
        "sort by the column to the left",
        "everywhere",
        pair=KeyPair(CommandId.SORT_RIGHT, "sort", "sort by the column to the left; to the right"),
    ),
    Command(
        CommandId.SORT_RIGHT,
        "greater_than_sign",
        "sort right",
        "sort by the column to the right",
        "everywhere",
    ),
    Command(CommandId.INVERT, "I", "invert", "invert the order", "everywhere"),
    Command(
        CommandId.EXPORT,
        "e",
        "export",
        "save what is shown: this screen as SVG, a profile in every format",
        "everywhere",
    ),
    Command(
        CommandId.COPY,
        "y",
        "copy",
        "copy the row under the cursor to the clipboard of your terminal",
        "everywhere",
    ),
    Command(CommandId.THEME, "T", "theme", "look at the themes and choose one", "everywhere"),
    Command(
        CommandId.SUSPEND,
        "ctrl+z",
        "suspend",
        "stop and go back to the shell; fg continues",
        "everywhere",
    ),
    Command(
        CommandId.FREEZE,
        "space",
        "freeze",
        "freeze the screen while collecting goes on",
        "time",
        footer=True,
    ),
    Command(
        CommandId.BACK,
        "left_square_bracket",
        "back",
        "one step back in time",
        "time",
        footer=True,
        pair=KeyPair(CommandId.FORWARD, "time", "one step back in time; one forward"),
    ),
    Command(
        CommandId.FORWARD, "right_square_bracket", "forward", "one step forward in time", "time"
    ),
    Command(
        CommandId.BACK_FAR,
        "left_curly_bracket",
        "back ×10",
        "ten steps back",
        "time",
        pair=KeyPair(CommandId.FORWARD_FAR, "time ×10", "ten steps back in time; ten forward"),
    ),
    Command(
        CommandId.FORWARD_FAR, "right_curly_bracket", "forward ×10", "ten steps forward", "time"
    ),
    Command(CommandId.JUMP, "at", "a time", "go to a time: 14:03:22, -90s, or a mark", "time"),
    Command(CommandId.LIVE, "0,end", "live", "back to now", "time"),
    Command(
        CommandId.ZOOM_IN,
        "plus,equals_sign",
        "zoom in",
        "halve the span of the time axis",
        "time",
        footer=True,
        pair=KeyPair(CommandId.ZOOM_OUT, "span", "halve the span of the time axis; double it"),
    ),
    Command(CommandId.ZOOM_OUT, "minus", "zoom out", "double the span of the time axis", "time"),
    Command(
        CommandId.MARK,
        "m",
        "mark",
        "name this moment: shown on every time axis, in the log, and in the recording",
        "time",
        pair=KeyPair(
            CommandId.MARKS,
            "mark, marks",
            "name this moment, on all axes, in log and recording; list the marks",
        ),
    ),
    Command(CommandId.MARKS, "M", "marks", "the marks that were set: Enter goes to one", "time"),
    Command(
        CommandId.SLOWER,
        "comma",
        "slower",
        "play a recorded run slower",
        "time",
        pair=KeyPair(CommandId.FASTER, "speed", "play a recorded run slower; faster: 1x to 60x"),
    ),
    Command(
        CommandId.FASTER, "full_stop", "faster", "play a recorded run faster, up to 60x", "time"
    ),
    Command(
        CommandId.RECORD,
        "R",
        "record",
        "record a run, to replay, compare or hand over; again: stop and save it",
        "time",
    ),
    Command(
        CommandId.BASELINE,
        "b",
        "baseline",
        "compare all figures with those of now, or of a span (b b in the marks, M)",
        "time",
        pair=KeyPair(
            CommandId.FORGET_BASELINE,
            "baseline",
            "compare all figures with those of now (a span: b b in M); with those since start",
        ),
    ),
    Command(
        CommandId.FORGET_BASELINE, "B", "no baseline", "show the figures since start again", "time"
    ),
    Command(
        CommandId.PROFILE,
        "p",
        "profile",
        "sample the process that serves what is shown, or the chosen one (6)",
        "live",
        footer=True,
    ),
    Command(CommandId.FOLLOW, "F", "follow", "keep the chosen process in the first row", "live"),
    Command(
        CommandId.BROWSER,
        "i",
        "metrics",
        "every metric of a target: search, look, chart it here, choose what it feeds",
        "live",
        footer=True,
    ),
    Command(
        CommandId.VIEW,
        "v",
        "view",
        "the next arrangement of the config's [views], and the usual one again",
        "live",
    ),
    Command(
        CommandId.REMOVE_CHART,
        "X",
        "take away",
        "take away the metric that was put here (i, then Enter)",
        "live",
    ),
    Command(
        CommandId.SPLIT,
        "a",
        "split",
        "control beside treatment: by target, label value or other service; again: whole",
        "live",
    ),
    Command(
        CommandId.WINDOW, "w", "window", "the span of rates and quantiles: 10 s, 30 s, 60 s", "live"
    ),
    Command(
        CommandId.BREAKDOWN, "d", "break down", "break the traffic down by the next label", "live"
    ),
    Command(
        CommandId.PROFILE_OPTIONS,
        "P",
        "options",
        "choose duration, rate and mode first, or a preset of the config",
        "live",
    ),
    Command(
        CommandId.HOTTEST,
        "asterisk",
        "hottest",
        "open the hottest path: what runs before what waits",
        "profile",
        footer=True,
    ),
    Command(
        CommandId.FOCUS,
        "f",
        "focus",
        "only what runs below the function; Backspace goes back",
        "profile",
        footer=True,
    ),
    Command(
        CommandId.UNFOCUS, "backspace", "back", "out of a zoom, a sandwich or a focus", "profile"
    ),
    Command(
        CommandId.OWN_CODE,
        "o",
        "my code",
        "my code only: of libraries just what it called",
        "profile",
        footer=True,
    ),
    Command(CommandId.LINES, "L", "lines", "each line by itself, or by function", "profile"),
    Command(
        CommandId.THREADS,
        "t",
        "threads",
        "one thread after the other, then all; 6 chooses several",
        "profile",
    ),
    Command(
        CommandId.METRIC,
        "g",
        "wall or GIL",
        "all samples, only what runs, who holds the GIL",
        "profile",
    ),
    Command(CommandId.UNFOLD, "u", "unfold", "show a folded chain link by link", "profile"),
    Command(
        CommandId.DIFFERENCE,
        "D",
        "difference",
        "compare with another profile, or open one",
        "profile",
        footer=True,
    ),
)

LABELS: Mapping[CommandId, str] = {command.id: command.label for command in COMMANDS}
