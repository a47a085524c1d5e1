"""Commands of the lists: cursor, filter, order. They act in the list that has the focus."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live import panels
from tputtui.views.shared.frame import PanelView

if TYPE_CHECKING:
    from tputtui.tui.live.live_screen import LiveScreen

_ALL_ROWS = 5000  # lines: more than a list has


class ListCommands:
    """Commands of the lists of the live screen. A cursor is the key of a row, not its index."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.NEXT: self.next_row,
            CommandId.PREVIOUS: self.previous_row,
            CommandId.FILTER: self.ask_filter,
            CommandId.SORT_LEFT: self.sort_left,
            CommandId.SORT_RIGHT: self.sort_right,
            CommandId.INVERT: self.invert_order,
        }

    @property
    def active_list(self) -> str | None:
        """List that the arrows move in: the focused one, else the lowest shown, if any."""
        focus = self._screen.session.view_state.focus
        lists = panels.list_names()
        order = lists[::-1]
        if focus in lists:
            order = [focus, *order]
        return next((name for name in order if self._screen.is_shown(name)), None)

    def full_view(self, panel: str) -> PanelView | None:
        """Return the list with all its rows."""
        spec, frame = panels.find_panel(panel), self._screen.session.current_frame()
        if spec is None or frame is None:
            return None
        width = self._screen.query_one(f"#{panel}").size.width
        return self._screen.panel_view(spec, frame, width, _ALL_ROWS)

    # ----------------------------------------------------------------------------------- the cursor

    def move(self, rows: int) -> None:
        """Move the cursor by rows, up if negative."""
        panel = self.active_list
        if panel is None:
            self._screen.session.show_status(_no_list_message())
            return
        view = self.full_view(panel)
        order = [key for key in view.row_keys if key is not None] if view is not None else []
        if not order:
            self._screen.session.show_status(f"no rows in {panel}")
            return
        state = self._screen.session.view_state.list_state(panel)
        if state.cursor in order:
            at = max(0, min(len(order) - 1, order.index(state.cursor) + rows))
        else:
            at = 0 if rows > 0 else len(order) - 1
        self.set_cursor(panel, order[at])

    def set_cursor(self, panel: str, key: Hashable) -> None:
        """Put the cursor on a row; the other panels then show the service of a chosen target."""
        session = self._screen.session
        session.save_list_state(panel, replace(session.view_state.list_state(panel), cursor=key))
        changes: dict[str, object] = {"focus": panel}
        if panel == "targets":
            services = session.latest.services if session.latest is not None else ()
            owner = next((service.name for service in services if key in service.targets), None)
            changes["service"] = owner
            service_filter = session.view_state.service_filter
            if service_filter is not None and service_filter.service != owner:
                if session.capabilities.figures is not None:
                    session.capabilities.figures.set_filter(None)
                changes["service_filter"] = None
        session.update_view(**changes)

    def next_row(self) -> None:
        """Move the cursor to the next row that matches."""
        self.move(1)

    def previous_row(self) -> None:
        """Move the cursor to the row before that matches."""
        self.move(-1)

    # ----------------------------------------------------------------------------------- the filter

    def ask_filter(self) -> None:
        """Keep the rows that contain a word, while it is typed."""
        session, panel = self._screen.session, self.active_list
        if panel is None:
            session.show_status(_no_list_message())
            return
        before = session.view_state.list_state(panel)

        def changed(filter_text: str) -> None:
            session.save_list_state(
                panel,
                replace(
                    session.view_state.list_state(panel), filter_text=filter_text.strip(), top=0
                ),
            )
            session.update_view(focus=panel)

        def done(filter_text: str | None) -> None:
            if filter_text is None:
                session.save_list_state(panel, before)
                session.update_view()
            else:
                changed(filter_text)

        hint = f"filter {panel}: a word in the row; Enter keeps, Esc gives up"
        self._screen.query_one(Prompt).ask(hint, done, changed)

    def clear_filters(self) -> bool:
        """Clear the filters; return whether there was one."""
        session = self._screen.session
        filtered = [
            panel
            for panel in panels.list_names()
            if session.view_state.list_state(panel).filter_text
        ]
        for panel in filtered:
            session.save_list_state(
                panel, replace(session.view_state.list_state(panel), filter_text="")
            )
        return bool(filtered)

    # ------------------------------------------------------------------------------------ the order

    def sort_left(self) -> None:
        """Sort by the column to the left."""
        self._sort(-1)

    def sort_right(self) -> None:
        """Sort by the column to the right."""
        self._sort(1)

    def _sort(self, step: int) -> None:
        session, panel = self._screen.session, self.active_list
        view = self.full_view(panel) if panel is not None else None
        if panel is None or view is None or not view.sort_columns:
            session.show_status(_no_list_message())
            return
        at = (
            view.sort_columns.index(view.sort_column) + step
            if view.sort_column in view.sort_columns
            else 0
        )
        chosen = view.sort_columns[at % len(view.sort_columns)]
        session.save_list_state(
            panel, replace(session.view_state.list_state(panel), sort_column=chosen, top=0)
        )
        session.update_view(focus=panel)

    def invert_order(self) -> None:
        """Invert the order of the rows."""
        session, panel = self._screen.session, self.active_list
        if panel is None:
            session.show_status(_no_list_message())
            return
        state = session.view_state.list_state(panel)
        session.save_list_state(panel, replace(state, is_inverted=not state.is_inverted, top=0))
        session.update_view(focus=panel)


def _no_list_message() -> str:
    lists = [
        f"{number} {panel.name}" for number, panel in panels.numbered_panels() if panel.is_list
    ]
    return f"no list is shown: {', '.join(lists)}"
