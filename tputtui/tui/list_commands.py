"""The keys that act in a list: its cursor, its filter, its order. They act in the list that has the focus."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.shared.frame import PanelName, PanelView

if TYPE_CHECKING:
    from tputtui.tui.live.live_screen import LiveScreen

LISTS: tuple[PanelName, ...] = ("targets", "routes", "processes")
NO_LIST = "no list is shown: 4 targets, 5 routes, 6 processes"
_EVERY_ROW = 5000  # lines: more than a list has


class ListCommands:
    """Changes how the lists of the live screen are looked at. A cursor is a row's key, never its place."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    @property
    def panel(self) -> PanelName | None:
        """The list that arrows move in: the focused one, else the first that is shown; None: none is."""
        focus = self._screen.desk.viewpoint.focus
        order: tuple[PanelName, ...] = ("processes", "routes", "targets")
        if focus in LISTS:
            order = (focus, *order)
        return next((name for name in order if self._screen.shows(name)), None)

    def whole(self, panel: PanelName) -> PanelView | None:
        """The list with every row there is."""
        scene = self._screen.desk.scene()
        if scene is None:
            return None
        return self._screen.view(panel, scene, self._screen.query_one(f"#{panel}").size.width, _EVERY_ROW)

    # ------------------------------------------------------------------------------------------ the cursor

    def move(self, rows: int) -> None:
        """Rows down (or, negative, up)."""
        panel = self.panel
        if panel is None:
            self._screen.desk.say(NO_LIST)
            return
        whole = self.whole(panel)
        order = [key for key in whole.keys if key is not None] if whole is not None else []
        if not order:
            self._screen.desk.say(f"no rows in {panel}")
            return
        state = self._screen.desk.viewpoint.list(panel)
        if state.cursor in order:
            at = max(0, min(len(order) - 1, order.index(state.cursor) + rows))
        else:
            at = 0 if rows > 0 else len(order) - 1
        self.put_cursor(panel, order[at])

    def put_cursor(self, panel: PanelName, key: Hashable) -> None:
        """On a row; a target's service is what the other panels show from then on."""
        desk = self._screen.desk
        desk.keep_list(panel, replace(desk.viewpoint.list(panel), cursor=key))
        changes: dict[str, object] = {"focus": panel}
        if panel == "targets":
            services = desk.latest.services if desk.latest is not None else ()
            owner = next((service.name for service in services if key in service.targets), None)
            changes["service"] = owner
            lens = desk.viewpoint.lens
            if lens is not None and lens.service != owner:
                desk.source.look_through(None)
                changes["lens"] = None
        desk.look(**changes)

    def do_next(self) -> None:
        """n."""
        self.move(1)

    def do_previous(self) -> None:
        """N."""
        self.move(-1)

    # ------------------------------------------------------------------------------------------ the filter

    def do_filter(self) -> None:
        """/: keep the rows that contain a word, while it is typed."""
        desk, panel = self._screen.desk, self.panel
        if panel is None:
            desk.say(NO_LIST)
            return
        before = desk.viewpoint.list(panel)

        def changed(words: str) -> None:
            desk.keep_list(panel, replace(desk.viewpoint.list(panel), filter=words.strip(), top=0))
            desk.look(focus=panel)

        def done(words: str | None) -> None:
            if words is None:
                desk.keep_list(panel, before)
                desk.look()
            else:
                changed(words)

        hint = f"filter {panel}: a word in the row; Enter keeps, Esc gives up"
        self._screen.query_one(Prompt).ask(hint, done, changed)

    def clear_filters(self) -> bool:
        """Whether there was a filter to take away."""
        desk = self._screen.desk
        filtered = [panel for panel in LISTS if desk.viewpoint.list(panel).filter]
        for panel in filtered:
            desk.keep_list(panel, replace(desk.viewpoint.list(panel), filter=""))
        return bool(filtered)

    # ------------------------------------------------------------------------------------------ the order

    def do_sort_left(self) -> None:
        """<."""
        self._sort(-1)

    def do_sort_right(self) -> None:
        """>."""
        self._sort(1)

    def _sort(self, step: int) -> None:
        desk, panel = self._screen.desk, self.panel
        whole = self.whole(panel) if panel is not None else None
        if panel is None or whole is None or not whole.sorts:
            desk.say(NO_LIST)
            return
        at = whole.sorts.index(whole.sort) + step if whole.sort in whole.sorts else 0
        chosen = whole.sorts[at % len(whole.sorts)]
        desk.keep_list(panel, replace(desk.viewpoint.list(panel), sort=chosen, top=0))
        desk.look(focus=panel)

    def do_invert(self) -> None:
        """I."""
        desk, panel = self._screen.desk, self.panel
        if panel is None:
            desk.say(NO_LIST)
            return
        state = desk.viewpoint.list(panel)
        desk.keep_list(panel, replace(state, inverted=not state.inverted, top=0))
        desk.look(focus=panel)
