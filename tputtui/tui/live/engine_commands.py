"""What keys ask of the engine: another window, a breakdown, a closer look at a part, a process to follow."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

from tputtui import text
from tputtui.model import Snapshot

if TYPE_CHECKING:
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.tui.app import TputtuiApp

WINDOWS = (10.0, 30.0, 60.0)


class EngineCommands:
    """Asks, and says what was asked."""

    def __init__(self, app: TputtuiApp) -> None:
        self._app = app

    def do_window(self) -> None:
        """w: the next window."""
        now = (
            self._app.latest.window_s
            if self._app.latest is not None
            else self._app.settings.window_s
        )
        window = next((choice for choice in WINDOWS if choice > now), WINDOWS[0])
        self._app.source.set_window(window)
        self._app.show_status(f"rates and quantiles over {text.format_duration(window)}")

    def do_breakdown(self) -> None:
        """d: the next label."""
        scene = self._app.current_frame()
        service = scene.service if scene is not None else None
        if service is None or service.traffic is None:
            self._app.show_status("nothing to break down: no traffic")
        elif self._app.settings.by:
            self._app.show_status(
                f"broken down by {', '.join(self._app.settings.by)}, as --by says"
            )
        elif not service.breakdown_by:
            self._app.show_status("nothing to break down: the traffic has no labels")
        else:
            self._app.source.next_breakdown(service.name)
            self._app.show_status(
                "by the next label; 5 shows it"
                if self._is_hidden("routes")
                else "by the next label"
            )

    def do_browser(self) -> None:
        """i: every metric of the chosen target, else of the service's first."""
        from tputtui.tui.browser.browser_screen import BrowserScreen

        scene = self._app.current_frame()
        chosen = cast("str | None", self._app.view_state.list_state("targets").cursor)
        if chosen is None and scene is not None and scene.service is not None:
            chosen = scene.service.targets[0]
        self._app.push_screen(BrowserScreen(chosen))

    def toggle_chart(self, target: str, family: str) -> None:
        """Put a family of a target on the live screen in place of the one that is there; the same one is taken away."""
        if self._app.view_state.charted == (target, family):
            self.do_take_away()
            return
        self._app.source.chart_family((target, family))
        self._app.update_view(charted=(target, family))
        self._app.show_status(
            f"{text.clean(family, 60)} is on the live screen (8) until X takes it away"
        )

    def do_take_away(self) -> None:
        """X: the metric leaves the live screen."""
        charted = self._app.view_state.charted
        if charted is None:
            self._app.show_status("no metric is charted: i, then Enter on one, puts it here")
            return
        self._app.source.chart_family(None)
        focus = self._app.view_state.focus
        self._app.update_view(charted=None, focus=None if focus == "metric" else focus)
        self._app.show_status(f"{text.clean(charted[1], 60)} is charted no longer")

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show only a part of the service, or all of it again."""
        before = self._app.view_state.service_filter
        self._app.source.set_filter(service_filter)
        service = (
            service_filter.service
            if service_filter is not None
            else before.service
            if before is not None
            else None
        )
        self._app.update_view(
            service_filter=service_filter, service=service or self._app.view_state.service
        )

    def follow(self, identity: Hashable) -> None:
        """Keep a process in the first row, or let it go."""
        chosen = cast("tuple[int, float] | None", identity)
        if chosen is None:
            self._app.show_status("choose a process first: 6, then the arrows")
        elif self._app.view_state.followed != chosen and self._has_ended(chosen, self._app.latest):
            self._app.show_status(f"process {chosen[0]} has ended: choose another")
        elif self._app.view_state.followed == chosen:
            self._app.source.watch_processes(frozenset())
            self._app.update_view(followed=None)
            self._app.show_status(f"{chosen[0]} is no longer followed")
        else:
            self._app.source.watch_processes(frozenset((chosen[0],)))
            self._app.update_view(followed=chosen)
            self._app.show_status(f"following {chosen[0]} (F to stop)")

    def drop_ended_process(self, snapshot: Snapshot) -> None:
        """Let a followed process go that has ended."""
        followed = self._app.view_state.followed
        if followed is not None and self._has_ended(followed, snapshot):
            self._app.source.watch_processes(frozenset())
            self._app.update_view(followed=None)
            self._app.show_status(f"process {followed[0]} has ended: it is no longer followed")

    @staticmethod
    def _has_ended(identity: tuple[int, float], snapshot: Snapshot | None) -> bool:
        """Whether a process that was seen is seen no more; not known while none are read."""
        found = snapshot.processes if snapshot is not None else None
        return found is not None and all(process.identity != identity for process in found)

    def _is_hidden(self, panel: str) -> bool:
        shows = getattr(self._app.screen, "is_shown", None)
        return shows is not None and not shows(panel)
