"""Command palette: every command of the table by its name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tputtui.tui.commands import COMMANDS, Command
from tputtui.tui.keys import command_action


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
    return f"{command.label}  ({command.key})"
