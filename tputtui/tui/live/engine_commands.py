"""Commands of the engine: window, breakdown, filter, charted metric, followed process."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

from tputtui import text
from tputtui.model import ProcessReference, Snapshot
from tputtui.tui.commands import CommandId, Handlers

if TYPE_CHECKING:
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.tui.session import Session

WINDOWS = (10.0, 30.0, 60.0)
NO_FIGURES_MESSAGE = "a saved profile has no rates: tputtui without a file shows them"


class EngineCommands:
    """Send requests to the engine and confirm them in the status line."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.WINDOW: self.next_window,
            CommandId.BREAKDOWN: self.next_breakdown,
            CommandId.BROWSER: self.open_browser,
            CommandId.REMOVE_CHART: self.remove_chart,
        }

    def next_window(self) -> None:
        """Choose the next window of rates and quantiles."""
        figures = self._session.capabilities.figures
        if figures is None:
            self._session.show_status(NO_FIGURES_MESSAGE)
            return
        latest = self._session.latest
        now = latest.window_s if latest is not None else self._session.settings.window_s
        window = next((choice for choice in WINDOWS if choice > now), WINDOWS[0])
        figures.set_window(window)
        self._session.show_status(f"rates and quantiles over {text.format_duration(window)}")

    def next_breakdown(self) -> None:
        """Break the traffic down by the next label."""
        figures = self._session.capabilities.figures
        frame = self._session.current_frame()
        service = frame.service if frame is not None else None
        if figures is None or service is None or service.traffic is None:
            self._session.show_status("nothing to break down: no traffic")
        elif self._session.settings.by:
            self._session.show_status(
                f"broken down by {', '.join(self._session.settings.by)}, as --by says"
            )
        elif not service.breakdown_by:
            self._session.show_status("nothing to break down: the traffic has no labels")
        else:
            figures.next_breakdown(service.name)
            self._session.show_status(
                "by the next label; 5 shows it"
                if self._is_hidden("routes")
                else "by the next label"
            )

    def open_browser(self) -> None:
        """Browse all metrics of the chosen target, else of the service's first."""
        from tputtui.tui.browser.browser_screen import BrowserScreen

        frame = self._session.current_frame()
        chosen = cast("str | None", self._session.view_state.list_state("targets").cursor)
        if chosen is None and frame is not None and frame.service is not None:
            chosen = frame.service.targets[0]
        self._session.push_screen(BrowserScreen(self._session, chosen, self.toggle_chart))

    def toggle_chart(self, target: str, family: str) -> None:
        """Chart a family of a target on the live screen, or remove it if it is charted already."""
        if self._session.view_state.charted == (target, family):
            self.remove_chart()
            return
        self._chart((target, family))
        self._session.update_view(charted=(target, family))
        self._session.show_status(
            f"{text.clean(family, 60)} is on the live screen (8) until X takes it away"
        )

    def remove_chart(self) -> None:
        """Remove the charted metric from the live screen."""
        charted = self._session.view_state.charted
        if charted is None:
            self._session.show_status("no metric is charted: i, then Enter on one, puts it here")
            return
        self._chart(None)
        focus = self._session.view_state.focus
        self._session.update_view(charted=None, focus=None if focus == "metric" else focus)
        self._session.show_status(f"{text.clean(charted[1], 60)} is charted no longer")

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show only a part of the service, or all of it again."""
        before = self._session.view_state.service_filter
        if self._session.capabilities.figures is not None:
            self._session.capabilities.figures.set_filter(service_filter)
        service = self._session.view_state.service
        changed = service_filter or before
        if changed is not None:
            service = changed.service
        self._session.update_view(service_filter=service_filter, service=service)

    def follow(self, identity: Hashable) -> None:
        """Keep a process in the first row, or stop that."""
        chosen = cast("ProcessReference | None", identity)
        if chosen is None:
            self._session.show_status("choose a process first: 6, then the arrows")
        elif self._session.view_state.followed != chosen and self._has_ended(
            chosen, self._session.latest
        ):
            self._session.show_status(f"process {chosen.pid} has ended: choose another")
        elif self._session.view_state.followed == chosen:
            self._watch(frozenset())
            self._session.update_view(followed=None)
            self._session.show_status(f"{chosen.pid} is no longer followed")
        else:
            self._watch(frozenset((chosen.pid,)))
            self._session.update_view(followed=chosen)
            self._session.show_status(f"following {chosen.pid} (F to stop)")

    def drop_ended_process(self, snapshot: Snapshot) -> None:
        """Stop following a process that has ended."""
        followed = self._session.view_state.followed
        if followed is not None and self._has_ended(followed, snapshot):
            self._watch(frozenset())
            self._session.update_view(followed=None)
            self._session.show_status(f"process {followed.pid} has ended: it is no longer followed")

    def _chart(self, charted: tuple[str, str] | None) -> None:
        if self._session.capabilities.live is not None:
            self._session.capabilities.live.chart_family(charted)

    def _watch(self, pids: frozenset[int]) -> None:
        if self._session.capabilities.live is not None:
            self._session.capabilities.live.watch_processes(pids)

    @staticmethod
    def _has_ended(identity: ProcessReference, snapshot: Snapshot | None) -> bool:
        """Return whether a process is no longer there; False while no processes are read."""
        processes = snapshot.processes if snapshot is not None else None
        if processes is None:
            return False
        return all(process.identity != identity for process in processes)

    def _is_hidden(self, panel: str) -> bool:
        shows = getattr(self._session.app.screen, "is_shown", None)
        return shows is not None and not shows(panel)
