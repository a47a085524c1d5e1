"""Commands of the config's views: the panels of the live screen, and its charted metric."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Snapshot
from tputtui.settings import ViewSettings
from tputtui.tui.commands import CommandId, Handlers

if TYPE_CHECKING:
    from tputtui.tui.live.engine_commands import EngineCommands
    from tputtui.tui.session import Session

DEFAULT_VIEW = ""
"""Name of the view that the config's top level describes."""


class PanelCommands:
    """Choice among the views of the config; the first one is shown from the start."""

    def __init__(self, session: Session, engine_commands: EngineCommands) -> None:
        self._session = session
        self._engine_commands = engine_commands
        settings = session.settings
        usual = ViewSettings(settings.panels, settings.chart, settings.window_s)
        self._views = {DEFAULT_VIEW: usual, **settings.views}
        self._view_name = DEFAULT_VIEW
        self._pending_chart = usual.chart  # until its target is known
        session.view_state = replace(session.view_state, panels=frozenset(usual.panels))

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.VIEW: self.next_view,
        }

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Chart the metric of the view as soon as its target is known."""
        if not self._pending_chart or not snapshot.is_ready:
            return
        chart, self._pending_chart = self._pending_chart, ""
        target_name, _, family = chart.rpartition("/")
        target = self._find_target(target_name, snapshot)
        if target is None:
            names = ", ".join(status.name for status in snapshot.targets)
            known = f"there are {names}" if names else "there is none"
            self._session.show_status(
                text.clean(f"{chart} is not charted: no target of that name; {known}", 200)
            )
        elif self._session.view_state.charted != (target, family):
            self._engine_commands.toggle_chart(target, family)

    def _find_target(self, name: str, snapshot: Snapshot) -> str | None:
        """Return the target of that name; for "", the first of the shown service, else of all."""
        known = [status.name for status in snapshot.targets]
        if name:
            return name if name in known else None
        shown_service = self._session.view_state.service
        for service in snapshot.services:
            if service.name == shown_service and service.targets:
                return service.targets[0]
        return known[0] if known else None

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
