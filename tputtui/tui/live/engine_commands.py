"""What keys ask of the engine: another window, a breakdown, a closer look at a part, a process to follow."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

from tputtui import text
from tputtui.model import Snapshot
from tputtui.views.shared.frame import PanelName

if TYPE_CHECKING:
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.tui.app import TputtuiApp

WINDOWS = (10.0, 30.0, 60.0)


class EngineCommands:
    """Asks, and says what was asked."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk

    def do_window(self) -> None:
        """w: the next window."""
        now = self._desk.latest.window_s if self._desk.latest is not None else self._desk.settings.window_s
        window = next((choice for choice in WINDOWS if choice > now), WINDOWS[0])
        self._desk.source.set_window(window)
        self._desk.say(f"rates and quantiles over {text.span(window)}")

    def do_breakdown(self) -> None:
        """d: the next label."""
        scene = self._desk.scene()
        service = scene.service if scene is not None else None
        if service is None or service.traffic is None:
            self._desk.say("nothing to break down: no traffic")
        elif self._desk.settings.by:
            self._desk.say(f"broken down by {', '.join(self._desk.settings.by)}, as --by says")
        elif not service.breakdown_by:
            self._desk.say("nothing to break down: the traffic has no labels")
        else:
            self._desk.source.next_breakdown(service.name)
            self._desk.say("by the next label; 5 shows it" if self._hidden("routes") else "by the next label")

    def do_browser(self) -> None:
        """i: every metric of the chosen target, else of the service's first."""
        from tputtui.tui.browser.browser_screen import BrowserScreen

        scene = self._desk.scene()
        chosen = cast("str | None", self._desk.viewpoint.list("targets").cursor)
        if chosen is None and scene is not None and scene.service is not None:
            chosen = scene.service.targets[0]
        self._desk.push_screen(BrowserScreen(chosen))

    def chart(self, target: str, family: str) -> None:
        """Put a family of a target on the live screen in place of the one that is there; the same one is taken away."""
        if self._desk.viewpoint.charted == (target, family):
            self.do_take_away()
            return
        self._desk.source.chart((target, family))
        self._desk.look(charted=(target, family))
        self._desk.say(f"{text.clean(family, 60)} is on the live screen (8) until X takes it away")

    def do_take_away(self) -> None:
        """X: the metric leaves the live screen."""
        charted = self._desk.viewpoint.charted
        if charted is None:
            self._desk.say("no metric is charted: i, then Enter on one, puts it here")
            return
        self._desk.source.chart(None)
        focus = self._desk.viewpoint.focus
        self._desk.look(charted=None, focus=None if focus == "metric" else focus)
        self._desk.say(f"{text.clean(charted[1], 60)} is charted no longer")

    def look_through(self, lens: ServiceFilter | None) -> None:
        """Show only a part of the service, or all of it again."""
        before = self._desk.viewpoint.lens
        self._desk.source.look_through(lens)
        service = lens.service if lens is not None else before.service if before is not None else None
        self._desk.look(lens=lens, service=service or self._desk.viewpoint.service)

    def follow(self, identity: Hashable) -> None:
        """Keep a process in the first row, or let it go."""
        chosen = cast("tuple[int, float] | None", identity)
        if chosen is None:
            self._desk.say("choose a process first: 6, then the arrows")
        elif self._desk.viewpoint.followed != chosen and self._ended(chosen, self._desk.latest):
            self._desk.say(f"process {chosen[0]} has ended: choose another")
        elif self._desk.viewpoint.followed == chosen:
            self._desk.source.watch(frozenset())
            self._desk.look(followed=None)
            self._desk.say(f"{chosen[0]} is no longer followed")
        else:
            self._desk.source.watch(frozenset((chosen[0],)))
            self._desk.look(followed=chosen)
            self._desk.say(f"following {chosen[0]} (F to stop)")

    def lose_ended(self, snapshot: Snapshot) -> None:
        """Let a followed process go that has ended."""
        followed = self._desk.viewpoint.followed
        if followed is not None and self._ended(followed, snapshot):
            self._desk.source.watch(frozenset())
            self._desk.look(followed=None)
            self._desk.say(f"process {followed[0]} has ended: it is no longer followed")

    @staticmethod
    def _ended(identity: tuple[int, float], snapshot: Snapshot | None) -> bool:
        """Whether a process that was seen is seen no more; not known while none are read."""
        found = snapshot.processes if snapshot is not None else None
        return found is not None and all(process.identity != identity for process in found)

    def _hidden(self, panel: PanelName) -> bool:
        shows = getattr(self._desk.screen, "shows", None)
        return shows is not None and not shows(panel)
