"""The palette: every command of keys.py by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tputtui.tui.keys import COMMANDS, Command

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class CommandProvider(Provider):
    """Finds commands by name and help."""

    def _run(self, command: Command) -> None:
        cast("TputtuiApp", self.app).action_do(command.id)

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in COMMANDS:
            if command.id != "palette":
                yield DiscoveryHit(
                    _title(command),
                    partial(self._run, command),
                    text=command.label,
                    help=command.help,
                )

    async def search(self, query: str) -> Hits:
        """What matches."""
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
    return f"{command.label}  ({command.key})"
