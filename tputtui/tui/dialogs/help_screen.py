"""Help: every key, from the table of commands; and the palette that finds a command by its name."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import ModalScreen

from tputtui.tui.commands import COMMANDS, Command, Scope, first_key
from tputtui.tui.keys import command_action, help_rows
from tputtui.tui.terminal.terminal_app import FollowsTerminal
from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, rule_line

if TYPE_CHECKING:
    from tputtui.tui.session import Session


_SCOPE_TITLES: dict[Scope, str] = {
    "everywhere": "Everywhere",
    "time": "Time",
    "live": "Live",
    "profile": "Profile",
}
_LABEL_COLUMN, _HELP_COLUMN = 16, 30


class HelpScreen(FollowsTerminal, ModalScreen[None]):
    """List of all keys. Arrows scroll; ?, q and Esc go back."""

    CSS = "HelpScreen { align: center middle; } #keys { width: 100%; height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,question_mark,f1", "dismiss", show=False),
        Binding("down,j", "scroll_by(1)", show=False),
        Binding("up,k", "scroll_by(-1)", show=False),
        Binding("pagedown,space", "scroll_by(10)", show=False),
        Binding("pageup", "scroll_by(-10)", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._top = 0

    def compose(self) -> ComposeResult:
        """Compose one panel."""
        yield Panel("keys")

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self.call_after_refresh(self._show)

    def action_scroll_by(self, rows: int) -> None:
        """Scroll by rows."""
        self._top += rows
        self._show()

    def _show(self) -> None:
        panel = self.query_one("#keys", Panel)
        width, height = panel.size
        lines = help_lines(width, self._session.settings.keys, self._session.commands)
        hidden = len(lines) - height
        if hidden > 0:
            lines[0] = rule_line(
                "Keys", f"{hidden} lines more: the arrows scroll  q goes back", width, focused=True
            )
        self._top = max(0, min(self._top, len(lines) - height))
        panel.show(PanelView(tuple(lines[self._top : self._top + height])))


def help_lines(
    width: int, remapped: Mapping[str, str], commands: Sequence[Command] = COMMANDS
) -> list[Line]:
    """Render the keys as lines, by scope; a long sentence continues below its column."""
    lines: list[Line] = [rule_line("Keys", "q goes back", width, focused=True)]
    for scope, title in _SCOPE_TITLES.items():
        rows = help_rows(scope, remapped, commands)
        if rows:
            lines.append(LineBuilder(width).at(1, title, "strong").line())
        for key, label, description in rows:
            pieces = textwrap.wrap(description, max(12, width - _HELP_COLUMN - 1))
            first = (
                LineBuilder(width)
                .at(3, key, "accent")
                .at(_LABEL_COLUMN, label)
                .at(_HELP_COLUMN, pieces[0], "dim")
            )
            lines += [
                first.line(),
                *(LineBuilder(width).at(_HELP_COLUMN, piece, "dim").line() for piece in pieces[1:]),
            ]
    last = "No key kills or signals anything. After kill -9 of tputtui a terminal may need:  reset"
    lines += [
        LineBuilder(width).at(1, piece, "dim").line()
        for piece in textwrap.wrap(last, max(12, width - 2))
    ]
    return lines


class CommandProvider(Provider):
    """Find commands by label and help."""

    async def _run(self, command: Command) -> None:
        await self.app.run_action(command_action(command.id))

    async def discover(self) -> Hits:
        """Yield all commands, before anything is typed."""
        for command in COMMANDS:
            if command.id != "palette":
                yield DiscoveryHit(
                    _title(command),
                    partial(self._run, command),
                    text=command.label,
                    help=command.help,
                )

    async def search(self, query: str) -> Hits:
        """Yield the commands that match."""
        matcher = self.matcher(query)
        for command in COMMANDS:
            score = matcher.match(f"{command.label} {command.help}")
            if score > 0 and command.id != "palette":
                yield Hit(
                    score,
                    _title(command),
                    partial(self._run, command),
                    text=command.label,
                    help=command.help,
                )


def _title(command: Command) -> str:
    return f"{command.label}  ({first_key(command, {})})"
