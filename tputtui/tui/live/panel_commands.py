"""v, and what the config says of panels: which of them the live screen has, and the metric with a panel of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Snapshot
from tputtui.settings import ViewSettings

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp

USUAL = ""
"""The arrangement of the config's first table has no name."""


class PanelCommands:
    """Goes from one arrangement to the next; the first one holds from the start."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk
        usual = ViewSettings(desk.settings.panels, desk.settings.chart, desk.settings.window_s)
        self._views = {USUAL: usual, **desk.settings.views}
        self._name = USUAL
        self._chart = usual.chart  # still to be put on the screen: its target may not be known yet
        desk.viewpoint = replace(desk.viewpoint, panels=frozenset(usual.panels))

    def saw(self, snapshot: Snapshot) -> None:
        """Chart what is wanted, as soon as the target is there that has it."""
        if not self._chart or not snapshot.ready:
            return
        target, _, family = self._chart.rpartition("/")
        known = [status.name for status in snapshot.targets]
        shown = chain.from_iterable(s.targets for s in snapshot.services if s.name == self._desk.viewpoint.service)
        found = target if target in known else next(chain(shown, known), None) if not target else None
        wanted, self._chart = self._chart, ""
        if found is None:
            there = f"there are {', '.join(known)}" if known else "there is none"
            self._desk.say(text.clean(f"{wanted} is not charted: no target of that name; {there}", 200))
        elif self._desk.viewpoint.charted != (found, family):
            self._desk.asks.chart(found, family)

    def do_view(self) -> None:
        """v: the next arrangement."""
        if len(self._views) == 1:
            self._desk.say("the config has no [views]: tputtui config init shows how they are written")
            return
        names = list(self._views)
        self._name = names[(names.index(self._name) + 1) % len(names)]
        view = self._views[self._name]
        if self._desk.viewpoint.charted is not None:
            self._desk.asks.do_take_away()
        if view.window_s is not None:
            self._desk.source.set_window(view.window_s)
        self._chart = view.chart
        self._desk.look(panels=frozenset(view.panels), focus=None)
        if self._desk.latest is not None:
            self.saw(self._desk.latest)
        self._desk.say(f"view {text.clean(self._name, 40)}" if self._name else "the usual view")
