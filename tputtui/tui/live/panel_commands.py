"""v, and what the config says of panels: which of them the live screen has, and the metric with a panel of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Snapshot
from tputtui.settings import ViewSettings
from tputtui.tui.commands import CommandId, Handlers

if TYPE_CHECKING:
    from tputtui.tui.live.engine_commands import EngineCommands
    from tputtui.tui.session import Session

DEFAULT_VIEW = ""
"""The arrangement of the config's first table has no name."""


class PanelCommands:
    """Goes from one arrangement to the next; the first one holds from the start."""

    def __init__(self, session: Session, engine_commands: EngineCommands) -> None:
        self._session = session
        self._engine_commands = engine_commands
        settings = session.settings
        usual = ViewSettings(settings.panels, settings.chart, settings.window_s)
        self._views = {DEFAULT_VIEW: usual, **settings.views}
        self._view_name = DEFAULT_VIEW
        self._pending_chart = (
            usual.chart
        )  # still to be put on the screen: its target may not be known yet
        session.view_state = replace(session.view_state, panels=frozenset(usual.panels))

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Chart what is wanted, as soon as the target is there that has it."""
        if not self._pending_chart or not snapshot.is_ready:
            return
        target, _, family = self._pending_chart.rpartition("/")
        known = [status.name for status in snapshot.targets]
        shown = chain.from_iterable(
            s.targets for s in snapshot.services if s.name == self._session.view_state.service
        )
        found = (
            target if target in known else next(chain(shown, known), None) if not target else None
        )
        wanted, self._pending_chart = self._pending_chart, ""
        if found is None:
            there = f"there are {', '.join(known)}" if known else "there is none"
            self._session.show_status(
                text.clean(f"{wanted} is not charted: no target of that name; {there}", 200)
            )
        elif self._session.view_state.charted != (found, family):
            self._engine_commands.toggle_chart(found, family)

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.VIEW: self.next_view,
        }

    def next_view(self) -> None:
        """Show the next view of the config."""
        if len(self._views) == 1:
            self._session.show_status(
                "the config has no [views]: tputtui config init shows how they are written"
            )
            return
        names = list(self._views)
        self._view_name = names[(names.index(self._view_name) + 1) % len(names)]
        view = self._views[self._view_name]
        if self._session.view_state.charted is not None:
            self._engine_commands.remove_chart()
        figures = self._session.capabilities.figures
        if view.window_s is not None and figures is not None:
            figures.set_window(view.window_s)
        self._pending_chart = view.chart
        self._session.update_view(panels=frozenset(view.panels), focus=None)
        if self._session.latest is not None:
            self.on_snapshot(self._session.latest)
        self._session.show_status(
            f"view {text.clean(self._view_name, 40)}" if self._view_name else "the usual view"
        )
